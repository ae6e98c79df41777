"""What an answer says beside its answer is taken off; where there is no answer, nothing is."""

import pytest

from reward_service.core.checkers.trimmed import trimmed


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_of_no_answer_nothing_is_taken(nothing):
    assert trimmed(nothing) == []


def test_what_is_added_is_taken_off_one_by_one_and_together():
    assert trimmed("Sir Ian McKellen (born 1939)") == [
        "Sir Ian McKellen",
        "Ian McKellen (born 1939)",
        "Ian McKellen",
    ]


def test_of_many_additions_some_stay():
    added = "Definitely exactly the novelist Sir Ann (aka Bell) Bell, who wrote it, not Cy (source: Web) in 1900, Inc."
    assert len(trimmed(added)) < 24
