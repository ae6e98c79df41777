"""Times of day and durations, one spelling each."""

import pytest

from tests.unit.checkers.checking import check


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3:30 PM", "15:30"),
        ("3.30 p.m.", "15:30 Uhr"),
        ("3:30pm", "half past three in the afternoon"),
        ("quarter to four in the afternoon", "15:45"),
        ("ten past 9 at night", "21:10"),
        ("7 am", "07:00"),
        ("7 o'clock in the morning", "7:00 a.m."),
        ("2 at night", "2 a.m."),
        ("5 o'clock", "5:00"),
        ("14h45", "2:45 PM"),
        ("20 Uhr", "8 pm"),
        ("noon", "12 p.m."),
        ("12 a.m.", "midnight"),
        ("12 midnight", "00:00"),
        ("midday", "Noon"),
        ("10:15 UTC", "10:15 GMT"),
        ("2:01:39", "2 hours 1 minute 39 seconds"),
        ("2h 1m 39s", "2:01:39"),
        ("1 h 30 min", "90 minutes"),
        ("1h30", "90 minutes"),
        ("2m30s", "150 seconds"),
    ],
)
def test_one_time_in_two_spellings_is_one(one, other):
    assert check("equal", one, other)
    assert check("equal", other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3:30", "15:30"),
        ("3:30", "3:30 PM"),
        ("3:30 AM", "3:30 PM"),
        ("noon", "midnight"),
        ("High Noon", "12:00"),
        ("half past twenty in the evening", "20:30"),
        ("5 m", "5 minutes"),
        ("1:30", "90 minutes"),
        ("20h", "20:00"),
    ],
)
def test_two_times_are_two(one, other):
    assert not check("equal", one, other)
    assert not check("equal", other, one)
