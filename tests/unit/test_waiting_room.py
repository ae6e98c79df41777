"""What does not fit waits its turn, and is refused only where waiting is pointless."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from reward_service.api.admission import PACE_OF, Admission, Ticket
from reward_service.api.guard import AdmissionGuard
from reward_service.api.metrics import Metrics
from reward_service.api.record import Record
from reward_service.api.waiting_room import Queued, Sender
from reward_service.serve.config import Settings
from reward_service.serve.errors import OverCapacity, QuotaExceeded
from reward_service.serve.timings import Timings


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def door(clock=None, **limits):
    return Admission(Settings(**limits), clock=clock or Clock())


def enter(admission, owner=None, run=None, declared=0, **more):
    return admission.enter(Sender(owner, run), declared=declared, **more)


def depart(clock, running, waiting, *, every_s):
    """Let one request after the other leave, so that each that waits is served; return the last of them."""
    for place in waiting:
        clock.now += every_s
        running.release()
        running = place.got
    return running


def served_order(admission, waiting, running):
    """Let one request after the other leave, and return who was served, in that order."""
    order = []
    while running:
        running.pop(0).release()
        for name, place in list(waiting.items()):
            if place.got is not None:
                order.append(name)
                running.append(waiting.pop(name).got)
    return order


def test_one_request_too_many_waits_until_one_leaves():
    admission = door(max_requests=1)
    first, second = enter(admission), enter(admission)

    assert (type(first), type(second), second.got) == (Ticket, Queued, None)
    first.release()

    assert isinstance(second.got, Ticket)
    assert (admission.process.requests, admission.room.places) == (1, 0)


async def test_who_waits_is_told_when_it_is_its_turn():
    admission = door(max_requests=1)
    first, place = enter(admission), enter(admission)
    waiting = asyncio.create_task(admission.wait(place, patience_s=60))
    await asyncio.sleep(0)

    first.release()

    assert await waiting is place.got


def test_owners_are_served_in_turn_and_then_their_runs():
    admission = door(max_requests=1)
    running = [enter(admission, "z")]
    names = ["a1 a", "a1 b", "a1 c", "a2 d", "b1 e", "b1 f", "c1 g"]
    waiting = {name: enter(admission, name[0], name[:2]) for name in names}

    assert served_order(admission, waiting, running) == [
        *("a1 a", "b1 e", "c1 g"),
        *("a2 d", "b1 f", "a1 b", "a1 c"),
    ]


def test_more_names_of_runs_give_no_larger_share():
    admission = door(max_requests=1)
    running = [enter(admission, "z")]
    flood = {f"flood {n}": enter(admission, "flood", str(n)) for n in range(20)}
    calm = {f"calm {n}": enter(admission, "calm", "r") for n in range(3)}

    order = served_order(admission, flood | calm, running)

    assert [name for name in order[:6] if name.startswith("calm")] == ["calm 0", "calm 1", "calm 2"]


def test_a_share_that_is_taken_up_holds_up_nobody_else():
    admission = door(max_requests=3, max_requests_per_key=1)
    enter(admission, "flood")
    blocked = [enter(admission, "flood") for _ in range(3)]

    assert isinstance(enter(admission, "calm"), Ticket)
    assert [place.got for place in blocked] == [None] * 3


def test_runs_of_one_name_under_two_keys_have_a_share_each():
    admission = door(max_requests_per_run=1)

    assert isinstance(enter(admission, "a", "train"), Ticket)
    assert isinstance(enter(admission, "b", "train"), Ticket)
    assert isinstance(enter(admission, "a", "train"), Queued)


def test_nothing_overtakes_a_large_body():
    admission = door(max_inflight_bytes=2000)
    small = enter(admission, declared=1500)
    large, later = enter(admission, declared=2000), enter(admission, declared=100)
    assert (large.got, later.got) == (None, None)

    small.release()

    assert isinstance(large.got, Ticket)
    assert later.got is None


def test_a_body_that_could_never_fit_is_refused_at_once():
    with pytest.raises(OverCapacity):
        enter(door(max_inflight_bytes=2000), declared=2001)
    with pytest.raises(QuotaExceeded):
        enter(door(max_inflight_bytes_per_run=2000), run="r", declared=2001)


def test_a_full_room_refuses():
    admission = door(max_requests=1, max_queue=2)
    enter(admission)
    enter(admission), enter(admission)

    with pytest.raises(OverCapacity) as refused:
        enter(admission)

    assert refused.value.retry_after_s == 1
    assert admission.room.places == 2


def test_a_room_full_of_bytes_refuses_and_lets_the_small_in():
    admission = door(max_requests=1, max_queue_bytes=1000)
    enter(admission)
    enter(admission, size=900)

    with pytest.raises(OverCapacity):
        enter(admission, size=200)

    assert isinstance(enter(admission, size=100), Queued)
    assert admission.room.bytes == 1000


def test_who_would_wait_for_longer_than_its_patience_is_refused_and_told_when_to_come_again(clock):
    admission = door(clock, max_requests=1)
    running, waiting = enter(admission), [enter(admission) for _ in range(200)]
    running = depart(clock, running, waiting[:150], every_s=2.0)
    expected_s = admission.expected_wait_s(Sender())
    assert expected_s == pytest.approx(51 * 2.0, rel=0.01)

    with pytest.raises(OverCapacity) as refused:
        enter(admission, patience_s=60)

    assert refused.value.retry_after_s == pytest.approx(102, abs=1)
    assert isinstance(enter(admission, patience_s=110), Queued)


async def test_a_call_that_could_not_be_answered_in_time_any_more_does_not_wait(clock):
    admission = door(clock, max_requests=1)
    running, waiting = enter(admission), [enter(admission) for _ in range(200)]
    running = depart(clock, running, waiting[:199], every_s=2.0)
    assert admission.expected_service_s() == pytest.approx(2 * 2.0, rel=0.01)

    async def arrives(timeout_s):
        timings = Timings(timeout_s=timeout_s, clock=clock)
        headers = [(b"x-request-timeout-ms", b"1")]
        record = Record("r", "POST", timings, Metrics())
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/match",
            "query_string": b"",
            "headers": headers,
        }
        await AdmissionGuard(never, settings=Settings(), admission=admission)(
            {**scope, "state": {"record": record}}, never, never
        )

    with pytest.raises(OverCapacity):  # two departures before it, two seconds each
        await arrives(7.9)
    waits = asyncio.create_task(arrives(8.1))
    await asyncio.sleep(0)

    assert admission.room.places == 2
    waits.cancel()


def test_a_slow_pace_of_long_ago_turns_no_call_away(clock):
    admission = door(clock, max_requests=1)
    running, waiting = enter(admission), [enter(admission) for _ in range(50)]
    running = depart(clock, running, waiting, every_s=60.0)
    running.release()

    enter(admission)

    assert [type(enter(admission, patience_s=30)) for _ in range(3)] == [Queued] * 3


async def never(*_):
    raise AssertionError("it was let in")


def test_a_caller_with_few_waiting_expects_to_wait_less_than_one_with_many(clock):
    admission = door(clock, max_requests=1)
    running = enter(admission, "z")
    flood = [enter(admission, "flood") for _ in range(50 + PACE_OF)]
    running = depart(clock, running, flood[:PACE_OF], every_s=1.0)

    assert admission.expected_wait_s(Sender("calm")) < admission.expected_wait_s(Sender("flood")) / 10


async def test_patience_that_is_over_is_a_refusal_and_leaves_the_room():
    admission = door(max_requests=1)
    enter(admission)
    place = enter(admission)

    with pytest.raises(OverCapacity):
        await admission.wait(place, patience_s=0)

    assert admission.room.places == 0


async def test_a_caller_who_leaves_while_it_waits_is_served_nothing():
    admission, left = door(max_requests=1), asyncio.get_running_loop().create_future()
    first, place = enter(admission), enter(admission)
    waiting = asyncio.create_task(admission.wait(place, patience_s=60, left=left))
    await asyncio.sleep(0)

    left.set_result(None)
    with pytest.raises(ClientDisconnect):
        await waiting
    first.release()

    assert (admission.process.requests, admission.room.places) == (0, 0)


async def test_who_is_cancelled_when_it_was_just_served_gives_its_place_back():
    admission = door(max_requests=1)
    first, place = enter(admission), enter(admission)
    waiting = asyncio.create_task(admission.wait(place, patience_s=60))
    await asyncio.sleep(0)

    first.release()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert admission.process.requests == 0


async def test_a_call_that_waits_for_a_model_lets_others_in_and_comes_back_first():
    admission = door(max_requests=1)
    judged, model = enter(admission, declared=10), asyncio.Event()

    async def ask():
        async with judged.away():
            await model.wait()

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0)
    other = enter(admission)
    new = enter(admission)
    assert (type(other), type(new)) == (Ticket, Queued)
    assert (admission.process.bytes, admission.room.places) == (10, 2)
    model.set()
    await asyncio.sleep(0)
    assert not asking.done()

    other.release()
    await asking

    assert new.got is None
    judged.release()
    assert isinstance(new.got, Ticket)


async def test_a_call_that_fails_at_its_model_takes_no_place_again():
    admission = door(max_requests=1)
    judged = enter(admission)

    with pytest.raises(ZeroDivisionError):
        async with judged.away():
            raise ZeroDivisionError
    judged.release()

    assert (admission.process.requests, admission.room.places) == (0, 0)


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.integers(0, 1200), st.booleans()), max_size=60
)


@given(steps=STEPS)
def test_no_limit_is_ever_exceeded_and_all_that_leaves_is_given_back(steps):
    admission = door(
        max_requests=3,
        max_requests_per_key=2,
        max_requests_per_run=1,
        max_inflight_bytes=2000,
        max_inflight_bytes_per_key=1500,
        max_inflight_bytes_per_run=1200,
        max_queue=5,
    )
    given = []
    for owner, run, size, leaves in steps:
        try:
            given.append(enter(admission, owner, run, size))
        except (OverCapacity, QuotaExceeded):
            assert admission.room.places == 5
        tickets = [one if isinstance(one, Ticket) else one.got for one in given]
        if leaves and any(tickets):
            next(filter(None, tickets)).release()
        for budget in (admission.process, *admission._budgets.values()):
            assert 0 <= budget.requests <= budget.limits.requests
            assert 0 <= budget.bytes <= budget.limits.bytes
    while admission.process.requests:
        for one in given:
            (ticket := one if isinstance(one, Ticket) else one.got) and ticket.release()

    assert (admission.room.places, admission.room.bytes, admission.process.bytes) == (0, 0, 0)
    assert admission.room.lines == {}
