"""Which readings of a group end a wait, and what else does."""

import asyncio

from reward_service.serve.groups.stores.protocols import GroupKey
from reward_service.serve.groups.waiters import Waiters, WaitLimit

KEY = GroupKey("r", "g")
LONG_S = 3600.0


async def never():
    await asyncio.Event().wait()


async def at_once():
    return


def is_closed(latest, _is_fresh):
    return latest == "closed"


def is_lost(latest, is_fresh):
    return latest is None and is_fresh


async def waiting(waiters, is_answer=is_closed, wait_s=LONG_S, disconnected=never):
    with waiters.waiting(KEY) as waiter:
        return await waiter.until(is_answer, WaitLimit(wait_s, disconnected)), waiter.latest


async def test_a_waiter_is_notified_of_its_own_group_only():
    waiters = Waiters(10)
    task = asyncio.create_task(waiting(waiters))
    await asyncio.sleep(0)
    waiters.notify(GroupKey("r", "other"), "closed", asked=waiters.moment())
    waiters.notify(KEY, "open", asked=waiters.moment())
    await asyncio.sleep(0)
    assert (KEY in waiters, len(waiters), task.done()) == (True, 1, False)

    waiters.notify(KEY, "closed", asked=waiters.moment())
    assert await task == (True, "closed")
    assert (KEY in waiters, len(waiters), waiters.keys()) == (False, 0, [])


async def test_a_reading_from_before_the_wait_counts():
    waiters = Waiters(10)
    with waiters.waiting(KEY) as waiter:
        waiters.notify(KEY, "closed", asked=waiters.moment())

        assert await waiter.until(is_closed, WaitLimit(LONG_S, never))


async def test_a_reading_asked_for_before_the_rollout_was_stored_proves_no_loss():
    waiters = Waiters(10)
    asked_before = waiters.moment()
    task = asyncio.create_task(waiting(waiters, is_lost))
    await asyncio.sleep(0)
    waiters.notify(KEY, None, asked=asked_before)
    await asyncio.sleep(0)
    assert not task.done()

    waiters.notify(KEY, None, asked=waiters.moment())
    assert await task == (True, None)


async def test_a_wait_ends_at_its_limit_and_when_the_caller_disconnects():
    waiters = Waiters(10)

    assert await waiting(waiters, wait_s=0.0) == (False, None)
    assert await waiting(waiters, disconnected=at_once) == (False, None)


async def test_no_more_requests_wait_than_the_limit():
    waiters = Waiters(1)
    with waiters.waiting(KEY) as first, waiters.waiting(KEY) as second:
        assert first is not None
        assert second is None


async def test_a_release_ends_all_waits_and_allows_no_new_ones():
    waiters = Waiters(10)
    task = asyncio.create_task(waiting(waiters))
    await asyncio.sleep(0)
    waiters.release()

    assert await task == (False, None)
    with waiters.waiting(KEY) as waiter:
        assert waiter is None
