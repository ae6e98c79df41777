"""What a profile says of itself: its formula on one line, and the rewards it can pay."""

from math import inf

import pytest

from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.profiles.bounds import bounds_of, wrong_may_exceed_correct
from reward_service.core.profiles.formula import formula
from reward_service.core.types import Outcome
from tests.golden.test_methods import EXAMPLES

WRONG_MAY_EXCEED = {
    *("atom-searcher", "atom-searcher-judged", "g-ra", "igpo", "rirs", "webleaper"),
    *("inforeasoner", "inforeasoner-model", "inforeasoner-strict"),
}


def one_term(term: str) -> tuple[float, float]:
    """Return the bounds of a wrong rollout's reward under one term."""
    profile = parse_profile(f"name: mine\nreward: {{terms: [{{{term}}}]}}\n")
    return tuple(bounds_of(profile.reward, Outcome.WRONG))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("grpo", "R = [correct]; A = grpo"),
        ("egrpo-paper", "R = [correct] + 0.3 · group_max(entity_match) [wrong]; A = grpo"),
        (
            "egrpo",
            "R = [correct] + 0.3 · group_max(entity_match) [wrong]; A = grpo(floor one_success)",
        ),
        ("carr", "R = 0.7 [correct] + 0.3 · group_max(clip[0, 1](rubric)) [correct]; A = grpo"),
        ("rirs", "R = -0.1 [error] + line[1, 2][10, 1][100, 0] else 0(rank) [completed]; A = grpo"),
        ("webleaper", "R = entity_f [completed]; A = grpo"),
    ],
)
def test_a_formula_fits_on_one_line(name, line):
    assert formula(shipped()[name]) == line


def test_gates_weights_over_progress_and_filters_are_in_the_formula():
    profile = parse_profile("""
name: mine
reward:
  base: {correct: 0}
  terms: [{signal: x, weight: [[0, 0.5], [1, 0]], when: any, gates: [{signal: y, op: ">=", value: 0.25}, {signal: z, op: "<", value: 1, by: group}]}]
estimator: {type: rloo}
filters: [{type: mean_range, low: 0.2}]
""")

    assert formula(profile) == (
        "R = line[0, 0.5][1, 0](p) · x [any] [y >= 0.25] [some z < 1]; A = rloo; weight mean_range(low 0.2)"
    )
    assert formula(parse_profile("name: mine\nreward: {base: {correct: 0}}")) == "R = 0; A = grpo"


def test_it_is_known_under_which_profiles_a_wrong_rollout_can_earn_more():
    found = {name for name, one in shipped().items() if wrong_may_exceed_correct(one.reward)}
    examples = {name for name, one in EXAMPLES.items() if wrong_may_exceed_correct(one.reward)}

    assert found == WRONG_MAY_EXCEED
    assert examples == {
        "cigpo",
        "density",
        "efficiency",
        "overlong-verl",
        "reasoning-sql",
        "rirs-curriculum",
        "shaping",
    }


@pytest.mark.parametrize(
    ("term", "bounds"),
    [
        ("signal: entity_match, weight: 0.3", (0.0, 0.3)),
        ("signal: entity_match, weight: 0.3, when: correct", (0.0, 0.0)),
        ("signal: x", (-inf, inf)),
        ("signal: x, weight: 0", (0.0, 0.0)),
        ("signal: x, map: [{clip: [1, 2]}]", (1.0, 2.0)),
        ("signal: x, map: [{clip: [1, 2]}], when: unsolved", (0.0, 2.0)),
        ("signal: x, map: [{clip: [1, 2]}], gates: [{signal: y, op: '>', value: 0}]", (0.0, 2.0)),
        ("signal: x, map: [{clip: [1, 2]}], weight: [[0, 1], [1, -1]]", (-2.0, 2.0)),
        ("signal: x, map: [{knots: [[0, 1], [1, 3]], outside: -1}]", (-1.0, 3.0)),
        ("signal: x, map: [{knots: [[0, 1], [1, 3]]}]", (1.0, 3.0)),
        ("signal: x, normalize: group_max", (-inf, 1.0)),
        ("signal: tool_calls, normalize: group_max", (0.0, 1.0)),
        ("signal: x, map: [{clip: [0, 5]}], normalize: group_max_others", (0.0, 5.0)),
        ("signal: entity_match, normalize: group_z", (-inf, inf)),
    ],
)
def test_a_terms_bounds_follow_from_its_words(term, bounds):
    assert one_term(term) == bounds
