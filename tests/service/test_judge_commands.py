"""`reward-service judge`: a judge that answers by rule beside people's verdicts, and its successor."""

import json
from collections import Counter

import pytest
from typer.testing import CliRunner

from entity_index.types import Question
from reward_service.cli import calibrate
from reward_service.cli.commands import app
from tests.fault_judge import FaultJudge, judging
from tests.service.test_judges import backend, write_backends

RUN = CliRunner()
ANSWER = '{"question": "Where?", "answers": ["Lima"], "answer": "Lima", "human_correct": true}'
RIGHT = ["Lima", "It is Lima", "the city of Lima in Peru", "Lima, Peru", "She came from Lima"]
WRONG = ["Cusco", "It is Cusco", "Quito", "Bogotá", "She came from Cusco"]


@pytest.fixture(scope="module")
def judge():
    return FaultJudge()


@pytest.fixture(scope="module")
def url(judge):
    with judging(judge) as base:
        yield base


@pytest.fixture
def backends(url, judge, tmp_path):
    judge.fails(None)
    return write_backends(tmp_path, backend(url, serves={"judge": "judge", "other": "judge"}, flavour="vllm"))


@pytest.fixture
def verdicts(tmp_path):
    path = tmp_path / "judged.jsonl"
    rows = [
        {"question": "Where was she born?", "answers": ["Lima"], "answer": answer, "human_correct": right}
        for answers, right in ((RIGHT, True), (WRONG, False))
        for answer in answers
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def run(*arguments):
    return RUN.invoke(app, ["judge", *map(str, arguments)])


def test_a_judge_that_agrees_with_people_passes_and_is_written_down(backends, verdicts, tmp_path):
    found = run("calibrate", verdicts, "--backends", backends, "--sample", 10, "--out", tmp_path, "--check")

    assert found.exit_code == 0, found.output
    assert "agreement 1.000, kappa 1.000, not judged 0" in found.output
    assert "attacks: 0 of 40 accepted" in found.output
    assert "equal/blank" in found.output
    assert "only 5 wrong answers" in found.output
    [written] = tmp_path.glob("calibration-*.json")
    document = json.loads(written.read_text())
    assert (document["kappa"], document["attacks_accepted"], document["asked_again"]) == (1.0, [], 10)
    assert document["tokens"]["prompt"] == 100 * document["calls"]


def test_a_judge_that_calls_everything_right_is_refused(backends, verdicts, judge):
    async def generous(one, request):
        body = await request.json()
        from reward_service.cli.stub_judge import fields_of  # noqa: PLC0415

        answer = fields_of(body["messages"][-1]["content"])["answer"]
        return one.text(json.dumps({"extracted": answer, "reason": "yes", "verdict": "correct"}))

    from tests.fault_judge import FAULTS  # noqa: PLC0415

    FAULTS["generous"] = generous
    try:
        judge.fails("generous")
        found = run("calibrate", verdicts, "--backends", backends, "--sample", 10, "--repeats", 2, "--check")
    finally:
        del FAULTS["generous"]

    assert found.exit_code == 1
    assert "kappa is 0.000, below 0.85" in found.output
    assert "it calls 100.0% of the wrong answers right, above 2%" in found.output
    assert "it accepts attacks: " in found.output


def test_a_judge_that_does_not_judge_is_refused(backends, verdicts, judge):
    judge.fails("empty")

    found = run("calibrate", verdicts, "--backends", backends, "--sample", 10, "--repeats", 1, "--check")

    assert found.exit_code == 1
    assert "judge judged 0 right and 0 wrong answers, and rates need both" in " ".join(found.output.split())


def test_a_folder_that_cannot_be_written_is_found_out_before_anything_is_asked(backends, verdicts, judge):
    asked = judge.asked

    found = run("calibrate", verdicts, "--backends", backends, "--out", verdicts / "folder")

    assert (found.exit_code, judge.asked) == (1, asked)


def test_the_folder_of_a_calibration_is_made(backends, verdicts, tmp_path):
    run("calibrate", verdicts, "--backends", backends, "--sample", 2, "--out", tmp_path / "a" / "b")

    assert len(list((tmp_path / "a" / "b").glob("calibration-*.json"))) == 1


def test_a_sample_has_as_many_right_answers_as_wrong_ones_whatever_the_systems_are():
    answers = [
        calibrate.JudgedAnswer(Question("Where?", ("Lima",)), "Lima", right, f"system {n}")
        for right in (True, False)
        for n in range(7)
    ]

    sample = calibrate.drawn(answers, 6, seed=7)

    assert Counter(one.is_right for one in sample) == {True: 3, False: 3}


@pytest.mark.parametrize(
    ("content", "arguments", "why"),
    [
        ('{"question": "?"}', [], "line needs question, answers (a list)"),
        ("", [], "has no right answers"),
        (ANSWER, [], "has no wrong answers; right and wrong ones are needed"),
        (None, ["--profile", "egrpo"], "the profile egrpo asks no judge for a verdict"),
        (None, ["--backends", "/no/such/file"], "No such file"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(backends, verdicts, content, arguments, why):
    if content is not None:
        verdicts.write_text(content)

    found = run("calibrate", verdicts, "--backends", backends, *arguments)

    assert found.exit_code == 1
    assert why in " ".join(found.output.split())


def profile(name, model):
    return f"""
name: {name}
measure: {{checker: cascade, cascade: {{judge: answer, accept: exact_match}}}}
askers: [{{name: answer, template: grade-v1, model: {model}}}]
"""


@pytest.fixture
def rollouts(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    rows = [
        {
            "run_id": "r",
            "group_id": f"g{step}",
            "rollout_id": str(n),
            "step": step,
            "question": {"text": "Where was she born?", "answers": ["Lima"], "entities": []},
            "steps": [{"type": "answer", "text": answer}],
        }
        for step in (1, 2)
        for n, answer in enumerate(["Lima", "It is Lima", "Cusco"])
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_a_successor_that_judges_alike_changes_nothing(backends, rollouts, tmp_path):
    (tmp_path / "old.yaml").write_text(profile("old", "judge"))
    (tmp_path / "new.yaml").write_text(profile("new", "other"))

    found = run(
        "succeed",
        rollouts,
        "--from",
        tmp_path / "old.yaml",
        "--to",
        tmp_path / "new.yaml",
        "--backends",
        backends,
    )

    assert found.exit_code == 0, found.output
    rows = {
        line.split()[0]: line.split()[1:]
        for line in found.output.splitlines()
        if line[:3] in {"1  ", "2  ", "all"}
    }
    assert rows == {
        "1": ["3", "1.000", "0", "0", "0", "0", "0"],
        "2": ["3", "1.000", "0", "0", "0", "0", "0"],
        "all": ["6", "1.000", "0", "0", "0", "0", "0"],
    }


def test_a_successor_that_is_stricter_flips_verdicts_rewards_and_signs(backends, rollouts, tmp_path):
    (tmp_path / "old.yaml").write_text(profile("old", "judge"))
    strict = profile("new", "judge").replace("grade-v1", "grade-v1, answer_chars: 5")
    (tmp_path / "new.yaml").write_text(strict)

    found = run(
        "succeed",
        rollouts,
        "--from",
        tmp_path / "old.yaml",
        "--to",
        tmp_path / "new.yaml",
        "--backends",
        backends,
    )

    assert found.output.splitlines()[-1].split() == ["all", "6", "0.667", "2", "0", "2", "2", "0"]


def test_a_successor_is_tried_on_rollouts_of_any_shape(backends, rollouts, tmp_path):
    (tmp_path / "old.yaml").write_text(profile("old", "judge"))
    (tmp_path / "new.yaml").write_text(profile("new", "other"))
    rows = [json.loads(line) for line in rollouts.read_text().splitlines()]
    moved = [{**row, "words": row.pop("steps")} for row in rows]
    rollouts.write_text("\n".join(json.dumps(row) for row in moved))
    profiles = ("--from", tmp_path / "old.yaml", "--to", tmp_path / "new.yaml", "--backends", backends)

    found = run("succeed", rollouts, *profiles, "--map", "steps=words")

    assert found.output.splitlines()[-1].split() == ["all", "6", "1.000", "0", "0", "0", "0", "0"]
