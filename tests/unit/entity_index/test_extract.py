"""Entities for data sets that have none. The pipeline is a real one, trained here on a few sentences."""

import json
import re
import sys

import pytest
from thinc import util

from entity_index.cli import DEVICE, run
from entity_index.errors import UnreadableInput
from entity_index.extract import MAX_RUN, PIECE, Tagger, TextShape, bounded, extract
from entity_index.readers import SHAPES
from entity_index.readers.mapped import parse
from entity_index.readers.rows import Refusal, read_rows
from entity_index.types import Entity
from reward_service.serve.sources.backends import TorchModel
from tests.small_ner import train


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return train(tmp_path_factory.mktemp("pipeline") / "people")


def lines(*values):
    return [json.dumps(value).encode() + b"\n" for value in values]


def run_extract(values, tagger, *paths, processes=1):
    reading = TextShape(SHAPES["jsonl"], [parse(path) for path in paths])
    return list(extract(read_rows(lines(*values), reading), reading, tagger, processes=processes))


ROWS = [
    {
        "id": "q1",
        "text": "Who was it?",
        "context": [{"text": "Marie Curie was born in Warsaw."}, {"text": "Marie Curie left Paris in 1911."}],
    },
    {"id": "q2", "text": "And who?", "entities": ["Alan Turing"], "context": [{"text": "In London lived Alan Turing."}]},
    {"id": "q3", "text": "Nobody?"},
]  # fmt: skip


@pytest.mark.parametrize("processes", [1, 2])
def test_a_pipeline_finds_entities_in_the_chosen_fields(pipeline, processes):
    rows = run_extract(ROWS * 50, Tagger(pipeline), "context[].text", processes=processes)

    found = [[(entity.name, entity.type) for entity in row.question.entities] for row in rows]
    assert found[:3] == [
        [("Marie Curie", "PERSON"), ("Warsaw", "GPE"), ("Paris", "GPE")],
        [("Alan Turing", None), ("London", "GPE")],
        [],
    ]
    assert found == found[:3] * 50
    assert [row.line for row in rows] == list(range(1, 151))


def test_types_can_be_chosen(pipeline):
    rows = run_extract(ROWS[:1], Tagger(pipeline, labels=frozenset({"GPE"})), "context[].text")

    assert [entity.name for entity in rows[0].question.entities] == ["Warsaw", "Paris"]


def test_rows_that_are_no_questions_stay_refusals_in_their_place():
    rows = run_extract([{"id": "q1"}, ROWS[2]], Tagger(), "text")

    assert rows[0] == Refusal(1, "question is missing")
    assert rows[1].line == 2


@pytest.fixture
def gazetteer(tmp_path):
    path = tmp_path / "names"
    curie = {"name": "Marie Curie", "aliases": ["Madame Curie", "the"], "type": "person", "id": "Q7186"}
    path.write_text(f"Warsaw\n\n{json.dumps(curie)}\n")
    return path


CURIE = Entity("Marie Curie", aliases=("Madame Curie", "the"), entity_id="Q7186", type="person")


def test_a_gazetteer_finds_names_whatever_their_case(gazetteer):
    row = {"id": "q1", "text": "The madame curie of WARSAW?"}

    [found] = run_extract([row], Tagger(gazetteer=gazetteer), "text")

    assert found.question.entities == (CURIE, Entity("Warsaw"))


def test_a_gazetteer_goes_before_the_pipeline(pipeline, gazetteer):
    [found] = run_extract(ROWS[:1], Tagger(pipeline, gazetteer), "context[].text")

    assert found.question.entities == (CURIE, Entity("Warsaw"), Entity("Paris", type="GPE"))


def test_a_gazetteer_with_a_broken_line_is_told(tmp_path):
    (tmp_path / "names").write_text('Warsaw\n{"label": "x"}\n')

    with pytest.raises(UnreadableInput, match=r"line 2 of .* is not an entity: name is missing"):
        run_extract(ROWS, Tagger(gazetteer=tmp_path / "names"), "text")


