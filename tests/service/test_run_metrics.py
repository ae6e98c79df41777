"""What is counted of groups that arrive one rollout at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from reward_service.serve.errors import StateUnavailable
from tests.builders import thinking
from tests.redis_server import until
from tests.service.test_observability import samples
from tests.service.test_runs import LONG_S, ROLLOUTS, RUN, calling


@pytest.fixture
def run():
    with calling() as caller:
        assert caller.declare()[0] == 201
        yield caller


def counted(run, *names):
    page = samples(run.base)
    return [page.get(name if isinstance(name, tuple) else (name,), 0) for name in names]


def put_as(result):
    return ("put_rollouts_total", result)


def test_how_long_a_group_waits_is_counted_by_how_it_closed(run):
    run.put(ROLLOUTS[0])
    run.clock.advance(40)
    for rollout in ROLLOUTS[1:]:
        run.put(rollout)
    run.put(ROLLOUTS[0], "late")
    run.clock.advance(RUN["deadline_s"] + 1)
    run.get("late")
    run.get("late")

    complete = [("group_wait_seconds_count", "complete"), ("group_wait_seconds_sum", "complete")]
    expired = [("group_wait_seconds_count", "expired"), ("group_wait_seconds_sum", "expired")]
    assert counted(run, *complete, *expired) == [1, 40, 1, RUN["deadline_s"]]


def test_the_overhead_is_that_of_the_rollout_that_closed_its_group(run):
    for rollout in [*ROLLOUTS[:2], *ROLLOUTS, *ROLLOUTS]:
        run.put(rollout)

    count, seconds = counted(run, "group_overhead_seconds_count", "group_overhead_seconds_sum")
    assert count == 1
    assert seconds > 0


def test_open_groups_and_those_who_wait_are_shown(run):
    run.put(ROLLOUTS[0], "other")
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(run.put, rollout, wait_s=LONG_S) for rollout in ROLLOUTS[:2]]
        until(lambda: counted(run, "waiting_polls") == [2], "two wait")
        until(lambda: counted(run, "open_groups") == [2], "two groups are open")
        run.put(ROLLOUTS[2])
        assert [one.result()[0] for one in waiting] == [200, 200]

    until(lambda: counted(run, "waiting_polls", "open_groups") == [0, 1], "one group is open")


def test_a_deleted_run_has_no_open_groups(run):
    run.put(ROLLOUTS[0])
    until(lambda: counted(run, "open_groups") == [1], "a group is open")

    run.http.delete(f"/v1/runs/{run.run_id}")

    until(lambda: counted(run, "open_groups") == [0], "no group is open")


def test_what_becomes_of_rollouts_is_counted(run):
    twin = ROLLOUTS[0] | {"outcome": "wrong"}
    for rollout in [ROLLOUTS[0], ROLLOUTS[0], twin, *ROLLOUTS[1:], twin | {"rollout_id": "9"}]:
        run.put(rollout)
    run.put(ROLLOUTS[0], "closed")
    run.close("closed")
    run.put(ROLLOUTS[1], "closed")
    run.put(ROLLOUTS[1], "closed", attempt=1)
    run.put(ROLLOUTS[1], "closed", attempt=0)

    results = ["taken", "replayed", "rollout-conflict", "group-full", "group-closed", "attempt-superseded"]
    assert counted(run, *map(put_as, results)) == [5, 1, 1, 1, 1, 1]


def test_evaluation_is_counted_apart(run):
    for rollout in [*ROLLOUTS, ROLLOUTS[0] | {"stop_reason": "aborted"}]:
        run.put(rollout, purpose="eval")

    results = [("evaluated_rollouts_total", result) for result in ("correct", "wrong", "aborted")]
    assert counted(run, *results) == [1, 2, 1]
    assert (
        counted(run, put_as("taken"), ("rollouts_total", "scored"), ("groups_total", "complete")) == [0] * 3
    )


def swaps_and_reads(run):
    rows = [("read", "done"), ("swap", "done"), ("swap", "lost")]
    return counted(run, *(("group_store_operation_seconds_count", *sorted(row)) for row in rows))


def test_a_rollout_takes_two_round_trips_to_the_store(run):
    run.app.state.runs.groups.runs_in_use.clear()
    before = swaps_and_reads(run)
    run.put(ROLLOUTS[0])
    first = swaps_and_reads(run)
    run.put(ROLLOUTS[0])
    again = swaps_and_reads(run)

    # The reaper may have read once, too.
    assert [now - then for now, then in zip(first, before, strict=True)] in ([1, 1, 0], [2, 1, 0])
    assert [now - then for now, then in zip(again, first, strict=True)] in ([1, 0, 0], [2, 0, 0])


def test_rollouts_that_come_together_do_not_beat_each_other(run):
    rollouts = [thinking(str(n), f"Quillock {n}", outcome="wrong") for n in range(24)]
    run.run_id = "many"
    run.declare(group_size=24)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(run.put, rollouts))

    assert sorted(status for status, _ in answers) == [200] + [202] * 23
    assert swaps_and_reads(run)[1:] == [24, 0]


def test_operations_of_the_store_are_counted_by_how_they_ended(run, monkeypatch):
    def ends(operation, end):
        return ("group_store_operation_seconds_count", *sorted([operation, end]))

    run.put(ROLLOUTS[0])
    assert counted(run, ends("declare", "done"), ends("swap", "done"), ends("swap", "lost")) == [1, 1, 0]

    inner, troubles = run.store._store, [StateUnavailable("it is away"), None]
    swap = inner.swap

    async def stumbling(key, *args, **more):
        if not troubles:
            return await swap(key, *args, **more)
        if trouble := troubles.pop(0):
            raise trouble
        return await inner.read(key.run_id, [key.group_id])

    monkeypatch.setattr(inner, "swap", stumbling)

    assert run.put(ROLLOUTS[1])[0] == 503
    assert run.put(ROLLOUTS[1])[0] == 202
    assert counted(run, ends("swap", "done"), ends("swap", "lost"), ends("swap", "failed")) == [2, 1, 1]
    assert counted(run, put_as("state-unavailable")) == [1]
