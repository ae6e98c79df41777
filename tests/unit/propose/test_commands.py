"""`entity-index propose`, `take` and `report`, as a user types them."""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from entity_index.__main__ import main

QUESTIONS = [
    {
        "id": "q1",
        "question": "Where was the founder of the maker of the Skylark born?",
        "answers": ["Tromby"],
    },
    {"id": "q2", "question": "Who drained Lake Ymir?", "answers": ["Ada Holm"]},
]
CORPUS = [
    {"title": "Skylark", "text": "The Skylark is a glider by Nordvik Aero."},
    {"title": "Nordvik Aero", "text": "Nordvik Aero was founded by Liv Dahl."},
    {"title": "Liv Dahl", "text": "Liv Dahl was born in Tromby."},
    {"title": "Ada Holm", "text": "Ada Holm drained Lake Ymir with Osterveld Works."},
]
ROLLOUTS = [
    {"question_id": "q1", "question": QUESTIONS[0]["question"], "rollout_id": str(n), "group_id": "g", "outcome": outcome,
     "steps": [{"type": "tool_response", "text": CORPUS[1]["text"]}, {"type": "thought", "text": f"Perhaps {name}."}, {"type": "answer", "text": "Tromby"}]}
    for n, (outcome, name) in enumerate([("correct", "Liv Dahl"), ("correct", "Liv Dahl"), ("wrong", "Nordvik Aero")])
]  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    for name, rows in (("questions", QUESTIONS), ("corpus", CORPUS), ("rollouts", ROLLOUTS)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    monkeypatch.chdir(tmp_path)

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["entity-index", *args])
        with pytest.raises(SystemExit) as done:
            main()
        return done.value.code, *capsys.readouterr()

    return call


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def names(line, key):
    return [one["name"] for one in line[key]]


def test_a_corpus_and_rollouts_lead_to_an_index(run, tmp_path):
    code, _, err = run(
        "propose", "questions.jsonl", "--corpus", "corpus.jsonl", "--rollouts", "rollouts.jsonl", "--out", "p.jsonl"
    )  # fmt: skip

    assert (code, err) == (0, "")
    first, second = lines(tmp_path / "p.jsonl")
    assert names(first, "entities") == ["Liv Dahl"]
    assert set(names(first, "proposals")) >= {"Liv Dahl", "Nordvik Aero"}
    assert first["proposals"][0]["sources"] == ["documents", "rollouts"]
    assert "entities" not in second
    assert run("build", "p.jsonl", "--index", "index", "--dataset", "mine")[0] == 0


def counted(out):
    """The counts of a table."""
    rows = (line.split() for line in out.splitlines() if line.strip())
    return {" ".join(row[:-1]): int(row[-1].replace(",", "")) for row in rows}


def test_the_counts_say_what_another_confidence_would_give_and_how_many_rollouts_were_found(run):
    _, out, _ = run(
        "propose", "questions.jsonl", "--corpus", "corpus.jsonl", "--rollouts", "rollouts.jsonl", "--out", "p.jsonl"
    )  # fmt: skip
    found = counted(out)

    assert found["questions"] == 2
    assert found["rollouts of these questions"] == 3
    assert [found[f"questions with a proposal of {at} or more"] for at in (0.7, 0.5, 0.3)] == [1, 1, 2]
    assert "questions without a judge's list" not in found


@pytest.mark.parametrize("command", ["propose", "take"])
def test_an_empty_input_is_counted_as_one(run, tmp_path, command):
    (tmp_path / "empty.jsonl").write_text("")
    code, out, _ = run(command, "empty.jsonl", "--out", "p.jsonl")

    assert (code, counted(out)["questions"]) == (0, 0)
    assert (tmp_path / "p.jsonl").read_text() == ""


def test_a_file_may_be_replaced_by_what_is_made_of_it(run, tmp_path):
    run("propose", "questions.jsonl", "--corpus", "corpus.jsonl", "--out", "questions.jsonl")
    run("take", "questions.jsonl", "--at-least", "0.1", "--most", "2", "--out", "questions.jsonl")

    assert [len(line["entities"]) for line in lines(tmp_path / "questions.jsonl")] == [2, 1]


