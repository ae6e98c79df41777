from typing import Any

import pytest

from reward_service.core.matching import MatchSpec


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "exact"},
        {"max_edits": 4},
        {"max_edits": -1},
        {"pasted_words": 3},
        {"listed_mentions": 0},
        {"precision_floor": 1.5},
    ],
)
def test_a_spec_outside_its_ranges_is_refused_with_the_value(wrong: dict[str, Any]) -> None:
    (name, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=name) as raised:
        MatchSpec(**wrong)
    assert str(value) in str(raised.value)
