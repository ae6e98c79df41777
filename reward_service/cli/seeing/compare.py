"""Two profiles on the same rollouts, or two files under one profile: what differs, as plain data.

Under two profiles every rollout is its own pair, so differences are exact. Two files are compared on the questions that both
have: the mean difference per question, with its interval at 95 %.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import fsum
from typing import Any

import yaml

from reward_service.cli.seeing.groups import SeenGroup, SeenRollout
from reward_service.core.matching import MatchSpec
from reward_service.core.profiles import Profile, as_yaml, parse_profile
from reward_service.core.summary import ScoredGroup, mean_of, means

MOST_CHANGED = 20
ECHO = "echo"
UNKNOWN = "unmatched"
REASONS = {
    ECHO: "appears in the question or the answer",
    "pasted": "copied with its surroundings from a tool response",
    "listed": "in a list of many names",
    "ungrounded": "in no tool response before",
    "precision": "too many of the names are wrong",
    UNKNOWN: "not a match under its rules",
}
"""Why a profile gives no credit for an entity that another credits."""
PAIRED: Mapping[str, Callable[[SeenRollout, int], float | None]] = {
    "accuracy": lambda one, _: float(one.outcome == "correct"),
    "reward": lambda one, _: one.reward,
    "match_rate": lambda one, entities: (one.matched or 0) / entities if entities else None,
}
"""What two files are compared by, per question."""


def changed(profile: Profile, rules: Sequence[str]) -> Profile:
    """Return a profile with values replaced, each rule `PATH=VALUE`: `reward.terms.0.weight=0.5`.

    Raises:
        ValueError: a path leads nowhere, or the profile cannot be used with the value.
    """
    document = yaml.safe_load(as_yaml(profile))
    for rule in rules:
        path, is_, value = rule.partition("=")
        if not is_:
            raise ValueError(f"{rule!r} is no PATH=VALUE")
        _put(document, path.split("."), yaml.safe_load(value), rule)
    return parse_profile(yaml.safe_dump({**document, "name": f"{profile.name}-set"}, sort_keys=False))


def _put(document: Any, path: Sequence[str], value: Any, rule: str) -> None:
    *way, last = path
    try:
        for step in way:
            document = document[int(step)] if isinstance(document, list) else document[step]
        known = document[int(last)] if isinstance(document, list) else document[last]
    except (KeyError, IndexError, ValueError, TypeError):
        raise ValueError(f"{rule!r}: the profile has no such key") from None
    del known
    document[int(last) if isinstance(document, list) else last] = value


def unguarded(profile: Profile) -> Profile:
    """Return a profile that credits every mention its matcher finds: nothing is masked, and no region earns nothing."""
    off: dict[str, Any] = {"mask_question": False, "mask_answers": False, "grounded": False}
    off |= dict.fromkeys(("pasted_words", "listed_mentions", "precision_floor"))
    matching: MatchSpec = replace(profile.measure.matching, **off)
    return replace(profile, measure=replace(profile.measure, matching=matching))


def compare_profiles(
    first: Sequence[SeenGroup], second: Sequence[SeenGroup], bare: Sequence[SeenGroup]
) -> dict[str, Any]:
    """Say what a second profile changes.

    Args:
        first: groups under the first profile.
        second: the same groups under the second.
        bare: the same groups under the second without its guards.
    """
    pairs = [pair for groups in zip(first, second, strict=True) for pair in _pairs(*groups)]
    return {
        "rollouts": len(pairs),
        "groups": len(first),
        "outcomes_changed": sum(a.outcome != b.outcome for _, a, b in pairs),
        "rewards_changed": sum(a.reward != b.reward for _, a, b in pairs),
        "signs_changed": sum(_flips(a, b) for _, a, b in pairs),
        "signals_gained": sum(b.has_signal and not a.has_signal for a, b in zip(first, second, strict=True)),
        "signals_lost": sum(a.has_signal and not b.has_signal for a, b in zip(first, second, strict=True)),
        "numbers": _beside(first, second),
        "credit": {
            "both": sum(len({*a.named} & {*b.named}) for _, a, b in pairs),
            "only_first": dict(_refused_by(second, first)),
            "only_second": dict(_refused_by(first, second)),
        },
        "exposure": {
            "named": sum(len(one.named) for group in bare for one in group.rollouts),
            "refused": dict(_refused_by(second, bare)),
        },
        "most_changed": _most_changed(pairs),
    }


Pair = tuple[SeenGroup, SeenRollout, SeenRollout]


def _pairs(first: SeenGroup, second: SeenGroup) -> Iterator[Pair]:
    for a, b in zip(first.rollouts, second.rollouts, strict=True):
        yield first, a, b


def _flips(a: SeenRollout, b: SeenRollout) -> bool:
    """Whether an advantage changes its sign."""
    return (a.advantage or 0.0) * (b.advantage or 0.0) < 0


def _refused_by(strict: Sequence[SeenGroup], lenient: Sequence[SeenGroup]) -> Counter[str]:
    """Count the entities that one profile credits and another does not, by the reason of the other."""
    found: Counter[str] = Counter()
    for judge, payer in zip(strict, lenient, strict=True):
        masked = {n for n, name in enumerate(judge.names) if name in judge.masked}
        for mine, theirs in zip(judge.rollouts, payer.rollouts, strict=True):
            reasons = dict(mine.refused)
            found.update(
                ECHO if n in masked else reasons.get(n, UNKNOWN) for n in {*theirs.named} - {*mine.named}
            )
    return found


def _most_changed(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    moved = [(abs((b.advantage or 0.0) - (a.advantage or 0.0)), group, a, b) for group, a, b in pairs]
    moved.sort(key=lambda one: -one[0])
    return [
        {
            "group_id": group.group_id,
            "rollout_id": a.rollout_id,
            "outcomes": [a.outcome, b.outcome],
            "rewards": [a.reward, b.reward],
            "advantages": [a.advantage, b.advantage],
        }
        for distance, group, a, b in moved[:MOST_CHANGED]
        if distance
    ]


def _beside(first: Sequence[ScoredGroup], second: Sequence[ScoredGroup]) -> dict[str, Any]:
    """Return every number of both, side by side."""
    a, b = means(first), means(second)
    return {
        name: [asdict(numbers[name]) if name in numbers else None for numbers in (a, b)]
        for name in dict.fromkeys((*a, *b))
    }


def compare_files(first: Sequence[SeenGroup], second: Sequence[SeenGroup]) -> dict[str, Any]:
    """Say how two files differ: every number of both, and the difference per question, second minus first."""
    a, b = _by_question(first), _by_question(second)
    shared = [question for question in a if question in b]
    return {
        "rollouts": [sum(len(group.rollouts) for group in groups) for groups in (first, second)],
        "groups": [len(first), len(second)],
        "questions": [len(a), len(b)],
        "shared_questions": len(shared),
        "numbers": _beside(first, second),
        "differences": dict(_differences(a, b, shared)),
    }


Question = tuple[str, str]


def _by_question(groups: Sequence[SeenGroup]) -> dict[Question, list[SeenGroup]]:
    found: dict[Question, list[SeenGroup]] = defaultdict(list)
    for group in groups:
        found[group.question_id or "", group.question or group.group_id].append(group)
    return found


def _differences(
    a: Mapping[Question, list[SeenGroup]], b: Mapping[Question, list[SeenGroup]], shared: Sequence[Question]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in PAIRED.items():
        both = [(_mean(a[one], value), _mean(b[one], value)) for one in shared]
        mean = mean_of(
            [[after - before] for before, after in both if before is not None and after is not None]
        )
        if mean is not None:
            yield name, asdict(mean)


def _mean(groups: Sequence[SeenGroup], value: Callable[[SeenRollout, int], float | None]) -> float | None:
    """Return the mean over the rollouts of a question that have a reward; None if there is none."""
    rollouts = [(one, group.entities) for group in groups for one in group.rollouts if one.status == "scored"]
    known = [found for one, entities in rollouts if (found := value(one, entities)) is not None]
    return fsum(known) / len(known) if known else None
