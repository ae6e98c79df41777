"""Signals that sources give, through the scorer: who is asked, when, and what becomes of failures."""

import asyncio

import pytest

from entity_index.types import Entity, Question
from reward_service.core.profiles import Profile
from reward_service.core.types import (
    Outcome,
    PartialPolicy,
    RewardSpec,
    Rollout,
    RolloutStatus,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Term,
)
from reward_service.serve.config import Settings
from reward_service.serve.errors import InvalidRequest, SignalConflict
from reward_service.serve.scorer import GroupCall, Scorer, outcome_only
from reward_service.serve.sources.asking import measured_by
from reward_service.serve.sources.null import NullSource
from reward_service.serve.timings import Timings
from tests.judge import Judge, half

QUESTION = Question("Who?", ("x",), (Entity("Zanderheim"), Entity("Quillock")))
JUDGED = Profile("judged", reward=RewardSpec(terms=(Term("entity_match", 0.25), Term("judged", 0.5))))
PLAIN = Profile("plain", reward=RewardSpec(terms=(Term("entity_match", 0.25),)))


def rollout(rollout_id, text="Perhaps Zanderheim.", **more):
    given = {"outcome": Outcome.WRONG} | more
    return Rollout(rollout_id, Steps((Segment(SegmentKind.THOUGHT, text),)), **given)


def call(*rollouts, group_id="g", question=QUESTION):
    return GroupCall("r", group_id, question, rollouts)


@pytest.fixture
def scorer_with():
    made = []

    def make(source):
        made.append(Scorer(Settings(), sources={"judged": source}))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_the_numbers_of_a_source_are_among_the_signals_that_are_measured(scorer_with):
    sent = rollout("0", signals={"length": 3.0})

    [measured] = await scorer_with(Judge()).measure([call(sent)], JUDGED)

    assert measured.facts[0].signals == {"length": 3.0, "judged": 0.5}
    assert measured.facts[0].status is RolloutStatus.SCORED


async def test_a_group_is_asked_about_once_and_whole(scorer_with):
    source = Judge()

    await scorer_with(source).measure([call(rollout("0"), rollout("1"), rollout("2"))], JUDGED)

    assert source.groups == [["0", "1", "2"]]


async def test_a_source_is_not_asked_where_no_term_of_the_profile_names_its_signal(scorer_with):
    source = Judge()

    [measured] = await scorer_with(source).measure([call(rollout("0"))], PLAIN)

    assert (source.groups, measured.facts[0].signals) == ([], {})


async def test_a_refused_group_is_not_asked_about(scorer_with):
    source = Judge()
    twins = call(rollout("0"), rollout("0"))

    measured = await scorer_with(source).measure([twins, call(rollout("1"))], JUDGED)

    assert source.groups == [["1"]]
    assert [one.error is None for one in measured] == [False, True]


async def test_a_rollout_whose_source_fails_is_unscored_and_the_survivors_are_paid(scorer_with):
    scorer = scorer_with(NullSource("judge", RolloutStatus.JUDGE_FAILED, failing=frozenset({"1"})))
    calls = [call(rollout("0"), rollout("1"), rollout("2"))]

    [scored] = await scorer.score(calls, JUDGED, policy=PartialPolicy("survivors"))

    paid = scored.result.rollouts
    assert [one.status for one in paid] == ["scored", "judge_failed", "scored"]
    assert [one.reward is None for one in paid] == [False, True, False]
    assert [one.in_baseline for one in paid] == [True, False, True]
    assert (paid[1].detail, paid[1].components) == ("judged: judge: it is configured to fail", {})


async def test_what_was_measured_of_an_unscored_rollout_is_kept(scorer_with):
    scorer = scorer_with(NullSource("model", failing=frozenset({"0"})))

    [measured] = await scorer.measure([call(rollout("0"))], JUDGED)

    [facts] = measured.facts
    assert (facts.status, facts.outcome, facts.matched, facts.entities) == ("backend_failed", "wrong", 1, 2)


async def test_a_rollout_that_is_unscored_anyway_keeps_its_own_reason(scorer_with):
    scorer = scorer_with(NullSource("judge", failing=frozenset({"0"})))

    [measured] = await scorer.measure([call(rollout("0", stop_reason=StopReason.ABORTED))], JUDGED)

    assert (measured.facts[0].status, measured.facts[0].detail) == ("aborted", "sampling was aborted")


async def test_a_number_sent_in_place_of_a_sources_refuses_the_group_before_anyone_is_asked(scorer_with):
    source = Judge()
    calls = [call(rollout("0"), rollout("1", signals={"judged": 1.0}))]

    [measured] = await scorer_with(source).measure(calls, JUDGED)

    assert isinstance(measured.error, SignalConflict)
    assert (measured.error.path, source.groups) == ("/groups/0/rollouts/1/signals/judged", [])


