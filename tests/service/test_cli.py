"""The command line, as a user meets it."""

import json
import os
import signal
import subprocess
import sys
from importlib import resources

import httpx
import pytest

from reward_service.cli.shell import unknown_settings
from tests.builders import EXAMPLE
from tests.commands import run

SAMPLE = resources.files("reward_service.sample")


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
        (("explain", "/nowhere.json"), {}, "error: /nowhere.json: No such file or directory"),
        (
            ("score", "-", "--profile", "best"),
            {},
            "error: There is no such profile (got 'best'; available profiles: ",
        ),
        (("serve", "--index", "/nowhere"), {}, "there is no index at /nowhere"),
        (
            ("explain", SAMPLE / "rollouts.jsonl", "--rollout", "1"),
            {},
            "--group is missing: it names the group of the rollout in the files",
        ),
        (
            ("explain", SAMPLE / "rollouts.jsonl"),
            {},
            "rollouts.jsonl is no body of POST /v1/rollouts/explain (trailing characters at line 2 column 1); in a file",
        ),
        (
            ("report", SAMPLE / "rollouts.jsonl", "--json", "--bundle", "pages"),
            {},
            "--bundle writes a folder of pages: give it without --json and --out",
        ),
        (("lint", SAMPLE / "run.jsonl.gz", "--reader", "kilt"), {}, "no line contained a usable question: "),
        (("serve", "--port", "99999"), {}, "settings: port"),
        (
            ("serve", "--index", "a"),
            {"REWARD_SERVICE_INDEX_URL": "redis://a"},
            "error: settings: index and index_url cannot both be set",
        ),
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


RECORD = {
    "prompt_id": "p",
    "answer": {"target": "x"},
    "names": ["Zanderheim", "Quillock"],
    "ask": "Who?",
    "epoch": 3,
}
FOREIGN = [
    {**RECORD, "sample": {"output": text}}
    for text in ("<think>Zanderheim</think><answer>y</answer>", "<think>?</think><answer>x</answer>")
]
MAPS = (
    "group=prompt_id",
    "question=ask",
    "answers=answer.target",
    "entities=names",
    "text=sample.output",
    "step=epoch",
)


@pytest.fixture
def foreign(tmp_path):
    file = tmp_path / "own.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in FOREIGN), encoding="utf-8")
    return [file, *(word for rule in MAPS for word in ("--map", rule))]


def test_a_file_with_foreign_columns_becomes_a_report_in_one_command(foreign, tmp_path):
    out = tmp_path / "report.html"

    done = run("report", *foreign, "--out", out)

    assert done.returncode == 0, done.stderr
    page = out.read_text(encoding="utf-8")
    assert "This file contains ground truth and rollout text" in page
    assert "0.3 × 1/1 = 0.3" in page


def test_the_numbers_of_a_report_hold_no_text_of_rollouts(foreign):
    done = run("report", *foreign, "--json")

    found = json.loads(done.stdout)
    assert found["run"]["numbers"]["accuracy"]["value"] == 0.5
    assert found["dataset"]["lint"]["policies"][-1] == {"policy": "perfect", "match_rate": 1.0, "reward": 1.0}
    assert "<think>" not in done.stdout


def test_a_bundle_has_a_page_a_group(foreign, tmp_path):
    done = run("report", *foreign, "--bundle", tmp_path / "bundle")

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == [
        "dataset.html",
        "group-0.html",
        "groups-1.html",
        "index.html",
    ]


def test_two_profiles_are_compared_on_the_same_rollouts(foreign):
    done = run("compare", *foreign, "--profile", "grpo-equal", "--profile", "egrpo")

    assert "rewards that differ: 1 of 2" in done.stdout


