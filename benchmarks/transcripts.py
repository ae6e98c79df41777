"""How rightly transcripts of real systems are read, what that costs, and that no marks make it cost more.

    python -m benchmarks.transcripts [CASES] [--before CHECKOUT]

CASES (or `REWARD_SERVICE_TEST_CASES`) is a folder with `transcripts.jsonl`: a sample a line, with what is right for it. The
recordings and transcripts lie in the data folder. Each part is left out where its files are not there. `--before` names a
checkout of an earlier version, whose parser is timed in turn with this one. Times are of the processor.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import DATA, rows
from benchmarks.dumps import dumps_taken, read_samples
from benchmarks.report import Report
from reward_service.adapters.native import QuestionIn, RolloutIn
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure
from reward_service.core.trajectory import CONTAINERS, DIALECTS, SHORT_FORMS, parse
from reward_service.core.types import Messages, Outcome, Reading, RolloutFacts, SegmentKind, Text

CALL, RESPONSE, ANSWER = SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER
R1_SEARCHER = "recordings_r1searcher_2wiki/recordings.jsonl"
WEBDANCER = "transcripts_webdancer_format/sample_traj_60.jsonl"
FIREACT = "trajectories_hotpotqa_fireact/trajectories.jsonl"
# Formats that both versions know, for timings in turn.
TIMED = """
import json, sys, time
from reward_service.core.trajectory import parse
from reward_service.core.types import Messages, Text
texts = json.load(open(sys.argv[1]))
for name, (kind, said) in texts.items():
    sources = [Messages(tuple(one)) if kind == "messages" else Text(one, kind) for one in said]
    best = 1e9
    for _ in range(7):
        begin = time.process_time()
        for one in sources:
            parse(one, "balanced")
        best = min(best, time.process_time() - begin)
    print(json.dumps([name, best]))
"""


def faults(sample: dict[str, Any]) -> Iterator[str]:
    """Yield what is read wrongly of a sample, by kind."""
    question = QuestionIn.model_validate(sample["question"]).to_domain()
    rollout = RolloutIn.model_validate({"rollout_id": "0", **sample["input"], **sample["send"]}).to_domain()
    facts = measure(rollout, question, shipped()[sample["profile"]], explain=True)
    if facts.evidence is None:
        yield "not read"
        return
    named = {question.entities[match.entity].name for match in facts.evidence.matches}
    if isinstance(sample["expected"], str):  # it cannot be read
        yield from ["false credit"] if named else [] if facts.flags else ["thoughts missed in silence"]
        return
    right = set(sample["expected_matched"])
    if named - right:
        yield "false credit"
    if right - named:
        yield "thoughts missed" if facts.flags else "thoughts missed in silence"
    yield from _other_faults(sample, facts)


def _other_faults(sample: dict[str, Any], facts: RolloutFacts) -> Iterator[str]:
    """Yield what is wrong with format, pieces and answer."""
    error = (facts.detail or "").removeprefix("format: ") or None
    if error != sample["expected_format_error"]:
        yield "false format error" if error else "format error missed"
    kinds = Counter(segment.kind for segment in facts.evidence.segments) if facts.evidence else Counter()
    wanted = Counter(kind for kind, _ in sample["expected"])
    yield from (
        f"{kind}s lost or invented" for kind in (CALL, RESPONSE, ANSWER) if kinds[kind] != wanted[kind]
    )
    if wanted[ANSWER] and error is None and facts.outcome is not Outcome.CORRECT:
        yield "right answer taken for wrong"


def read_rightly(report: Report, folder: Path | None) -> None:
    """Say how many samples are read rightly, and what is wrong with the others."""
    if folder is None or not (folder / "transcripts.jsonl").exists():
        report.say("No samples: name their folder to have them read.")
        return
    lines = (folder / "transcripts.jsonl").read_text(encoding="utf-8").splitlines()
    samples = [sample for sample in map(json.loads, lines) if "input" in sample]
    found = {sample["id"]: list(faults(sample)) for sample in samples}
    kinds = Counter(kind for one in found.values() for kind in one)
    table = [["read rightly", f"{sum(not one for one in found.values())} of {len(found)}"]]
    always = ("false credit", "thoughts missed in silence", "false format error")
    table += [[kind, str(kinds[kind])] for kind in dict.fromkeys((*always, *kinds))]
    report.table("Samples of systems, as their callers send them", ("what", "samples"), table)
    report.say("\n".join(f"- `{name}`: {', '.join(one)}" for name, one in found.items() if one))


def recordings(report: Report) -> None:
    """Count thoughts in real recordings, and responses that are none."""
    table = []
    if (DATA / R1_SEARCHER).exists():
        texts = [row["gen_text_store"] for row in rows(R1_SEARCHER)]
        read = [parse(Text(text, "r1_searcher"), "none").segments for text in texts]
        thinking = sum(any(one.kind is SegmentKind.THOUGHT for one in segments) for segments in read)
        table.append(["R1-Searcher recordings with a thought", f"{thinking} of {len(texts)}"])
    if (DATA / WEBDANCER).exists():
        invented = sum(_invented(row["messages"]) for row in rows(WEBDANCER))
        table.append(["WebDancer: responses invented", str(invented)])
    report.table("Real recordings", ("what", "found"), table)


def _invented(messages: list[dict[str, str]]) -> int:
    """Return how many responses are read of a transcript beyond those of its user turns after the prompt."""
    spoken = next(n for n, message in enumerate(messages) if message["role"] == "assistant")
    there = sum(
        one["content"].count("</tool_response>") for one in messages[spoken:] if one["role"] == "user"
    )
    segments = parse(Messages(tuple(messages)), "none").segments
    return sum(one.kind is RESPONSE for one in segments) - there


def _corpus() -> dict[str, tuple[str, list[Any]]]:
    """Return English rollouts by the way they are written."""
    chats = [row["messages"][2:] for row in rows(WEBDANCER)]
    steps = [
        [(one["type"], one.get("text", str(one.get("arguments")))) for one in row["steps"]]
        for row in rows(FIREACT)
    ]
    tags = {"thought": "think"}
    short = ["".join(f"<{tags.get(k, k)}>{t}</{tags.get(k, k)}>" for k, t in one) for one in steps]
    long = ["".join(message["content"] for message in chat) for chat in chats]
    chatml = ["".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in chat) for chat in chats]
    lines = ["".join(f"{m['role']}\n{m['content']}\n" for m in chat) for chat in chats]
    return {
        "tagged, 20 KB a rollout": ("tagged", long),
        "tagged, 1 KB a rollout": ("tagged", short),
        "chatml": ("chatml", chatml),
        "role_lines": ("role_lines", lines),
        "messages": ("messages", chats),
    }


def _timed(corpus: Path, checkout: Path) -> dict[str, float]:
    """Return the seconds that a checkout's parser takes, by the way rollouts are written."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(checkout)!r})\n{TIMED}", str(corpus)],
        cwd=checkout, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return dict(map(json.loads, done.stdout.splitlines()))


