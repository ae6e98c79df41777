"""The latest groups that this process has closed, by run: what the page of a run shows.

It is a window on a run and no record of it: another replica has closed other groups, and a restart forgets them all.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence

from reward_service.core.types import GroupResult
from reward_service.serve.runs.view import GroupView

MOST_RUNS = 16
MOST_GROUPS = 1024
"""Per run; with 16 rollouts each, about 16 MB."""


class RecentGroups:
    """The results of the latest closed groups of the latest runs."""

    def __init__(self) -> None:
        """Begin with none."""
        self._runs: OrderedDict[str, deque[GroupResult]] = OrderedDict()

    def add(self, view: GroupView) -> None:
        """Remember a group that has just closed."""
        run_id = view.key.run_id
        self._runs.setdefault(run_id, deque(maxlen=MOST_GROUPS)).append(view.result)
        self._runs.move_to_end(run_id)
        if len(self._runs) > MOST_RUNS:
            self._runs.popitem(last=False)

    def forget(self, run_id: str) -> None:
        """Forget a run that was deleted."""
        self._runs.pop(run_id, None)

    def of(self, run_id: str) -> Sequence[GroupResult]:
        """Return the groups of a run, the oldest first."""
        return tuple(self._runs.get(run_id, ()))
