"""How large an installation must be, computed from what was measured (`benchmarks/results`) and the budget of compiled questions.

python -m scripts.sizing          writes the table into docs/deploy.md
"""

import math
import re
from pathlib import Path
from typing import NamedTuple

from reward_service.core.matching.compiled import KEPT_BYTES

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
GROUP = 16  # rollouts of a call in benchmarks.service
AT_ONCE = 8  # calls that a replica has in flight at once, in this table
STEP_S = 10.0  # time in which the rewards of a step are to be there
BUSY = 0.7  # what a replica is loaded with at most, so that a burst finds room
OF_MEMORY = 6  # a request may need so many times its size (setting max_body_bytes)
ROLLOUTS = (256, 1_024, 4_096, 16_384)
TEXT = (8_000, 64_000, 512_000)


class Measured(NamedTuple):
    """What one replica, and Redis, were measured to need."""

    call_s: float
    """CPU of a call, whatever its size."""
    byte_s: float
    """CPU of a byte of a call."""
    idle_bytes: float
    """Resident memory of a process that has begun to work."""
    poll_bytes: float
    """Memory of a rollout that waits in a long poll."""
    state_bytes: float
    """Redis, a rollout of an open group."""
    question_bytes: float
    """Redis, a question of the index."""


def _cells(name: str, start: str) -> list[str]:
    """Return the cells of the first row of a results page that begins so."""
    page = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
    (line, *_) = [line for line in page.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def _number(cell: str) -> float:
    return float(re.sub("[^0-9.]", "", cell))


def measured() -> Measured:
    """Read the pages."""
    small_s, large_s = (_number(_cells("service", name)[2]) / 1e3 for name in ("10 KB", "1 MB, as recorded"))
    byte_s = (large_s - small_s) / (1e6 - 1e4)
    stored, polled = (_cells("groups_load", name) for name in ("stored, without a poll", "each a long poll"))
    return Measured(
        call_s=small_s - 1e4 * byte_s,
        byte_s=byte_s,
        idle_bytes=_number(_cells("overload", "now | 1x")[-1]) * 1e6,
        poll_bytes=_number(polled[1]) * 1024,
        state_bytes=_number(stored[2]) * 1024,
        question_bytes=_number(_cells("index", "Redis, by `used_memory`, keys and tables included")[1]),
    )


class Size(NamedTuple):
    """What a training step needs."""

    cpu_s: float
    replicas: int
    inflight_bytes: float
    memory_bytes: float
    polls_bytes: float
    state_bytes: float


def size(rollouts: int, text: int, of: Measured) -> Size:
    """Return what a step of so many rollouts of so many bytes needs.

    Args:
        rollouts: of the step, all questions together.
        text: bytes of one rollout.
        of: what was measured.
    """
    call = GROUP * text
    cpu_s = rollouts / GROUP * (of.call_s + call * of.byte_s)
    in_flight = AT_ONCE * call
    return Size(
        cpu_s=cpu_s,
        replicas=max(1, math.ceil(cpu_s / (STEP_S * BUSY))),
        inflight_bytes=in_flight,
        memory_bytes=of.idle_bytes + KEPT_BYTES + OF_MEMORY * in_flight,
        polls_bytes=rollouts * of.poll_bytes,
        state_bytes=rollouts * of.state_bytes,
    )


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e6:.1f} MB"


def table() -> str:
    """Return the table, and the sentence below it."""
    of = measured()
    rows = []
    for rollouts in ROLLOUTS:
        for text in TEXT:
            need = size(rollouts, text, of)
            cells = (f"{rollouts:,}", f"{text // 1000} KB", f"{need.cpu_s:.1f} s", str(need.replicas))
            memory = (_mb(need.memory_bytes), _mb(need.polls_bytes), _mb(need.state_bytes))
            rows.append(f"| {' | '.join((*cells, *memory))} |")
    return "\n".join([*HEAD, *rows, "", TAIL.format(of=of)]) + "\n"


HEAD = (
    f"| rollouts per step | text per rollout | CPU per step | replicas for {STEP_S:.0f} s | memory per replica | additional memory for long polls, total | Redis per step |",
    "|---|---|---|---|---|---|---|",
)
TAIL = f"""\
The table assumes whole groups of {GROUP}; a call costs {{of.call_s:.4f}} s of CPU and {{of.byte_s:.3g}} s per byte, on the machine of the benchmark.
Replicas: enough for the rewards of a step to be ready within {STEP_S:.0f} s, with each replica {BUSY:.0%} busy.
Memory: {{of.idle_bytes:,.0f}} bytes, {KEPT_BYTES:,} for compiled questions, and {OF_MEMORY} times the bytes of {AT_ONCE} calls in flight; set `max_inflight_bytes` to bound it.
Long polls: {{of.poll_bytes:,.0f}} bytes for each waiting rollout, if all rollouts of a step wait at the same time.
Redis: {{of.state_bytes:,.0f}} bytes per rollout of an open group, and {{of.question_bytes:,.0f}} bytes per question of the index."""

PAGE = Path(__file__).parents[1] / "docs" / "deploy.md"
BEGIN, END = "<!-- sizing -->\n", "<!-- sizing end -->\n"


def page() -> str:
    """Return docs/deploy.md with the table as it is now."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
