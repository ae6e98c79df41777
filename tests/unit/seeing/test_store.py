"""The cache of numbers, and rollouts read again from the user's files."""

import gzip
import json

import pytest

from reward_service.adapters.records.fields import BadLine
from reward_service.cli.rollouts import FileOptions
from reward_service.cli.seeing.source import TextSource
from reward_service.cli.seeing.store import GroupQuery, Store, fingerprint
from tests.unit.seeing.test_groups import group, rollout


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "cache" / "view.sqlite")
    groups = [
        ("a", group(rollout(advantage=1.0, reward=0.3), rollout(advantage=-1.0), group_id="first", step="1")),
        ("b", group(rollout(), rollout(), group_id="second", step="2", question="O'Neil %_?")),
    ]
    opened.rebuild(groups, {"run": {"groups": 2}})
    yield opened
    opened.close()


def ids(store, **query):
    total, groups = store.page(GroupQuery(**query))
    assert total == len(groups)
    return [one.group_id for _, one in groups]


def test_groups_are_chosen_by_filter_step_and_text(store):
    assert ids(store) == ["first", "second"]
    assert ids(store, filter="signal") == ["first"]
    assert ids(store, step="2") == ["second"]
    assert ids(store, text=" o'NEIL %_ ") == ["second"]
    assert ids(store, text="%") == ["second"]
    assert ids(store, filter="signal", step="2") == []


def test_groups_are_ordered_by_a_key_and_then_as_in_the_file(store):
    assert ids(store, sort="spread") == ["first", "second"]
    assert ids(store, sort="no such order") == ["first", "second"]


def test_pages_have_a_size(store):
    total, groups = store.page(GroupQuery(page=2), size=1)

    assert (total, [(n, one.group_id) for n, one in groups]) == (2, [(1, "second")])


def test_a_group_is_known_by_its_digest_and_its_place(store):
    assert store.known("b").group_id == store.group(1).group_id == "second"
    assert store.known("c") is store.group(2) is None


def test_a_store_is_replaced_as_a_whole_and_kept_in_its_file(store):
    store.rebuild([], {"run": {"groups": 0}})

    again = Store(store.path)
    assert (ids(again), again.document("run"), again.document("nothing")) == ([], {"groups": 0}, {})
    again.close()


def test_a_file_that_is_no_store_is_replaced(tmp_path):
    path = tmp_path / "view.sqlite"
    path.write_bytes(b"something else, longer than a header of a database" * 10)

    store = Store(path)

    assert ids(store) == []
    store.close()


def test_a_fingerprint_changes_with_the_files_of_a_folder(tmp_path):
    before = fingerprint([tmp_path])
    (tmp_path / "step_1.jsonl").write_text("{}")

    assert fingerprint([tmp_path]) != before


LINES = [
    {
        "group_id": "g",
        "rollout_id": str(n),
        "question": "q",
        "answers": ["x"],
        "text": f"<answer>{n}</answer>",
    }
    for n in range(4)
]


def test_a_line_is_read_at_its_offset(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    path.write_text("\n\n".join(json.dumps(line) for line in LINES))
    source = TextSource([path], FileOptions())

    assert source.line((str(path), 5, 0)).rollout.rollout_id == "2"
    assert source.line((str(path), 1, 0)).rollout.rollout_id == "0"


def test_a_compressed_file_and_an_array_are_read_from_the_beginning_again(tmp_path):
    packed = tmp_path / "rollouts.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(map(json.dumps, LINES)).encode()))
    array = tmp_path / "rollouts.json"
    array.write_text(json.dumps(LINES))

    for path in (packed, array):
        source = TextSource([path], FileOptions())
        found = [source.line((str(path), line, 0)).rollout.rollout_id for line in (2, 4, 1)]
        assert found == ["1", "3", "0"]


def test_a_line_that_is_gone_is_said(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    path.write_text(json.dumps(LINES[0]))
    source = TextSource([path], FileOptions())

    with pytest.raises(BadLine, match="has no line 9 any more"):
        source.line((str(path), 9, 0))
    with pytest.raises(BadLine, match="line 1 has changed"):
        source.line((str(path), 1, 3))
