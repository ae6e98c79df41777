"""What two profiles, or two files, differ in."""

import pytest

from reward_service import Entity, Outcome, Question, Rollout, Text, measure, shipped
from reward_service.cli.seeing.compare import changed, compare_files, compare_profiles, unguarded
from reward_service.cli.seeing.groups import SeenRollout
from tests.unit.seeing.test_groups import group, rollout


def test_signals_signs_and_rewards_are_counted():
    first = [
        group(rollout(advantage=0.0), rollout(advantage=0.0)),
        group(rollout(advantage=1.0), rollout(advantage=-1.0)),
    ]
    second = [
        group(rollout(reward=0.3, advantage=0.5), rollout(advantage=-0.5)),
        group(rollout(advantage=-1.0), rollout(advantage=1.0)),
    ]

    found = compare_profiles(first, second, second)

    assert (found["signals_gained"], found["signals_lost"]) == (1, 0)
    assert (found["rewards_changed"], found["signs_changed"], found["outcomes_changed"]) == (1, 2, 0)
    assert [one["advantages"] for one in found["most_changed"][:2]] == [[1.0, -1.0], [-1.0, 1.0]]


def test_credit_that_a_profile_refuses_has_its_reason():
    lenient = [group(rollout(named=(0, 1, 2)))]
    strict = [group(rollout(named=(0,), refused=((1, "pasted"),)), masked=("Masked",))]

    found = compare_profiles(lenient, strict, lenient)

    assert found["credit"] == {"both": 1, "only_first": {"pasted": 1, "echo": 1}, "only_second": {}}
    assert found["exposure"] == {"named": 3, "refused": {"pasted": 1, "echo": 1}}


def test_what_only_the_second_matcher_finds_is_unmatched_by_the_first():
    found = compare_profiles([group(rollout())], [group(rollout(named=(0,)))], [group(rollout(named=(0,)))])

    assert found["credit"]["only_second"] == {"unmatched": 1}


def test_files_are_compared_on_the_questions_they_share():
    def file(*correct):
        return [
            group(rollout("correct" if one else "wrong", float(one)), question=str(n))
            for n, one in enumerate(correct)
        ]

    found = compare_files(file(0, 0, 1), [*file(1, 1, 1), group(rollout(), question="another")])

    assert (found["questions"], found["shared_questions"]) == ([3, 4], 3)
    assert found["differences"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["differences"]["accuracy"]["n"] == 3


def test_a_question_without_a_reward_on_one_side_is_in_no_difference():
    found = compare_files([group(SeenRollout("r", "aborted"))], [group(rollout())])

    assert (found["shared_questions"], found["differences"]) == (1, {})


def test_a_value_of_a_profile_is_replaced_and_the_profile_has_another_name():
    profile = changed(shipped()["egrpo"], ["reward.terms.0.weight=0.5", "measure.checker=exact_match"])

    assert (profile.name, profile.reward.terms[0].weight) == ("egrpo-set", 0.5)
    assert profile.measure.checker == "exact_match"


@pytest.mark.parametrize(
    "rule",
    ["reward.terms.9.weight=1", "nothing=1", "reward.terms.0.weight", "name.x=1", "measure.checker=no"],
)
def test_a_rule_that_leads_nowhere_is_refused(rule):
    with pytest.raises(ValueError, match=r"no such key|no PATH=VALUE|checker"):
        changed(shipped()["egrpo"], [rule])


def test_a_profile_without_its_guards_credits_echoes():
    question = Question("Who is Zanderheim?", answers=("x",), entities=(Entity("Zanderheim"),))
    echo = Rollout("0", Text("<think>Zanderheim</think><answer>y</answer>"))
    guarded = shipped()["egrpo"]

    assert measure(echo, question, guarded).matched == 0
    facts = measure(echo, question, unguarded(guarded))
    assert (facts.matched, facts.outcome) == (1, Outcome.WRONG)
