"""The index at a million questions: building, pushing, memory, look-ups, the start of a service on it, a Redis that dies.

    python -m benchmarks.index [--questions 1000000] [--quick]

Needs redis-server; everything happens in a temporary folder.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from redis import Redis

from benchmarks.report import Report
from entity_index.codec import encode, to_json
from entity_index.push import push
from entity_index.stores.connection import connect
from entity_index.stores.redis import RedisCatalogue
from entity_index.stores.sqlite import SqliteCatalogue
from entity_index.types import Entity, Question

SYLLABLES = [
    "ka",
    "ri",
    "mo",
    "ten",
    "del",
    "sa",
    "vor",
    "lin",
    "gra",
    "bu",
    "che",
    "nor",
    "wy",
    "zel",
    "pha",
    "tor",
    "ian",
    "est",
    "qui",
    "ost",
]
TEMPLATES = (
    "Which {0} of the school that the author of {1} attended was founded in the same year as {2}?",
    "In what year did the director of {0} move to the city where {1} and {2} were signed?",
    "Who was the first to lead {0} after the merger of {1} with the company behind {2}?",
)
LOOKUPS = 20_000
PHASE_S = 3.0


def _name(rng: random.Random) -> str:
    words = ("".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(rng.randint(1, 3)))
    return " ".join(words).title()


def question(number: int) -> Question:
    """Return the question of a number, always the same."""
    rng = random.Random(number)
    entities = tuple(
        Entity(
            _name(rng),
            aliases=(_name(rng),) if rng.random() < 0.3 else (),
            entity_id=f"Q{rng.randrange(10**7)}",
        )
        for _ in range(12)
    )
    text = rng.choice(TEMPLATES).format(*(_name(rng) for _ in range(3)))
    return Question(text, (_name(rng),), entities, f"{number:07}-{rng.getrandbits(64):016x}")


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Redis on a socket."""
    socket = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with subprocess.Popen(
        [*command, "--maxmemory-policy", "noeviction", *options], stdout=subprocess.DEVNULL
    ) as process:
        try:
            _until(lambda: _answers(socket))
            yield f"unix://{socket}", process
        finally:
            process.kill()


def _answers(socket: Path) -> bool:
    try:
        with Redis(unix_socket_path=str(socket)) as client:
            return bool(client.ping())
    except Exception:  # noqa: BLE001  # whatever it is, it does not answer yet
        return False


def _until(condition: Callable[[], bool], patience_s: float = 60) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def generate(path: Path, count: int) -> float:
    """Write the questions; returns the mean bytes of a record's JSON."""
    size = 0
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            line = json.dumps(to_json(question(number)), ensure_ascii=False, separators=(",", ":"))
            size += len(line)
            file.write(line + "\n")
    return size / count


