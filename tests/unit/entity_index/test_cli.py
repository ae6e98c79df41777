"""The command line, as a user meets it: what it prints where, and how it exits."""

import json
import subprocess
import sys

import pytest

from entity_index.cli import run

LINES = (
    '{"id": "q1", "question": "Who found radium?", "answer": "Curie", "entities": ["Radium", "Marie Curie"]}',
    '{"id": "q2", "question": "What is [red]polonium[/red]?", "answer": "x", "entities": ["Curie"]}',
    "{",
)


@pytest.fixture
def cli(tmp_path, capsys, monkeypatch):
    """Run a command in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*args):
        with pytest.raises(SystemExit) as exit_:
            run(list(args))
        return exit_.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def build(cli, tmp_path):
    """Build some lines as data set `mine`."""

    def call(*options, lines=LINES):
        (tmp_path / "questions.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return cli("build", "questions.jsonl", "--index", "index", "--dataset", "mine", *options)

    return call


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_a_build_reports_what_became_of_the_lines(build):
    code, out, err = build("--version", "v1")

    assert code == 0
    assert ["version", "mine@v1"] in rows(out)
    assert ["lines", "read", "3"] in rows(out)
    assert ["refused:", "not", "JSON", "1", "line", "3"] in rows(out)
    assert ["entities", "in", "the", "question", "1", "33.3%"] in rows(out)
    assert err.startswith("WARNING: 33% of the entities occur in their question")


def test_a_quiet_build_says_nothing_on_stderr(build):
    assert build("--version", "v1", lines=LINES[1:2])[2] == ""


def test_a_report_as_json_is_all_of_stdout(build):
    code, out, _ = build("--json", "--version", "v1")

    report = json.loads(out)
    assert (code, report["kept"], report["info"]["version"]) == (0, 2, "v1")


def test_a_strict_build_names_the_line(build, cli):
    assert build("--strict") == (1, "", "error: line 3: not JSON\n")
    assert json.loads(cli("list", "--index", "index", "--json")[1]) == []


def test_other_content_under_a_taken_version_name_is_refused(build):
    build("--version", "v1")

    code, out, err = build("--version", "v1", lines=LINES[:1])
    assert (code, out) == (1, "")
    assert err == "error: version 'v1' of data set 'mine' already exists with different content\n"


def test_versions_are_listed(build, cli):
    build("--version", "v1")
    build("--version", "v2", "--no-activate", lines=LINES[:1])

    code, out, _ = cli("list", "--index", "index")

    header, first, second = rows(out)
    assert (code, header) == (0, ["dataset", "version", "active", "questions", "digest"])
    assert first[:4] == ["mine", "v1", "yes", "2"]
    assert second[:3] == ["mine", "v2", "1"]
    assert len(first[4]) == len("sha256:") + 12


def test_a_list_as_json_has_whole_digests(build, cli):
    build("--version", "v1")

    [entry] = json.loads(cli("list", "--index", "index", "--json")[1])

    assert entry | {"digest": len(entry["digest"])} == {
        "dataset": "mine",
        "version": "v1",
        "active": True,
        "questions": 2,
        "digest": 71,
    }


def test_stat_counts_what_a_version_holds(build, cli):
    build("--version", "v1")

    code, out, _ = cli("stat", "--index", "index", "mine")
    facts = json.loads(cli("stat", "--index", "index", "mine@v1", "--json")[1])

    assert code == 0
    assert ["without", "entities", "0"] in rows(out)
    assert (facts["questions"], facts["entities"], facts["aliases"], facts["codec"]) == (2, 3, 0, 1)


def test_questions_are_printed_as_json_lines(build, cli):
    build()

    code, out, err = cli("get", "--index", "index", "mine", "q2", "q1")

    assert (code, err) == (0, "")
    assert [json.loads(line)["question_id"] for line in out.splitlines()] == ["q2", "q1"]
    assert json.loads(out.splitlines()[0]) == {
        "question_id": "q2",
        "question": "What is [red]polonium[/red]?",
        "answers": ["x"],
        "entities": [{"name": "Curie"}],
    }


def test_what_was_printed_can_be_built_again(build, cli):
    build("--version", "v1")
    lines = cli("get", "--index", "index", "mine", "q1", "q2")[1].splitlines()

    assert build("--version", "v1", lines=lines)[0] == 0


def test_an_unknown_question_is_named_after_the_known_ones(build, cli):
    build()

    code, out, err = cli("get", "--index", "index", "mine", "q1", "q8", "q9")

    assert (code, err) == (1, "error: mine has no question q8, q9\n")
    assert json.loads(out)["question_id"] == "q1"


def test_activation_rolls_back(build, cli):
    build("--version", "v1")
    build("--version", "v2", lines=LINES[:1])

    assert cli("activate", "--index", "index", "mine@v1") == (0, "mine@v1 is active\n", "")
    assert json.loads(cli("stat", "--index", "index", "mine", "--json")[1])["version"] == "v1"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["stat", "nope"], "error: no data set 'nope' in index\n"),
        (["get", "mine@v9", "q1"], "error: data set 'mine' has no version 'v9'\n"),
        (["activate", "mine@v9"], "error: data set 'mine' has no version 'v9'\n"),
        (
            ["stat", "../mine"],
            "error: a name must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit, got '../mine'",
        ),
    ],
)
def test_what_is_unknown_is_one_sentence(build, cli, args, message):
    build("--version", "v1")

    code, out, err = cli(*args, "--index", "index")

    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_a_damaged_index_is_one_sentence(build, cli, tmp_path):
    build("--version", "v1")
    (tmp_path / "index" / "mine" / "v1.sqlite").write_bytes(b"hello" * 1000)

    code, _, err = cli("stat", "--index", "index", "mine")

    assert (code, err) == (1, "error: index/mine/v1.sqlite cannot be read: file is not a database\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["build", "nope.jsonl", "--index", "index", "--dataset", "mine"], "nope.jsonl"),
        (
            ["build", __file__, "--index", "index", "--dataset", "mine", "--reader", "nope"],
            "jsonl, kilt, frames",
        ),
        (["build", __file__, "--index", "index"], "--dataset"),
        (["list", "--index", "nowhere"], "nowhere"),
        (["activate", "--index", ".", "mine"], "include the version"),
        (["nope"], "nope"),
    ],
)
def test_a_wrong_command_line_exits_with_2(cli, args, message):
    code, out, err = cli(*args)

    assert (code, out) == (2, "")
    assert message in err


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_a_missing_package_is_told_with_what_to_install(package):
    done = python(
        f"import sys; sys.modules[{package!r}] = None; from entity_index.__main__ import main; main()"
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"entity-index needs {package}: pip install 'reward-service[server]'\n"


def test_another_missing_module_is_a_bug_and_shows():
    done = python("import sys; sys.modules['json'] = None; from entity_index.__main__ import main; main()")

    assert "ModuleNotFoundError" in done.stderr


def test_the_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "entity_index", "--help"], capture_output=True, check=False)

    assert done.returncode == 0
    assert b"build" in done.stdout


def test_the_package_needs_neither_a_database_nor_a_command_line():
    done = python(
        "import sys, entity_index; print({'sqlite3', 'typer', 'rich', 'pydantic'} & set(sys.modules))"
    )

    assert done.stdout == "set()\n"


def test_any_shape_is_built_by_saying_where_fields_stand(cli, tmp_path):
    row = {"uid": 7, "prompt": [{"content": "Who?"}], "gold": {"nodes": [{"label": "Radium"}]}}
    (tmp_path / "rows.json").write_text(json.dumps([row]))
    rules = ("question_id=uid", "question=prompt[-1].content", "entities=gold.nodes[].label")

    code, out, _ = cli(
        *("build", "rows.json", "--index", "index", "--dataset", "mine", "--json"),
        *(word for rule in rules for word in ("--map", rule)),
    )

    assert (code, json.loads(out)["entities"]) == (0, 1)
    assert json.loads(cli("get", "--index", "index", "mine", "7")[1])["entities"] == [{"name": "Radium"}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "nope=a"], "must be field=path, got"),
        (["--map", "question=a", "--reader", "kilt"], "replaces the reader"),
    ],
)
def test_a_mapping_that_is_none_is_a_wrong_command_line(cli, options, message):
    code, _, err = cli("build", __file__, "--index", "index", "--dataset", "mine", *options)

    assert (code, message in " ".join(err.replace("│", "").split())) == (2, True)
