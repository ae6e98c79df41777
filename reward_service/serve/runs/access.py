"""Which runs a caller may use: those that its owner has declared. Administrators, and callers without keys, may use all.

Keys that share an owner share its runs, so a key can be replaced while a training goes on.
"""

from typing import NamedTuple

from reward_service.serve.errors import Forbidden
from reward_service.serve.groups.state import Run


class Access(NamedTuple):
    """What one caller may use."""

    owner: str
    """Owner of the runs that the caller declares; empty for a service without keys."""
    every_run: bool = False
    """Whether the caller may also use the runs of other owners."""

    def check(self, run: Run) -> Run:
        """Return the run.

        Raises:
            Forbidden: it belongs to another owner.
        """
        if self.every_run or run.owner == self.owner:
            return run
        raise Forbidden("the run belongs to another owner: choose another run id, or use a key of its owner")


EVERY_RUN = Access("", every_run=True)
"""Of the service itself."""
