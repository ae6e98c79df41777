"""Run a redis-server and two services that share it, on loopback, like a cluster on one machine.

The Redis listens on a socket in a temporary folder and loses everything when this ends, with Ctrl-C. A service that exits
is restarted.
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

from reward_service.cli.demo import build_sample

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


def redis_command(folder, socket):
    """Return the command of a Redis that keeps nothing."""
    where = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    return ["redis-server", *where, "--save", "", "--maxmemory-policy", "noeviction", "--loglevel", "warning"]


def service_command(index, socket, port):
    """Return the command of one service."""
    shared = ["--index", str(index), "--state-url", f"unix://{socket}"]
    return [sys.executable, "-m", "reward_service", "serve", *shared, "--port", str(port)]


def keep(stack, commands, services):
    """Restart a service that has exited, as a cluster does. Returns with Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(0.2)
            for base, command in commands.items():
                if (status := services[base].poll()) is not None:
                    services[base] = start(stack, command)
                    print(
                        f"{base} exited with {status}; restarted, pid {services[base].pid}",
                        flush=True,
                    )


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
        index, socket = options.index or folder / "index", folder / "redis.sock"
        if options.index is None:
            build_sample(index)
        start(stack, redis_command(folder, socket))
        commands = {
            f"http://127.0.0.1:{port}": service_command(index, socket, port) for port in options.ports
        }
        services = {base: start(stack, command) for base, command in commands.items()}
        for base, process in services.items():
            wait_until_ready(base, process)
        print(
            f"{len(services)} services share one Redis; kill one to see the other continue. Ctrl-C stops all."
        )
        for base, process in services.items():
            print(f"  {base}  pid {process.pid}", flush=True)
        keep(stack, commands, services)


if __name__ == "__main__":
    main()