def test_a_run_that_fails_leaves_the_file_as_it_was(run, tmp_path):
    before = (tmp_path / "questions.jsonl").read_bytes()
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(before)[:-12])
    code, _, err = run("propose", "cut.jsonl.gz", "--corpus", "corpus.jsonl", "--out", "questions.jsonl")

    assert (code, "cannot be read" in err) == (1, True)
    assert (tmp_path / "questions.jsonl").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_half_a_character_is_written_as_it_was_read_and_refused_by_build(run, tmp_path):
    half = json.dumps(QUESTIONS[0] | {"answers": ["Tromby \ud800"]})
    (tmp_path / "own.jsonl").write_text(half)
    assert run("propose", "own.jsonl", "--corpus", "corpus.jsonl", "--out", "p.jsonl")[0] == 0

    assert lines(tmp_path / "p.jsonl")[0]["answers"] == ["Tromby \ud800"]
    assert "lone surrogate" in run("build", "p.jsonl", "--index", "i", "--dataset", "d", "--strict")[2]


def test_a_corpus_that_cannot_be_searched_is_named(run, tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    code, _, err = run("propose", "questions.jsonl", "--corpus", "empty.jsonl", "--out", "p.jsonl")

    assert (code, err) == (
        1,
        "error: empty.jsonl: no passages with words to search for; a row needs a title or a text\n",
    )


def test_a_file_of_aliases_may_name_a_thing_more_than_once(run, tmp_path):
    known = [{"name": "Liv Dahl", "aliases": ["Liv Berg"]}, {"name": "Liv Dahl", "aliases": ["L. Dahl"]}]
    (tmp_path / "aliases.jsonl").write_text("\n".join(map(json.dumps, known)))
    run("propose", "questions.jsonl", "--corpus", "corpus.jsonl", "--aliases", "aliases.jsonl", "--out", "p.jsonl")  # fmt: skip
    [found] = [one for one in lines(tmp_path / "p.jsonl")[0]["proposals"] if one["name"] == "Liv Dahl"]

    assert [one["alias"] for one in found["aliases"]] == ["Liv Berg", "L. Dahl"]


def test_taking_again_changes_entities_and_keeps_proposals(run, tmp_path):
    run("propose", "questions.jsonl", "--corpus", "corpus.jsonl", "--out", "p.jsonl")
    assert run("take", "p.jsonl", "--at-least", "0.1", "--most", "2", "--out", "t.jsonl")[0] == 0
    before, after = lines(tmp_path / "p.jsonl"), lines(tmp_path / "t.jsonl")

    assert [len(line["entities"]) for line in after] == [2, 1]
    assert [line["proposals"] for line in after] == [line["proposals"] for line in before]


def test_the_same_input_gives_the_same_file(run, tmp_path):
    for name in ("a", "b"):
        run("propose", "questions.jsonl", "--corpus", "corpus.jsonl", "--out", f"{name}.jsonl")

    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_a_report_says_what_can_be_rewarded_and_what_to_drop(run):
    run("propose", "questions.jsonl", "--rollouts", "rollouts.jsonl", "--out", "p.jsonl")
    code, out, _ = run("report", "p.jsonl", "--rollouts", "rollouts.jsonl", "--json")
    found = json.loads(out)

    assert code == 0
    assert (found["questions"], found["hidden"], found["rollouts"]) == (2, 1, 3)
    assert found["named"] == {"ever": 1, "by correct": 1, "by wrong": 0}
    assert found["to_drop"] == {"no entity to find": ["q2"]}


def test_supporting_passages_of_the_rows_are_read(run, tmp_path):
    row = QUESTIONS[0] | {"context": json.dumps([[one["title"], [one["text"]]] for one in CORPUS])}
    (tmp_path / "own.jsonl").write_text(json.dumps(row), encoding="utf-8")
    run("propose", "own.jsonl", "--passages", "context", "--out", "p.jsonl", "--at-least", "0.1")

    assert names(lines(tmp_path / "p.jsonl")[0], "entities")[:2] == ["Liv Dahl", "Nordvik Aero"]


def test_a_gazetteer_finds_names_without_capitals(run, tmp_path):
    row = {
        "id": "q",
        "question": "Who was it?",
        "answers": ["Tromby"],
        "context": "nordvik aero hired liv dahl of tromby",
    }
    (tmp_path / "own.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (tmp_path / "names.txt").write_text("Liv Dahl\nNordvik Aero\n", encoding="utf-8")
    run("propose", "own.jsonl", "--passages", "context", "--gazetteer", "names.txt", "--out", "p.jsonl")  # fmt: skip

    assert sorted(names(lines(tmp_path / "p.jsonl")[0], "proposals")) == ["Liv Dahl", "Nordvik Aero"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "stars"), "--from must be one of documents, rollouts, structure"),
        (("--from", "rollouts"), "--from rollouts needs --rollouts"),
        (("--from", "documents"), "--from documents needs --passages or --corpus"),
        (("--passages", "a["), "is not a path"),
        (("--rollouts", "corpus.jsonl", "--rollouts-reader", "nope"), "nope"),
    ],
)
def test_an_option_that_cannot_be_followed_is_told_in_one_sentence(run, options, said):
    code, _, err = run("propose", "questions.jsonl", "--out", "p.jsonl", *options)

    assert code in {1, 2}
    assert said in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_lines_that_propose_did_not_write_are_counted(run):
    code, out, _ = run("take", "corpus.jsonl", "--out", "t.jsonl")

    assert code == 0
    assert "refused: not a line that `propose` wrote" in out


