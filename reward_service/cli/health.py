"""Check from the command line whether a service is ready, using only the standard library.

A container runs this every few seconds, and importing the service would cost a second of CPU each time.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

TIMEOUT_S = 5.0
DEFAULT_PORT = "8000"


def default_url() -> str:
    """Return where the service of this container listens."""
    return f"http://127.0.0.1:{os.environ.get('REWARD_SERVICE_PORT', DEFAULT_PORT)}"


def ask(url: str, *, live: bool = False, timeout_s: float = TIMEOUT_S) -> tuple[bool, str]:
    """Return whether the service says yes, and in a few words what it says.

    Args:
        url: base URL of the service.
        live: ask only whether the process answers.
        timeout_s: longest wait.
    """
    target = f"{url}/{'livez' if live else 'readyz'}"
    try:
        with urllib.request.urlopen(target, timeout=timeout_s):  # noqa: S310  # the URL is the caller's own service
            return True, "live" if live else "ready"
    except urllib.error.HTTPError as refused:
        return False, f"not ready: {_detail(refused)}"
    except (OSError, ValueError) as error:
        return False, f"no response from {target}: {error}"


def _detail(refused: urllib.error.HTTPError) -> str:
    """Return what the problem document says is missing."""
    with refused:
        try:
            return str(json.load(refused)["detail"])
        except (ValueError, LookupError, TypeError):
            return f"HTTP {refused.code}"


def main(arguments: Sequence[str]) -> int:
    """Say it on stdout, or on stderr where the answer is no; return the exit code."""
    parser = argparse.ArgumentParser(prog="reward-service health", description=__doc__)
    parser.add_argument("--url", default=default_url(), help="base URL of the service")
    parser.add_argument("--live", action="store_true", help="check only that the process responds")
    options = parser.parse_args(arguments)
    is_well, said = ask(options.url, live=options.live)
    (sys.stdout if is_well else sys.stderr).write(said + "\n")
    return 0 if is_well else 1