def test_a_value_of_a_profile_is_tried(foreign):
    done = run("compare", *foreign, "--set", "reward.terms.0.weight=0.5", "--json")

    assert json.loads(done.stdout)["most_changed"][0]["rewards"] in ([0.3, 0.5], [1.0, 1.0])


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ((), "give two profiles, --set, or two files"),
        (("--set", "nothing=1"), "the profile has no such key"),
        (("--profile", "grpo", "--profile", "egrpo", "--profile", "egrpo"), "one to compare it with"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(foreign, more, why):
    done = run("compare", *foreign, *more)

    assert (done.returncode, why in done.stderr) == (1, True)


def test_two_files_are_compared_on_shared_questions(foreign, tmp_path):
    file, *maps = foreign
    other = tmp_path / "other.jsonl"
    other.write_bytes(file.read_bytes())

    done = run("compare", file, other, *maps)

    assert "1 questions are in both files" in done.stdout


def test_a_rollout_of_a_file_is_explained_beside_its_group(foreign):
    done = run("explain", *foreign, "--group", "p@3", "--rollout", "0")

    assert "0.3 × 1/1 = 0.3" in done.stdout


@pytest.mark.parametrize(
    ("asked", "why"), [(("--group", "q"), "no group 'q'"), (("--group", "p@3", "--rollout", "9"), "are 0, 1")]
)
def test_what_is_not_in_a_file_cannot_be_explained(foreign, asked, why):
    done = run("explain", *foreign, *asked)

    assert (done.returncode, why in done.stderr) == (1, True)


def test_ctrl_c_ends_a_view(foreign, tmp_path):
    options = ["--no-browser", "--cache", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "reward_service", "view", *map(str, foreign), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[0]
        assert httpx.get(url, follow_redirects=True).status_code == 200
        process.send_signal(signal.SIGINT)

        _, said = process.communicate()

    assert (process.returncode, "Traceback" in said) == (0, False)


def test_standard_input_cannot_be_viewed():
    done = run("view", "-", "--no-browser", stdin="")

    assert (done.returncode, "it is read again" in done.stderr) == (1, True)


def test_scores_are_written_with_the_evidence_that_is_asked_for(foreign, tmp_path):
    out = tmp_path / "out.jsonl"

    done = run("score", *foreign, "--out", out, "--explain")

    assert done.returncode == 0, done.stderr
    first = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
    assert [match["entity"] for match in first["matches"]] == ["Zanderheim"]
    assert "match rate of correct minus wrong rollouts, within 1 groups with both: -0.500" in done.stdout


def decaying(*, steps=(0, 3, 8)):
    """One wrong rollout a group, which names one of two entities: its reward is the weight, by the progress."""
    question = {"text": "Who?", "answers": ["x"], "entities": [{"name": "Zanderheim"}, {"name": "Quillock"}]}
    text = "<think>Quillock</think><answer>y</answer>"
    return "\n".join(
        json.dumps({**question, "question": "Who?", "text": text, "step": step, "rollout": "0"})
        for step in steps
    )


def paid_at(tmp_path, lines, *options):
    out = tmp_path / "out.jsonl"
    done = run("score", "-", "--profile", "egrpo-decay", "--out", out, *MAPPED, *options, stdin=lines)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["reward"] for line in out.read_text(encoding="utf-8").splitlines()]


MAPPED = [
    part
    for rule in ("text=text", "question=question", "answers=answers", "entities=entities", "step=step")
    for part in ("--map", rule)
]


def test_score_pays_at_a_progress_or_at_each_groups_own_step(tmp_path):
    assert paid_at(tmp_path, decaying(), "--progress", "0.375") == pytest.approx([0.15] * 3, abs=1e-15)
    assert paid_at(tmp_path, decaying(), "--total-steps", "8") == pytest.approx([0.3, 0.15, 0.0], abs=1e-15)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "the profile egrpo-decay needs progress"),
        (["--total-steps", "8", "--progress", "0.5"], "--progress and --total-steps exclude each other"),
        (
            ["--total-steps", "8"],
            "must have one whole number as their step; --map step=PATH says where it is",
        ),
    ],
)
def test_score_says_what_a_profile_that_needs_progress_lacks(options, why):
    done = run("score", "-", "--profile", "egrpo-decay", *MAPPED, *options, stdin=decaying(steps=["warm-up"]))

    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr


def test_a_progress_beyond_the_training_is_refused():
    assert run("score", "-", "--progress", "1.5", stdin=decaying()).returncode == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("REWARD_SERVICE_LEDGR", "no setting is called REWARD_SERVICE_LEDGR, did you mean REWARD_SERVICE_LEDGER?"),
        ("REWARD_SERVICE_COLOUR", "no setting is called REWARD_SERVICE_COLOUR"),
    ],
)  # fmt: skip
def test_a_variable_that_is_no_setting_is_told(name, said):
    assert unknown_settings({name: "1", "PATH": "/bin"}) == [said]


