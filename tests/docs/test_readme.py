"""What the README shows is what happens."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_curl_call_returns_the_numbers_beside_it(server):
    (call,) = blocks("bash")

    done = subprocess.run(
        ["bash", "-c", call.replace("http://127.0.0.1:8000", server)], capture_output=True, check=True
    )

    rollouts = json.loads(done.stdout)["groups"][0]["rollouts"]
    assert [one["reward"] for one in rollouts] == [1, 0, 0.15]
    assert [one["advantage"] for one in rollouts] == pytest.approx([1.143477, -0.71081, -0.432667], abs=1e-6)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code):
    exec(compile(code, "README.md", "exec"), {})


def test_the_makefile_has_the_two_commands():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert all(
        f"\n{command.removeprefix('$ make ')}:" in makefile for command in ("$ make run", "$ make test")
    )


def test_comparing_two_profiles_says_what_stands_below_it(tmp_path):
    said = re.search(r"```\n(egrpo instead of grpo-equal:\n.*?)```", README, re.DOTALL)
    command = re.search(r"\$ reward-service (compare samples/run.jsonl.gz .*)", README)
    run = [Path(sys.executable).parent / "reward-service"]
    subprocess.run([*run, "sample", "samples"], cwd=tmp_path, check=True)

    done = subprocess.run(
        [*run, *command[1].split()], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    assert said[1].strip() in done.stdout
