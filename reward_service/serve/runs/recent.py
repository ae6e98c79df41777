"""The latest groups that this process has closed, by run: what the page of a run shows.

It is a window on a run and no record of it: another replica has closed other groups, and a restart forgets them all.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence

from reward_service.core.types import GroupResult

MOST_GROUPS = 1024
"""Of a run."""
MOST_RESULTS = 1 << 16
"""Rollouts, and one for each group, of all runs together: about 64 MB."""


class RecentGroups:
    """The results of the latest closed groups of the latest runs."""

    def __init__(self) -> None:
        """Begin with none."""
        self._runs: OrderedDict[str, deque[GroupResult]] = OrderedDict()
        self._results = 0

    def add(self, run_id: str, result: GroupResult) -> None:
        """Remember a group that has just closed, and forget the oldest of its run, or of the run not heard of for longest."""
        groups = self._runs.setdefault(run_id, deque())
        groups.append(result)
        self._runs.move_to_end(run_id)
        self._results += _size(result)
        if len(groups) > MOST_GROUPS:
            self._drop(run_id)
        while self._results > MOST_RESULTS:
            self._drop(next(iter(self._runs)))

    def forget(self, run_id: str) -> None:
        """Forget a run that was deleted."""
        self._results -= sum(map(_size, self._runs.pop(run_id, ())))

    def of(self, run_id: str) -> Sequence[GroupResult]:
        """Return the groups of a run, the oldest first."""
        return tuple(self._runs.get(run_id, ()))

    def _drop(self, run_id: str) -> None:
        groups = self._runs[run_id]
        self._results -= _size(groups.popleft())
        if not groups:
            del self._runs[run_id]


def _size(result: GroupResult) -> int:
    return 1 + len(result.rollouts)