def child(*arguments: str) -> tuple[float, float]:
    """Run the command line; returns seconds and the peak of its memory in MiB."""
    code = (
        "import resource, sys, time; start = time.perf_counter()\n"
        "from entity_index.cli import run\n"
        "try: run(sys.argv[1:])\n"
        "except SystemExit as done: assert not done.code, done.code\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "print(time.perf_counter() - start, peak, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    seconds, peak = done.stderr.split()[-2:]
    return float(seconds), float(peak)


def filling(report: Report, folder: Path, url: str, count: int) -> None:
    """Build and push, with the memory that takes."""
    mean = generate(folder / "questions.jsonl", count)
    rows = []
    index = str(folder / "index")
    built, built_peak = child(
        *("build", str(folder / "questions.jsonl"), "--index", index, "--dataset", "big", "--version", "v1")
    )
    small = folder / "small.jsonl"
    with (folder / "questions.jsonl").open() as lines, small.open("w") as file:
        file.writelines(line for _, line in zip(range(count // 10), lines, strict=False))
    tenth, tenth_peak = child("build", str(small), "--index", index, "--dataset", "tenth", "--version", "v1")
    rows.append(("build, a tenth", f"{count // 10 / tenth:,.0f}", f"{tenth:.1f}", f"{tenth_peak:.0f}"))
    rows.append(("build", f"{count / built:,.0f}", f"{built:.1f}", f"{built_peak:.0f}"))
    with Redis.from_url(url) as redis:
        before = redis.info("memory")["used_memory"]
        pushed, pushed_peak = child("push", "big@v1", "--index", index, "--to", url, "--activate")
        used = redis.info("memory")["used_memory"] - before
    rows.append(("push", f"{count / pushed:,.0f}", f"{pushed:.1f}", f"{pushed_peak:.0f}"))
    again, again_peak = child("push", "big@v1", "--index", index, "--to", url)
    rows.append(("push again", f"{count / again:,.0f}", f"{again:.1f}", f"{again_peak:.0f}"))
    size = (folder / "index" / "big" / "v1.sqlite").stat().st_size
    report.table(f"{count:,} questions", ("command", "questions/s", "seconds", "peak MiB"), rows)
    report.table(
        "Bytes a question",
        ("what", "bytes"),
        [
            ("JSON of the record, mean", f"{mean:.0f}"),
            ("Redis, by `used_memory`, keys and tables included", f"{used / count:.0f}"),
            ("SQLite file", f"{size / count:.0f}"),
        ],
    )


def lookups(report: Report, folder: Path, url: str, count: int) -> None:
    """One question at a time, from everywhere."""
    from reward_service.serve.lookup import Lookup  # noqa: PLC0415  # needed here alone

    rng = random.Random(1)
    ids = [str(question(rng.randrange(count)).question_id) for _ in range(LOOKUPS)]
    rows = []
    with (
        closing(RedisCatalogue(connect(url, timeout_s=5))) as redis,
        closing(redis.open("big")) as shared,
        closing(SqliteCatalogue(folder / "index").open("big")) as local,
    ):
        lookup = Lookup(redis, cached=LOOKUPS, follow_s=1, threads=1)
        remembered = lookup._remembered  # noqa: SLF001  # what a hit costs, without the loop
        lookup._remember(shared.info.digest, dict(zip(ids, shared.get_many(ids), strict=True)))  # noqa: SLF001
        digest = shared.info.digest
        for what, get in (
            ("LRU", lambda at: remembered((digest, at))),
            ("SQLite", lambda at: local.get_many([at])),
            ("Redis, unix socket", lambda at: shared.get_many([at])),
        ):
            rows.append((what, *_percentiles(get, ids)))
        batches = [ids[n : n + 64] for n in range(0, len(ids), 64)]
        rows.append(("Redis, 64 at once", *_percentiles(shared.get_many, batches)))
        lookup.close()
    report.table("Look-up with decoding, µs", ("from", "p50", "p99"), rows)


def _percentiles(get: Callable[..., object], arguments: Sequence[object]) -> tuple[str, str]:
    took = []
    for argument in arguments:
        start = time.perf_counter()
        get(argument)
        took.append((time.perf_counter() - start) * 1e6)
    return f"{statistics.median(took):.1f}", f"{statistics.quantiles(took, n=100)[98]:.1f}"


@contextmanager
def serving(**settings: str) -> Iterator[tuple[httpx.Client, float]]:
    """Run a service in a process of its own; yields a client and the seconds until it was ready."""
    environment = os.environ | {f"REWARD_SERVICE_{name.upper()}": value for name, value in settings.items()}
    port = "18731"
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "reward_service", "serve", "--port", port],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _until(lambda: _ready(client))
                yield client, time.perf_counter() - start
        finally:
            process.terminate()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _group(number: int) -> dict[str, object]:
    asked = question(number)
    step = {"type": "thought", "text": f"I found {asked.entities[0].name}."}
    rollouts = [{"rollout_id": "0", "outcome": "wrong", "steps": [step]}]
    return {
        "group_id": str(number),
        "dataset": "big",
        "question_id": asked.question_id,
        "rollouts": rollouts,
    }


def starting(report: Report, folder: Path, url: str) -> None:
    """From the start of the process to its first answers."""
    rows = []
    for what, settings in (
        ("no index", {}),
        ("SQLite", {"index": str(folder / "index")}),
        ("Redis", {"index_url": url}),
    ):
        with serving(**settings) as (client, ready):
            start = time.perf_counter()
            answered = client.post("/v1/groups/score", json={"groups": [_group(7)]}).status_code
            first = (time.perf_counter() - start) * 1e3
            rows.append((what, f"{ready:.2f}", f"{first:.0f} ({answered})"))
    report.table("Start of the service, seconds", ("index", "process to /readyz", "first score, ms"), rows)


class Asked:
    """Questions asked again and again, some known to the service and some new, and what was answered in each phase."""

    def __init__(self) -> None:
        self.phase = "before"
        self.stopped = False
        self.counts: dict[tuple[str, str], Counter[str]] = {}
        self.took: dict[tuple[str, str], list[float]] = {}
        self.rewards: set[float | None] = set()

    def forever(self, client: httpx.Client) -> None:
        """Ask until stopped."""
        for new in range(1000, 20_000):
            if self.stopped:
                return
            self.ask(client, "known", new % 50)
            self.ask(client, "new", new)

    def ask(self, client: httpx.Client, kind: str, number: int) -> None:
        """Ask once and keep the answer."""
        when, start = (self.phase, kind), time.perf_counter()
        reply = client.post("/v1/groups/score", json={"profile": "egrpo-paper", "groups": [_group(number)]})
        self.took.setdefault(when, []).append((time.perf_counter() - start) * 1e3)
        answer = str(reply.status_code)
        if reply.status_code == 200:
            self.rewards.update(one["reward"] for one in reply.json()["groups"][0]["rollouts"])
        else:
            slug = reply.json()["type"].rpartition(":")[2]
            answer += f" {slug}, Retry-After {reply.headers['Retry-After']}"
        self.counts.setdefault(when, Counter())[answer] += 1

    def rows(self) -> list[tuple[str, ...]]:
        """Return what was answered."""
        return [
            (
                *when,
                answer,
                str(count),
                f"{statistics.median(self.took[when]):.1f}",
                f"{max(self.took[when]):.0f}",
            )
            for when, answers in self.counts.items()
            for answer, count in answers.items()
        ]


def outage(report: Report, folder: Path) -> None:
    """Score while a Redis is killed and started again."""
    options = ("--appendonly", "yes", "--appendfsync", "everysec")
    asked = Asked()
    aside = folder / "dying"
    aside.mkdir()
    small = SqliteCatalogue(folder / "dying-index")
    with small.draft("big") as draft:
        for number in range(20_000):
            one = question(number)
            draft.add(str(one.question_id), encode(one))
        draft.publish("v1")
    with redis_server(aside, *options) as (url, process):
        with closing(RedisCatalogue(connect(url, timeout_s=5))) as redis:
            with closing(small.open("big", "v1")) as store:
                push(store, redis)
            redis.activate("big", "v1")
        with serving(index_url=url) as (client, _):
            for number in range(50):
                client.post("/v1/groups/score", json={"groups": [_group(number)]})
            asking = threading.Thread(target=asked.forever, args=(client,))
            asking.start()
            time.sleep(PHASE_S)
            asked.phase = "killed"
            process.kill()
            process.wait()
            time.sleep(PHASE_S)
            with redis_server(aside, *options):
                asked.phase = "restarted"
                start = time.perf_counter()
                _until(lambda: "200" in asked.counts.get(("restarted", "new"), ()))
                back = time.perf_counter() - start
                time.sleep(PHASE_S)
                asked.stopped = True
                asking.join()
    report.table(
        "Redis killed and started again while scoring",
        ("phase", "question", "answer", "requests", "p50 ms", "max ms"),
        asked.rows(),
    )
    report.say(
        f"First new question answered {back:.2f} s after Redis was back. Every answered reward was one of "
        f"{sorted(asked.rewards, key=str)}: none was made up."
    )


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--questions", type=int, default=1_000_000)
    arguments.add_argument(
        "--quick", action="store_true", help="a fiftieth of the questions, nothing is kept"
    )
    given = arguments.parse_args()
    count = given.questions // 50 if given.quick else given.questions
    with tempfile.TemporaryDirectory() as temporary, Report("index") as report:
        folder = Path(temporary)
        aside = folder / "redis"
        aside.mkdir()
        with redis_server(aside) as (url, _):
            filling(report, folder, url, count)
            lookups(report, folder, url, count)
            starting(report, folder, url)
        outage(report, folder)


if __name__ == "__main__":
    main()
