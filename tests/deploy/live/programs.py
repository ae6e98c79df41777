"""Programs of the system, and processes of our own beside them."""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

PATIENCE_S = 180.0  # a machine that is busy with other things
# Below the range that the kernel gives out by itself, so that no other process gets a port between asking and listening.
PORTS = itertools.cycle(range(19520, 19600))


def needed(*programs):
    """Skip where a program is missing, naming it; in CI, where they should be there, fail."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        why = f"not installed: {', '.join(missing)} (docs/deploy.md names the packages)"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)


def say(line):
    """Show what was measured; it is for people, and pytest keeps it unless `-s` is given."""
    sys.stdout.write(f"\n  {line}\n")


def port():
    """A free port."""
    for number in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", number))
            return number
    raise AssertionError


def call(*command, **options):
    """Run a command; where it fails, say what it said."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@contextlib.contextmanager
def running(*command, log, **environment):
    """A process that ends with the block."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(map(str, command)), stdout=out, stderr=out, env=os.environ | environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(number, folder, *arguments, **environment):
    """A service of its own on a port."""
    settings = {f"REWARD_SERVICE_{name.upper()}": str(value) for name, value in environment.items()}
    command = [sys.executable, "-m", "reward_service", "serve", "--port", number, *arguments]
    return running(*command, log=folder / f"service-{number}.log", **settings)


def answers(url, wanted=200):
    """Whether it answers so."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == wanted
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code == wanted
    except OSError:
        return False


def until(condition, what, patience_s=PATIENCE_S):
    """Wait for a condition, or say what did not come true."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)
    return found
