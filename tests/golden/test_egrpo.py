"""E-GRPO's golden numbers, over the two functions."""

import pytest

from reward_service.core.advantages import advantages
from reward_service.core.profiles import Profile, shipped
from reward_service.core.scoring import reward
from reward_service.core.types import Estimator, Outcome, PartialPolicy, RolloutFacts, RolloutStatus
from tests.builders import GOLDEN

ESTIMATORS = {
    "grpo_ddof1_eps1e-6": Estimator("grpo", 1, 1e-6),
    "grpo_ddof0_eps1e-6": Estimator("grpo", 0, 1e-6),
    "trl_ddof1_eps1e-4": Estimator("grpo", 1, 1e-4),
    "dr_grpo": Estimator("dr_grpo"),
    "rloo": Estimator("rloo"),
}
approx = pytest.approx


def golden(values):
    """Compare with the tolerance the file states; null stays null."""
    return [value if value is None else approx(value, abs=GOLDEN["tolerance"]) for value in values]


def profile_for(alpha: float) -> Profile:
    return shipped()["egrpo-paper" if alpha else "grpo"]


def facts_of(case) -> list[RolloutFacts]:
    statuses = case.get("status", ["scored"] * len(case["matched"]))
    overlength = "overlength" in case["source"]
    return [
        RolloutFacts(
            str(n),
            RolloutStatus(status),
            outcome=Outcome(outcome) if outcome else None,
            matched=matched,
            entities=case["entities"],
            overlength=overlength and outcome == "error",
        )
        for n, (status, outcome, matched) in enumerate(
            zip(statuses, case["outcome"], case["matched"], strict=True)
        )
    ]


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_golden_group(case, estimator):
    result = reward(facts_of(case), profile_for(case["alpha"]), estimator=ESTIMATORS[estimator])

    expect = case["expect"]
    for field in ("match_rate", "normalized_match_rate", "reward"):
        assert [getattr(one, field) for one in result.rollouts] == golden(expect[field])
    assert [one.advantage for one in result.rollouts] == golden(expect["advantage"][estimator])
    assert all(one.in_baseline for one in result.rollouts)


def test_overlength_votes_but_leaves_the_loss():
    case = next(case for case in GOLDEN["cases"] if case["name"] == "overlength_votes_but_leaves_the_loss")

    result = reward(facts_of(case), profile_for(case["alpha"]))

    assert [one.in_loss for one in result.rollouts] == [True, True, False]


def test_a_masked_member_does_not_vote():
    case = GOLDEN["masked"]

    assert advantages(case["reward"], Estimator("dr_grpo")) == golden(case["expect"]["mean_only"])
    standardised = advantages(case["reward"], Estimator("grpo", ddof=1, epsilon=0.0))
    assert standardised == golden(case["expect"]["mean_and_std_ddof1_eps0"])


def test_the_best_matcher_has_no_vote_while_unscored():
    case = GOLDEN["unscored"]

    result = reward(facts_of(case), profile_for(case["alpha"]), partial=PartialPolicy("survivors"))

    assert result.group_max == case["expect"]["group_max"]
    assert result.status == case["expect"]["group_status"]
    assert [one.reward for one in result.rollouts] == golden(case["expect"]["reward"])
    assert [one.in_baseline for one in result.rollouts] == [False, True, True, True]
