"""Several replies to one ask."""

import pytest

from reward_service.core.judging.votes import Undecided, tally

YES, NO = "correct", "incorrect"


@pytest.mark.parametrize(
    ("votes", "of", "quorum", "result"),
    [
        ([], 1, "majority", Undecided.MORE),
        ([YES], 1, "majority", YES),
        ([None], 1, "majority", Undecided.SPLIT),
        ([YES], 3, "majority", Undecided.MORE),
        ([YES, YES], 3, "majority", YES),
        ([YES, NO], 3, "majority", Undecided.MORE),
        ([YES, NO, NO], 3, "majority", NO),
        ([YES, None], 3, "majority", Undecided.MORE),
        ([YES, None, NO], 3, "majority", Undecided.SPLIT),
        ([None, None], 3, "majority", Undecided.SPLIT),
        ([YES, NO, "not_attempted"], 3, "majority", Undecided.SPLIT),
        ([YES, YES], 3, "unanimous", Undecided.MORE),
        ([YES, YES, YES], 3, "unanimous", YES),
        ([YES, NO], 3, "unanimous", Undecided.SPLIT),
    ],
)
def test_votes_decide_need_more_or_are_split(votes, of, quorum, result):
    assert tally(votes, of, quorum) == result
