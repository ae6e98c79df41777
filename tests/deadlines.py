"""Requests whose deadline passes in one stage, however fast the machine is."""

from contextlib import contextmanager

import pytest

from reward_service.api import observe
from reward_service.serve.timings import Timings

REST_S = 0.05


@contextmanager
def late_in(stage):
    """Let each request that arrives meanwhile have a moment left when it enters a stage, and all the time before."""

    class Late(Timings):
        __slots__ = ()

        def stage(self, name):
            if name == stage:
                self.deadline = self.clock() + REST_S
            return super().stage(name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(observe, "Timings", Late)
        yield
