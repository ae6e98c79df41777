"""What a version holds."""

import pytest

from entity_index.codec import encode
from entity_index.describe import BATCH, Contents, all_questions, describe
from entity_index.errors import CorruptEntry, CorruptIndex
from entity_index.stores.memory import MemoryStore
from entity_index.stores.protocols import VersionInfo
from entity_index.types import Entity, Question


def store_of(records, *, count):
    return MemoryStore(VersionInfo("mine", "v1", "sha256:0", count), records)


def test_questions_come_in_the_order_of_their_ids():
    ids = [f"q{number:05}" for number in reversed(range(BATCH + 1))]
    store = store_of({at: encode(Question("Why?", question_id=at)) for at in ids}, count=len(ids))

    assert [question.question_id for question in all_questions(store)] == sorted(ids)


def test_contents_are_counted():
    entities = (Entity("Curie", aliases=("Maria", "Marie")), Entity("Radium", aliases=("Ra",)))
    records = {
        "q1": encode(Question("Who?", entities=entities, question_id="q1")),
        "q2": encode(Question("Why?", question_id="q2")),
    }

    assert describe(store_of(records, count=2)) == Contents(
        questions=2, entities=2, aliases=3, without_entities=1
    )


def test_a_damaged_record_is_an_error():
    with pytest.raises(CorruptEntry):
        describe(store_of({"q1": b"damaged"}, count=1))


def test_a_missing_record_is_an_error():
    with pytest.raises(CorruptIndex, match="'v1' contains only 0 of its 1 questions"):
        describe(store_of({}, count=1))
