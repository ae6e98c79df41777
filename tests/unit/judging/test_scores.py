"""Verdicts and numbers of models that score texts: equivalence, information gain, reward models."""

import json
import math
from dataclasses import replace

import pytest

from entity_index.types import Entity, Question
from reward_service.core.judging.asks import Answered, FailureReason, Unanswered, asker_digest
from reward_service.core.judging.kinds import kind_of, retrieved_text
from reward_service.core.judging.replies import UnreadableReply, read_samples, read_score
from reward_service.core.judging.templates import templates
from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.scoring import DEGRADED, conclude, measure_group, plan, reward
from reward_service.core.types import Outcome, RolloutStatus
from tests.unit.judging.test_asking import answering, settled

QUESTION = Question("Where was she born?", ("Lima", "Ciudad de los Reyes"), (Entity("Zanderheim"),))
SAME = shipped()["egrpo-equivalence"]
GAIN = shipped()["inforeasoner-model"]
STRICT = shipped()["inforeasoner-strict"]
THEN_A_JUDGE = """
name: then-a-judge
measure: {checker: cascade, cascade: {accept: equal, judge: answer}}
askers:
  - {name: same, template: equivalence-v1, model: equivalence, accept_from: 0.9, reject_below: 0.2}
  - {name: answer, template: grade-v1, after: same}
"""
SCORED = """
name: scored
askers: [{name: quality, template: %s, model: rm}]
reward: {terms: [{signal: quality, weight: 0.5}]}
"""


def score(value, **more):
    return Answered({"score": value}, "tiny", "sha256:0", **more)


def by_answer(scores):
    """Answers an ask with the score of its first text."""
    return lambda ask: score(scores[ask.said["first"]])


@pytest.mark.parametrize(("best", "outcome"), [(0.5, Outcome.CORRECT), (0.49, Outcome.WRONG)])
def test_a_model_decides_what_strings_do_not_by_the_best_gold_answer(best, outcome):
    planned = plan([answering("0", "Lima"), answering("1", "Peru's capital")], QUESTION, SAME)
    asks = list(planned.pending({}).values())

    assert [ask.said for ask in asks] == [
        {"first": "Peru's capital", "second": "Lima Where was she born?"},
        {"first": "Peru's capital", "second": "Ciudad de los Reyes Where was she born?"},
    ]
    given = iter([score(0.1), score(best)])
    facts = settled(planned, lambda _: next(given))
    assert [one.outcome for one in facts] == [Outcome.CORRECT, outcome]
    assert [one.value for one in facts[1].judgements] == [{"score": 0.1}, {"score": best}]


def test_a_model_that_fails_is_a_backend_that_failed_and_never_a_wrong_answer():
    planned = plan([answering("0", "Cusco")], QUESTION, SAME)

    [failed] = settled(planned, lambda _: Unanswered(FailureReason.TOO_LONG))
    [unserved] = conclude(planned, {})

    assert (failed.status, failed.outcome, failed.detail) == ("backend_failed", None, "same: too_long")
    assert (unserved.status, unserved.detail) == ("backend_failed", "same: unserved")
    assert reward([failed], SAME).rollouts[0].reward is None


def test_a_score_of_a_smaller_batch_is_flagged():
    planned = plan([answering("0", "Cusco")], QUESTION, SAME)

    assert DEGRADED in settled(planned, lambda _: score(0.9, degraded=True))[0].flags
    assert DEGRADED not in settled(planned, lambda _: score(0.9))[0].flags


@pytest.mark.parametrize(
    ("value", "asked", "outcome"),
    [(0.95, 0, Outcome.CORRECT), (0.1, 0, Outcome.WRONG), (0.5, 1, Outcome.CORRECT)],
)
def test_a_judge_decides_where_the_model_is_unsure(value, asked, outcome):
    judged = []

    def answer(ask):
        if ask.asker.name == "same":
            return score(value)
        judged.append(ask)
        return Answered("correct", "judge", "sha256:0")

    [one] = settled(plan([answering("0", "Cusco")], QUESTION, parse_profile(THEN_A_JUDGE)), answer)

    assert (len(judged), one.outcome) == (asked, outcome)


def test_nobody_decides_where_the_model_is_unsure_and_no_judge_comes_after_it():
    unsure = replace(SAME, askers=(replace(SAME.askers[0], accept_from=0.9, reject_below=0.2),))

    [one] = settled(plan([answering("0", "Cusco")], QUESTION, unsure), lambda _: score(0.5))

    assert one.outcome is Outcome.WRONG


def test_the_judge_is_not_asked_if_the_model_fails():
    planned = plan([answering("0", "Cusco")], QUESTION, parse_profile(THEN_A_JUDGE))

    [one] = settled(planned, lambda _: Unanswered(FailureReason.TIMEOUT))

    assert (one.status, one.detail) == (RolloutStatus.BACKEND_FAILED, "same: timeout")


def drawn(with_pages, without):
    """Answers asks for samples by whether they have pages, and entailment by a table of pairs."""

    def answer(entails):
        def answered(ask):
            if ask.asker.name == "drawn":
                return Answered(with_pages if ask.said["pages"] else without, "sampler", "sha256:0")
            pair = tuple(text.removeprefix("Where was she born? ") for text in ask.said.values())
            return score(entails.get(pair, 0.0))

        return answered

    return answer


ENTAILS = {("Lima", "Lima"): 1.0, ("Lima, Peru", "Lima"): 0.9, ("Lima", "a place"): 0.8}


def gained(profile, samples, *, responses=("She was born in Lima.",)):
    planned = plan([answering("0", "Lima", responses=responses)], QUESTION, profile)
    return settled(planned, samples(ENTAILS))[0]


