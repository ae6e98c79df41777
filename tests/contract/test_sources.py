"""What every source of signals promises, and what becomes of rollouts whose source breaks a promise.

A source joins by adding how it is made: with the ids of rollouts that it fails for, and of those it never answers for.
"""

import asyncio
import math

import pytest

from entity_index.types import Entity, Question
from reward_service.core.types import Rollout, RolloutStatus, Segment, SegmentKind, Steps
from reward_service.serve.sources.asking import Unscored, ask
from reward_service.serve.sources.null import NullSource
from reward_service.serve.sources.protocol import Failure
from tests.judge import Judge

QUESTION = Question("Who?", ("x",), (Entity("Zanderheim"),))
SHORT_S = 0.01


def null(failing=(), silent=()):
    return NullSource("null", failing=frozenset(failing), silent=frozenset(silent))


@pytest.fixture(params=[null])
def make(request):
    return request.param


def rollout(number, text="Perhaps"):
    return Rollout(str(number), Steps((Segment(SegmentKind.THOUGHT, f"{text} {number}."),)))


ROLLOUTS = [rollout(number) for number in range(3)]


async def values(source, rollouts=ROLLOUTS, timeout_s=None):
    return list(await source.values(QUESTION, rollouts, timeout_s=timeout_s))


async def test_each_rollout_has_one_finite_number_of_its_own(make):
    found = await values(make())

    assert len(set(found)) == 3
    assert all(type(one) is float and math.isfinite(one) for one in found)


async def test_values_come_in_the_order_of_the_rollouts(make):
    assert await values(make(), ROLLOUTS[::-1]) == (await values(make()))[::-1]


async def test_a_value_does_not_depend_on_the_other_rollouts(make):
    alone = [await values(make(), [one]) for one in ROLLOUTS]

    assert [one for (one,) in alone] == await values(make())


async def test_about_no_rollouts_there_is_nothing_to_say(make):
    assert await values(make(), []) == []


async def test_a_failure_of_one_rollout_leaves_the_others_their_values(make):
    first, second, third = await values(make(failing={"1"}))

    assert isinstance(second, Failure)
    assert [first, third] == (await values(make()))[::2]


async def test_a_rollout_that_is_not_answered_in_time_is_a_failure_and_the_others_are_not(make):
    first, second, third = await values(make(silent={"1"}), timeout_s=SHORT_S)

    assert isinstance(second, Failure)
    assert [first, third] == (await values(make()))[::2]


async def test_a_caller_that_leaves_ends_the_work(make):
    before = asyncio.all_tasks()
    asking = asyncio.create_task(values(make(silent={"1"})))
    await asyncio.sleep(0)
    assert not asking.done()

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert asyncio.all_tasks() == before


async def test_a_failure_quotes_no_rollout(make):
    private = [rollout(0, "Quillock"), rollout(1, "Quillock")]

    found = await values(make(failing={"0"}, silent={"1"}), private, timeout_s=SHORT_S)

    assert [type(one) for one in found] == [Failure, Failure]
    assert "Quillock" not in repr(found)


async def test_it_says_which_status_its_failures_have(make):
    assert make().failed_status in {RolloutStatus.JUDGE_FAILED, RolloutStatus.BACKEND_FAILED}
    assert make().name


async def test_asking_adds_each_value_to_the_signals_of_its_rollout(make):
    sent = Rollout("s", ROLLOUTS[0].source, signals={"length": 7.0})
    rollouts = [*ROLLOUTS, sent]

    asked = await ask({"score": make()}, QUESTION, rollouts, timeout_s=None)

    given = await values(make(), rollouts)
    assert [one.rollout.rollout_id for one in asked] == ["0", "1", "2", "s"]
    assert [one.rollout.signals["score"] for one in asked] == given
    assert asked[3].rollout.signals == {"length": 7.0, "score": given[3]}
    assert [one.unscored for one in asked] == [None] * 4


async def test_asking_turns_one_failure_into_one_unscored_rollout(make):
    source = make(failing={"1"})
    asked = await ask({"score": source}, QUESTION, ROLLOUTS, timeout_s=None)

    unscored = asked[1].unscored
    assert [one.unscored for one in asked] == [None, unscored, None]
    assert unscored.status is source.failed_status
    assert unscored.detail.startswith(f"score: {source.name}: ")
    assert ["score" in one.rollout.signals for one in asked] == [True, False, True]


