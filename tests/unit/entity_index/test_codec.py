"""A question as bytes."""

import json
import zlib
from dataclasses import replace
from hashlib import blake2b

import pytest

from entity_index.codec import (
    CODEC_VERSION,
    PRIMER,
    WINDOW,
    content_digest,
    decode,
    encode,
    key,
    pack,
    to_json,
    unpack,
)
from entity_index.errors import CodecMismatch, CorruptEntry, CorruptIndex, InvalidRecord
from entity_index.types import Criterion, Entity, Question

CURIE = Question(
    text="Who discovered polonium?",
    answers=("Marie Curie",),
    entities=(
        Entity("Marie Curie", aliases=("Maria Skłodowska",), entity_id="Q7186", type="person"),
        Entity("Polonium"),
    ),
    question_id="q1",
)


GERMAN = replace(CURIE, language="de")


def test_a_language_is_part_of_the_record_and_none_leaves_no_trace():
    assert decode(encode(GERMAN), question_id="q1") == GERMAN
    assert "language" not in to_json(CURIE)
    assert encode(GERMAN) != encode(CURIE)


def test_a_distance_is_part_of_the_record_and_must_be_a_count():
    far = replace(CURIE, entities=(Entity("Polonium", distance=2),))
    assert decode(encode(far), question_id="q1") == far
    broken = to_json(far) | {"entities": [{"name": "Polonium", "distance": -2}]}
    with pytest.raises(CorruptEntry, match="whole number"):
        decode(record_of_json(broken), question_id="q1")


def record_of(body: bytes) -> bytes:
    return bytes([CODEC_VERSION]) + blake2b(body, digest_size=8).digest() + body


def record_of_json(value: object) -> bytes:
    return record_of(json.dumps(value).encode())


def test_criteria_are_part_of_the_record_and_none_leave_no_trace():
    rubrics = (Criterion("<E0> is a city"), Criterion("It guesses", -0.5))
    question = Question("Who?", question_id="q", rubrics=rubrics)

    assert decode(encode(question), question_id="q") == question
    assert b"rubrics" not in encode(Question("Who?", question_id="q"))


@pytest.mark.parametrize("weight", [True, "1", None])
def test_a_criterion_whose_weight_is_no_number_is_corrupt(weight):
    body = {"question_id": "q", "question": "?", "rubrics": [{"statement": "s", "weight": weight}]}

    with pytest.raises(CorruptEntry):
        decode(record_of_json(body), question_id="q")


def test_a_record_is_version_checksum_and_canonical_json():
    body = (
        '{"answers":["Marie Curie"],"entities":[{"aliases":["Maria Skłodowska"],"id":"Q7186","name":"Marie Curie",'
        '"type":"person"},{"name":"Polonium"}],"question":"Who discovered polonium?","question_id":"q1"}'
    ).encode()

    assert encode(CURIE) == record_of(body)


def test_a_record_gives_the_question_back():
    assert decode(encode(CURIE), question_id="q1") == CURIE


def test_fields_at_their_default_are_left_out():
    assert to_json(Question("Why?", question_id="q")) == {"question_id": "q", "question": "Why?"}


@pytest.mark.parametrize("question_id", [None, ""])
def test_a_question_without_an_id_has_no_record(question_id):
    with pytest.raises(InvalidRecord, match="no question id"):
        encode(Question("Why?", question_id=question_id))


def test_a_lone_surrogate_has_no_record():
    with pytest.raises(InvalidRecord, match="lone surrogate"):
        encode(Question("Why \ud800?", question_id="q"))


@pytest.mark.parametrize("at", range(len(encode(CURIE))))
def test_a_flipped_byte_is_never_read(at):
    record = bytearray(encode(CURIE))
    record[at] ^= 0x01

    with pytest.raises(CodecMismatch if at == 0 else CorruptEntry):
        decode(bytes(record), question_id="q1")


@pytest.mark.parametrize("record", [b"", b"\x01", encode(CURIE)[:9], None, "text", 7])
def test_what_is_no_record_is_corrupt(record):
    with pytest.raises(CorruptEntry, match="cut short"):
        decode(record, question_id="q1")


