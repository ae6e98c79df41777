"""On what a rollout decides that had to wait for its turn."""

from reward_service.serve.groups.stores.protocols import Snapshot
from reward_service.serve.runs.groups import Company, Glance


def glance(asked, now, group):
    return Glance(asked, Snapshot(now, b"the run", 1, (group,)))


def test_the_first_one_decides_on_what_it_was_admitted_on():
    admitted = glance(1, 5.0, None)

    assert Company().since(admitted) is admitted


def test_the_next_one_decides_on_what_was_left_at_its_own_time():
    assert Company(left=glance(2, 4.0, b"one member")).since(glance(1, 5.0, None)) == glance(
        2, 5.0, b"one member"
    )


def test_what_was_left_before_it_was_admitted_may_be_lost_since():
    admitted = glance(2, 5.0, None)

    assert Company(left=glance(1, 4.0, b"one member")).since(admitted) is admitted
