"""How long `/livez` is silent while each route gets the worst body that it takes.

    python -m benchmarks.worst [--mebibytes 8]

One service, one body after the other; meanwhile `/livez` is asked ten times a second on a connection of its own. The
row `idle` is the same without a body. The other table says what it takes to compile a question.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from benchmarks.report import Report
from benchmarks.service import serving
from reward_service.adapters.native import QuestionIn
from reward_service.api.encodings import zstd  # type: ignore[attr-defined]  # of two places, by the version of Python
from reward_service.api.server import keep_memory
from reward_service.core.matching import compile_question
from reward_service.core.profiles import shipped
from reward_service.serve.config import Settings

MEBIBYTE = 1 << 20
NDJSON = "Content-Type: application/x-ndjson\r\n"
JSON = "Content-Type: application/json\r\n"
EVERY_S = 0.1
VALUES = Settings.model_fields["max_json_values"].default - 1000


class Worst(NamedTuple):
    """A request that is within the limits, or is refused late."""

    target: str
    """Method and path."""
    body: Callable[[int], bytes]
    """From about how many bytes it should have."""
    headers: str = JSON


def dumped(value: Any) -> bytes:
    """Return a value as JSON."""
    return json.dumps(value).encode()


def question(entities: int, aliases: int) -> dict[str, Any]:
    """Return a question with so many entities."""
    return {
        "entities": [
            {"name": f"Entity {n}x", "aliases": [f"Alias {k} of {n}y" for k in range(aliases)]}
            for n in range(entities)
        ]
    }


def groups(number: int, rollouts: int, /, **more: Any) -> dict[str, Any]:
    """Return a call with so many groups of so many rollouts that say nothing."""
    members = [{"rollout_id": str(n), "text": "", "outcome": "wrong"} for n in range(rollouts)]
    group = {"question": question(2, 0), "rollouts": members} | more
    return {"groups": [{"group_id": str(n)} | group for n in range(number)]}


def facts(number: int, rollouts: int) -> dict[str, Any]:
    """Return facts of so many groups, in which no two rewards are equal."""
    members = [{"rollout_id": str(n), "outcome": "wrong", "matched": n} for n in range(rollouts)]
    group = {"entities": rollouts, "rollouts": members}
    return {"estimator": "nemo_rl", "groups": [{"group_id": str(n)} | group for n in range(number)]}


def one_rollout(**source: Any) -> dict[str, Any]:
    """Return one rollout."""
    return {"rollout_id": "0", **source}


def many(item: Any, size: int) -> list[Any]:
    """Return as many items as so many bytes, and a body, may have."""
    return [item] * min(size // (len(dumped(item)) + 2), VALUES // (1 if item == 1 else 2))


def thought(size: int) -> str:
    """Return a thought of so many characters, full of capitals."""
    return "<think>" + ("Maria Kowalczyk went to Entity 7x and saw. " * (size // 43)) + "</think>"


SCORE, STREAM = "POST /v1/groups/score", "POST /v1/groups/score/stream"
RUN = b'{"profile":"egrpo","group_size":2,"deadline_s":600}'
MEMBER = "PUT /v1/runs/worst/groups/g/rollouts"
OPENRLHF = "POST /compat/openrlhf/get_reward?run=r&group_size=1&dataset=none"
WORST: Mapping[str, Worst] = {
    "score, 1,000 entities with 4 aliases": Worst(
        SCORE, lambda _: dumped(groups(1, 1, question=question(1000, 4)))
    ),
    "score, 32 groups of 512": Worst(SCORE, lambda _: dumped(groups(32, 512))),
    "score, one long text": Worst(
        SCORE, lambda size: dumped(groups(1, 1, rollouts=[one_rollout(text=thought(min(size, 7_000_000)))]))
    ),
    "score, messages of numbers": Worst(
        SCORE, lambda size: dumped(groups(1, 1, rollouts=[one_rollout(messages=many(1, size))]))
    ),
    "score, messages of empty objects": Worst(
        SCORE, lambda size: dumped(groups(1, 1, rollouts=[one_rollout(messages=many({}, size))]))
    ),
    "score, signals": Worst(
        SCORE,
        lambda size: dumped(
            groups(
                1,
                1,
                rollouts=[
                    one_rollout(text="", signals={f"{n:x}": 1e9 for n in range(min(size // 20, VALUES // 2))})
                ],
            )
        ),
    ),
    "match, 32 groups of 512": Worst("POST /v1/match", lambda _: dumped(groups(32, 512))),
    "rewards, 32 groups of 512, no two equal": Worst("POST /v1/rewards", lambda _: dumped(facts(32, 512))),
    "rewards, one group of 100,000": Worst("POST /v1/rewards", lambda _: dumped(facts(1, 100_000))),
    "explain, one long text": Worst(
        "POST /v1/rollouts/explain",
        lambda size: dumped(
            {"question": question(30, 0), "rollout": one_rollout(text=thought(min(size, 7_000_000)))}
        ),
    ),
    "stream, newlines in zstd": Worst(
        STREAM, lambda size: zstd.compress(b"\n" * 8 * size), NDJSON + "Content-Encoding: zstd\r\n"
    ),
    "stream, short bad lines": Worst(STREAM, lambda size: b"1\n" * min(size // 2, 20_000), NDJSON),
    "stream, empty frames of zstd": Worst(
        STREAM,
        lambda size: zstd.compress(b"") * min(size // 13, 50_000),
        NDJSON + "Content-Encoding: zstd\r\n",
    ),
    "declare a run": Worst("PUT /v1/runs/worst", lambda _: RUN),
    "a rollout, one long text": Worst(
        f"{MEMBER}/0",
        lambda size: dumped({"question": question(30, 0), "text": thought(min(size, 7_000_000))}),
    ),
    "a rollout, 1,000 entities": Worst(
        f"{MEMBER}/1", lambda _: dumped({"question": question(1000, 4), "text": ""})
    ),
    "openrlhf, 16,000 rollouts": Worst(
        OPENRLHF,
        lambda _: dumped({"query": ["x"] * 16_000, "prompts": [""] * 16_000, "labels": ["q"] * 16_000}),
    ),
    "slime, a long list as prompt": Worst(
        "POST /compat/slime/reward?run=r&group_size=1&dataset=none",
        lambda size: dumped({"prompt": many([], size), "response": "", "label": "q"}),
    ),
    "carr, a long history": Worst(
        "POST /compat/carr/evaluate?run=r&group_size=1&dataset=none",
        lambda size: dumped({"history": many({}, size), "label": "q"}),
    ),
    "nemo_gym, a long output": Worst(
        "POST /compat/nemo_gym/verify?run=r&group_size=1&dataset=none",
        lambda size: dumped(
            {"responses_create_params": {}, "response": {"output": many({}, size)}, "question_id": "q"}
        ),
    ),
    "slime, more lists than a body may have": Worst(
        "POST /compat/slime/reward?run=r&group_size=1&dataset=none",
        lambda size: dumped({"prompt": [[]] * (size // 4), "response": "", "label": "q"}),
    ),
    "score, a text of commas": Worst(
        SCORE, lambda size: dumped(groups(1, 1, rollouts=[one_rollout(text='"\\, [{' * (size // 9))]))
    ),
    "declare a run, a long reading": Worst(
        "PUT /v1/runs/other", lambda size: RUN[:-1] + b',"x":' + dumped(many([], size)) + b"}"
    ),
    "brackets": Worst(SCORE, lambda size: b"[" * size),
}


async def exchange(port: int, worst: Worst, body: bytes) -> bytes:
    """Send a request, and return all of its answer."""
    method, _, path = worst.target.partition(" ")
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{worst.headers}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return await reader.read(-1)
    except ConnectionError:
        return b""  # refused while the body was still on its way
    finally:
        writer.transport.abort()


@asynccontextmanager
async def asked(port: int) -> AsyncIterator[list[float]]:
    """Ask `/livez` ten times a second meanwhile; yields the milliseconds that each answer took."""
    took: list[float] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            start = time.perf_counter()
            writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b'"ok"}')
            took.append((time.perf_counter() - start) * 1000)
            await asyncio.sleep(EVERY_S)

    asking = asyncio.create_task(ask())
    try:
        yield took
        await asyncio.sleep(EVERY_S)
    finally:
        asking.cancel()


async def measured(port: int, size: int) -> list[tuple[str, ...]]:
    """Return a row for each body."""
    async with asked(port) as took:
        await asyncio.sleep(3)
    rows: list[tuple[str, ...]] = [("idle", "-", "-", "3.0", str(len(took)), f"{max(took):.0f}")]
    for name, worst in WORST.items():
        body = await asyncio.to_thread(worst.body, size)
        start = time.perf_counter()
        async with asked(port) as took:
            answer = await exchange(port, worst, body)
            seconds = time.perf_counter() - start
        status = answer[9:12].decode() or "cut off"
        rows.append(
            (name, f"{len(body):,}", status, f"{seconds:.1f}", str(len(took)), f"{max(took, default=0):.0f}")
        )
    return rows


def compiled(entities: int, aliases: int) -> tuple[str, ...]:
    """Return a row: the CPU time that compiling a question takes, the best of five."""
    asked = QuestionIn.model_validate(question(entities, aliases)).to_domain()
    matching = shipped()["egrpo"].measure.matching
    took = []
    for _ in range(5):
        start = time.process_time()
        compile_question.__wrapped__(asked, matching)
        took.append((time.process_time() - start) * 1000)
    return f"{entities:,}", str(aliases), f"{min(took):.0f}"


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mebibytes", type=int, default=8)
    size = arguments.parse_args().mebibytes * MEBIBYTE
    keep_memory()  # as the service does
    with Report("worst") as report, serving("reward_service", "serve", "--port") as (_, port):
        head = ("body", "bytes", "answer", "seconds", "times /livez answered", "slowest, ms")
        rows = [compiled(125, 0), compiled(250, 0), compiled(500, 0), compiled(1000, 0), compiled(1000, 4)]
        report.table("Compiling a question", ("entities", "aliases each", "CPU ms"), rows)
        report.table("`/livez` beside the worst bodies", head, asyncio.run(measured(port, size)))


if __name__ == "__main__":
    main()