def test_another_codec_version_is_told_apart_from_damage():
    with pytest.raises(CodecMismatch, match="has codec 9, expected 1"):
        decode(b"\x09" + encode(CURIE)[1:], question_id="q1")


def test_a_record_under_another_id_is_corrupt():
    with pytest.raises(CorruptEntry, match="'q2' belongs to question 'q1'"):
        decode(encode(CURIE), question_id="q2")


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"question_id": "q1"},
        {"question_id": "q1", "question": 5},
        {"question_id": "q1", "question": "?", "answers": "x"},
        {"question_id": "q1", "question": "?", "answers": [None]},
        {"question_id": "q1", "question": "?", "entities": [{"aliases": ["x"]}]},
        {"question_id": "q1", "question": "?", "entities": [{"name": "x", "id": None}]},
        {"question_id": "q1", "question": "?", "entities": [{"name": "x", "type": 1}]},
        {"question_id": "q1", "question": "?", "entities": [{"name": "x", "added": "later"}]},
        {"question_id": "q1", "question": "?", "added": "later"},
    ],
)
def test_another_shape_is_corrupt_not_empty(value):
    with pytest.raises(CorruptEntry, match="has an unexpected shape"):
        decode(record_of_json(value), question_id="q1")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 200_000])
def test_what_is_no_json_is_corrupt(body):
    with pytest.raises(CorruptEntry, match="has an unexpected shape"):
        decode(record_of(body), question_id="q1")


def test_the_digest_tells_where_records_end():
    assert content_digest([b"ab", b"c"]) != content_digest([b"a", b"bc"])
    assert content_digest([]).startswith("sha256:")


def test_every_string_has_a_key_and_keys_order_like_code_points():
    ids = ["", "a", "é", "北", "\ud800", "😀"]

    assert sorted(ids, key=key) == ids


def test_a_packed_record_comes_out_as_it_was():
    for record in (encode(CURIE), b"", b"not a record", bytes(range(256)) * 50):
        assert unpack(pack(record), question_id="q1") == record


def test_packing_halves_a_record():
    entities = tuple(Entity(f"Person {n:02} of Somewhere", entity_id=f"Q{n}") for n in range(12))
    record = encode(Question("Who was born where?", entities=entities, question_id="q1"))

    assert len(pack(record)) < len(record) / 2


def read_packed(packed):
    try:
        return decode(unpack(packed, question_id="q1"), question_id="q1")
    except CorruptIndex:
        return None


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_never_makes_another_question(bit):
    for at in range(len(pack(encode(CURIE)))):
        packed = bytearray(pack(encode(CURIE)))
        packed[at] ^= 1 << bit
        assert read_packed(bytes(packed)) in {None, CURIE}  # the last byte has bits that mean nothing


@pytest.mark.parametrize(
    "packed", [b"", b"\x01", pack(encode(CURIE))[:-2], pack(encode(CURIE)) + b"x", None, "text"]
)
def test_what_was_not_packed_is_corrupt(packed):
    with pytest.raises(CorruptEntry, match="the record of question 'q1'"):
        unpack(packed, question_id="q1")


def test_another_packing_is_told_apart_from_damage():
    with pytest.raises(CodecMismatch, match="has packing 9, expected 1"):
        unpack(b"\x09" + pack(encode(CURIE))[1:], question_id="q1")


def test_what_another_zlib_packed_is_unpacked():
    other = zlib.compressobj(1, zlib.DEFLATED, WINDOW, 9, zlib.Z_HUFFMAN_ONLY, PRIMER)

    assert unpack(b"\x01" + other.compress(encode(CURIE)) + other.flush(), question_id="q1") == encode(CURIE)


def test_a_question_that_names_its_checker_comes_back_with_it():
    asked = Question("How many?", ("3",), question_id="q", checker="number")

    assert to_json(asked)["checker"] == "number"
    assert decode(encode(asked), question_id="q") == asked


def test_a_record_without_a_checker_is_as_it_was_before_there_were_any():
    assert b"checker" not in encode(CURIE)
    assert encode(CURIE)[0] == CODEC_VERSION == 1