class Lists(BaseHTTPRequestHandler):
    """An OpenAI-compatible server whose model lists one name that the first passage has, and one that none has."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = (
            "I do not know."
            if "Ymir" in asked["messages"][0]["content"].split("Passages")[0][-200:]
            else LISTED
        )
        choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        reply = json.dumps({"model": asked["model"], "choices": [choice], "usage": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        """Say nothing."""


LISTED = '[{"name": "Nordvik Aero", "passage": 1}, {"name": "Atlantis", "passage": 1}]'


@pytest.fixture
def lister(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Lists) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        backend = {
            "name": "one",
            "serves": {"judge": "m"},
            "url": f"http://127.0.0.1:{server.server_port}/v1",
        }
        (tmp_path / "backends.yaml").write_text(json.dumps([backend]), encoding="utf-8")
        yield server
        server.shutdown()


def test_a_judge_lists_names_that_a_passage_has_to_confirm(run, tmp_path, lister):
    rows = [QUESTIONS[0] | {"context": [CORPUS[0]["text"]]}, QUESTIONS[1] | {"context": [CORPUS[3]["text"]]}]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, out, _ = run(
        "propose", "own.jsonl", "--passages", "context", "--judge", "backends.yaml", "--out", "p.jsonl", "--from", "structure"
    )  # fmt: skip
    first, second = lines(tmp_path / "p.jsonl")

    assert code == 0
    assert [(one["name"], one["confidence"], one["sources"]) for one in first["proposals"]] == [
        ("Nordvik Aero", 0.8, ["judge"])
    ]
    assert second["proposals"] == []
    assert "questions without a judge's list 1" in " ".join(out.split())


def test_a_backends_file_without_the_role_is_told(run, tmp_path):
    backend = {"name": "one", "serves": {"nli": "m"}, "url": "http://127.0.0.1:1/v1"}
    (tmp_path / "backends.yaml").write_text(json.dumps([backend]), encoding="utf-8")
    code, _, err = run("propose", "questions.jsonl", "--judge", "backends.yaml", "--out", "p.jsonl")

    assert code == 1
    assert "no chat server has the role judge" in err
