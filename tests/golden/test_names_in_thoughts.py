"""Names in thoughts and answers, as a careful reader decides them; one test for each kind and language."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from entity_index.types import Entity, Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.matching import compile_question, match_group
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

EGRPO = shipped()["egrpo"].measure.matching
Cases = Sequence[dict[str, Any]]


def by_kind(name: str, *keys: str) -> list[Any]:
    """Return the cases of a file as parameters, those of one kind together."""
    kinds: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        kinds.setdefault(tuple(str(case[key]) for key in keys), []).append(case)
    return [pytest.param(cases, id=", ".join(kind)) for kind, cases in kinds.items()]


def is_named(case: dict[str, Any]) -> bool:
    question = Question("", (), (Entity(case["name"]),), language=case["language"])
    (found,) = match_group(
        [[Segment(SegmentKind.THOUGHT, case["thought"])]], compile_question(question, EGRPO)
    )
    return found.matched == 1


@pytest.mark.parametrize("cases", by_kind("names_in_thoughts.jsonl", "language", "kind"))
def test_a_name_is_found_where_a_reader_finds_it(cases: Cases) -> None:
    assert [case for case in cases if is_named(case) != case["named"]] == []


@pytest.mark.parametrize("cases", by_kind("equal_answers.jsonl", "kind"))
def test_an_answer_is_right_where_a_reader_says_so(cases: Cases) -> None:
    equal = CHECKERS["equal"]
    wrong = [
        case
        for case in cases
        if equal(case["answer"], Question("", tuple(case["golds"])), 0.8) != case["right"]
    ]
    assert wrong == []
