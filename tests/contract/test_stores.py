"""What every store promises. A store joins by adding a shelf: a catalogue, and a way to put questions into it."""

import sqlite3
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, Thread

import pytest

from entity_index.codec import encode
from entity_index.content import check_content
from entity_index.errors import (
    CodecMismatch,
    CorruptEntry,
    CorruptIndex,
    InvalidName,
    UnknownDataset,
    UnknownVersion,
    VersionActive,
    VersionExists,
)
from entity_index.stores.connection import connect
from entity_index.stores.memory import MemoryCatalogue
from entity_index.stores.protocols import Catalogue, VersionInfo, WritableCatalogue
from entity_index.stores.redis import RedisCatalogue
from entity_index.stores.sqlite import SqliteCatalogue
from entity_index.types import Entity, Question
from tests.redis_fleets import clustered, watched
from tests.redis_server import RedisServer, needed

Records = Iterable[tuple[str, bytes]]


@dataclass(frozen=True)
class Shelf:
    """A store under test."""

    catalogue: Catalogue
    put: Callable[[str, Records, str | None], VersionInfo]
    """Write (data set, records, version name) as a version."""


def drafting(catalogue: WritableCatalogue) -> Shelf:
    def put(dataset: str, records: Records, version: str | None) -> VersionInfo:
        with catalogue.draft(dataset) as draft:
            for question_id, record in records:
                draft.add(question_id, record)
            return draft.publish(version)

    return Shelf(catalogue, put)


def memory(folder: Path) -> MemoryCatalogue:
    return MemoryCatalogue()


def sqlite(folder: Path) -> SqliteCatalogue:
    return SqliteCatalogue(folder / "index")


LOCAL = {"memory": memory, "sqlite": sqlite}
REDIS = ("redis", "sentinel", "cluster")


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    """Start a Redis of a kind when it is first asked for."""
    needed()
    started: dict[str, str] = {}
    with ExitStack() as stack:

        def url(kind):
            if kind not in started:
                folder = tmp_path_factory.mktemp(kind)
                fleet = {"redis": RedisServer, "sentinel": watched, "cluster": clustered}[kind](folder)
                started[kind] = stack.enter_context(fleet).url
            return started[kind]

        yield url


@pytest.fixture(params=[*LOCAL, *REDIS])
def writable(request, tmp_path):
    if request.param in LOCAL:
        yield LOCAL[request.param](tmp_path)
        return
    url = request.getfixturevalue("urls")(request.param)
    with closing(RedisCatalogue(connect(url, timeout_s=60), prefix=uuid.uuid4().hex)) as catalogue:
        yield catalogue


@pytest.fixture
def shelf(writable):
    return drafting(writable)


def question(number):
    return Question(
        f"Who is number {number}?",
        answers=("x",),
        entities=(Entity(f"Entity {number}"),),
        question_id=f"q{number}",
    )


def put(shelf, *numbers, dataset="numbers", version=None):
    questions = [question(number) for number in numbers]
    return shelf.put(dataset, [(one.question_id, encode(one)) for one in questions], version)


def get_many(shelf, *question_ids, dataset="numbers", version=None):
    with closing(shelf.catalogue.open(dataset, version)) as store:
        return store.get_many(question_ids)


def test_questions_come_back_in_the_order_of_the_request(shelf):
    info = put(shelf, 1, 2, 3)

    found = get_many(shelf, "q3", "nope", "q1", "q3", version=info.version)

    assert found == [question(3), None, question(1), question(3)]


def test_a_request_for_nothing_is_answered_with_nothing(shelf):
    assert get_many(shelf, version=put(shelf, 1).version) == []


@pytest.mark.parametrize("question_id", ["", "Q1", "q1 ", "q1\x00", "\ud800", "q" * 100_000])
def test_an_id_nobody_has_is_unknown(shelf, question_id):
    assert get_many(shelf, question_id, version=put(shelf, 1).version) == [None]


