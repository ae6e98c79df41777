"""Canaries: golden groups whose rewards are known, scored again and again while the service runs.

A replica with a broken build, a changed library or a bad core gives other numbers before anyone notices. So the first groups of the
sample are scored under every shipped profile and compared with `canaries.json`, bit for bit. That file is
written by `reward-service canaries`; it changes only where a change of numbers is meant.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from entity_index.readers.jsonl import to_question
from entity_index.readers.rows import Row, read_rows
from entity_index.types import Question
from reward_service.adapters.records import READERS
from reward_service.adapters.records.groups import gather
from reward_service.adapters.records.lines import lines_of, recipe
from reward_service.core.checkers import CHECKERS
from reward_service.core.judging.asks import Answered, Ask
from reward_service.core.judging.kinds import kind_of
from reward_service.core.judging.replies import CORRECT, INCORRECT, SCORE
from reward_service.core.profiles import MeasureSpec, Profile
from reward_service.core.scoring import MeasurePlan, conclude, plan, reward
from reward_service.core.signals import SIGNALS, signals_of
from reward_service.core.signals.by_turn import FIELDS
from reward_service.core.types import Asker, Defaults, Rollout, RolloutFacts

GROUPS = 6  # all kinds of input, outcome and matching channel occur in them
PROGRESS = 0.5  # for profiles whose weights depend on it
Golden = Mapping[str, Mapping[str, Any]]
"""By profile: its digest, and by group what is published of it."""


def _lines(name: str) -> list[bytes]:
    return resources.files("reward_service.sample").joinpath(name).read_bytes().splitlines()


@cache
def _groups() -> list[tuple[str, Question, Sequence[Rollout]]]:
    questions = {
        row.question.question_id: row.question
        for row in read_rows(_lines("questions.jsonl"), to_question)
        if isinstance(row, Row)
    }
    how = recipe("native", READERS["native"], Defaults(), {})
    rows = (line for row in map(json.loads, _lines("rollouts.jsonl")) for line in lines_of(row, how))
    first = list(gather(rows).items())[:GROUPS]
    return [
        (group_id, questions[lines[0].question_id], [line.rollout for line in lines])
        for (_, group_id), lines in first
    ]


def _measured(measure: MeasureSpec, askers: tuple[Asker, ...]) -> dict[str, list[RolloutFacts]]:
    """Return the facts of the golden groups; what a profile would ask a judge, the checker `cover` answers, and what a model of equivalence, the beginning of its text."""
    plain = Profile("canary", measure=measure, askers=askers)
    return {group_id: _judged(plan(rollouts, question, plain)) for group_id, question, rollouts in _groups()}


def _judged(planned: MeasurePlan) -> list[RolloutFacts]:
    return conclude(planned, {key: _covered(ask) for key, ask in planned.pending({}).items()})


def _covered(ask: Ask) -> Answered:
    if kind_of(ask.asker).is_scored:
        return Answered({SCORE: float(ask.said["second"].startswith(ask.said["first"]))}, "prefix", "")
    golds = Question(ask.said["question"], tuple(json.loads(ask.said["golds"])))
    is_correct = CHECKERS["cover"](ask.said["answer"], golds, 0.0)
    return Answered(CORRECT if is_correct else INCORRECT, "cover", "")


def compute(profile: Profile) -> dict[str, Any]:
    """Return what comes out of the golden groups under a profile."""
    return _published(profile, _measured(profile.measure, profile.askers))


def _published(profile: Profile, measured: Mapping[str, Sequence[RolloutFacts]]) -> dict[str, Any]:
    groups = {}
    for group_id, facts in measured.items():
        sent = [replace(one, **numbers_sent(profile, n, one)) for n, one in enumerate(facts)]
        result = reward(sent, profile, progress=PROGRESS)
        groups[group_id] = {
            "group_max": result.group_max,
            **{name: [getattr(one, name) for one in result.rollouts] for name in compared(profile)},
        }
    return {"digest": profile.digest, "groups": groups}


def compared(profile: Profile) -> tuple[str, ...]:
    """Return the fields of results that are compared under a profile."""
    by_turn = ("turn_rewards", "turn_advantages") if profile.reward.is_by_turn else ()
    return "matched", "reward", "advantage", *by_turn


def numbers_sent(profile: Profile, n: int, facts: RolloutFacts) -> dict[str, Any]:
    """Return what a trainer has to send with rollout n of a golden group under a profile: signals and a length."""
    states = tuple(((n + turn) % 5) / 4 - 1 for turn in range(len(facts.turns)))
    by_turn = [need.name for need in profile.turn_needs if need.name not in FIELDS]
    return {
        "signals": {name: (n % 5) / 4 for name in signals_of(profile.reward) if name not in SIGNALS},
        "length": 4096 * (n + 1),
        "turn_signals": dict.fromkeys(by_turn, states),
    }


def sent_with(profile: Profile) -> dict[str, list[dict[str, Any]]]:
    """Return, for each golden group, what a trainer has to send with its rollouts under a profile."""
    return {
        group_id: [numbers_sent(profile, n, one) for n, one in enumerate(facts)]
        for group_id, facts in _measured(profile.measure, profile.askers).items()
    }


@cache
def golden() -> Golden:
    """Return what should come out."""
    document: Golden = json.loads(
        resources.files("reward_service.api").joinpath("canaries.json").read_bytes()
    )
    return document


def differences(profiles: Mapping[str, Profile], expected: Golden) -> Iterator[str]:
    """Yield where a profile's golden groups come out differently, in a few words each."""
    measured = cache(_measured)  # many profiles measure alike
    for name, wanted in expected.items():
        if name not in profiles:
            yield f"profile {name} is missing"
            continue
        found = _published(profiles[name], measured(profiles[name].measure, profiles[name].askers))
        if found["digest"] != wanted["digest"]:
            yield f"profile {name} has a different digest"
        for group_id, numbers in wanted["groups"].items():
            if json.dumps(found["groups"].get(group_id)) != json.dumps(numbers):
                yield f"profile {name} gives the golden group {group_id} different rewards"


def as_json(profiles: Mapping[str, Profile]) -> str:
    """Return `canaries.json` as it would be written now."""
    return json.dumps({name: compute(profile) for name, profile in profiles.items()}, indent=1) + "\n"
