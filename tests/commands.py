"""Commands as a user types them, run in this process: an interpreter for each would take most of a test's time."""

from contextlib import chdir, nullcontext
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from reward_service.cli import profiles, shell
from reward_service.cli.commands import app

CONSOLES = (shell.out, shell.err, profiles.out, profiles.err)
WIDTH = 300


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments, stdin=None, cwd=None, **environment):
    """Run a command; raises what it does not catch itself."""
    with pytest.MonkeyPatch.context() as patch, chdir(cwd) if cwd else nullcontext():
        for console in CONSOLES:
            patch.setattr(console, "_width", WIDTH)
        done = CliRunner().invoke(app, list(map(str, arguments)), input=stdin, env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)
