"""What the service is told about how far the training is."""

import pytest

from reward_service.trainer.rewards import Step, success_rate


@pytest.mark.parametrize(
    ("counts", "rate"),
    [
        ([], 0.0),
        ([(0, 0)], 0.0),
        ([(0, 8)], 0.0),
        ([(1, 8), (3, 8)], 0.25),
        ([(1, 2), (0, 6)], 0.125),
        ([(4, 4)], 1.0),
    ],
)
def test_the_success_rate_is_the_share_over_all_rollouts_of_the_steps(counts, rate):
    assert success_rate(counts) == rate


@pytest.mark.parametrize(
    ("step", "progress"),
    [
        (Step(0, 4), 0.0),
        (Step(1, 4), 0.25),
        (Step(5, 4), 1.0),
        (Step(1, 4, 0.0), 0.0),
        (Step(1, 4, 0.75), 0.75),
    ],
)
def test_progress_is_the_share_of_the_steps_or_the_success_rate_if_there_is_one(step, progress):
    assert step.progress == progress
