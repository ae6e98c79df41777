"""A question as bytes: what every store keeps and every digest covers.

    record = codec version (1 byte) · BLAKE2b-64 of the JSON (8 bytes) · canonical JSON

Canonical means: sorted keys, no spaces, UTF-8, defaulted fields left out. Equal questions give equal bytes, so a
content digest is reproducible. Decoding is strict: a damaged record or another codec version raises, because an
entity list that silently became empty would pay every rollout nothing.

    packed = packing version (1 byte) · raw DEFLATE of the record, primed with what most records contain

Packed is how a record travels to a store where memory is dear. Digests cover records, never packed bytes: two versions
of zlib may pack the same record differently, and unpack each other's.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b, sha256
from typing import TypeVar

from entity_index.errors import CodecMismatch, CorruptEntry, InvalidRecord
from entity_index.types import Criterion, Entity, Question

CODEC_VERSION = 1
CHECKSUM_BYTES = 8
PACKING_VERSION = 1
WINDOW = -12  # raw, 4 KiB: more than a record has
# The syntax of a record, with names and questions as English data sets spell them; DEFLATE prefers what stands at the end.
PRIMER = (
    b"(disambiguation) (born 19 20 (film) (album) (band) American football University of The United States New York City "
    b"John William James Award director of the film the same country as the person who was born in the city where which "
    b"was founded by In what year did What is the name of the Which of Who was the "
    b'{"answers":["","entities":[{"aliases":["","id":"Q1","name":"","type":"person"},{"aliases":["","name":"University of '
    b'"},{"id":"Q","name":"The "},{"name":""}],"question":"What ?","question_id":"'
)
_packer = zlib.compressobj(9, zlib.DEFLATED, WINDOW, 5, zlib.Z_DEFAULT_STRATEGY, PRIMER)
_unpacker = zlib.decompressobj(WINDOW, PRIMER)

T = TypeVar("T")


def encode(question: Question) -> bytes:
    """Return the record of a question.

    Raises:
        InvalidRecord: the question has no id, or holds a lone surrogate (UTF-8 cannot spell it).
    """
    if not question.question_id:
        raise InvalidRecord("no question id")
    try:
        body = json.dumps(
            to_json(question), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()
    except UnicodeEncodeError as error:
        raise InvalidRecord("the text contains a lone surrogate, which UTF-8 cannot encode") from error
    return _header(body) + body


def decode(record: object, *, question_id: str) -> Question:
    """Return the question that was stored under an id.

    Args:
        record: what the store holds; a damaged store may hold anything.
        question_id: the id it was looked up by; a record of another question is a damaged index.

    Raises:
        CorruptEntry: the record is damaged or belongs to another question.
        CodecMismatch: the record was written in another version of the codec.
    """
    question = _decode(record, question_id)
    if question.question_id != question_id:
        raise CorruptEntry(
            f"the record of question {question_id!r} belongs to question {question.question_id!r}"
        )
    return question


def pack(record: bytes) -> bytes:
    """Return a record as it travels to a store where memory is dear: about half as long."""
    packer = _packer.copy()
    return bytes([PACKING_VERSION]) + packer.compress(record) + packer.flush()


def unpack(packed: object, *, question_id: str) -> bytes:
    """Return the record that was packed.

    Args:
        packed: what the store holds; a damaged store may hold anything.
        question_id: the id it was looked up by.

    Raises:
        CorruptEntry: it is damaged.
        CodecMismatch: it was packed in another version of the packing.
    """
    if not isinstance(packed, bytes) or len(packed) <= 1:
        raise CorruptEntry(f"the record of question {question_id!r} is cut short")
    if packed[0] != PACKING_VERSION:
        raise CodecMismatch(
            f"the record of question {question_id!r} has packing {packed[0]}, expected {PACKING_VERSION}"
        )
    unpacker = _unpacker.copy()
    try:
        record = unpacker.decompress(packed[1:])
    except zlib.error as error:
        raise CorruptEntry(f"the record of question {question_id!r} cannot be unpacked") from error
    if not unpacker.eof or unpacker.unused_data:
        raise CorruptEntry(f"the record of question {question_id!r} is truncated or too long")
    return record


class Digest:
    """The digest of a data set version: SHA-256 over its records, in ascending order of question id."""

    def __init__(self) -> None:
        self._digest = sha256()

    def update(self, records: Iterable[bytes]) -> None:
        """Take in the next records."""
        for record in records:
            self._digest.update(len(record).to_bytes(8, "big"))
            self._digest.update(record)

    def text(self) -> str:
        """Return the digest of what has been taken in."""
        return f"sha256:{self._digest.hexdigest()}"


def content_digest(records: Iterable[bytes]) -> str:
    """Return the digest of a version's records, given in ascending order of question id."""
    digest = Digest()
    digest.update(records)
    return digest.text()


