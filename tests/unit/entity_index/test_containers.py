"""What rows come in."""

import gzip
import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from entity_index.errors import UnreadableInput
from entity_index.readers import SHAPES
from entity_index.readers.containers import read_path, values_of
from entity_index.readers.rows import Refusal, Row
from entity_index.types import Entity, Question

VALUES = [{"id": "q1", "text": "Who?"}, {"id": "q2"}, {"id": "q3", "text": "Why?", "answer": ["x", "y"]}]
ROWS = [
    Row(1, Question("Who?", question_id="q1")),
    Refusal(2, "question is missing"),
    Row(3, Question("Why?", answers=("x", "y"), question_id="q3")),
]


def read(path):
    return list(read_path(path, SHAPES["jsonl"]))


def test_a_file_of_lines_is_read_whatever_its_name(tmp_path):
    for name in ("rows.jsonl", "rows.json", "rows"):
        (tmp_path / name).write_text("\n".join(map(json.dumps, VALUES)))
        assert read(tmp_path / name) == ROWS


def test_a_json_array_is_its_items(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(" \n" + json.dumps([*VALUES, 7], indent=2), encoding="utf-8-sig")

    assert read(path) == [*ROWS, Refusal(4, "not a JSON object")]


def test_a_broken_array_is_an_error(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text('[{"id": "q1"},')

    with pytest.raises(UnreadableInput, match=r"rows\.json cannot be read: "):
        read(path)


def test_a_folder_is_its_json_files_in_the_order_of_their_names(tmp_path):
    for name, value in zip("abc", VALUES, strict=True):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    (tmp_path / "d.json").write_bytes(b"\xff")
    (tmp_path / "e.json").write_text("{")
    (tmp_path / "readme.txt").write_text("not read")

    assert read(tmp_path) == [*ROWS, Refusal(4, "not UTF-8"), Refusal(5, "not JSON")]


def test_files_of_a_folder_may_be_of_several_kinds_and_compressed(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"n": 1}\n\n{"n": 2}\n'))
    (tmp_path / "b.json.zst").write_bytes(zstd.compress(b'[{"n": 3}, {"n": 4}]'))
    parquet.write_table(pa.Table.from_pylist([{"n": 5}]), tmp_path / "c.parquet")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "d.json").write_text('{\n  "n": 6\n}')

    def read(**how):
        return [(one.path.name, one.line, one.value["n"]) for one in values_of(tmp_path, **how)]

    near = [
        ("a.jsonl.gz", 1, 1),
        ("a.jsonl.gz", 3, 2),
        ("b.json.zst", 1, 3),
        ("b.json.zst", 2, 4),
        ("c.parquet", 1, 5),
    ]
    assert read() == near
    assert read(nested=True) == [*near, ("d.json", 1, 6)]


@pytest.mark.parametrize(("name", "packed"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstd.compress)])
def test_a_file_that_was_cut_off_is_an_error(tmp_path, name, packed):
    (tmp_path / name).write_bytes(packed(b'{"n": 1}\n' * 1000)[:-9])

    with pytest.raises(UnreadableInput, match=rf"{name} cannot be read: "):
        list(values_of(tmp_path / name))


def test_lines_whose_first_is_broken_are_still_lines(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"id": "q1", "te\n' + "\n".join(map(json.dumps, VALUES)))

    assert [type(row) for row in read(tmp_path / "rows.jsonl")] == [Refusal, Row, Refusal, Row]


def test_values_over_several_lines_are_read_one_after_another(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(value, indent=2) for value in VALUES), encoding="utf-8-sig")

    assert read(path) == ROWS


@pytest.mark.parametrize(
    ("held", "what"),
    [
        (gzip.compress(b"{}", mtime=0), "gzip"),
        (zstd.compress(b"{}"), "zstd"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"PAR1", "parquet"),
        (b"PK\x03\x04", "a zip archive or a spreadsheet"),
        (b"SQLite format 3\0", "a SQLite database"),
    ],
)
def test_a_file_that_is_something_else_than_its_name_says_is_told(tmp_path, held, what):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(held)

    with pytest.raises(UnreadableInput, match=rf"rows\.jsonl cannot be read: it holds {what}; "):
        read(path)


def test_standard_input_is_a_dash(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'[{"n": 1}]')))

    assert list(values_of(Path("-"))) == [(Path("-"), 1, {"n": 1})]


