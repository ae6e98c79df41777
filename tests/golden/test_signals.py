"""Values of signals, against numbers from another program."""

import json
from pathlib import Path

import pytest

from entity_index.types import Criterion, Question
from reward_service.core.judging.asks import Answered
from reward_service.core.judging.kinds import kind_of
from reward_service.core.profiles import parse_profile
from reward_service.core.scoring import conclude, plan, reward
from reward_service.core.signals.by_turn import entity_success, success_of
from reward_service.core.signals.cells import value
from reward_service.core.types import (
    Outcome,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    Segment,
    SegmentKind,
    Steps,
)
from tests.golden.test_methods import profile_named

FILE = json.loads((Path(__file__).parent / "cases" / "signals.json").read_text(encoding="utf-8"))


def close(values):
    return [pytest.approx(one, rel=FILE["relative"], abs=FILE["absolute"]) for one in values]


@pytest.mark.parametrize("case", FILE["length"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_long_rollout_is_penalised(case):
    facts = RolloutFacts("0", outcome=Outcome.WRONG, matched=0, length=case["length"])

    [paid] = reward([facts], profile_named(case["profile"])).rollouts

    assert [paid.components["length"], paid.reward] == close([case["value"]] * 2)


def scored(case):
    return [
        (Outcome(outcome), items)
        for outcome, items in zip(case["outcome"], case["items"], strict=True)
        if outcome is not None
    ]


@pytest.mark.parametrize("case", FILE["items"], ids=lambda case: case["name"])
def test_an_item_succeeds_with_the_rollouts_that_hold_it(case):
    rows = scored(case)

    found = success_of([set(items) for _, items in rows], [one is Outcome.CORRECT for one, _ in rows])

    assert list(found) == case["item"]
    assert list(map(value, found.values())) == close(case["success"])


@pytest.mark.parametrize("case", FILE["items"], ids=lambda case: case["name"])
def test_a_turn_that_names_one_entity_is_worth_its_z_score(case):
    worth = dict(zip(case["item"], case["worth"], strict=True))
    group = [
        RolloutFacts(
            str(n),
            outcome=outcome,
            matched=len(items),
            entities=3,
            entity_named=tuple((one,) for one in items),
        )
        for n, (outcome, items) in enumerate(scored(case))
    ]

    for row, (_, items) in zip(entity_success(group), scored(case), strict=True):
        assert list(row) == close([worth[one] for one in items])


def test_a_question_without_entities_has_no_such_signal():
    assert entity_success([RolloutFacts("0", outcome=Outcome.WRONG, matched=0)]) == [None]


def test_the_example_pays_turns_by_their_entities():
    group = [
        RolloutFacts(
            str(n),
            RolloutStatus.SCORED,
            outcome=outcome,
            matched=1,
            entities=2,
            turns=((0,), (1,)),
            entity_named=((n,), ()),
        )
        for n, outcome in enumerate((Outcome.CORRECT, Outcome.WRONG))
    ]

    one, other = reward(group, profile_named("graph-items")).rollouts

    for paid in (one, other):  # the entities' success is the outcome here, so its z-scores are the advantages
        assert paid.turn_advantages == pytest.approx((1.1 * paid.advantage, paid.advantage))
    assert one.advantage > 0 > other.advantage


GRADED = parse_profile(
    """
name: graded
askers: [{name: quality, template: rubric-graded-v1}]
reward: {base: {correct: 0}, terms: [{signal: quality, when: any}]}
"""
)


@pytest.mark.parametrize("case", FILE["rubrics"], ids=lambda case: case["name"])
def test_an_answer_is_worth_the_weighted_share_of_the_rubrics_that_it_meets(case):
    rubrics = tuple(Criterion(f"criterion {n}", float(weight)) for n, weight in enumerate(case["weights"]))
    rollout = Rollout("0", Steps((Segment(SegmentKind.ANSWER, "x"),)))
    planned = plan([rollout], Question("Who?", ("x",), rubrics=rubrics), GRADED)
    [ask] = planned.pending({}).values()
    reply = json.dumps({f"C{n}": degree for n, degree in enumerate(case["degrees"], start=1)})
    said = Answered(kind_of(ask.asker).read(reply, ask.said), "judge", "sha256:0")

    [paid] = reward(conclude(planned, {ask.key: said}), GRADED).rollouts

    assert [paid.reward] == close([case["value"]])