def test_the_gain_is_what_the_pages_add_to_the_entailment_of_a_gold_answer():
    one = gained(GAIN, drawn({"Lima": 0.75, "Cusco": 0.25}, {"Cusco": 0.5, "Lima, Peru": 0.5}))

    assert one.signals["information_gain"] == 0.75 - 0.5 * 0.9
    assert reward([one], GAIN).rollouts[0].reward == 1 + 0.6 * one.signals["information_gain"]
    assert one.judgements[0].value == {"S1": 0.75, "S2": 0.25}


def test_a_vague_answer_gains_in_both_directions_and_nothing_forward():
    vague = drawn({"a place": 1.0}, {"Cusco": 1.0})

    assert gained(GAIN, vague).signals["information_gain"] == 0.8
    assert gained(STRICT, vague).signals["information_gain"] == 0.0


def test_without_pages_nothing_is_drawn_and_the_gain_is_nothing():
    planned = plan([answering("0", "Lima")], QUESTION, GAIN)

    assert planned.pending({}) == {}
    assert conclude(planned, {})[0].signals == {"information_gain": 0.0}


def test_samples_that_fail_are_a_backend_that_failed():
    one = settled(
        plan([answering("0", "Lima", responses=("Lima",))], QUESTION, GAIN),
        lambda _: Unanswered(FailureReason.TIMEOUT),
    )[0]

    assert (one.status, one.detail) == (RolloutStatus.BACKEND_FAILED, "drawn: timeout")


def test_equal_pairs_of_texts_are_one_ask():
    both = drawn({"Lima": 1.0}, {"Lima": 1.0})
    planned = plan([answering(str(n), "Lima", responses=("Lima",)) for n in range(4)], QUESTION, GAIN)
    answer = both(ENTAILS)
    samples = {key: answer(ask) for key, ask in planned.pending({}).items()}

    assert len(samples) == 2
    assert len(planned.pending(samples)) == 2 * len(QUESTION.answers) - 1


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("score-v1", {"first": "Where was she born?", "second": "Cusco"}),
        ("score-text-v1", {"first": "Where was she born?\n\nCusco"}),
    ],
)
def test_a_reward_model_gives_its_own_number(template, texts):
    profile = parse_profile(SCORED % template)
    planned = plan([answering("0", "Cusco")], QUESTION, profile)
    [ask] = planned.pending({}).values()

    assert ask.said == texts
    assert kind_of(ask.asker).is_raw
    [one] = settled(planned, lambda _: score(-2.5))
    assert one.signals == {"quality": -2.5}
    assert kind_of(ask.asker).schema(ask.said) == {}


def test_thresholds_and_directions_ask_nothing_else_and_labels_and_samples_do():
    asker = GAIN.askers[1]

    assert asker_digest(replace(asker, directions="forward", accept_from=0.9)) == asker_digest(asker)
    assert asker_digest(replace(asker, label="ENTAILS")) != asker_digest(asker)
    assert asker_digest(replace(asker, samples=4)) != asker_digest(asker)


def test_samples_weigh_what_their_tokens_say_and_equal_ones_are_one():
    found = read_samples(json.dumps([[" Lima ", -0.5], ["Lima", -0.5], ["Cusco", -0.5 + math.log(2)]]), {})

    assert found == pytest.approx({"Lima": 0.5, "Cusco": 0.5})
    assert read_samples('[["Lima", -900.0], ["Cusco", -900.0]]', {}) == {"Lima": 0.5, "Cusco": 0.5}


@pytest.mark.parametrize("reply", ["[]", "[[null, -0.5]]", '[["Lima", null]]', '[["Lima", -Infinity]]'])
def test_samples_without_text_or_log_probability_are_unreadable(reply):
    with pytest.raises(UnreadableReply):
        read_samples(reply, {})


def test_a_score_is_kept_to_the_bit():
    assert read_score("0.30000000000000004", {}) == {"score": 0.1 + 0.2}


@pytest.mark.parametrize("reply", ["NaN", "Infinity", "null", '"0.5"', "1"])
def test_a_score_that_is_no_finite_number_is_unreadable(reply):
    with pytest.raises(UnreadableReply):
        read_score(reply, {})


def test_retrieved_text_is_cut_at_a_number_of_words():
    assert len(retrieved_text(["a b"] * 4000).split()) == 4096


def test_the_profiles_measure_nothing_without_answers():
    [one] = measure_group([answering("0", None)], QUESTION, GAIN)

    assert one.signals == {"information_gain": 0.0}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "{name: drawn, template: entailment-v1, after: x}",
            "after must be the name of an asker for samples",
        ),
        ("{name: drawn, template: entailment-v1}", "after must be the name of an asker for samples"),
        ("{name: drawn, template: grade-v1, after: x}", "after must be the name of an asker for equivalence"),
        (
            "{name: drawn, template: score-v1, after: x}",
            "after is only for askers for support, gain, verdict",
        ),
        ("{name: drawn, template: score-v1, directions: back}", "directions must be one of both, forward"),
        ("{name: drawn, template: score-v1, samples: 0}", r"samples must be in \[1, 64\]"),
        ("{name: drawn, template: score-v1, accept_from: 2}", r"accept_from must be in \[0, 1\]"),
        ("{name: drawn, template: score-v1, reject_below: 0.6}", r"reject_below must be in \[0, 0.5\]"),
    ],
)
def test_an_asker_that_cannot_work_is_refused(change, why):
    with pytest.raises(ValueError, match=why):
        parse_profile(f"name: p\naskers: [{change}]\nreward: {{terms: [{{signal: drawn}}]}}\n")


def test_templates_for_models_have_texts_and_no_prompt():
    for one in templates().values():
        assert bool(one.first) is not bool(one.system)
