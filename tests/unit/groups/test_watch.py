"""Who waits, and for what."""

import asyncio

from reward_service.serve.groups.stores.protocols import GroupKey
from reward_service.serve.groups.waiters import Patience, Watch

KEY = GroupKey("r", "g")


async def never():
    await asyncio.Event().wait()


async def at_once():
    return


def is_closed(seen, _is_fresh):
    return seen == "closed"


def is_lost(seen, is_fresh):
    return seen is None and is_fresh


async def waiting(watch, over=is_closed, wait_s=20.0, gone=never):
    with watch.waiting(KEY) as waiter:
        return await waiter.until(over, Patience(wait_s, gone)), waiter.told


async def test_who_waits_is_told_and_only_of_the_own_group():
    watch = Watch(10)
    task = asyncio.create_task(waiting(watch))
    await asyncio.sleep(0)
    watch.tell(GroupKey("r", "other"), "closed", asked=watch.moment())
    watch.tell(KEY, "open", asked=watch.moment())
    await asyncio.sleep(0)
    assert (KEY in watch, len(watch), task.done()) == (True, 1, False)

    watch.tell(KEY, "closed", asked=watch.moment())
    assert await task == (True, "closed")
    assert (KEY in watch, len(watch), watch.keys()) == (False, 0, [])


async def test_what_was_told_before_the_waiting_began_counts():
    watch = Watch(10)
    with watch.waiting(KEY) as waiter:
        watch.tell(KEY, "closed", asked=watch.moment())

        assert await waiter.until(is_closed, Patience(20.0, never))


async def test_an_old_look_proves_no_loss():
    """Whoever looked before the rollout was stored cannot have seen it."""
    watch = Watch(10)
    asked_before = watch.moment()
    task = asyncio.create_task(waiting(watch, is_lost))
    await asyncio.sleep(0)
    watch.tell(KEY, None, asked=asked_before)
    await asyncio.sleep(0)
    assert not task.done()

    watch.tell(KEY, None, asked=watch.moment())
    assert await task == (True, None)


async def test_waiting_ends_with_the_patience_and_with_the_caller():
    watch = Watch(10)

    assert await waiting(watch, wait_s=0.0) == (False, None)
    assert await waiting(watch, gone=at_once) == (False, None)


async def test_there_is_no_more_room_than_the_limit():
    watch = Watch(1)
    with watch.waiting(KEY) as first, watch.waiting(KEY) as second:
        assert first is not None
        assert second is None


async def test_everybody_is_let_go_at_the_end():
    watch = Watch(10)
    task = asyncio.create_task(waiting(watch))
    await asyncio.sleep(0)
    watch.release()

    assert await task == (False, None)
    with watch.waiting(KEY) as waiter:
        assert waiter is None
