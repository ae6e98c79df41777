"""Token ids and masks."""

from reward_service.client.spans import messages_of, spans_of
from tests.client.toys import END, Letters


def said(ids, mask):
    return [(one["role"], one["content"]) for one in messages_of(spans_of(ids, mask), Letters()).messages]


def test_the_mask_says_who_wrote_what():
    assert said([97, 98, 99, 100], [1, 0, 0, 1]) == [("assistant", "a"), ("tool", "bc"), ("assistant", "d")]


def test_the_prompt_and_what_no_one_wrote_are_left_out():
    assert said([97, 98, END, 32], [0, 1, 1, 0]) == [("assistant", "b")]


def test_a_rollout_that_says_nothing_is_one():
    assert said([97], [0]) == said([], []) == [("assistant", "")]