def key(question_id: str) -> bytes:
    """Return an id as stores spell and order it; any string has a key, also one that no record can have."""
    return question_id.encode("utf-8", "surrogatepass")


def to_json(question: Question) -> dict[str, object]:
    """Return a question as JSON values, defaulted fields left out."""
    return _without_defaults(
        {
            "question_id": question.question_id,
            "question": question.text,
            "language": question.language,
            "answers": list(question.answers),
            "entities": [_entity_to_json(entity) for entity in question.entities],
            "checker": question.checker,
            "rubrics": [_criterion_to_json(one) for one in question.rubrics],
        }
    )


def _entity_to_json(entity: Entity) -> dict[str, object]:
    fields = {
        "id": entity.entity_id,
        "name": entity.name,
        "aliases": list(entity.aliases),
        "type": entity.type,
        "distance": entity.distance,
    }
    return _without_defaults(fields)


def _criterion_to_json(criterion: Criterion) -> dict[str, object]:
    return {"statement": criterion.statement, "weight": criterion.weight}


def _without_defaults(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _header(body: bytes) -> bytes:
    return bytes([CODEC_VERSION]) + blake2b(body, digest_size=CHECKSUM_BYTES).digest()


def _decode(record: object, question_id: str) -> Question:
    start = 1 + CHECKSUM_BYTES
    if not isinstance(record, bytes) or len(record) <= start:
        raise CorruptEntry(f"the record of question {question_id!r} is cut short")
    if record[0] != CODEC_VERSION:
        raise CodecMismatch(
            f"the record of question {question_id!r} has codec {record[0]}, expected {CODEC_VERSION}"
        )
    if record[:start] != _header(record[start:]):
        raise CorruptEntry(f"the record of question {question_id!r} does not match its checksum")
    try:
        return _question(json.loads(record[start:]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptEntry(
            f"the record of question {question_id!r} has an unexpected shape: {error}"
        ) from error


def _question(value: object) -> Question:
    allowed = {"question_id", "question", "language", "answers", "entities", "checker", "rubrics"}
    fields = _fields(value, allowed=allowed)
    return Question(
        text=_text(fields["question"]),
        answers=_tuple(fields.get("answers", []), _text),
        entities=_tuple(fields.get("entities", []), _entity),
        question_id=_text(fields["question_id"]),
        checker=_text(fields["checker"]) if "checker" in fields else None,
        language=_text(fields["language"]) if "language" in fields else None,
        rubrics=_tuple(fields.get("rubrics", []), _criterion),
    )


def _entity(value: object) -> Entity:
    fields = _fields(value, allowed={"id", "name", "aliases", "type", "distance"})
    return Entity(
        name=_text(fields["name"]),
        aliases=_tuple(fields.get("aliases", []), _text),
        entity_id=_text(fields["id"]) if "id" in fields else None,
        type=_text(fields["type"]) if "type" in fields else None,
        distance=_count(fields["distance"]) if "distance" in fields else None,
    )


def _criterion(value: object) -> Criterion:
    fields = _fields(value, allowed={"statement", "weight"})
    return Criterion(_text(fields["statement"]), _number(fields["weight"]))


def _fields(value: object, *, allowed: set[str]) -> dict[str, object]:
    if not isinstance(value, dict) or not value.keys() <= allowed:
        raise TypeError(f"expected an object of {sorted(allowed)}, got {value!r:.80}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {value!r:.80}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a number, got {value!r:.80}")
    return float(value)


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"expected a whole number from 0 on, got {value!r:.80}")
    return value


def _tuple(value: object, read: Callable[[object], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected an array, got {value!r:.80}")
    return tuple(read(item) for item in value)
