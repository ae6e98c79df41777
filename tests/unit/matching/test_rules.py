import json
from pathlib import Path
from typing import Any

import pytest

from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question
from reward_service.core.matching.forms import derive
from tests.unit.matching.rollouts import EGRPO, asked, match, thought

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden" / "matching_cases.jsonl").read_text().splitlines()
]
ALIASES_ONLY = {"2014 Sydney hostage crisis", "UFC Fight Night: Miocic vs. Hunt", "Wakefern Food Corporation"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['entity']} | {case['text']}")
def test_matching_is_what_a_person_says(case: dict[str, Any]) -> None:
    expected = case["a_person_counts_it"] and case["entity"] not in ALIASES_ONLY
    assert match(asked(case["entity"]), thought(case["text"])).matched == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("12 March 1989", "on March 12th, 1989"),
        ("March 12, 1989", "1989-03-12"),
        ("1989-03-12", "the 12th of March 1989"),
        ("1 May 1900", "May 1st, 1900"),
        ("1,000,000 Ways", "1000000 ways"),
        ("Area 123456", "area 123,456"),
        ("World War II", "world war 2"),
        ("Third Army", "the 3rd Army"),
        ("Procter & Gamble", "Procter and Gamble"),
        ("Aria Resort and Casino", "Aria Resort & Casino"),
        ("J. R. R. Tolkien", "JRR Tolkien"),
        ("JP Morgan", "J.P. Morgan"),
        ("Curie, Marie", "Marie Curie"),
        ("Marie Curie", "Curie, Marie"),
        ("George Smith Patton", "George S. Patton"),
        ("City lights", "the city light"),
        ("Prairie berry", "prairie berries"),
        ("Old church", "old churches"),
        ("Ribosome", "Ribosomes"),
        ("Middlesbrough F.C.", "for Middlesbrough"),
        ("Good Will Company", "the Goodwill Company"),
        ("AC/DC", "AC/DC"),
        ("C++", "in C++."),
        ("U.S.", "the U.S. did"),
        ("US", "the US did"),
        ("Al", "It was Al."),
        ("习近平", "主席习近平出席"),
        ("東京タワー", "この東京タワーは"),
        ("ガンダム", "ｶﾞﾝﾀﾞﾑ"),
        ("กรุงเทพ", "ที่กรุงเทพมหานคร"),
        ("김정은", "김정은은 말했다"),
        ("Google", "我在Google工作"),
        ("القاهرة", "مدينة القاهرة."),
        ("🙂 Smile Museum", "the smile museum"),
    ],
)
def test_a_careful_reader_takes_it_for_the_name(name: str, text: str) -> None:
    assert match(asked(name), thought(text)).matched == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Curie, Marie", "Curie"),
        ("Marie Curie", "Curie Marie"),
        ("George S. Patton", "George Henry Patton"),
        ("Nidal Hasan", "Nidal and Hasan"),
        ("Nidal Hasan", "Nidal, Malik Hasan"),
        ("Deutsche Bank", "Deutsche Industrie Bank"),
        ("The Her (film)", "her"),
        ("1984 (novel)", "in 1984"),
        ("Dressmaker, The", "a dressmaker"),
        ("김정은", "김정은하수"),
        ("습", "습니다"),
        ("12345678901", "12345678902"),
        ("Екатерина Великая", "Екатерины Великие"),
        ("2nd Battalion of Foot", "3rd Battalion of Foot"),
        ("x", "x"),
        ("Smile 🙂", "🙂"),
        ("31 Foo 1989", "Foo 31, 1989"),
        ("A. B. Smith of Kent", "C"),
    ],
)
def test_a_careful_reader_does_not(name: str, text: str) -> None:
    assert match(asked(name), thought(text)).matched == 0


def test_a_type_that_is_no_person_takes_no_middle_names() -> None:
    text = thought("the Kansas Railway City")
    typed = [Question("", (), (Entity("Kansas City", type=kind),)) for kind in ("person", "place")]
    assert [match(question, text).matched for question in typed] == [1, 0]


def test_a_place_loses_its_qualifier_only_where_that_is_unambiguous() -> None:
    folded = {
        form.folded
        for form in derive([Entity("Springfield, Ohio"), Entity("Springfield, Texas"), Entity("Salem, Ohio")])
    }
    assert "springfield" not in folded
    assert "salem" in folded


def test_films_of_one_name_share_it() -> None:
    question = asked("Beauty and the Beast (1991 film)", "Beauty and the Beast (1946 film)")
    assert match(question, thought("It is Beauty and the Beast.")).matched == 2


def test_two_symbol_names_that_fold_alike_are_kept_apart() -> None:
    question = Question("", (), (Entity("C++", ("C#",)),))
    assert [match(question, thought(text)).matched for text in ("C#", "C++", "C")] == [1, 1, 0]


def test_a_form_takes_the_loosest_guard_it_has() -> None:
    question = Question("", (), (Entity("Curie (chemist)", ("curie",)),))
    assert match(question, thought("curie")).matched == 1


def test_compiling_reports_its_forms() -> None:
    index = compile_question(asked("Blur (band)"), EGRPO).index
    assert [form.spelling for form in index.forms] == ["Blur (band)", "Blur"]
