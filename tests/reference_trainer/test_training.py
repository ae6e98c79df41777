"""The command as a user runs it, with a service of its own: kill and resume, two processes, one rollout at a time, `--model`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from reward_service.trainer.command import main
from reward_service.trainer.results import read, timeless
from tests.reference_trainer import checkpoints

SMALL = [
    *("--hops", "2,3", "--per-type", "12", "--train-questions", "200", "--test-questions", "24"),
    *("--warmup-steps", "250", "--width", "48", "--layers", "2", "--stop-early", "0.5"),
    *("--step-questions", "3", "--group-size", "4", "--eval-every", "2", "--checkpoint-every", "2"),
    *("--threads", "1", "--quiet"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Warmed-up policies, shared: what is tested comes after."""
    return tmp_path_factory.mktemp("warmups")


@pytest.fixture
def train(cache, tmp_path):
    def go(name, *more, steps=4):
        folder = tmp_path / name
        where = ["--out", str(folder), "--cache", str(cache), "--steps", str(steps)]
        assert main([*SMALL, *where, *more]) == 0
        return folder

    return go


def rows(folder):
    return timeless(read(folder / "metrics.jsonl"))


def command(folder, cache, *more):
    where = ["--out", str(folder), "--cache", str(cache), "--no-figure"]
    return [sys.executable, "-m", "reward_service", "train", *SMALL, *where, *more]


def test_a_run_writes_metrics_checkpoint_figure_and_model(train, capsys):
    folder = train("run")

    found = rows(folder)
    assert [(row["kind"], row["step"]) for row in found] == [
        ("eval", 0),
        *[("train", 1), ("train", 2), ("eval", 2)],
        *[("train", 3), ("train", 4), ("eval", 4)],
    ]
    assert all(len(row["correct"]) == 24 for row in found if row["kind"] == "eval")
    assert {path.name for path in folder.iterdir()} >= {
        "checkpoint.pt",
        "figure.svg",
        "model",
        "metrics.jsonl",
    }
    assert AutoTokenizer.from_pretrained(folder / "model").chat_template
    assert AutoModelForCausalLM.from_pretrained(folder / "model").num_parameters() > 0
    assert "accuracy" in capsys.readouterr().out


