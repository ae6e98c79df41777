"""Repeating the question earns nothing, whatever the data set, and masking takes no more than that needs."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.data import fireact
from entity_index.readers import SHAPES, mapped
from entity_index.readers.containers import read_path
from entity_index.readers.rows import Row
from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

EGRPO = shipped()["egrpo"].measure.matching
FOLDER = Path(os.environ.get("REWARD_SERVICE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def read(shape: str, name: str) -> Iterator[Question]:
    return (row.question for row in read_path(FOLDER / name, SHAPES[shape]) if isinstance(row, Row))


def rubq(name: str) -> Iterator[Question]:
    """Questions in Russian; no names are given but their answers', which are looked for here as entities."""
    reading = mapped.shape(
        ["question=question_ru", "entities=answers[]", "entities.name=label", "entities.aliases=aliases_ru"]
    )
    return (row.question for row in read_path(FOLDER / name, reading) if isinstance(row, Row))


def qald(name: str) -> Iterator[Question]:
    """Questions in four languages; no names are given, so the words that begin with a capital are the entities."""
    for language in ("en", "de", "ru", "zh"):
        reading = mapped.shape([f"question=question.{language}"])
        for row in read_path(FOLDER / name, reading):
            if isinstance(row, Row):
                words = dict.fromkeys(re.findall(r"[^\W\d_a-z][\w'’-]{2,}", row.question.text))
                yield replace(row.question, entities=tuple(map(Entity, words)), language=language)


# data set, its questions, and the share of the entities that was kept when only exact forms were masked, in percent
DATA_SETS: dict[str, tuple[str, Callable[[str], Iterator[Question]], float | None]] = {
    "kilt": ("questions_hotpotqa_kilt/questions.jsonl", lambda name: read("kilt", name), 46.93),
    "frames": ("questions_frames/questions.jsonl", lambda name: read("frames", name), 71.43),
    "webshaper": (
        "questions_webshaper500/webshaper.500.jsonl",
        lambda name: read("webshaper", name),
        9.55,
    ),
    "2wiki": ("questions_2wiki_200/questions.jsonl", lambda name: read("2wiki", name), 62.51),
    "fireact": (
        "trajectories_hotpotqa_fireact/trajectories.jsonl",
        lambda _: (question for question, _ in fireact()),
        45.35,
    ),
    "rubq": ("aliases_rubq_ru_en/questions.jsonl", rubq, None),
    "qald": ("questions_qald10_en_zh_de_ru/questions.jsonl", qald, None),
}


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_question_itself_as_a_thought_earns_nothing(name: str) -> None:
    path, questions, kept_before = DATA_SETS[name]
    if not (FOLDER / path).exists():
        pytest.skip(f"no real data at {FOLDER / path}: set REWARD_SERVICE_TEST_DATA")

    entities = kept = 0
    for question in questions(path):
        compiled = compile_question(question, EGRPO)
        for text in (question.text, question.text.lower(), question.text.title()):
            (echo,) = match_group([[Segment(SegmentKind.THOUGHT, text)]], compiled)
            assert (echo.matched, dict(echo.uncredited)) == (0, {}), (question.text, compiled.index.forms)
        entities, kept = entities + len(question.entities), kept + compiled.entities
    # One point for the edits and cases of echoes; more for respelled ones: docs/matching.md lists what they are.
    if kept_before is not None:
        assert kept_before - 1.7 <= 100 * kept / entities < kept_before + 0.01
