"""What a profile says of itself to people: what it needs, what may not be meant, how it differs, where a file is wrong."""

from math import inf

import pytest

from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.profiles.described import described, differences, known_limits
from reward_service.core.profiles.lines import line_of
from reward_service.core.types import Outcome
from tests.golden.test_methods import EXAMPLES

EXCEEDS = "a wrong rollout can earn more than a correct one"


def adds_up_to(number, when=""):
    return f"base.correct and the weights that a correct rollout is paid add up to {number}, not 1{when}"


@pytest.mark.parametrize(
    ("name", "sends", "needs_progress"),
    [
        ("egrpo", (), False),
        ("egrpo-decay", (), True),
        ("search-r1-format", (), False),
        ("inforeasoner", ("information_gain",), False),
        ("atom-searcher", ("atom",), True),
        ("overlong", ("length",), False),
        ("dagrpo", ("quality",), False),
    ],
)
def test_it_says_what_to_send(name, sends, needs_progress):
    said = described({**shipped(), **EXAMPLES}[name])

    assert (said.sends, said.needs_progress) == (sends, needs_progress)


@pytest.mark.parametrize(
    ("estimator", "sends"), [("opo", ("length",)), ("tree_grpo", ("tree",)), ("raft", ()), ("rloo", ())]
)
def test_an_estimator_may_need_a_field(estimator, sends):
    assert described(parse_profile(f"name: mine\nestimator: {{type: {estimator}}}")).sends == sends


WARNED = {
    "efficiency": (EXCEEDS,),
    **dict.fromkeys(
        ("inforeasoner", "inforeasoner-model", "inforeasoner-strict"), (adds_up_to(1.6), EXCEEDS)
    ),
    "atom-searcher": (EXCEEDS,),
    "atom-searcher-judged": (EXCEEDS,),
    "overlong-verl": (EXCEEDS,),
    "reasoning-sql": (adds_up_to(9), EXCEEDS),
    "rirs": (adds_up_to(2), EXCEEDS),
    "rirs-curriculum": (EXCEEDS,),
    "webleaper": (EXCEEDS,),
    **dict.fromkeys(("cigpo", "density", "g-ra", "igpo", "shaping"), (EXCEEDS,)),
}


def test_weights_that_do_not_add_up_are_named():
    warned = {
        name: one.warnings for name, p in {**shipped(), **EXAMPLES}.items() if (one := described(p)).warnings
    }

    assert warned == WARNED


def test_weights_over_progress_are_added_up_where_they_bend():
    profile = parse_profile(
        "name: mine\nreward: {base: {correct: 0.5}, terms: [{signal: f1, weight: [[0, 0.5], [0.5, 0.25], [1, 0.5]], when: correct}]}"
    )

    assert described(profile).warnings == (adds_up_to(0.75, " at progress 0.5"),)


def test_limits_that_are_not_known_are_null():
    assert known_limits(described(shipped()["inforeasoner"]).bounds[Outcome.WRONG]) == (None, None)
    assert described(shipped()["inforeasoner"]).bounds[Outcome.WRONG] == (-inf, inf)
    assert known_limits(described(shipped()["egrpo"]).bounds[Outcome.WRONG]) == (0.0, 0.3)


def test_two_profiles_differ_in_what_they_compute_alone():
    assert list(differences(shipped()["grpo"], shipped()["grpo"])) == []
    assert list(differences(shipped()["egrpo"], shipped()["carr"])) == [
        ("reward.terms[0].signal", "entity_match", "rubric"),
        ("reward.terms[0].when", "wrong", "correct"),
        ("reward.base.correct", 1.0, 0.7),
        ("estimator.floor", "one_success", None),
        ("reward.terms[0].map[0].clip", None, (0.0, 1.0)),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("about: x\nname: 5", 2),
        ("name: mine\n\nreward:\n  terms:\n    - {signal: x}\n    - signal: y\n      when: never", 7),
        ("name: mine\nreward:\n  terms: [{signal: x, weight: .inf}]", 3),
        ("name: mine\nreward:\n  base:\n    correct: .nan", 4),
        ("name: mine\nreward:\n  terms:\n    - signal: x\n      wieght: 2", 5),
        ("name: mine\nreward:\n  terms: 5", 3),
        ("name: mine\nestimator:\n  type: grpo\n  floor: -1", 4),
        ("name: mine\nreward:\n  terms:\n    - weight: 2", 4),
        ("name: mine\nfilters:\n  - type: mean_range\n    low: .nan", 4),
        ("name: mine\nmeasure:\n  matching:\n    max_edits: 7", 4),
        ("- a list", 1),
        ("", 1),
        ("name: mine\nreward:\n  terms: [{signal: x}, {signal: x}]", 3),
        ("5: x\nname: mine", 1),
    ],
)
def test_an_error_names_its_line(text, line):
    with pytest.raises(ValueError, match=rf"\(line {line}\)$"):
        parse_profile(text)


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("name: mine\nreward: {}", "mine.reward.terms: needs one", 2),
        ("name: mine\nreward:\n  5", "mine.reward.terms[0] must be", 2),
        ("name: mine\nfilters:\n  - type: x", "mine.filters[1].type must be", 2),
    ],
)
def test_a_path_that_the_text_does_not_have_ends_where_the_text_does(text, path, line):
    assert line_of(text, path) == line
