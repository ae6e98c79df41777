"""Advantages of turns, against numbers from another program."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from reward_service.core.advantages import advantages
from reward_service.core.advantages.turns import (
    bonus,
    difference,
    joint,
    relief,
    separate,
    share,
    standardized_turns,
)
from reward_service.core.types import Estimator

FILE = json.loads((Path(__file__).parent / "cases" / "turns.json").read_text(encoding="utf-8"))
PLAIN = Estimator()


def close(values):
    """Compare with the tolerance the file states; null stays null."""
    tolerance = {"rel": FILE["relative"], "abs": FILE["absolute"]}
    return [value if value is None else pytest.approx(value, **tolerance) for value in values]


def scored(case, key):
    """The values of the scored rollouts."""
    return [value for value, outcome in zip(case[key], case["outcome"], strict=True) if outcome]


def egrpo(case, discount):
    """Return turn rewards and rewards of E-GRPO by turn: integers first, one division."""
    turns, outcomes = scored(case, "turns"), scored(case, "outcome")
    best = max(sum(x or 0 for x in one) for one in turns) or 1
    paid = [
        [(Fraction(3 * (x or 0), 10 * best) if outcome == "wrong" else 0) + last for x, last in zip(one, _last(one, outcome), strict=True)]
        for one, outcome in zip(turns, outcomes, strict=True)
    ]  # fmt: skip
    rewards = [float(sum(one)) for one in paid]
    return joint([[float(x) for x in one] for one in paid], rewards, PLAIN, discount=discount)


def _last(turns, outcome):
    return [0] * (len(turns) - 1) + [int(outcome == "correct")]


def gains(case, low=-1e9, high=1e9):
    found = [difference(turns, at="before") for turns in scored(case, "turns")]
    return [[x if x is None else min(max(x, low), high) for x in one] for one in found]


def of_outcome(case):
    return advantages(scored(case, "reward"), PLAIN)


def igpo(case):
    turns = standardized_turns(gains(case), PLAIN)
    return separate(turns, of_outcome(case), discount=case["discount"])


def cigpo(case):
    turns = standardized_turns(gains(case, -50, 50), PLAIN)
    return separate(turns, of_outcome(case), discount=0.0, weight=0.1 + 0.2 * case["progress"])


def egrpo_separate(case):
    turns = scored(case, "turns")
    best = max(sum(x or 0 for x in one) for one in turns) or 1
    shares = [[None if x is None else x / best for x in one] for one in turns]
    paid = [
        [z if outcome == "wrong" else None for z in one]
        for one, outcome in zip(standardized_turns(shares, PLAIN), scored(case, "outcome"), strict=True)
    ]
    return separate(paid, of_outcome(case), discount=1.0, weight=0.3)


def scaled(rule):
    def rolled(case):
        return [rule(a, turns) for a, turns in zip(of_outcome(case), scored(case, "turns"), strict=True)]

    return rolled


METHODS = {
    "igpo": igpo,
    "cigpo": cigpo,
    "egrpo-turn-joint": lambda case: egrpo(case, 1.0),
    "egrpo-turn-joint-0.9": lambda case: egrpo(case, 0.9),
    "egrpo-turn-separate": egrpo_separate,
    "egrpo-first-mention": scaled(lambda a, turns: bonus(a, turns, unit=0.03, cap=0.1)),
    "cw-grpo": scaled(share),
    "cw-grpo-sharp": scaled(lambda a, turns: share(a, turns, sharpness=3.0)),
    "calibadv": scaled(relief),
}


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: f"{case['method']}-{case['name']}")
def test_a_method_gives_its_turns_these_advantages(case):
    found = METHODS[case["method"]](case)

    assert found == [close(turns) for turns in case["turn_advantage"] if turns is not None]


@pytest.mark.parametrize("case", FILE["shaping"], ids=lambda case: case["name"])
def test_shaping_is_the_difference_of_states_at_both_ends(case):
    assert difference(case["potential"], at="ends", discount=case["discount"]) == close(case["turn_reward"])


def test_a_state_after_each_turn_has_a_known_start():
    assert difference([1.0, None, 3.0, 4.0], at="after", start=0.5) == [0.5, None, None, 1.0]


def test_without_a_use_no_search_turn_is_paid():
    assert share(2.0, [0, 0, 0]) == [0.0, 0.0, 2.0]