def test_any_text_can_be_an_id(shelf):
    ids = ["a/../b", "*", "{q}:1", "q\n1", "q\x00", "北京", "' OR 1=1 --"]
    questions = [Question("Why?", question_id=at) for at in ids]
    info = shelf.put("odd", [(one.question_id, encode(one)) for one in questions], None)

    assert get_many(shelf, *ids, dataset="odd", version=info.version) == questions


def test_ids_are_listed_in_ascending_order(shelf):
    with closing(shelf.catalogue.open("numbers", put(shelf, *range(1, 2500)).version)) as store:
        assert list(store.question_ids()) == sorted(f"q{number}" for number in range(1, 2500))


def test_records_come_out_as_they_went_in(shelf):
    records = {f"q{number}": encode(question(number)) for number in range(1, 2500)} | {"q3": b"damaged"}

    with closing(
        shelf.catalogue.open("numbers", shelf.put("numbers", records.items(), None).version)
    ) as store:
        assert list(store.records()) == sorted(records.items())


def test_a_store_tells_what_it_holds(shelf):
    info = put(shelf, 1, 2, version="v1")

    with closing(shelf.catalogue.open("numbers", "v1")) as store:
        assert store.info == info
    assert (info.dataset, info.version, info.count, info.codec) == ("numbers", "v1", 2, 1)


def test_a_version_is_named_after_its_digest(shelf):
    info = put(shelf, 1)

    assert info.digest == f"sha256:{info.version}{info.digest[19:]}"
    assert len(info.version) == 12


def test_the_order_of_writing_does_not_show(shelf):
    assert put(shelf, 1, 2, 3) == put(shelf, 3, 1, 2)


def test_the_same_content_again_changes_nothing(shelf):
    first = put(shelf, 1, 2, version="v1")

    assert put(shelf, 2, 1, version="v1") == first
    assert shelf.catalogue.versions("numbers") == ["v1"]


def test_a_version_never_changes_its_content(shelf):
    put(shelf, 1, version="v1")

    with pytest.raises(
        VersionExists, match="'v1' of data set 'numbers' already exists with different content"
    ):
        put(shelf, 2, version="v1")
    assert get_many(shelf, "q1", "q2", version="v1") == [question(1), None]


def test_data_sets_and_versions_are_listed_by_name(shelf):
    put(shelf, 1, dataset="b", version="v2")
    put(shelf, 2, dataset="b", version="v1")
    put(shelf, 3, dataset="a", version="v1")

    assert shelf.catalogue.datasets() == ["a", "b"]
    assert shelf.catalogue.versions("b") == ["v1", "v2"]


def test_an_empty_index_has_no_data_sets(shelf):
    assert shelf.catalogue.datasets() == []


def test_nothing_is_active_until_it_is_activated(shelf):
    put(shelf, 1, version="v1")

    assert shelf.catalogue.active("numbers") is None
    with pytest.raises(UnknownVersion, match="no active version"):
        shelf.catalogue.open("numbers")


def test_activation_moves_forward_and_back(shelf):
    put(shelf, 1, version="v1")
    put(shelf, 2, version="v2")

    seen = []
    for version in ("v1", "v2", "v1"):
        shelf.catalogue.activate("numbers", version)
        seen.append((shelf.catalogue.active("numbers"), get_many(shelf, "q1", "q2")))

    before, after = [question(1), None], [None, question(2)]
    assert seen == [("v1", before), ("v2", after), ("v1", before)]


def test_an_open_store_does_not_follow_an_activation(shelf):
    put(shelf, 1, version="v1")
    put(shelf, 2, version="v2")
    shelf.catalogue.activate("numbers", "v1")

    with closing(shelf.catalogue.open("numbers")) as store:
        shelf.catalogue.activate("numbers", "v2")
        assert store.get_many(["q1", "q2"]) == [question(1), None]


