"""`cover` and `cover_either`."""

import pytest

from tests.unit.checkers.checking import check

SENTENCE = "The old capital, which I looked up, is Kyoto, in the west of Honshu."


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (SENTENCE, "Kyoto"),
        ("It was written by Władysław Szpilman.", "Wladyslaw Szpilman"),
        ("The rule of Bendict of Nursia.", "Benedict of Nursia"),
        ("It happened in 1,984 cases.", "1984"),
        ("They won six of them.", "6"),
        ("It opened on December 18, 1958.", "1958"),
        ("It opened on December 18, 1958.", "December 1958"),
        ("He reigned for 56 years.", "56"),
        ("He reigned for fifty-six years.", "56"),
        ("The prize was £10,000.", "10,000"),
        ("yes", "Yes"),
        ("首都是京都。", "京都"),
        ("古都は京都です", "京都"),
        ("It borders Peru to the west and, in the south, Chile.", "Chile and Peru"),
        ("Kyoto (or Heian-kyo) was the capital.", "Kyoto"),
        ("Kyoto, not Nara.", "Kyoto"),
        ("It was one of the Appollo 11 landers", "Apollo 11 lander"),
        ("They call it Trick or Treat.", "Trick or Treat"),
        ("Kyoto was the seat of the emperors, who left it in the year 1868 for Edo or Tokyo.", "Kyoto"),
    ],
)
def test_a_gold_answer_stands_in_the_answer(answer, gold):
    assert check("cover", answer, gold)
    assert check("cover_either", answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("It is not Kyoto.", "Kyoto"),
        ("Kyoto is not the capital.", "Kyoto"),
        ("Kyoto isn't it.", "Kyoto"),
        ("I could not find any information about the old city of Kyoto.", "Kyoto"),
        ("Perhaps it was Kyoto.", "Kyoto"),
        ("首都不是京都。", "京都"),
        ("東京ではない", "東京"),
        ("서울이 아니다", "서울"),
        ("Kyoto or Nara", "Kyoto"),
        ("Nara or Kyoto", "Kyoto"),
        ("Kyoto, Nara or Osaka", "Kyoto"),
        ("either Nara or else Kyoto", "Kyoto"),
        ("It is force 8 or force 9", "8"),
        ("Kyoto, Nara, Osaka, Kobe, Tokyo, Nagoya", "Kyoto"),
        ("no word of it " * 60 + "Kyoto", "Kyoto"),
        ("It grew by 6.8%", "8%"),
        ("It weighs as much as 1.5 apples.", "5 apples"),
        ("It was Apollo 11.5 then", "Apollo 11"),
        ("yes, it did", "who"),
        ("Drew Barrymore", "Drew Barry"),
        ("17", "7"),
        ("20%", "20"),
        ("He reigned for fifty-six years.", "50"),
        ("It cost $3 million.", "3"),
        ("It was not on December 18, 1958.", "1958"),
        ("It lasted from 1958 to 1960.", "1958"),
        ("", "Kyoto"),
    ],
)
def test_a_gold_answer_that_is_denied_doubted_or_one_of_many_does_not_count(answer, gold):
    assert not check("cover", answer, gold)
    assert not check("cover_either", answer, gold)


def test_both_sides_of_an_or_may_be_gold():
    assert check("cover", "It is called vapour or steam.", "vapour", "steam")
    assert not check("cover", "It is called vapour or steam.", "vapour")


def test_an_or_of_the_question_is_no_rival():
    asked = "Which barge or Punt pole is it?"

    assert check("cover", "The barge or Punt pole is a quant.", "quant", text=asked)


def test_a_gold_answer_that_is_a_long_list_may_be_listed():
    cities = "Kyoto, Nara, Osaka, Kobe, Tokyo, Nagoya"

    assert check("cover", f"They are {cities}.", cities)


def test_an_answer_may_be_four_times_as_long_as_a_long_gold_answer():
    gold = " ".join(f"word{number}" for number in "abcdefghijklmnopqrstuvwxyz") * 2

    assert check("cover", f"{'so ' * 150}{gold}", gold)
    assert not check("cover", f"{'so ' * 250}{gold}", gold)


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        ("Hollywood Park", "Hollywood Park Racetrack, Inglewood", True),
        ("1923", "in the summer of 1923", True),
        ("park", "Hollywood Park Racetrack", False),
        ("The", "The Racetrack", False),
        ("Inglewood Park", "Hollywood Park Racetrack, Inglewood", False),
        ("", "Hollywood Park", False),
        ("Hollywood " * 13, "Hollywood Park", False),
    ],
)
def test_the_answer_may_stand_in_a_gold_one(answer, gold, correct):
    assert check("cover_either", answer, gold) is correct
    assert not check("cover", answer, gold)
