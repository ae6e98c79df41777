"""A signal of one's own: whether the answer is about as short as a gold answer."""

from reward_service import RolloutView

WORDS_MORE = 10
"""A sentence around the answer."""


def short_answer(rollout: RolloutView) -> float:
    """Return 1 if the answer has at most ten words more than the longest gold answer, 0 if it has twice that, in between a share.

    Raises:
        ValueError: the question has no gold answers. The rollout then has no reward; 0 would say that the answer is long.
    """
    if not rollout.answers:
        raise ValueError("the question has no gold answers")
    longest = max(len(gold.split()) for gold in rollout.answers)
    more = len((rollout.answer or "").split()) - longest
    return min(max(2 - more / WORDS_MORE, 0.0), 1.0)