def test_only_versions_that_are_not_active_are_dropped(shelf):
    put(shelf, 1, version="v1")
    put(shelf, 2, version="v2")
    shelf.catalogue.activate("numbers", "v2")

    shelf.catalogue.drop("numbers", "v1")

    assert shelf.catalogue.versions("numbers") == ["v2"]
    with pytest.raises(VersionActive, match="'v2' of data set 'numbers' is active"):
        shelf.catalogue.drop("numbers", "v2")


def test_a_store_whose_version_is_dropped_never_answers_none(shelf):
    put(shelf, 1, version="v1")

    with closing(shelf.catalogue.open("numbers", "v1")) as store:
        shelf.catalogue.drop("numbers", "v1")
        try:
            found = store.get_many(["q1"])
        except CorruptIndex:
            found = [question(1)]
    assert found == [question(1)]


def test_a_data_set_without_versions_is_gone(shelf):
    put(shelf, 1, version="v1")
    shelf.catalogue.drop("numbers", "v1")

    assert shelf.catalogue.datasets() == []
    with pytest.raises(UnknownDataset):
        shelf.catalogue.versions("numbers")


CALLS = {
    "versions": lambda catalogue, dataset, _: catalogue.versions(dataset),
    "active": lambda catalogue, dataset, _: catalogue.active(dataset),
    "activate": lambda catalogue, dataset, version: catalogue.activate(dataset, version),
    "open": lambda catalogue, dataset, version: catalogue.open(dataset, version),
    "drop": lambda catalogue, dataset, version: catalogue.drop(dataset, version),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_data_set_is_named(shelf, call):
    with pytest.raises(UnknownDataset, match="'nope'"):
        CALLS[call](shelf.catalogue, "nope", "v1")


@pytest.mark.parametrize("call", ["activate", "open", "drop"])
def test_an_unknown_version_is_named(shelf, call):
    put(shelf, 1, version="v1")

    with pytest.raises(UnknownVersion, match="'numbers' has no version 'v9'"):
        CALLS[call](shelf.catalogue, "numbers", "v9")


BAD_NAMES = ["", ".", "..", "../numbers", "a/b", ".hidden", "-v", "a b", "é", "a\n", "x" * 65]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_cannot_leave_their_place(shelf, name):
    put(shelf, 1, version="v1")

    for call in CALLS.values():
        with pytest.raises(InvalidName):
            call(shelf.catalogue, name, "v1")
    for call in ("activate", "open", "drop"):
        with pytest.raises(InvalidName):
            CALLS[call](shelf.catalogue, "numbers", name)
    with pytest.raises(InvalidName):
        put(shelf, 1, dataset=name)


def test_a_damaged_record_is_an_error_and_spares_the_others(shelf):
    good = encode(question(1))
    damaged = bytearray(encode(question(2)))
    damaged[-1] ^= 0x20
    shelf.put("numbers", [("q1", good), ("q2", bytes(damaged))], "v1")

    assert get_many(shelf, "q1", version="v1") == [question(1)]
    with pytest.raises(CorruptEntry, match="'q2'"):
        get_many(shelf, "q1", "q2", version="v1")


def test_a_record_under_another_id_is_an_error(shelf):
    shelf.put("numbers", [("q2", encode(question(1)))], "v1")

    with pytest.raises(CorruptEntry, match="'q2' belongs to question 'q1'"):
        get_many(shelf, "q2", version="v1")


def test_a_record_of_another_codec_is_an_error(shelf):
    shelf.put("numbers", [("q1", b"\x63" + encode(question(1))[1:])], "v1")

    with pytest.raises(CodecMismatch, match="codec 99"):
        get_many(shelf, "q1", version="v1")


def test_threads_share_a_store(shelf):
    ids = [f"q{number}" for number in range(200)]
    expected = [question(number) for number in range(200)]

    with (
        closing(shelf.catalogue.open("numbers", put(shelf, *range(200)).version)) as store,
        ThreadPoolExecutor(8) as pool,
    ):
        assert all(found == expected for found in pool.map(store.get_many, [ids] * 32))


def test_a_draft_shows_what_already_stands_under_an_id(writable):
    with writable.draft("numbers") as draft:
        assert draft.add("q1", b"one") is None
        assert draft.add("q1", b"other") == b"one"
        assert draft.add("q1", b"one") == b"one"
        assert draft.publish("v1").count == 1


def test_an_unpublished_draft_leaves_nothing(writable):
    with writable.draft("numbers") as draft:
        draft.add("q1", b"one")

    assert writable.datasets() == []


def test_a_draft_that_fails_leaves_nothing(writable):
    with pytest.raises(InvalidName), writable.draft("numbers") as draft:
        draft.publish("no name")

    assert writable.datasets() == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_draft_takes_no_bad_version_name(writable, name):
    with writable.draft("numbers") as draft, pytest.raises(InvalidName):
        draft.publish(name)
    assert writable.datasets() == []


def test_of_two_who_publish_other_content_under_one_version_one_is_told(writable):
    """Many pairs at once, as the order of two threads is not ours to choose."""
    for n in range(20):
        start, answers = Barrier(2), []

        def publish(number, *, version=f"v{n}", start=start, answers=answers):
            with writable.draft("numbers") as draft:
                one = question(number)
                draft.add(one.question_id, encode(one))
                start.wait()
                try:
                    answers.append(draft.publish(version).digest)
                except VersionExists:
                    answers.append(None)

        threads = [Thread(target=publish, args=(number,)) for number in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        with closing(writable.open("numbers", f"v{n}")) as store:
            check_content(store)
            assert sorted(answers, key=str) == sorted([store.info.digest, None], key=str)


def test_two_who_publish_the_same_content_under_one_version_both_succeed(writable):
    shelf = drafting(writable)

    assert put(shelf, 1, 2, version="v1") == put(shelf, 2, 1, version="v1")


def test_a_version_holds_what_its_digest_covers(shelf):
    put(shelf, *range(1500))

    with closing(shelf.catalogue.open("numbers", shelf.catalogue.versions("numbers")[0])) as store:
        check_content(store)


def replaced(folder):
    """An index whose records are those of another build, each with a checksum that is right."""
    shelf = drafting(SqliteCatalogue(folder))
    mine, other = put(shelf, 1, version="mine"), put(shelf, 2, version="other")
    with closing(sqlite3.connect(folder / "numbers" / "mine.sqlite")) as db, db:
        db.execute("ATTACH ? AS other", [str(folder / "numbers" / "other.sqlite")])
        db.execute("DELETE FROM record")
        db.execute("INSERT INTO record SELECT * FROM other.record")
    assert mine.digest != other.digest
    return shelf.catalogue


def test_records_of_another_build_are_found(tmp_path):
    with closing(replaced(tmp_path).open("numbers", "mine")) as store:
        assert store.get_many(["q2"]) == [question(2)]  # each record for itself is sound
        with pytest.raises(CorruptIndex, match="numbers@mine does not hold what its digest covers"):
            check_content(store)


@pytest.mark.parametrize("content", [b"", b"\n", b"nothing\n", b"\xe9\n", b"../x\n", None], ids=str)
def test_an_active_version_that_cannot_be_read_or_is_not_there_is_an_error(tmp_path, content):
    catalogue = sqlite(tmp_path)
    put(drafting(catalogue), 1, version="v1")
    pointer = tmp_path / "index" / "numbers" / "ACTIVE"
    if content is None:
        pointer.mkdir()
    else:
        pointer.write_bytes(content)

    for call in (catalogue.active, catalogue.open):
        with pytest.raises(CorruptIndex, match="activate"):
            call("numbers")
    assert catalogue.versions("numbers") == ["v1"]
    if content is not None:
        catalogue.activate("numbers", "v1")
        assert catalogue.active("numbers") == "v1"
