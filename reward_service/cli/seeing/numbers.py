"""What the views Run and Data set show: numbers of all groups together, as plain data."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from entity_index.lint import BY_NAME, LintReport
from reward_service.cli.render import said
from reward_service.cli.seeing.groups import FILTERS, SeenGroup
from reward_service.core.summary import NUMBERS, Mean, means

WATCHED = (
    "accuracy",
    "reward",
    "match_rate/correct",
    "match_rate/wrong",
    "groups_with_signal",
    "valid",
    "no_thoughts",
    "judge/uncovered",
)
"""Numbers whose breaks are marked."""
BEFORE = 5
"""How many steps before a step it is compared with."""
ENTITIES_SHOWN = 200
CLASSES = {
    "never": "named by no rollout",
    "copies": "named only where it earns nothing",
    "wrong": "credited to wrong rollouts only",
    "correct": "credited to correct rollouts only",
    "both": "credited to correct and wrong rollouts",
}
"""By which rollouts an entity is found."""


def mean_out(name: str, mean: Mean) -> dict[str, Any]:
    """Write down a number."""
    return {**asdict(mean), "about": NUMBERS[name].about}


def by_step(groups: Sequence[SeenGroup]) -> dict[str, list[SeenGroup]]:
    """Return groups by step, steps that are numbers in their order; groups without a step are left out."""
    steps: dict[str, list[SeenGroup]] = defaultdict(list)
    for group in groups:
        if group.step is not None:
            steps[group.step].append(group)
    return dict(sorted(steps.items(), key=lambda one: _order(one[0])))


def _order(step: str) -> tuple[float, str]:
    return (float(step), "") if step.isdecimal() else (float("inf"), step)


def steps_out(groups: Sequence[SeenGroup]) -> list[dict[str, Any]]:
    """Write down the numbers of each step, and where one breaks with the steps before it."""
    steps = by_step(groups)
    names, written = list(steps), []
    for n, (step, own) in enumerate(steps.items()):
        before = [group for name in names[max(0, n - BEFORE) : n] for group in steps[name]]
        written.append(
            {
                "step": step,
                "groups": len(own),
                "rollouts": sum(len(group.rollouts) for group in own),
                "numbers": {name: asdict(mean) for name, mean in means(own).items()},
                "breaks": dict(breaks(means(before), means(own))),
            }
        )
    return written


def breaks(before: Mapping[str, Mean], now: Mapping[str, Mean]) -> Iterator[tuple[str, str]]:
    """Yield the watched numbers whose interval lies apart from that of the steps before, with a sentence."""
    for name in WATCHED:
        was, is_ = before.get(name), now.get(name)
        if was is None or is_ is None or None in (was.low, was.high, is_.low, is_.high):
            continue
        assert was.low is not None and was.high is not None and is_.low is not None and is_.high is not None  # noqa: S101, PT018  # for the type checker
        is_apart = is_.low > was.high or is_.high < was.low
        if is_apart and is_.low < is_.high:  # an interval without width is a handful of equal values
            verb = "rose" if is_.value > was.value else "fell"
            yield name, f"{name} {verb} from {was.value:.3f} in the {BEFORE} steps before to {is_.value:.3f}"


def run_out(groups: Sequence[SeenGroup]) -> dict[str, Any]:
    """Write down the view Run."""
    found = means(groups)
    return {
        "rollouts": sum(len(group.rollouts) for group in groups),
        "groups": len(groups),
        "sentences": list(said(groups, found, ())),
        "numbers": {name: mean_out(name, mean) for name, mean in found.items()},
        "steps": steps_out(groups),
        "reasons": _reasons(groups),
        "filters": {name: sum(map(one.holds, groups)) for name, one in FILTERS.items()},
    }


def _reasons(groups: Sequence[SeenGroup]) -> dict[str, int]:
    """Return why rollouts have no reward, the most frequent reason first."""
    why = Counter(
        f"{one.status}: {one.detail or 'no detail'}"
        for group in groups
        for one in group.rollouts
        if one.reward is None
    )
    return dict(why.most_common())


def dataset_out(groups: Sequence[SeenGroup], lint: LintReport | None, *, grounds: bool) -> dict[str, Any]:
    """Write down the view Data set.

    Args:
        groups: what it shows.
        lint: what is wrong with the questions; None where none has entities.
        grounds: whether the profile looks for entities in tool responses.
    """
    rows = [row for n, group in enumerate(groups) for row in _entities(n, group)]
    rows.sort(key=lambda row: (row["found"] / row["of"] if row["of"] else 0.0, row["n"]))
    classes = Counter(row["class"] for row in rows)
    credited = [one for group in groups for one in group.rollouts if one.matched]
    named = sum(one.matched or 0 for one in credited)
    return {
        "questions": len({(group.question_id, group.question) for group in groups}),
        "groups_without_entities": sum(not group.entities for group in groups),
        "classes": {name: {"about": about, "count": classes[name]} for name, about in CLASSES.items()},
        "masked": sum(len(group.masked) for group in groups),
        "unmatchable": sum(len(group.unmatchable) for group in groups),
        "credited": named,
        "grounded": sum(one.grounded for one in credited) if grounds else None,
        "entities": rows[:ENTITIES_SHOWN],
        "entities_in_all": len(rows),
        "lint": None if lint is None else lint_out(lint),
    }


def _entities(n: int, group: SeenGroup) -> Iterator[dict[str, Any]]:
    """Yield a row for every entity of a group that can earn credit."""
    out = {*group.masked, *group.unmatchable}
    for position, name in enumerate(group.names):
        if name in out:
            continue
        found = [one for one in group.rollouts if position in one.named]
        refused = [one for one in group.rollouts if position in dict(one.refused)]
        correct = sum(one.outcome == "correct" for one in found)
        yield {
            "entity": name,
            "n": n,
            "group_id": group.group_id,
            "question": group.question,
            "of": len(group.rollouts),
            "found": len(found),
            "correct": correct,
            "wrong": len(found) - correct,
            "refused": len(refused),
            "class": _class(len(found), correct, len(refused)),
        }


def _class(found: int, correct: int, refused: int) -> str:
    if not found:
        return "copies" if refused else "never"
    return "both" if 0 < correct < found else "correct" if correct else "wrong"


def lint_out(report: LintReport) -> dict[str, Any]:
    """Write down what is wrong with the data set, and what policies that do not search earn on it."""
    return {
        "checks": [
            {
                "name": name,
                "count": hits.count,
                "of": BY_NAME[name].of,
                "share": report.share(name),
                "limit": BY_NAME[name].limit,
                "why": BY_NAME[name].why,
                "examples": hits.examples,
            }
            for name, hits in report.findings.items()
            if hits.count
        ],
        "policies": [{"policy": name, **pay._asdict()} for name, pay in report.policies.items()],
    }
