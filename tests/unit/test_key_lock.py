"""The snapshot that a rollout is added to after it has waited for the lock of its group."""

from reward_service.serve.groups.stores.protocols import Snapshot
from reward_service.serve.runs.groups import GroupSnapshot, KeyLock


def snapshot(asked, now, group):
    return GroupSnapshot(asked, Snapshot(now, b"the run", 1, (group,)))


def test_the_first_rollout_is_added_to_the_group_it_was_admitted_to():
    admitted = snapshot(1, 5.0, None)

    assert KeyLock().newest(admitted) is admitted


def test_the_next_rollout_is_added_to_the_group_as_written_last_at_its_own_time():
    key_lock = KeyLock(last=snapshot(2, 4.0, b"one member"))

    assert key_lock.newest(snapshot(1, 5.0, None)) == snapshot(2, 5.0, b"one member")


def test_a_write_from_before_the_admission_is_not_relied_on():
    admitted = snapshot(2, 5.0, None)

    assert KeyLock(last=snapshot(1, 4.0, b"one member")).newest(admitted) is admitted
