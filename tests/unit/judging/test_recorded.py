"""Outcomes and signals from recorded judgements: what follows from them, what does not, and what they do not tell."""

import pytest

from reward_service.core.judging.recorded import derive
from reward_service.core.types import Asker, Judgement, Outcome, RolloutFacts

GRADE = Asker("answer", "grade-v1")
THOUGHTS = Asker("thoughts", "thoughts-v1")
RUBRIC = Asker("rubric", "rubric-v1")
SCORE = Asker("score", "score-v1")
SAME = Asker("same", "equivalence-v1", accept_from=0.8, reject_below=0.2)


def said(asker, value, votes=(), key="k"):
    return Judgement(asker.name, key, value, "model", "sha256:0", votes)


def derived(judgements, *, outcome=Outcome.WRONG, signals=None, decides=(), gives=()):
    facts = RolloutFacts("0", outcome=outcome, matched=0, signals=signals or {}, judgements=tuple(judgements))
    return [
        (one.name, one.problem, one.is_known)
        for one in derive(facts, outcome_askers=decides, signal_askers=gives)
    ]


@pytest.mark.parametrize(
    ("outcome", "label", "problem"),
    [
        (Outcome.CORRECT, "correct", None),
        (Outcome.WRONG, "incorrect", None),
        (Outcome.WRONG, "not_attempted", None),
        (Outcome.CORRECT, "incorrect", "the outcome correct does not follow from incorrect"),
        (Outcome.WRONG, "correct", "the outcome wrong does not follow from correct"),
    ],
)
def test_an_outcome_follows_from_the_verdict(outcome, label, problem):
    assert derived([said(GRADE, label)], outcome=outcome, decides=[GRADE]) == [("outcome", problem, True)]


def test_an_outcome_without_a_verdict_is_not_a_judges():
    assert derived([], outcome=Outcome.CORRECT, decides=[GRADE]) == []


@pytest.mark.parametrize(
    ("abstain", "label", "votes", "problem"),
    [
        ("fail", "incorrect", ("incorrect", "incorrect"), None),
        ("fail", "incorrect", ("correct", "incorrect", "incorrect"), None),
        (
            "fail",
            "incorrect",
            ("correct", "correct"),
            "incorrect does not follow from the votes correct, correct",
        ),
        ("fail", "incorrect", ("incorrect",), "incorrect does not follow from the votes incorrect"),
        ("wrong", "incorrect", ("correct",), None),
        (
            "wrong",
            "incorrect",
            ("correct", "correct"),
            "incorrect does not follow from the votes correct, correct",
        ),
    ],
)
def test_a_verdict_follows_from_its_votes(abstain, label, votes, problem):
    asker = Asker("answer", "grade-v1", votes=3, temperature=0.7, abstain=abstain)

    problems = [one for one in derived([said(asker, label, votes)], decides=[asker]) if one[1]]

    assert problems == ([] if problem is None else [("answer", problem, True)])


def test_a_judgement_of_an_asker_that_the_profile_lacks_shows():
    assert derived([said(THOUGHTS, {"T1": 1.0})], decides=[GRADE]) == [
        ("thoughts", "the profile has no asker thoughts", True)
    ]


def test_a_signal_is_computed_again_over_all_its_parts():
    parts = [said(THOUGHTS, {"T1": 1.0, "T2": 0.5}), said(THOUGHTS, {"T3": 0.0}, key="l")]

    assert derived(parts, signals={"thoughts": 0.5}, gives=[THOUGHTS]) == [("thoughts", None, True)]
    assert derived(parts, signals={"thoughts": 0.75}, gives=[THOUGHTS]) == [
        ("thoughts", "the signal thoughts is 0.75 and should be 0.5", True)
    ]


def test_a_score_is_the_signal_itself():
    assert derived([said(SCORE, {"score": -1.5})], signals={"score": -1.5}, gives=[SCORE]) == [
        ("score", None, True)
    ]


def test_a_signal_without_a_judgement_is_0():
    assert derived([], signals={"thoughts": 0.0}, gives=[THOUGHTS]) == [("thoughts", None, True)]
    assert derived([], signals={"rubric": 1.0}, gives=[RUBRIC]) == [
        ("rubric", "the signal rubric is 1.0 and should be 0.0", True)
    ]


def test_weights_of_criteria_are_not_recorded():
    assert derived([said(RUBRIC, {"C1": True})], signals={"rubric": 1.0}, gives=[RUBRIC]) == [
        ("rubric", None, False)
    ]


@pytest.mark.parametrize(("scores", "outcome"), [((0.1, 0.9), Outcome.CORRECT), ((0.1, 0.05), Outcome.WRONG)])
def test_the_best_equivalence_decides(scores, outcome):
    given = [said(SAME, {"score": score}, key=str(n)) for n, score in enumerate(scores)]

    assert derived(given, outcome=outcome, decides=[SAME]) == [("outcome", None, True)]


def test_where_an_equivalence_is_unsure_the_judge_behind_it_decides():
    grade = Asker("answer", "grade-v1", after="same")
    unsure = said(SAME, {"score": 0.5})

    assert derived([unsure, said(grade, "correct")], outcome=Outcome.CORRECT, decides=[SAME, grade]) == [
        ("outcome", None, True)
    ]
