"""The same text has the same bits: alone, in company, in another order, with 1, 2 and 4 threads, in three processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.arrangements import differing

ROOT = Path(__file__).parents[2]
THREADS = (1, 2, 4)


@pytest.fixture(scope="module")
def processes(tiny):
    """What each of three processes computes, each with another number of threads."""
    folder, digest = tiny
    found = []
    for threads in THREADS:
        command = [sys.executable, "-m", "tests.models.arrangements", str(folder), digest, str(threads)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    assert [one["threads"] for one in found] == list(THREADS)
    return found


def differing_in(processes, dtype):
    """How many texts have several scores among all arrangements and processes, and of how many."""
    lists = [scores for one in processes for scores in one["scores"][dtype].values()]
    return differing(lists), len(lists[0])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_no_score_depends_on_company_order_threads_or_process(processes, dtype):
    differ, texts = differing_in(processes, dtype)
    print(f"\n{dtype}: {differ} of {texts} texts have several scores")

    assert (differ, texts) == (0, 64)


def test_free_batches_show_that_the_comparison_can_fail(processes):
    differ, texts = differing_in(processes, "free batches")
    print(f"\nfloat32 in free batches: {differ} of {texts} texts have several scores")

    assert differ > 0


def test_texts_have_different_scores(processes):
    assert len({json.dumps(one) for one in processes[0]["scores"]["float32"]["alone"]}) > 32
