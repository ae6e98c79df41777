"""Budgets."""

import pytest

from reward_service.api.admission import Admission
from reward_service.api.waiting_room import Sender
from reward_service.serve.config import Settings
from reward_service.serve.errors import OverCapacity, QuotaExceeded


def admission(**limits):
    """A door without a room to wait in."""
    return Admission(Settings(max_queue=0, **limits))


def enter(door, key=None, run=None, declared=0):
    return door.enter(Sender(key, run), declared=declared)


def test_one_request_too_many_is_refused_until_one_leaves():
    door = admission(max_requests=2)
    first = enter(door)
    enter(door)

    with pytest.raises(OverCapacity):
        enter(door)
    first.release()

    enter(door)


def test_a_callers_flood_leaves_room_for_others():
    door = admission(max_requests=8, max_requests_per_key=2, max_requests_per_run=1)
    for _ in range(2):
        enter(door, "flood", None, 0)

    with pytest.raises(QuotaExceeded):
        enter(door, "flood", None, 0)

    enter(door, "calm", "a", 0)
    with pytest.raises(QuotaExceeded):
        enter(door, "calm", "a", 0)
    enter(door, "calm", "b", 0)


def test_a_body_that_declares_nothing_takes_as_it_grows():
    door = admission(max_inflight_bytes=2000)
    ticket = enter(door)
    ticket.grow(1500)

    with pytest.raises(OverCapacity):
        enter(door, None, None, 600)
    with pytest.raises(OverCapacity):
        ticket.grow(600)
    ticket.release()

    assert (door.process.requests, door.process.bytes) == (0, 0)


def test_what_was_declared_is_taken_once():
    door = admission(max_inflight_bytes=2000)
    ticket = enter(door, None, None, 1000)
    ticket.grow(600)
    ticket.grow(400)
    assert door.process.bytes == 1000
    ticket.grow(100)
    assert door.process.bytes == 1100
    ticket.release()
    assert door.process.bytes == 0


def test_a_refusal_takes_nothing():
    door = admission(max_requests_per_run=1)
    enter(door, "k", "r", 10)
    with pytest.raises(QuotaExceeded):
        enter(door, "k", "r", 10)

    assert (door.process.requests, door.process.bytes) == (1, 10)


def test_idle_callers_are_forgotten():
    door = admission(max_requests=1)
    for n in range(100):
        enter(door, str(n), None, 0).release()

    assert len(door._budgets) < 10
