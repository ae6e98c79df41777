"""Piecewise linear functions, clips, and weights over progress."""

import pytest

from reward_service.core.rewards.maps import mapped, piecewise, weight_at
from reward_service.core.types import Map

RANK = ((1.0, 2.0), (10.0, 1.0), (100.0, 0.0))
JUMP = ((0.0, 1.0), (0.25, 1.0), (0.25, 0.0), (1.0, 0.0))


@pytest.mark.parametrize(
    ("x", "y"), [(1, 2.0), (5.5, 1.5), (10, 1.0), (55, 0.5), (100, 0.0), (0, 2.0), (101, 0.0)]
)
def test_a_line_runs_through_its_knots_and_keeps_the_ends(x, y):
    assert piecewise(RANK, x) == y


@pytest.mark.parametrize(("x", "y"), [(0, -1.0), (1, 2.0), (100, 0.0), (100.5, -1.0)])
def test_outside_replaces_both_ends(x, y):
    assert piecewise(RANK, x, outside=-1.0) == y


@pytest.mark.parametrize(("x", "y"), [(0.0, 1.0), (0.25, 1.0), (0.2500001, 0.0), (1.0, 0.0)])
def test_at_a_jump_the_first_value_holds(x, y):
    assert piecewise(JUMP, x) == y


def test_one_knot_is_a_constant():
    assert [piecewise(((3.0, 7.0),), x) for x in (1, 3, 5)] == [7.0, 7.0, 7.0]


def test_maps_apply_one_after_the_other():
    maps = (Map(clip=(0.0, 10.0)), Map(knots=((0.0, 0.0), (10.0, 1.0))))

    assert [mapped(maps, x) for x in (-5, 5, 50)] == [0.0, 0.5, 1.0]
    assert mapped((), 3.5) == 3.5


def test_a_weight_is_a_number_or_follows_progress():
    assert weight_at(0.3, None) == 0.3
    assert weight_at(((0.0, 0.4), (1.0, 0.2)), 0.5) == pytest.approx(0.3)


def test_a_weight_over_progress_needs_progress():
    with pytest.raises(ValueError, match="depends on progress"):
        weight_at(JUMP, None)