def speed(report: Report, before: Path | None) -> None:
    """Time parsing, in turn with an earlier version where there is one."""
    if not (DATA / WEBDANCER).exists() or not (DATA / FIREACT).exists():
        return
    corpus = _corpus()
    path = Path(tempfile.mkdtemp()) / "corpus.json"
    path.write_text(json.dumps(corpus))
    mb = {
        name: sum(len(json.dumps(one)) if kind == "messages" else len(one) for one in said) / 1e6
        for name, (kind, said) in corpus.items()
    }
    here, there = Path(__file__).parents[1], before
    now, then = [], []
    for _ in range(3):
        now.append(_timed(path, here))
        then += [_timed(path, there)] if there else []
    table = []
    for name in corpus:
        new, old = min(one[name] for one in now), min((one[name] for one in then), default=0.0)
        share = f"{new / old:.2f}" if old else "-"
        table.append([name, f"{mb[name] / new:.0f}", f"{mb[name] / old:.0f}" if old else "-", share])
    report.table("Parsing English", ("written as", "MB/s now", "MB/s before", "time now / before"), table)
    path.unlink()


def growth(report: Report) -> None:
    """Time texts of nothing but marks at one, two and four times the length: linear is 2 and 4."""
    table = []
    for name, dialect in DIALECTS.items():
        marks = [mark.opens for mark in dialect.marks.spelled] + [
            "\nAction: a\nAction Input: ",
            "<code>",
            "Thought: ",
        ]
        worst = max((_growth(mark, name) for mark in (*marks, "".join(marks))), key=lambda one: one[2])
        table.append([f"dialect `{name}`", *_shown(worst)])
    for name in CONTAINERS:
        units = [
            "<|im_start|>tool\n",
            "<|python_tag|>",
            "<｜tool▁calls▁begin｜>",
            "<|channel|>analysis<|message|>",
            "[TOOL_CALLS]",
            "\nuser\n",
        ]
        worst = max((_growth(unit, None, name) for unit in units), key=lambda one: one[2])
        table.append([f"container `{name}`", *_shown(worst)])
    report.table("The slowest flood of marks", ("of", "100 KB, ms", "2x", "4x"), table)


def _shown(times: Sequence[float]) -> list[str]:
    return [f"{times[0] * 1e3:.0f}", *(f"{one / times[0]:.1f}" for one in times[1:])]


def _growth(unit: str, dialect: str | None, container: str = "plain") -> tuple[float, ...]:
    """Return the seconds that 100, 200 and 400 KB of a unit take, read as one message where the container is plain."""
    sizes = [n * 100_000 // len(unit) for n in (1, 2, 4)]

    def source(times: int) -> Text | Messages:
        if container != "plain":
            return Text(unit * times, container)
        message = {"role": "assistant", "content": unit * times, "reasoning_content": unit * times}
        return Messages((message, {"role": "assistant", "content": "x"}), reading=Reading(dialect=dialect))

    return tuple(_best(lambda times=times: parse(source(times), "websailor")) for times in sizes)


def _best(work: Callable[[], Any], rounds: int = 3) -> float:
    """Return the seconds that work takes without the garbage collector, whose passes depend on all that is alive."""
    took = []
    gc.disable()
    for _ in range(rounds):
        begin = time.process_time()
        work()
        took.append(time.process_time() - begin)
    gc.enable()
    return min(took)


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cases", nargs="?", type=Path, default=os.environ.get("REWARD_SERVICE_TEST_CASES"))
    arguments.add_argument("--before", type=Path)
    arguments.add_argument("--quick", action="store_true", help="write no results")
    given = arguments.parse_args()
    with Report("transcripts") as report:
        report.say(
            f"{len(CONTAINERS)} containers of one string and `messages`, {len(DIALECTS)} dialects, {len(SHORT_FORMS)} short forms."
        )
        read_rightly(report, given.cases and Path(given.cases))
        if given.cases and (Path(given.cases) / "transcripts.jsonl").exists():
            dumps_taken(report, *read_samples(Path(given.cases)))
        recordings(report)
        speed(report, given.before)
        growth(report)


if __name__ == "__main__":
    main()
