"""Gold answers that are a list in disguise."""

import pytest

from entity_index.packed import is_packed, unpack, unpacked


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        ('["Kyoto", "Heian-kyo"]', ("Kyoto", "Heian-kyo")),
        ("['Kyoto', \"Heian's capital\"]", ("Kyoto", "Heian's capital")),
        ("['Kyoto' 'Heian-kyo'\n 'Miyako']", ("Kyoto", "Heian-kyo", "Miyako")),
        ('  ["Kyoto"] ', ("Kyoto",)),
        ('["Kyoto", " "]', ("Kyoto",)),
        ("Kyoto<|answer_split|>Heian-kyo<|answer_split|>", ("Kyoto", "Heian-kyo")),
    ],
)
def test_a_list_in_disguise_is_read_as_the_list_it_is(answer, answers):
    assert unpacked(answer) == answers
    assert is_packed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Kyoto",
        "",
        "[1, 2]",
        "[Kyoto]",
        "[sic] Kyoto",
        "Kyoto, Nara",
        '{"a": "b"}',
        "[]",
        "['a', ['b']]",
        "[" * 5000 + "]",
    ],
)
def test_anything_else_stays_what_it_is(answer):
    assert unpacked(answer) == (answer,)


def test_a_list_that_cannot_be_read_is_told():
    assert is_packed("['Kyoto', 'it's old']")
    assert unpacked("['Kyoto', 'it's old']") == ("['Kyoto', 'it's old']",)
    assert not is_packed("[1, 2]")


def test_answers_around_a_packed_one_stay_in_order():
    assert unpack(["Nara", '["Kyoto", "Osaka"]', "Kobe"]) == ("Nara", "Kyoto", "Osaka", "Kobe")
