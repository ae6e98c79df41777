"""The command line, in a process of its own."""

import json
import os
import subprocess
import sys
from importlib import resources

import httpx
import pytest

from tests.builders import EXAMPLE

SAMPLE = resources.files("reward_service.sample")


def run(*arguments, stdin=None, **environment):
    command = [sys.executable, "-m", "reward_service", *map(str, arguments)]
    environment = os.environ | {"COLUMNS": "200"} | environment
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=environment)


def test_score_writes_one_result_a_rollout_and_a_summary(sample_index, tmp_path):
    out = tmp_path / "rewards.jsonl"

    done = run(
        *("score", SAMPLE / "rollouts.jsonl", "--index", sample_index, "--dataset", "sample"),
        *("--profile", "egrpo-paper", "--out", out),
    )

    assert done.returncode == 0, done.stderr
    assert "160 rollouts in 20 groups" in done.stdout
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    first = [one["reward"] for one in records if one["group_id"] == "first-forecast"]
    assert first == pytest.approx([1, 0.2, 1, 0.3, 0.1, 0, 0, 0])


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("{\n", "1 x not JSON (rollouts.jsonl line 1)"),
        (
            '\n{"group_id": "g", "rollout_id": "0", "text": 5}\n',
            "Input should be a valid string at /text (rollouts.jsonl line 2)",
        ),
        (
            '{"group_id": "g", "rollout_id": "0", "text": ""}\n',
            "there is no ground truth: give --index and --dataset",
        ),
        (
            '{"group_id": "g", "rollout_id": "0", "text": "", "question_id": "q"}\n',
            "give --index and --dataset",
        ),
        ("", "holds no rollouts"),
    ],
)
def test_score_names_the_line_that_is_no_rollout(tmp_path, lines, why):
    file = tmp_path / "rollouts.jsonl"
    file.write_text(lines, encoding="utf-8")

    done = run("score", file)

    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_score_reads_standard_input_and_keeps_columns(tmp_path):
    rows = [
        {"input": "user\nWho?\n", "output": "<answer>x</answer>", "gts": "x", "score": 1, "step": 3, "lr": n}
        for n in (1, 2)
    ]

    done = run("score", "-", "--out", tmp_path / "out.jsonl", stdin="\n".join(map(json.dumps, rows)))

    assert done.returncode == 0, done.stderr
    assert "reader verl: " in done.stderr
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(one["reward"], one["step"], one["meta"]) for one in records] == [
        (1.0, "3", {"score": 1, "lr": n}) for n in (1, 2)
    ]


def test_the_exit_code_tells_too_few_rewards_from_a_file_that_cannot_be_read(tmp_path):
    row = {"group_id": "g", "rollout_id": "0", "question": "Who?", "answers": "x"}
    good, aborted = (
        {**row, "text": "<answer>x</answer>"},
        {**row, "rollout_id": "1", "text": "", "stop_reason": "abort"},
    )

    def code(rows, *options):
        return run("score", "-", *options, stdin="\n".join(map(json.dumps, rows))).returncode

    assert code([good, {"a": 1}], "--min-scored", "50%") == 0
    assert code([good, {"a": 1}], "--strict") == 1
    assert code([good, {"a": 1}], "--min-scored", "2") == 3
    nothing = run("score", "-", stdin=json.dumps(aborted))
    assert (nothing.returncode, "1 x aborted: sampling was aborted" in nothing.stderr) == (3, True)
    assert code([good], "--reader", "other") == 2


def explain_call():
    group = EXAMPLE["groups"][0]
    return {
        "question": group["question"],
        "rollout": group["rollouts"][2],
        "group_max": 2,
        "profile": "egrpo-paper",
    }


def test_explain_reads_standard_input():
    done = run("explain", "-", stdin=json.dumps(explain_call()))

    assert done.returncode == 0, done.stderr
    assert "1 of 2: Quillock" in done.stdout
    assert "0.150" in done.stdout


def test_explain_prints_the_reply_itself(tmp_path):
    file = tmp_path / "call.json"
    file.write_text(json.dumps(explain_call()), encoding="utf-8")

    done = run("explain", file, "--json")

    assert json.loads(done.stdout)["rollout"]["reward"] == 0.15


@pytest.mark.parametrize(
    ("arguments", "environment", "why"),
    [
        (("explain", "/nowhere.json"), {}, "No such file"),
        (("serve", "--index", "/nowhere"), {}, "there is no index at /nowhere"),
        (("serve", "--port", "99999"), {}, "settings: port"),
        (("serve",), {"REWARD_SERVICE_DEFAULT_PROFILE": "best"}, "available profiles"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(arguments, environment, why):
    done = run(*arguments, **environment)

    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_shows_the_group_of_the_sample_and_serves_on(tmp_path):
    command = [sys.executable, "-m", "reward_service", "demo", "--port", "18765", "--index", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"}
    ) as process:
        try:
            shown = []
            for line in process.stdout:
                shown.append(line)
                if "Ctrl-C" in line:
                    break
            assert httpx.get("http://127.0.0.1:18765/readyz").status_code == 200
        finally:
            process.terminate()
    text = "".join(shown)
    assert "Charles Darwin" in text
    assert "curl -s http://127.0.0.1:18765/v1/groups/score" in text


def test_lint_pays_as_a_profile_does(tmp_path):
    lines = tmp_path / "questions.jsonl"
    lines.write_text(
        '{"id": "q1", "question": "What did Marie Curie find?", "answer": "x", "entities": ["Marie Curie", "Radium"]}'
    )

    def copying(profile):
        done = run("lint", str(lines), "--profile", profile, "--json")
        assert done.returncode == 3, done.stderr
        return json.loads(done.stdout)["policies"]["copies the question"]["reward"]

    assert (copying("egrpo-paper"), copying("egrpo")) == (0.15, 0.0)
