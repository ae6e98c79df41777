"""The latest closed groups are kept within a budget, whatever their size and however many runs there are."""

from reward_service.core.types import GroupResult, GroupStatus, RolloutResult, RolloutStatus
from reward_service.serve.runs.recent import MOST_GROUPS, MOST_RESULTS, RecentGroups

ROLLOUT = RolloutResult("0", RolloutStatus.SCORED, reward=0.3)


def group(rollouts: int, entities: int = 1) -> GroupResult:
    return GroupResult(GroupStatus.COMPLETE, entities, 1, (ROLLOUT,) * rollouts)


def test_a_run_keeps_its_latest_groups_the_oldest_first() -> None:
    recent = RecentGroups()
    for number in range(MOST_GROUPS + 2):
        recent.add("a", group(1, entities=number))

    assert [one.entities for one in recent.of("a")] == list(range(2, MOST_GROUPS + 2))
    assert recent.of("b") == ()


def test_large_groups_make_room_at_the_cost_of_the_run_not_heard_of_for_longest() -> None:
    recent = RecentGroups()
    share = MOST_RESULTS // 4 - 1
    for run_id in ("a", "b", "a", "c", "d"):
        recent.add(run_id, group(share))

    assert {run_id: len(recent.of(run_id)) for run_id in "abcd"} == {"a": 2, "b": 0, "c": 1, "d": 1}


def test_a_forgotten_run_gives_its_room_back() -> None:
    recent = RecentGroups()
    recent.add("a", group(MOST_RESULTS - 1))
    recent.forget("a")
    recent.add("b", group(1))
    recent.add("c", group(MOST_RESULTS - 3))

    assert [len(recent.of(run_id)) for run_id in "abc"] == [0, 1, 1]


def test_runs_of_empty_groups_do_not_add_up() -> None:
    recent = RecentGroups()
    for number in range(MOST_RESULTS + 1):
        recent.add(str(number), group(0))

    assert len(recent.of("0")) == 0
    assert len(recent.of("1")) == 1
