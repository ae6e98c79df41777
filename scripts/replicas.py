"""A redis-server and two services that share it, on loopback: what a cluster does, on one machine.

The Redis listens on a socket in a temporary folder and forgets everything when this ends, with Ctrl-C.
"""

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from reward_service.demo import build_sample

PATIENCE_S = 30.0


def start(stack, command):
    """Start a process that ends with this one."""
    process = stack.enter_context(subprocess.Popen(command))
    stack.callback(process.terminate)
    return process


def wait_until_ready(base, process):
    """Wait until a service answers."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{base}/readyz", timeout=5).close()
            return
        time.sleep(0.05)
    sys.exit(f"{base} does not answer")


def main():
    """Start all, say where they are, and wait for the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ports", type=int, nargs="+", default=[8001, 8002], help="one service each")
    parser.add_argument("--index", type=Path, help="folder of an entity index; the bundled sample without it")
    options = parser.parse_args()
    if shutil.which("redis-server") is None:
        sys.exit("redis-server is not installed: run scripts/install-redis")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reward-service-")))
        index = options.index or folder / "index"
        if options.index is None:
            build_sample(index)
        socket = folder / "redis.sock"
        redis = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        start(stack, [*redis, "--maxmemory-policy", "noeviction", "--loglevel", "warning"])
        serve = [
            sys.executable,
            "-m",
            "reward_service",
            "serve",
            "--index",
            str(index),
            "--state-url",
            f"unix://{socket}",
        ]
        services = {
            f"http://127.0.0.1:{port}": start(stack, [*serve, "--port", str(port)]) for port in options.ports
        }
        for base, process in services.items():
            wait_until_ready(base, process)
        print(
            f"{len(services)} services share one Redis: {' '.join(services)}    stop with Ctrl-C", flush=True
        )
        with contextlib.suppress(KeyboardInterrupt):
            next(iter(services.values())).wait()


if __name__ == "__main__":
    main()
