"""Advantages on tokens."""

import numpy as np
import pytest

from reward_service.client import RolloutReward
from reward_service.client.placing import by_token, cut, placed_advantages
from reward_service.client.trainers.verl_advantages import with_lists
from tests.client.toys import END, Letters


def paid(*turns, **more):
    return RolloutReward("0", "scored", reward=1.0, advantage=0.5, turn_advantages=turns or None, **more)


def spans(*said):
    return [(is_own, [ord(letter) for letter in text]) for is_own, text in said]


OWN, PAGE, SAID = (True, "ab"), (False, "xy"), (True, "c")


def test_each_token_has_its_turns_advantage_and_a_page_has_none():
    assert by_token(spans(OWN, PAGE, SAID), Letters(), paid(0.25, -1.0)) == [0.25, 0.25, 0.0, 0.0, -1.0]


def test_what_comes_before_the_policys_first_word_begins_no_turn():
    assert by_token(spans(PAGE, OWN, PAGE, SAID), Letters(), paid(0.25, -1.0))[2:4] == [0.25, 0.25]


def test_blanks_begin_no_turn():
    blank = [(True, [32]), (False, [END, 32])]
    values = by_token(
        [*spans(OWN), (False, [32]), *spans(SAID), *spans(PAGE), *blank, *spans(OWN)],
        Letters(),
        paid(1.0, 2.0),
    )

    assert values == [1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 2.0]


def test_without_a_rule_for_turns_all_have_the_rollouts_advantage_times_its_weight():
    assert by_token(spans(OWN, PAGE, SAID), Letters(), paid(weight=2.0)) == [1.0, 1.0, 0.0, 0.0, 1.0]


def test_the_weight_multiplies_turns_too():
    assert by_token(spans(OWN, PAGE, SAID), Letters(), paid(0.25, -1.0, weight=0.0)) == [0.0] * 4 + [-0.0]


def test_other_turns_than_the_services_are_told_in_the_log(caplog):
    assert by_token(spans(OWN, PAGE, SAID), Letters(), paid(1.0, 2.0, 3.0)) == [0.5, 0.5, 0.0, 0.0, 0.5]
    assert "the service counts 3 turns and the trainer 2" in caplog.text


def test_without_an_advantage_nothing_is_learnt():
    failed = RolloutReward("0", "group_failed")

    assert by_token(spans(OWN), Letters(), failed) == [0.0, 0.0]


def test_the_estimator_keeps_what_was_placed_on_the_policys_tokens():
    rewards, mask = np.array([[0.5, 7.0, -1.0]]), np.array([[1, 0, 1]])
    advantages, returns = placed_advantages(
        token_level_rewards=rewards, response_mask=mask, index=None, config=None
    )

    assert advantages.tolist() == returns.tolist() == [[0.5, 0.0, -1.0]]


@pytest.mark.parametrize(("lengths", "rows"), [([2, 1], [[1, 2], [3]]), ([0, 3], [[], [1, 2, 3]])])
def test_values_are_cut_into_rows(lengths, rows):
    assert cut([1, 2, 3], lengths) == rows


class Row(list):
    """A tensor of numbers, as far as it is used."""

    new_tensor = staticmethod(list)


class Output:
    """verl's record of a rollout, as far as it is used."""

    def __init__(self, reward_score):
        self.reward_score = reward_score

    def model_copy(self, *, update):
        return type(self)(update["reward_score"])

    def as_dict(self):
        return {"rm_scores": Row([0.0, 0.0, 0.0, self.reward_score])}


def test_verls_record_of_a_rollout_takes_a_number_for_each_token():
    taught = with_lists(type("Taught", (Output,), {}))

    assert taught(0.3).as_dict() == {"rm_scores": [0.0, 0.0, 0.0, 0.3]}
    assert taught([0.5, 0.5, 0.0, -1.0]).as_dict() == {"rm_scores": [0.5, 0.5, 0.0, -1.0]}
