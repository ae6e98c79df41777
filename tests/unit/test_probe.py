"""Readiness costs a thread and a command a second, however many ask."""

import asyncio

import pytest

from reward_service.api.readiness import Probe


class Index:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self):
        self.asked, self.may_answer, self.reasons = 0, asyncio.Event(), {}

    async def __call__(self):
        self.asked += 1
        await self.may_answer.wait()
        if isinstance(self.reasons, Exception):
            raise self.reasons
        return self.reasons


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def test_a_flood_asks_once_and_all_get_the_answer(clock):
    index = Index()
    probe = Probe(index, keep_s=1.0, clock=clock)
    asking = [asyncio.create_task(probe.reasons()) for _ in range(500)]
    await asyncio.sleep(0)
    index.may_answer.set()

    assert await asyncio.gather(*asking) == [{}] * 500
    assert index.asked == 1


async def test_an_answer_holds_for_a_while_and_then_it_is_asked_again(clock):
    index = Index()
    index.may_answer.set()
    probe = Probe(index, keep_s=1.0, clock=clock)
    await probe.reasons()
    index.reasons = {"index": "gone"}

    clock.now = 0.9
    assert await probe.reasons() == {}
    clock.now = 1.0
    assert await probe.reasons() == {"index": "gone"}
    assert index.asked == 2


async def test_one_who_leaves_does_not_take_the_answer_from_the_others(clock):
    index = Index()
    probe = Probe(index, keep_s=1.0, clock=clock)
    leaving, staying = (asyncio.create_task(probe.reasons()) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()
    index.may_answer.set()

    assert await staying == {}


async def test_a_bug_is_told_to_all_and_is_asked_about_again(clock):
    index = Index()
    index.may_answer.set()
    index.reasons = ZeroDivisionError()
    probe = Probe(index, keep_s=1.0, clock=clock)
    with pytest.raises(ZeroDivisionError):
        await probe.reasons()
    index.reasons, clock.now = {}, 1.0

    assert await probe.reasons() == {}