async def test_a_number_sent_in_place_of_a_sources_refuses_a_rollout_that_comes_alone(scorer_with):
    scorer = scorer_with(Judge())

    with pytest.raises(InvalidRequest) as refused:
        await scorer.measure_one(QUESTION, rollout("0", signals={"judged": 1.0}), JUDGED, explain=False)

    assert (refused.value.detail, refused.value.path) == (
        "the service gets judged from the source judge: do not send it",
        "/rollout/signals/judged",
    )


async def test_a_sent_number_stays_where_the_profile_does_not_ask_for_the_source(scorer_with):
    sent = rollout("0", signals={"judged": 1.0})

    [measured] = await scorer_with(Judge()).measure([call(sent)], PLAIN)

    assert measured.facts[0].signals == {"judged": 1.0}


async def test_the_groups_of_a_call_are_asked_about_at_the_same_time(scorer_with):
    together = asyncio.Barrier(2)

    async def meets_the_other(rollouts):
        await together.wait()
        return await half(rollouts)

    calls = [call(rollout("0"), group_id="a"), call(rollout("0"), group_id="b")]
    async with asyncio.timeout(20):
        measured = await scorer_with(Judge(meets_the_other)).measure(calls, JUDGED)

    assert [one.facts[0].signals for one in measured] == [{"judged": 0.5}] * 2


async def test_while_a_source_is_waited_for_other_groups_are_measured(scorer_with):
    begun, may_answer = asyncio.Event(), asyncio.Event()

    async def waits(rollouts):
        begun.set()
        await may_answer.wait()
        return await half(rollouts)

    scorer = scorer_with(Judge(waits))
    waiting = asyncio.create_task(scorer.measure([call(rollout("0"))], JUDGED))
    await begun.wait()

    [other] = await scorer.measure([call(rollout("1"))], PLAIN)
    assert not waiting.done()
    may_answer.set()

    assert [other.facts[0].status, (await waiting)[0].facts[0].status] == ["scored", "scored"]


async def test_a_source_is_told_less_time_than_is_left_to_the_call(scorer_with):
    source = Judge()
    timings = Timings(timeout_s=10.0, clock=lambda: 0.0)

    await scorer_with(source).measure([call(rollout("0"))], JUDGED, timings=timings)

    assert source.timeouts_s == [pytest.approx(8.1)]


async def test_after_a_source_that_never_answers_there_is_time_to_measure(scorer_with):
    async def never_answers(rollouts):
        await asyncio.Event().wait()

    timings = Timings(timeout_s=0.01, clock=lambda: 0.0)  # the call's own time stands still

    [measured] = await scorer_with(Judge(never_answers)).measure(
        [call(rollout("0"))], JUDGED, timings=timings
    )

    [facts] = measured.facts
    assert (facts.status, facts.matched) == ("judge_failed", 1)
    assert list(timings.seconds) == ["look_up", "ask", "measure"]


async def test_a_sent_number_and_a_sources_are_measured_side_by_side(scorer_with):
    profile = Profile("both", reward=RewardSpec(terms=(Term("judged", 0.5), Term("sent", 0.5))))
    source = Judge()

    [measured] = await scorer_with(source).measure([call(rollout("0", signals={"sent": 2.0}))], profile)

    assert measured.facts[0].signals == {"sent": 2.0, "judged": 0.5}


async def test_a_caller_that_leaves_stops_the_asking(scorer_with):
    begun = asyncio.Event()

    async def never_answers(rollouts):
        begun.set()
        await asyncio.Event().wait()

    scorer, before = scorer_with(Judge(never_answers)), asyncio.all_tasks()
    asking = asyncio.create_task(scorer.measure([call(rollout("0"))], JUDGED))
    await begun.wait()

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert asyncio.all_tasks() == before


async def test_an_explained_rollout_whose_source_fails_has_evidence_and_no_reward(scorer_with):
    scorer = scorer_with(NullSource("judge", RolloutStatus.JUDGE_FAILED, failing=frozenset({"0"})))

    _, facts, result = await scorer.explain(QUESTION, rollout("0"), JUDGED, best=1)

    assert (result.status, result.reward) == ("judge_failed", None)
    assert [match.form for match in facts.evidence.matches] == ["Zanderheim"]


async def test_evaluation_asks_no_source(scorer_with):
    source = Judge()

    await scorer_with(source).measure([call(rollout("0"))], outcome_only(JUDGED))

    assert source.groups == []


async def test_the_null_source_gives_the_same_numbers_everywhere():
    source = NullSource("judge")

    found = await source.values(QUESTION, [rollout("0"), rollout("1", "Else.")], timeout_s=None)

    assert found == [0.6393329356665898, 0.8994611017501344]


def test_without_sources_a_profile_stays_itself_with_what_it_has_derived():
    assert measured_by(PLAIN, {}) is PLAIN