def test_a_killed_run_goes_on_to_the_same_metrics(train, cache, tmp_path):
    whole = rows(train("whole", steps=6))

    folder = tmp_path / "killed"
    process = subprocess.Popen(command(folder, cache, "--steps", "6"))
    deadline = time.monotonic() + 600
    while not any(row["kind"] == "train" and row["step"] >= 3 for row in read(folder / "metrics.jsonl")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    service = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while (
        Path(f"/proc/{service}").exists() and "Z" not in Path(f"/proc/{service}/stat").read_text().split()[2]
    ):
        assert time.monotonic() < deadline, "the service outlived its trainer"
        time.sleep(0.01)
    train("killed", steps=6)

    assert any(row["updated"] for row in whole if row["kind"] == "train")
    assert rows(folder) == whole


def test_the_same_seed_in_two_processes_gives_the_same_metrics(cache, tmp_path):
    found = []
    for name in ("one", "two"):
        environment = {**os.environ, "PYTHONHASHSEED": name[0].replace("o", "1").replace("t", "2")}
        subprocess.run(command(tmp_path / name, cache, "--steps", "3"), env=environment, check=True)
        found.append(rows(tmp_path / name))
    assert found[0] == found[1]
    assert found[0][1]["updated"]


def test_one_rollout_at_a_time_gives_what_groups_give(train):
    groups = rows(train("groups", steps=2))
    assert rows(train("single", "--one-by-one", steps=2)) == groups
    assert groups[1]["match_rate"] > 0


TERM = "reward: {terms: [{signal: entity_match, weight: %s, normalize: group_max, when: wrong}]}"
PAPER = "name: mine\nmeasure: {grammar: websailor, matching: {kind: substring}}\n" + TERM


def test_a_profile_of_a_file_pays(train, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(PAPER % 0.3)
    shipped = rows(train("shipped", steps=2))
    assert rows(train("own", "--profile", str(mine), steps=2)) == shipped

    mine.write_text(PAPER % 0.5)
    more = rows(train("more", "--profile", str(mine), steps=2))
    assert more[1]["match_rate"] == shipped[1]["match_rate"]
    assert more[1]["reward"] > shipped[1]["reward"]


def test_the_success_rate_of_the_last_five_steps_is_sent_and_survives_a_stop(train, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(PAPER % "[[0, 0.3], [0.5, 0], [1, 0]]")
    asked = ("--profile", str(mine), "--progress", "success")
    whole = rows(train("whole", *asked, steps=8))
    train("stopped", *asked, steps=4)
    resumed = rows(train("stopped", *asked, steps=8))

    steps = [row for row in whole if row["kind"] == "train"]
    correct = [round(12 * row["accuracy"]) for row in steps]
    assert any(correct[:7])
    assert [row["progress"] for row in steps] == [
        sum(correct[max(n - 5, 0) : n]) / (12 * min(n, 5)) if n else 0.0 for n in range(8)
    ]
    assert [row for row in resumed if row["kind"] == "train"] == steps


def test_a_run_does_not_go_on_with_a_changed_profile(train, cache, tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    mine.write_text(PAPER % 0.3)
    folder = train("mine", "--profile", str(mine), steps=2)
    mine.write_text(PAPER % 0.5)
    where = ["--out", str(folder), "--cache", str(cache), "--steps", "4"]
    assert main([*SMALL, *where, "--profile", str(mine)]) == 1
    assert "different settings" in " ".join(capsys.readouterr().err.split())


def test_a_bad_profile_is_said_by_the_service_that_refuses_it(cache, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("name: yours\n")
    where = ["--out", str(tmp_path / "run"), "--cache", str(cache), "--steps", "1"]
    assert main([*SMALL, *where, "--profile", str(tmp_path / "mine.yaml")]) == 1
    assert "must be 'mine'" in " ".join(capsys.readouterr().err.split())


def test_dynamic_sampling_replaces_groups_without_a_signal(train):
    folder = train("dynamic", "--dynamic-sampling", "--profile", "grpo", "--resample-rounds", "2", steps=3)
    steps = [row for row in rows(folder) if row["kind"] == "train"]
    assert any(row["resample_rounds"] for row in steps)
    assert all(row["groups"] == min(row["groups_with_signal"], 3) for row in steps)
    assert all(row["groups_sampled"] <= 9 for row in steps)


@pytest.mark.parametrize("loss", ["gspo", "disco"])
def test_other_losses_train(train, loss):
    folder = train(loss, "--loss", loss, "--micro-batch", "5", steps=2)
    assert [row["updated"] for row in rows(folder) if row["kind"] == "train"]


@pytest.mark.parametrize("dtype", ["mixed", "bfloat16"])
def test_half_precision_trains(train, dtype):
    found = rows(train(dtype, "--dtype", dtype, steps=1))
    (step,) = [row for row in found if row["kind"] == "train"]
    assert step["updated"]
    assert step["drift"] < 1.0


def test_another_configuration_does_not_take_up_a_run(train, cache, tmp_path, capsys):
    folder = train("taken", steps=2)
    assert main([*SMALL, "--out", str(folder), "--cache", str(cache), "--rate", "1"]) == 1
    assert "created with different settings" in capsys.readouterr().err


def test_a_checkpoint_from_disk_is_trained_on_a_users_own_data(tmp_path):
    model = checkpoints.save(tmp_path / "tiny-llama")
    before = AutoModelForCausalLM.from_pretrained(model).state_dict()
    options = [
        *("--model", str(model), *checkpoints.data(tmp_path)),
        *("--out", str(tmp_path / "run"), "--steps", "2", "--step-questions", "2", "--group-size", "4"),
        *(
            "--turn-tokens",
            "24",
            "--context",
            "1500",
            "--rate",
            "0.001",
            "--loss",
            "grpo",
            "--threads",
            "1",
            "--quiet",
        ),
        *("--profile", "egrpo", "--eval-every", "1"),
    ]

    assert main(options) == 0

    found = rows(tmp_path / "run")
    assert [row["kind"] for row in found] == ["eval", "train", "eval", "train", "eval"]
    assert all(row["unscored"] == 0 for row in found)
    after = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model").state_dict()
    assert after.keys() == before.keys()
    assert AutoTokenizer.from_pretrained(tmp_path / "run" / "model").chat_template == checkpoints.CHATML
    assert all(torch.isfinite(value).all() for value in after.values())