def test_a_pipeline_that_is_not_installed_is_told():
    with pytest.raises(UnreadableInput, match="the pipeline en_core_web_trf cannot be loaded"):
        run_extract(ROWS, Tagger("en_core_web_trf"), "text", processes=2)


def test_the_cpu_can_be_named_and_finds_the_same(pipeline):
    named, chosen = (
        run_extract(ROWS, Tagger(pipeline, device=device), "context[].text") for device in ("cpu", "auto")
    )

    assert named == chosen


@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_gpu_that_spacy_cannot_use_is_told_and_never_replaced_by_the_cpu(pipeline, device):
    if util.has_gpu:
        pytest.skip("there is a GPU that spaCy can use")
    with pytest.raises(UnreadableInput, match=f"spaCy cannot use {device}: "):
        run_extract(ROWS, Tagger(pipeline, device=device), "context[].text")


@pytest.mark.parametrize(
    "name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "gpu", "cuda:", "tpu", "CPU", ""]
)
def test_a_device_is_named_as_in_the_backends_file(name):
    (pattern,) = (
        one.pattern for one in TorchModel.model_fields["device"].metadata if getattr(one, "pattern", None)
    )

    assert bool(DEVICE.fullmatch(name)) is bool(re.search(pattern, name))


def test_spacy_itself_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)

    with pytest.raises(UnreadableInput, match=r"reward-service\[extract\]"):
        run_extract(ROWS, Tagger(), "text")


@pytest.mark.parametrize("text", ["", "Who?", "x" * MAX_RUN, "a b " * 20_000, "x" * 100_000, " " * 100_000])
def test_bounded_text_loses_nothing_but_gains_spaces(text):
    pieces = list(bounded(text))

    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert max(map(len, pieces)) <= PIECE
    assert max((len(run) for piece in pieces for run in piece.split()), default=0) <= MAX_RUN


def test_long_runs_of_signs_are_left_out():
    assert " ".join(bounded("It was " + "$" * 300 + " and Radium" + "!" * 20)).split() == [
        "It",
        "was",
        "$" * 44,
        "and",
        "Radium" + "!" * 20,
    ]


@pytest.mark.parametrize(
    "text", ["$" * 50_000, "🤦🏽" * 10_000, "(" * 50_000, "a." * 25_000, "\u0301" * 50_000]
)
def test_degenerate_text_is_tagged_in_bounded_pieces(gazetteer, monkeypatch, text):
    tagged = []

    def recorded(text):
        pieces = list(bounded(text))
        tagged.extend(pieces)
        return pieces

    monkeypatch.setattr("entity_index.extract.bounded", recorded)
    run_extract([{"id": "q1", "text": "Who?", "context": text}], Tagger(gazetteer=gazetteer), "context")

    assert max(map(len, tagged)) <= PIECE
    assert max((len(run) for piece in tagged for run in piece.split()), default=0) <= MAX_RUN


@pytest.fixture
def cli(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "rows.jsonl").write_bytes(b"".join(lines(*ROWS)) + b"{\n")

    def call(*args):
        with pytest.raises(SystemExit) as exit_:
            run([str(arg) for arg in args])
        return exit_.value.code, *capsys.readouterr()

    return call


def test_what_was_extracted_can_be_built(cli, pipeline):
    code, out, err = cli(
        *("extract", "rows.jsonl", "--spacy", pipeline, "--field", "context[].text", "--out", "out.jsonl"),
        *("--processes", 1),
    )
    built = cli("build", "out.jsonl", "--index", "index", "--dataset", "mine", "--json")

    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["questions", "3"],
        ["entities", "5"],
        ["refused:", "not", "JSON", "1"],
    ]
    assert json.loads(built[1])["entities"] == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--field", "text"], "give a pipeline or a gazetteer"),
        (["--field", "text[", "--spacy", "x"], "is not a path"),
        (["--spacy", "x"], "--field"),
        (["--field", "text", "--spacy", "x", "--device", "tpu"], "must be auto, cpu, cuda or cuda:N"),
    ],
)
def test_a_wrong_extract_command_exits_with_2(cli, options, message):
    code, _, err = cli("extract", "rows.jsonl", "--out", "out.jsonl", *options)

    assert (code, message in err) == (2, True)
