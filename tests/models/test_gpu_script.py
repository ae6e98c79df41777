"""`python -m benchmarks.gpu` runs to its end where there is no GPU: on the CPU, with memory that is said to be short."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_part_of_the_script_runs_and_says_what_it_found():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    said = done.stdout

    assert done.returncode == 0, done.stderr
    assert re.search(r"\| float32 \| 0 \| \d+ \|", said)
    assert "to the CPU in float32, 8 texts: 0." in said
    assert re.search(r"\| float32 \| 4,096 tokens \| \d+ \| - \|", said)
    [(degraded, halved)] = re.findall(
        r"64 texts: 64 answered, (\d+) of them degraded, 0 refused, out of memory (\d+) times", said
    )
    assert int(degraded) > 0
    assert int(halved) > 0
    assert "scores after it are the same." in said
    assert "16 threads with 12 texts each: 0 scores differ from those of one." in said
