"""Bombs, depth, headers, slow bodies: what the service answers, and the memory it takes.

    python -m benchmarks.floods

One service with its default limits, but a second of patience. Memory is resident, of the server process, after the flood; the peak since its start is
in the last column.
"""

import contextlib
import gzip
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.report import Report
from benchmarks.service import serving
from reward_service.api.encodings import zstd  # type: ignore[attr-defined]  # of two places, by the version of Python

HEAD = "POST /v1/groups/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def memory_mb(pid: int, field: str) -> float:
    """Return a line of the process's memory account."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def status_of(port: int, request: bytes) -> str:
    """Send bytes and return the status that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
        with contextlib.suppress(OSError):
            return connection.recv(65536).split(b" ")[1].decode()
    return "closed"


def with_body(body: bytes, header: str = "") -> bytes:
    """Return a POST of a body."""
    return f"{HEAD}{header}Content-Length: {len(body)}\r\n\r\n".encode() + body


FLOODS: dict[str, tuple[int, Callable[[], bytes]]] = {
    "gzip, 2 GB in 2 MB": (8, lambda: with_body(gzip.compress(bytes(2_000_000_000)), "Content-Encoding: gzip\r\n")),
    "zstd, 2 GB in 0.2 MB": (8, lambda: with_body(zstd.compress(bytes(2_000_000_000)), "Content-Encoding: zstd\r\n")),
    "a declared body of 10 GB": (50, f"{HEAD}Content-Length: 10000000000\r\n\r\n".encode),
    "depth of a million": (20, lambda: with_body(b"[" * 1_000_000)),
    "depth of a hundred, a megabyte wide": (20, lambda: with_body(b"[" + b",".join([b"[" * 100 + b"]" * 100] * 5000) + b"]")),
    "5,000 headers": (50, (HEAD + "".join(f"x-{n}: 1\r\n" for n in range(5000)) + "\r\n").encode),
    "200 headers that never end": (50, (HEAD + "".join(f"x-{n}: 1\r\n" for n in range(200))).encode),
    "bodies that never end": (200, f"{HEAD}Content-Length: 1000\r\n\r\n{{".encode),
    "connections that say nothing": (200, lambda: b""),
}  # fmt: skip


def main() -> None:
    """Print the table and keep it."""
    patience = {"REWARD_SERVICE_HEADER_TIMEOUT_S": "1", "REWARD_SERVICE_BODY_TIMEOUT_S": "1"}
    with Report("floods") as report, serving("reward_service", "serve", "--port", **patience) as (pid, port):
        rows = [("before", "-", "-", f"{memory_mb(pid, 'VmRSS'):.0f}", f"{memory_mb(pid, 'VmHWM'):.0f}")]
        for name, (times, make) in FLOODS.items():
            request = make()
            with ThreadPoolExecutor(times) as pool:
                said = Counter(pool.map(lambda _, sent=request: status_of(port, sent), range(times)))
            answers = ", ".join(f"{status} ({count})" for status, count in sorted(said.items()))
            rows.append(
                (
                    name,
                    str(times),
                    answers,
                    f"{memory_mb(pid, 'VmRSS'):.0f}",
                    f"{memory_mb(pid, 'VmHWM'):.0f}",
                )
            )
        report.table("At once", ("flood", "times", "answers", "RSS MB", "peak MB"), rows)


if __name__ == "__main__":
    main()
