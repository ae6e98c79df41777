"""The commands that move, compare and remove versions, on a folder and on a real Redis."""

import json
import os
import signal
import subprocess
import sys

import pytest

from entity_index.cli import run
from tests.redis_server import RedisServer, needed, until

LINES = (
    '{"id": "q1", "question": "Who found radium?", "answer": "Curie", "entities": ["Pierre Curie", "Marie Curie"]}',
    '{"id": "q2", "question": "What is polonium?", "answer": "x", "entities": ["Curie"]}',
    '{"id": "q3", "question": "Why?", "entities": [{"name": "Ra", "id": "Q1128", "aliases": ["Radium 226"]}]}',
)
CHANGED = (
    LINES[0].replace("Pierre Curie", "Irène Joliot-Curie"),
    LINES[1].replace('"x"', '"an element"').replace("What is", "What was"),
    '{"id": "q4", "question": "Where?"}',
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    needed()
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def url(server):
    with server.client() as client:
        client.flushall()
    return server.url


@pytest.fixture
def cli(tmp_path, capsys, monkeypatch):
    """Run a command in a folder with two versions; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*args):
        with pytest.raises(SystemExit) as exit_:
            run([str(arg) for arg in args])
        return exit_.value.code, *capsys.readouterr()

    for version, lines in (("v1", LINES), ("v2", CHANGED)):
        (tmp_path / f"{version}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        call("build", f"{version}.jsonl", "--index", "index", "--dataset", "mine", "--version", version)
    return call


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_a_version_is_pushed_and_activated(cli, url):
    code, out, err = cli("push", "mine@v1", "--index", "index", "--to", url)
    again = cli("push", "mine@v1", "--index", "index", "--to", url, "--activate", "--json")

    assert (code, err) == (0, "")
    assert rows(out) == [["version", "mine@v1"], ["written", "3"], ["present", "0"], ["active"]]
    assert json.loads(again[1]) == {"version": "mine@v1", "written": 0, "present": 3, "active": True}
    [listed] = json.loads(cli("list", "--index", url, "--json")[1])
    assert (listed["version"], listed["active"], listed["questions"]) == ("v1", True, 3)


def test_every_command_reads_a_redis_like_a_folder(cli, url):
    cli("push", "mine@v1", "--index", "index", "--to", url, "--activate")
    for command in (["get", "mine@v1", "q1"], ["stat", "mine@v1"], ["export", "mine@v1"]):
        by_url, by_folder = (cli(*command, "--index", where) for where in (url, "index"))
        assert by_url[0] == by_folder[0] == 0
        assert by_url[1].replace("yes", "").split() == by_folder[1].split()


def test_a_prefix_keeps_indexes_apart(cli, url):
    cli("push", "mine@v1", "--index", "index", "--to", f"{url}#mine:")

    assert json.loads(cli("list", "--index", url, "--json")[1]) == []
    assert len(json.loads(cli("list", "--index", f"{url}#mine:", "--json")[1])) == 1
    assert cli("list", "--index", f"{url}#a b")[::2] == (
        1,
        "error: a key prefix must be 1 to 64 characters of A-Z a-z 0-9 . _ : -, got 'a b'\n",
    )


def test_a_build_goes_straight_into_a_redis(cli, url):
    code, out, _ = cli("build", "v1.jsonl", "--index", url, "--dataset", "mine", "--json")

    assert (code, json.loads(out)["kept"]) == (0, 3)
    assert json.loads(cli("stat", "mine", "--index", url, "--json")[1])["questions"] == 3


def test_what_was_exported_is_built_into_the_same_version(cli):
    cli("export", "mine@v1", "--index", "index", "--out", "again.jsonl")
    code, out, _ = cli("build", "again.jsonl", "--index", "other", "--dataset", "mine", "--json")

    [first] = [
        one for one in json.loads(cli("list", "--index", "index", "--json")[1]) if one["version"] == "v1"
    ]
    assert (code, json.loads(out)["info"]["digest"]) == (0, first["digest"])


def test_an_export_is_json_lines_in_the_order_of_the_ids(cli):
    out = cli("export", "mine@v2", "--index", "index")[1]

    assert [json.loads(line)["question_id"] for line in out.splitlines()] == ["q1", "q2", "q4"]


def test_a_difference_is_counted_with_examples(cli, url):
    cli("push", "mine@v2", "--index", "index", "--to", url)

    code, out, _ = cli("diff", "mine@v1", "mine@v2", "--index", "index")
    told = json.loads(cli("diff", "mine@v1", "mine@v2", "--index", "index", "--new-index", url, "--json")[1])

    assert (code, rows(out)[:3]) == (0, [["same", "0"], ["added", "1", "q4"], ["removed", "1", "q3"]])
    assert told == {
        "same": 0,
        "added": {"count": 1, "examples": ["q4"]},
        "removed": {"count": 1, "examples": ["q3"]},
        "text_changed": {"count": 1, "examples": ["q2"]},
        "answers_changed": {"count": 1, "examples": ["q2"]},
        "entities_changed": {"count": 1, "examples": ["q1"]},
        "entities_added": 1,
        "entities_removed": 1,
    }


def test_a_version_does_not_differ_from_itself(cli):
    told = json.loads(cli("diff", "mine@v1", "mine@v1", "--index", "index", "--json")[1])

    assert (told["same"], told["added"]["count"], told["removed"]["count"]) == (3, 0, 0)


@pytest.mark.parametrize("where", ["index", "redis"])
def test_a_version_is_dropped_unless_it_is_active(cli, url, where):
    index = url if where == "redis" else "index"
    for version in ("v1", "v2"):
        cli("push", f"mine@{version}", "--index", "index", "--to", url, "--activate")

    assert cli("drop", "mine@v1", "--index", index) == (0, "mine@v1 dropped\n", "")
    assert cli("drop", "mine@v2", "--index", index)[::2] == (
        1,
        "error: version 'v2' of data set 'mine' is active\n",
    )


def test_what_an_interrupted_push_left_is_listed(cli, url, server):
    cli("push", "mine@v1", "--index", "index", "--to", url)
    with server.client() as client:
        entry = client.hget("entity-index:catalogue", "whole mine@v1")
        client.hdel("entity-index:catalogue", "whole mine@v1")
        client.hset("entity-index:catalogue", "partial mine@v1", entry)

    assert cli("list", "--index", url)[2] == "mine@v1 is incomplete: push it again, or drop it\n"
    assert cli("drop", "mine@v1", "--index", url)[0] == 0
    with server.client() as client:
        assert client.keys() == []


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["push", "mine@v1", "--index", "index", "--to", "folder"], 2, "must be the URL of a Redis"),
        (["push", "mine@v9", "--index", "index", "--to", "unix:///nowhere"], 1, "has no version 'v9'"),
        (["push", "mine@v1", "--index", "index", "--to", "unix:///nowhere"], 1, "cannot be reached"),
        (["drop", "mine", "--index", "index"], 2, "include the version"),
    ],
)
def test_what_cannot_be_done_is_told(cli, args, code, message):
    told = cli(*args)

    assert (told[0], told[1]) == (code, "")
    assert message in told[2]


def test_a_build_that_is_told_to_terminate_leaves_nothing(tmp_path):
    os.mkfifo(tmp_path / "lines")
    command = [
        sys.executable,
        "-m",
        "entity_index",
        "build",
        "lines",
        "--index",
        "index",
        "--dataset",
        "mine",
    ]
    with subprocess.Popen(command, cwd=tmp_path) as building, (tmp_path / "lines").open("w") as lines:
        lines.write(LINES[0] + "\n")
        lines.flush()
        until(lambda: list(tmp_path.glob("index/mine/.*.draft")), "the build has begun")
        building.send_signal(signal.SIGTERM)

    assert building.returncode == 128 + signal.SIGTERM
    assert list((tmp_path / "index" / "mine").iterdir()) == []
