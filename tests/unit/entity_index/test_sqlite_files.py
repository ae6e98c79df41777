"""What is particular to an index of files."""

import os
import sqlite3
from contextlib import closing

import pytest

from entity_index.codec import encode
from entity_index.errors import CodecMismatch, CorruptIndex
from entity_index.stores.sqlite import SqliteCatalogue, SqliteStore
from entity_index.types import Entity, Question

QUESTIONS = [
    Question(f"What is {n}?", entities=(Entity(f"Number {n}", aliases=("alias",)),), question_id=f"q{n}")
    for n in range(20)
]
IDS = [question.question_id for question in QUESTIONS]


def publish(catalogue, *, version="v1"):
    with catalogue.draft("numbers") as draft:
        for question in QUESTIONS:
            draft.add(question.question_id, encode(question))
        return draft.publish(version)


@pytest.fixture
def catalogue(tmp_path):
    built = SqliteCatalogue(tmp_path)
    publish(built)
    return built


@pytest.fixture
def path(catalogue, tmp_path):
    return tmp_path / "numbers" / "v1.sqlite"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def read(path):
    with closing(SqliteStore(path, dataset="numbers", version="v1")) as store:
        return store.get_many(IDS), list(store.question_ids())


def test_a_version_is_one_file_and_a_pointer(catalogue, tmp_path):
    catalogue.activate("numbers", "v1")

    assert names(tmp_path / "numbers") == ["ACTIVE", "v1.sqlite"]
    assert (tmp_path / "numbers" / "ACTIVE").read_text() == "v1\n"


def test_the_same_version_again_leaves_the_file_alone(catalogue, path):
    before = path.stat()
    publish(catalogue)
    after = path.stat()

    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert names(path.parent) == ["v1.sqlite"]


def test_reading_changes_nothing_and_needs_no_right_to_write(path):
    before = path.read_bytes()
    path.chmod(0o400)
    path.parent.chmod(0o500)

    assert read(path) == (QUESTIONS, sorted(IDS))
    path.parent.chmod(0o700)
    assert path.read_bytes() == before
    assert names(path.parent) == ["v1.sqlite"]


def test_a_version_is_readable_as_the_umask_says(path):
    umask = os.umask(0)
    os.umask(umask)

    assert path.stat().st_mode & 0o777 == 0o666 & ~umask & 0o755


def test_a_folder_may_have_any_name(tmp_path):
    catalogue = SqliteCatalogue(tmp_path / "a ?mode=rwc#%41 'b'")
    publish(catalogue)

    with closing(catalogue.open("numbers", "v1")) as store:
        assert store.get_many(["q1"]) == [QUESTIONS[1]]


def test_a_copied_folder_is_the_same_index(catalogue, path, tmp_path):
    copy = tmp_path / "renamed" / "v7.sqlite"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())

    with closing(catalogue.open("renamed", "v7")) as store:
        assert (store.info.dataset, store.info.version) == ("renamed", "v7")
        assert store.get_many(["q1"]) == [QUESTIONS[1]]


def test_strange_files_in_the_folder_are_not_seen(catalogue, path, tmp_path):
    (path.parent / "v1 (copy).sqlite").write_bytes(b"")
    (path.parent / ".half.draft").write_bytes(b"")
    (tmp_path / "not a name").mkdir()
    (tmp_path / "not a name" / "v1.sqlite").write_bytes(b"")

    assert catalogue.datasets() == ["numbers"]
    assert catalogue.versions("numbers") == ["v1"]


def test_what_a_killed_build_left_goes_a_day_later(catalogue, path):
    fresh, old = path.parent / ".fresh.draft", path.parent / ".old.draft"
    for draft in (fresh, old):
        draft.write_bytes(b"half a version")
    os.utime(old, (0, old.stat().st_mtime - 24 * 3600 - 1))

    publish(catalogue)

    assert names(path.parent) == [".fresh.draft", "v1.sqlite"]


def test_an_open_version_survives_its_drop(catalogue):
    with closing(catalogue.open("numbers", "v1")) as store:
        catalogue.drop("numbers", "v1")

        assert store.get_many(IDS) == QUESTIONS


def test_an_active_version_that_was_deleted_is_named(catalogue, path):
    publish(catalogue, version="v2")
    catalogue.activate("numbers", "v1")
    path.unlink()

    with pytest.raises(CorruptIndex, match="'v1' of data set 'numbers' is not there"):
        catalogue.open("numbers")


def test_a_file_that_vanished_is_no_index(path):
    path.unlink()

    with pytest.raises(CorruptIndex, match="cannot be opened"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"hello" * 1000])
def test_another_file_is_no_index(path, content):
    path.write_bytes(content)

    with pytest.raises(CorruptIndex, match="cannot be read"):
        read(path)


def test_a_draft_is_not_a_finished_version(catalogue, tmp_path):
    with catalogue.draft("numbers") as draft:
        draft.add("q1", encode(QUESTIONS[1]))
        draft._db.commit()
        [aside] = (tmp_path / "numbers").glob(".*.draft")

        with pytest.raises(CorruptIndex, match="not a complete version"):
            read(aside)


def test_a_file_of_another_codec_is_told_apart_from_damage(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE info SET codec = 9")
        db.commit()

    with pytest.raises(CodecMismatch, match="has codec 9"):
        read(path)


def test_no_damaged_byte_makes_another_question(path):
    """A flipped byte may hide a question or make the file unreadable; what is returned is what was written."""
    good = path.read_bytes()
    survived = 0
    for at in range(0, len(good), 5):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :])
        try:
            found, _ = read(path)
        except CorruptIndex:
            continue
        survived += 1
        assert all(one in {None, expected} for one, expected in zip(found, QUESTIONS, strict=True)), at
    assert 0 < survived < len(good) / 5
