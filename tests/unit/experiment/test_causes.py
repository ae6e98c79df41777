import pytest

from experiment.causes import causes_figure, causes_table, share
from experiment.diagnosis import KINDS, by_step

NAMES = by_step({}, 1)


def result(**sums):
    """A result whose sums are the same in every step, 0 unless given."""
    return {"seed": 16, "spread": {name: [float(sums.get(name, 0.0))] * 50 for name in NAMES}}


def test_a_share_is_the_mean_over_seeds_that_have_one():
    results = [
        result(narrow_weight=1, weight=4),
        result(narrow_weight=3, weight=4),
        result(narrow_weight=0, weight=0),
    ]
    assert share(results, ["narrow_weight"], ["weight"], 0) == pytest.approx(0.5)
    assert share(results[2:], ["narrow_weight"], ["weight"], 0) is None


def test_a_row_is_a_stretch_of_steps():
    lines = {"GRPO": [result(groups=16, narrow_groups=4, weight=2, narrow_weight=1, narrow_up_wrong=5)]}
    first = causes_table(lines).splitlines()[2]
    assert first == "| GRPO | 1 | 1 to 10 | 25% | 50% | 0% | 100% | 0% | 0% | - |"


def test_the_figure_has_no_line_for_a_method_without_runs():
    lines = {"GRPO": [result(weight=2, narrow_weight=1)]}
    weight, pushed, signs = causes_figure(lines, "E-GRPO").panels.values()
    assert weight == {"GRPO": ([5.0, 15.0, 25.0, 35.0, 45.0], [0.5] * 5)}
    assert pushed == {}
    assert signs == {"GRPO": ([], [])}
    assert len(KINDS) == 4
