"""Who meets whom."""

import asyncio

import pytest

from reward_service.serve.rendezvous import Overdue, Rendezvous, TakenOver


async def joined(values):
    """Everybody is told who was there."""
    return ["".join(values)] * len(values)


def come(place, key, value, *, size=3, deadline_s=60.0, name=None):
    return asyncio.create_task(place.meet(key, value, size=size, deadline_s=deadline_s, name=name))


async def settled():
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_full_group_is_paid_and_the_next_begins_another():
    place = Rendezvous(joined)

    tasks = [come(place, "k", value) for value in "abcdef"]

    assert await asyncio.gather(*tasks) == ["abc"] * 3 + ["def"] * 3
    assert place.waiting == 0


async def test_other_keys_are_other_groups():
    place = Rendezvous(joined)
    first, second = come(place, "k", "a", size=1), come(place, "l", "b", size=1)

    assert await asyncio.gather(first, second) == ["a", "b"]


async def test_whoever_leaves_gives_up_the_place():
    """A client that retries has left before: it is one member, not two."""
    place = Rendezvous(joined)
    gone = come(place, "k", "a")
    await settled()
    gone.cancel()
    await settled()
    assert place.waiting == 0

    assert await asyncio.gather(*[come(place, "k", value) for value in "abc"]) == ["abc"] * 3


async def test_who_comes_back_under_a_name_takes_the_place_over():
    place = Rendezvous(joined)
    old = come(place, "k", "a", name="0")
    await settled()
    rest = [come(place, "k", value, name=name) for value, name in (("A", "0"), ("b", "1"), ("c", "2"))]

    assert await asyncio.gather(*rest) == ["Abc"] * 3
    with pytest.raises(TakenOver):
        await old


async def test_a_group_that_is_late_is_given_up():
    place = Rendezvous(joined)
    tasks = [come(place, "k", value, deadline_s=0.01) for value in "ab"]

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in outcomes] == [Overdue, Overdue]
    assert place.waiting == 0


async def test_a_member_that_leaves_while_its_group_is_scored_changes_nothing():
    go = asyncio.Event()

    async def slowly(values):
        await go.wait()
        return await joined(values)

    place = Rendezvous(slowly)
    tasks = [come(place, "k", value) for value in "abc"]
    await settled()
    tasks[2].cancel()
    await settled()
    go.set()

    assert await asyncio.gather(*tasks[:2]) == ["abc"] * 2


async def test_a_failure_reaches_everybody():
    async def fails(values):
        raise ValueError("no")

    place = Rendezvous(fails)
    outcomes = await asyncio.gather(*[come(place, "k", value) for value in "abc"], return_exceptions=True)

    assert [str(one) for one in outcomes] == ["no"] * 3
