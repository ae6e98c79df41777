"""An index and a service of our own, for a trainer that was given no URL: the same commands a user would type."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reward_service.client import Client, ClientError, Patience

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
START_S = 60.0
STOP_S = 20.0
QUIET = {"REWARD_SERVICE_LOG_LEVEL": "warning", "REWARD_SERVICE_DRAIN_DELAY_S": "0"}


def build_index(questions: Path, index: Path, dataset: str) -> None:
    """Build questions into an index with `entity-index build`; building the same again changes nothing.

    Raises:
        RuntimeError: it could not be built; with what the command said.
    """
    command = ["-m", "entity_index", "build", str(questions), "--index", str(index), "--dataset", dataset]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"entity-index build failed: {done.stderr.strip()}")


@contextmanager
def service(index: Path, log: Path, *, profiles: Path | None = None) -> Iterator[str]:
    """Serve an index on a free port of loopback for as long as the block lasts; yields the URL.

    Args:
        index: folder of the index.
        log: file that the service's output is added to.
        profiles: folder of profiles; None leaves the environment's.

    Raises:
        RuntimeError: it did not start; with where its log stands.
    """
    port = _free_port()
    where = ["--host", "127.0.0.1", "--port", str(port), "--index", str(index)]
    own = [] if profiles is None else ["--profiles", str(profiles)]
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "reward_service", "serve", *where, *own],
            stdout=out,
            stderr=out,
            env={**os.environ, **QUIET},
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # one system call, without locks
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent dies, even by SIGKILL; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    patience = Patience(deadline_s=1.0, first_pause_s=0.05, longest_pause_s=0.2)
    for _ in range(int(START_S)):
        if process.poll() is not None:
            break
        try:
            with Client(url, patience=patience) as client:
                client.info()
        except ClientError:
            continue
        return
    raise RuntimeError(f"the service did not start; its log: {log.read_text(encoding='utf-8')[-2000:]}")
