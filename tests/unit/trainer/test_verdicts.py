from dataclasses import dataclass

import pytest

from reward_service.client import GroupRewards, RolloutReward, StopReason
from reward_service.trainer.data import TrainingQuestion
from reward_service.trainer.options import TrainingOptions
from reward_service.trainer.rewards import Asked
from reward_service.trainer.verdicts import ErrorRates, with_errors


@dataclass(frozen=True)
class Written:
    text: str = "<answer>Lima</answer>"
    stop: StopReason = StopReason.COMPLETED
    length: int | None = 3


def judged(*outcomes, group_id="0-0"):
    asked = Asked(group_id, TrainingQuestion("q", "?"), [Written()] * len(outcomes))
    rollouts = [RolloutReward(str(n), "scored", outcome=outcome) for n, outcome in enumerate(outcomes)]
    return asked, GroupRewards("run", group_id, "complete", tuple(rollouts))


def verdicts(group, rates, *, seed=0):
    asked, checked = group
    (one,) = with_errors([asked], [checked], rates, seed=seed)
    return list(one.verdicts)


def test_without_errors_the_checkers_verdicts_are_sent():
    assert verdicts(judged("correct", "wrong"), ErrorRates()) == ["correct", "wrong"]


def test_with_certain_errors_every_answer_is_misjudged():
    assert verdicts(judged("correct", "wrong"), ErrorRates(1.0, 1.0)) == ["wrong", "correct"]


def test_what_is_no_answer_keeps_its_outcome():
    assert verdicts(judged("error", None), ErrorRates(1.0, 1.0)) == [None, None]


def test_errors_have_their_rates_and_are_the_same_each_time():
    group = judged(*["correct", "wrong"] * 2000)
    rates = ErrorRates(0.45, 0.03)
    found = verdicts(group, rates)
    assert found[0::2].count("wrong") / 2000 == pytest.approx(0.45, abs=0.03)
    assert found[1::2].count("correct") / 2000 == pytest.approx(0.03, abs=0.015)
    assert found == verdicts(group, rates)
    assert found != verdicts(group, rates, seed=1)


@pytest.mark.parametrize("rates", [{"false_rejects": 1.5}, {"false_accepts": -0.1}])
def test_a_rate_is_a_share(rates):
    with pytest.raises(ValueError, match="are shares"):
        TrainingOptions(**rates)