async def dies(rollouts):
    raise RuntimeError(f"cannot judge {rollouts}")


async def is_cancelled_by_another(rollouts):
    raise asyncio.CancelledError


async def gives_up_waiting(rollouts):
    raise TimeoutError


async def never_answers(rollouts):
    await asyncio.Event().wait()


async def loses_one(rollouts):
    return [0.5] * (len(rollouts) - 1)


async def gives_one_too_many(rollouts):
    return [0.5] * (len(rollouts) + 1)


async def gives_nothing(rollouts):
    return None


async def gives_words(rollouts):
    return ["good"] * len(rollouts)


async def gives_no_numbers(rollouts):
    return [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (dies, "it failed with RuntimeError"),
        (is_cancelled_by_another, "its work was cancelled"),
        (gives_up_waiting, "it did not reply in time"),
        (never_answers, "it did not reply in time"),
        (loses_one, "it returned 2 values for 3 rollouts"),
        (gives_one_too_many, "it returned 4 values for 3 rollouts"),
        (gives_nothing, "it failed with TypeError"),
        (gives_words, "it failed with TypeError"),
        (gives_no_numbers, "it returned no finite number"),
    ],
)
async def test_a_source_that_breaks_a_promise_leaves_its_rollouts_unscored_and_none_is_lost(answer, why):
    asked = await ask({"score": Judge(answer)}, QUESTION, ROLLOUTS, timeout_s=SHORT_S)

    unscored = Unscored(RolloutStatus.JUDGE_FAILED, f"score: judge: {why}")
    assert [(one.rollout, one.unscored) for one in asked] == [(one, unscored) for one in ROLLOUTS]


async def test_one_bad_number_leaves_the_others_their_values():
    async def almost(rollouts):
        return [0.25, math.nan, 1]

    asked = await ask({"score": Judge(almost)}, QUESTION, ROLLOUTS, timeout_s=None)

    assert [one.rollout.signals.get("score") for one in asked] == [0.25, None, 1.0]
    assert [one.unscored is None for one in asked] == [True, False, True]


async def test_the_numbers_of_one_source_survive_the_failure_of_another():
    asked = await ask({"score": Judge(dies), "other": null()}, QUESTION, ROLLOUTS, timeout_s=None)

    assert [one.rollout.signals for one in asked] == [{"other": value} for value in await values(null())]
    assert {one.unscored.status for one in asked} == {RolloutStatus.JUDGE_FAILED}


async def test_the_first_source_without_a_number_says_why():
    sources = {"first": null(failing={"0"}), "second": Judge(dies)}

    asked = await ask(sources, QUESTION, ROLLOUTS, timeout_s=None)

    assert [one.unscored.detail.partition(":")[0] for one in asked] == ["first", "second", "second"]


async def test_sources_are_asked_at_the_same_time():
    together = asyncio.Barrier(2)

    async def meets_the_other(rollouts):
        await together.wait()
        return [1.0] * len(rollouts)

    sources = {"one": Judge(meets_the_other), "two": Judge(meets_the_other)}
    async with asyncio.timeout(20):
        asked = await ask(sources, QUESTION, ROLLOUTS, timeout_s=None)

    assert [one.rollout.signals for one in asked] == [{"one": 1.0, "two": 1.0}] * 3


async def test_a_source_is_told_less_time_than_it_has():
    source = Judge()

    for timeout_s in (10.0, None):
        await ask({"score": source}, QUESTION, ROLLOUTS, timeout_s=timeout_s)

    assert source.timeouts_s == [9.0, None]


async def test_a_caller_that_leaves_is_no_failure_of_the_source():
    asking = asyncio.create_task(ask({"score": Judge(never_answers)}, QUESTION, ROLLOUTS, timeout_s=None))
    await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_without_sources_rollouts_come_back_as_they_are():
    asked = await ask({}, QUESTION, ROLLOUTS, timeout_s=None)

    assert [one.rollout for one in asked] == ROLLOUTS
    assert all(one.rollout is sent for one, sent in zip(asked, ROLLOUTS, strict=True))