def test_a_folder_of_something_else_is_an_error(tmp_path):
    with pytest.raises(UnreadableInput, match="neither JSON files nor a saved data set"):
        read(tmp_path)


def test_parquet_rows_are_objects(tmp_path):
    values = [value | {"answer": value.get("answer", [])} for value in VALUES]
    parquet.write_table(pa.Table.from_pylist(values), tmp_path / "rows.parquet", row_group_size=2)

    assert read(tmp_path / "rows.parquet") == ROWS


def test_what_is_no_parquet_is_an_error(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"hello" * 100)

    with pytest.raises(UnreadableInput, match=r"rows\.parquet cannot be read: "):
        read(tmp_path / "rows.parquet")


def test_a_saved_data_set_is_all_its_splits(tmp_path):
    datasets = pytest.importorskip("datasets", reason="the package `datasets` is not installed")
    split = datasets.Dataset.from_list([value | {"answer": value.get("answer", [])} for value in VALUES])
    split.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": split, "dev": split}).save_to_disk(tmp_path / "two")

    assert read(tmp_path / "one") == ROWS
    assert [type(row) for row in read(tmp_path / "two")] == [Row, Refusal, Row] * 2


def test_a_torch_file_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "rollout_3.pt").write_bytes(b"PK")

    with pytest.raises(UnreadableInput, match=r"weights_only=True.*as JSON lines"):
        read(tmp_path / "rollout_3.pt")


@pytest.mark.parametrize(
    ("name", "package"), [("rows.parquet", "pyarrow"), ("dataset_info.json", "datasets")]
)
def test_a_missing_package_is_told_with_what_to_install(tmp_path, monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / name).write_bytes(b"{}")

    with pytest.raises(UnreadableInput, match=f"{package}.*pip install"):
        read(tmp_path / name if package == "pyarrow" else tmp_path)


TABLE = """id,question,answers,entities
q1,"Who, in the end?",x,"[""Ida Marsh"", ""Col de Fer""]"
q2,"Which
river?",,

q3,Why?
"""


def test_a_table_is_its_rows_and_an_empty_cell_is_absent(tmp_path):
    (tmp_path / "rows.csv").write_text(TABLE, encoding="utf-8-sig")
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress((tmp_path / "rows.csv").read_bytes()))
    first = Question(
        "Who, in the end?",
        answers=("x",),
        entities=(Entity("Ida Marsh"), Entity("Col de Fer")),
        question_id="q1",
    )

    assert read(tmp_path / "rows.csv") == [
        Row(1, first),
        Row(2, Question("Which\nriver?", question_id="q2")),
        Refusal(3, "the row has another number of cells than the header"),
    ]
    assert read(tmp_path / "rows.csv.gz") == read(tmp_path / "rows.csv")


def test_cells_may_be_apart_by_tabs(tmp_path):
    (tmp_path / "rows.tsv").write_text("id\tquestion\nq1\tWho, in the end?\n")

    assert read(tmp_path / "rows.tsv") == [Row(1, Question("Who, in the end?", question_id="q1"))]


def test_parquet_may_be_compressed_as_a_whole(tmp_path):
    parquet.write_table(pa.Table.from_pylist(VALUES[:2]), tmp_path / "rows.parquet")
    for ending, pack in ((".gz", gzip.compress), (".zst", zstd.compress)):
        (tmp_path / f"rows.parquet{ending}").write_bytes(pack((tmp_path / "rows.parquet").read_bytes()))

        assert read(tmp_path / f"rows.parquet{ending}") == ROWS[:2]


def test_a_cell_of_a_table_may_hold_a_transcript(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text\n" + "x" * 200_000 + "\n")

    [held] = values_of(path)

    assert held.value == {"text": "x" * 200_000}


@pytest.mark.parametrize("content", [b"a,b\n\xff,1\n", b'a,b\n"open,1\n'])
def test_a_broken_table_is_an_error(tmp_path, content):
    path = tmp_path / "rows.csv"
    path.write_bytes(content)

    with pytest.raises(UnreadableInput, match=r"rows\.csv cannot be read: "):
        read(path)


def test_a_table_in_a_folder_is_no_row(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,loss\n1,0.5\n")
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, VALUES)))

    assert read(tmp_path) == ROWS