@pytest.mark.parametrize(
    "name",
    [
        "REWARD_SERVICE_LEDGER",
        "reward_service_port",
        "REWARD_SERVICE_API_KEY",
        "REWARD_SERVICE_SERVICE_HOST",
        "REWARD_SERVICE_SERVICE_PORT_HTTP",
        "REWARD_SERVICE_PORT_8000_TCP_ADDR",
    ],
)
def test_settings_and_variables_of_clients_and_of_kubernetes_are_not(name):
    assert unknown_settings({name: "1"}) == []


def test_a_ledger_that_is_not_there_is_no_ledger_without_groups(tmp_path):
    done = run("ledger", "verify", tmp_path / "none.jsonl")

    assert (done.returncode, done.stdout) == (1, "")
    assert "none.jsonl: No such file or directory" in done.stderr


@pytest.mark.parametrize("command", ["score", "report"])
@pytest.mark.parametrize(
    ("read", "written", "why"),
    [
        ("run/rollouts.jsonl", "run/rollouts.jsonl", "is, or would be, among the files that are read"),
        ("run", "run/rewards.jsonl", "is, or would be, among the files that are read"),
        ("run", "run/deep/rewards.json.gz", "is, or would be, among the files that are read"),
        ("run/rollouts.jsonl", "nowhere/rewards.jsonl", "--out: there is no folder nowhere"),
    ],
)
def test_results_never_overwrite_what_is_read_nor_become_part_of_it(tmp_path, command, read, written, why):
    rollouts = tmp_path / "run" / "rollouts.jsonl"
    (tmp_path / "run" / "deep").mkdir(parents=True)
    rollouts.write_text("{}\n")

    done = run(command, read, "--out", written, cwd=tmp_path)

    assert (done.returncode, why in done.stderr) == (1, True)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [rollouts]
    assert rollouts.read_text() == "{}\n"


def test_an_option_that_needs_another_one_is_refused_before_anything_is_scored():
    done = run("score", SAMPLE / "rollouts.jsonl", "--explain")

    assert (done.returncode, "--explain writes into --out" in done.stderr) == (1, True)


@pytest.mark.parametrize("command", [("view", SAMPLE / "rollouts.jsonl"), ("demo",), ("worker", "local")])
def test_a_port_that_there_cannot_be_is_refused_by_the_command_line(command):
    done = run(*command, "--port", "65536")

    assert (done.returncode, "65535" in done.stderr) == (2, True)


def test_an_index_without_a_data_set_is_told(tmp_path):
    done = run("score", SAMPLE / "rollouts.jsonl", "--index", tmp_path)

    assert (done.returncode, "the index holds no data set" in done.stderr) == (1, True)


def test_a_summary_says_what_the_policy_did_wrong():
    line = {"group": "g", "text": "<think>a</think><search>b", "question": "Who?", "answers": ["x"]}
    rules = [part for field in line for part in ("--map", f"{field}={field}")]

    done = run("score", "-", *rules, stdin=json.dumps(line))

    assert "1 rollouts are errors:\n  1 x format: " in done.stdout


def test_a_place_in_a_folder_is_its_path_within_it(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "0.json").write_text('{"seed": 1}')

    done = run("score", "run", cwd=tmp_path)

    assert "(a/0.json line 1, b/0.json line 1)" in done.stderr


def test_rollouts_of_a_table_are_scored(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(
        "qid,response,gold,names\n"
        'q,"<think>Perhaps Ida Marsh.</think><answer>Rome</answer>",Paris,"[""Ida Marsh"", ""Paul Rey""]"\n'
        'q,<think>So.</think><answer>Paris</answer>,Paris,"[""Ida Marsh"", ""Paul Rey""]"\n'
    )
    rules = [
        part
        for rule in ("group=qid", "text=response", "answers=gold", "entities=names")
        for part in ("--map", rule)
    ]

    run("score", path, *rules, "--profile", "egrpo-paper", "--out", tmp_path / "out.jsonl")

    records = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert [one["reward"] for one in records] == [0.3, 1.0]


def test_a_file_of_another_ending_is_no_profile(tmp_path):
    (tmp_path / "mine.json").write_text("{}")

    done = run("profile", "validate", "mine.json", cwd=tmp_path)

    assert (done.returncode, "a profile's file must end in .yaml or .yml" in done.stderr) == (1, True)
