import json

import numpy as np
import pytest

from experiment import runs
from experiment.first import METHODS, SEEDS
from experiment.plan import all_runs
from experiment.runs import packed, result_of
from experiment.settings import RESULTS, STOP_EARLY
from experiment.statistics import at_seconds, interval, outcomes, steps_to, verdict

CURVE = {
    "evaluations": [
        {"step": 0, "accuracy": 0.0, "cpu_s": 0.0, "correct": packed("0" * 8)},
        {"step": 5, "accuracy": 0.125, "cpu_s": 10.0, "correct": packed("00010000")},
        {"step": 10, "accuracy": 0.25, "cpu_s": 20.0, "correct": packed("01010000")},
    ]
}


def test_outcomes_come_back_as_they_were_packed():
    assert outcomes(CURVE).tolist() == [0, 1, 0, 1, 0, 0, 0, 0]
    assert outcomes(CURVE, 0).tolist() == [0] * 8


def test_steps_and_seconds_are_read_from_the_curve():
    assert steps_to(CURVE, 0.1) == 5
    assert steps_to(CURVE, 0.3) is None
    assert at_seconds(CURVE, 15.0) == pytest.approx(0.1875)
    assert at_seconds(CURVE, 99.0) == 0.25


def test_an_interval_holds_the_mean_and_is_the_same_each_time():
    rng = np.random.default_rng(1)
    rows = [rng.integers(2, size=200).astype(float) for _ in range(4)]
    mean, low, high = interval(rows)
    assert low < mean < high
    assert mean == pytest.approx(np.mean(rows))
    assert (mean, low, high) == interval(rows)


def test_seeds_that_differ_widen_the_interval():
    alike = [np.array([0.0, 1.0] * 100) for _ in range(4)]
    apart = [np.full(200, float(n % 2)) for n in range(4)]
    assert interval(apart)[2] - interval(apart)[1] > 2 * (interval(alike)[2] - interval(alike)[1])


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.1, 0.2, "higher"), (-0.2, -0.1, "lower"), (-0.1, 0.1, "tie")]
)
def test_a_tie_is_called_a_tie(low, high, said):
    assert verdict(low, high) == said


def test_the_plan_has_every_run_once_and_whole_seeds_first():
    planned = all_runs()
    assert len({run.name for run in planned}) == len({run.digest for run in planned}) == len(planned) == 225
    first = planned[: len(METHODS) * len(STOP_EARLY)]
    assert {run.seed for run in first} == {SEEDS[0]}


def test_a_result_of_other_settings_does_not_count(tmp_path, monkeypatch):
    run = all_runs()[0]
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    assert result_of(run) is None
    for digest, counts in ((run.digest, True), ("0" * 12, False)):
        (tmp_path / f"{run.name}.json").write_text(json.dumps({"digest": digest}))
        assert (result_of(run) is not None) == counts


def test_every_committed_result_is_one_of_the_plan():
    known = {run.name for run in all_runs() if result_of(run) is not None}
    assert {path.stem for path in RESULTS.glob("*.json")} == known
