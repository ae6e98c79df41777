"""Stages, and the deadline."""

import asyncio

import pytest

from reward_service.serve.errors import DeadlineExceeded
from reward_service.serve.timings import Timings


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_stage_entered_twice_adds_up():
    clock = Clock()
    timings = Timings(clock=clock)
    for seconds in (1, 2):
        with timings.stage("measure"):
            clock.now += seconds

    assert timings.seconds == {"measure": 3}
    assert timings.total_s() == 3


def test_a_stage_is_not_entered_after_the_deadline():
    clock = Clock()
    timings = Timings(timeout_s=2, clock=clock)
    clock.now += 2

    with pytest.raises(DeadlineExceeded) as refused, timings.stage("reward"):
        pytest.fail("entered")

    assert refused.value.stage == "reward"
    assert timings.remaining_s() == 0


def test_without_a_deadline_time_never_ends():
    assert Timings().remaining_s() is None


async def test_a_remote_stage_is_cut_off_at_the_deadline():
    timings = Timings(timeout_s=0.02, clock=Clock())  # only the wait takes time

    with pytest.raises(DeadlineExceeded) as refused:
        async with timings.remote("state"):
            await asyncio.Event().wait()

    assert refused.value.stage == "state"
    assert timings.seconds == {"state": 0.0}


async def test_without_a_deadline_a_remote_stage_is_not_cut_off():
    timings = Timings()
    async with timings.remote("state"):
        await asyncio.sleep(0)

    assert list(timings.seconds) == ["state"]
