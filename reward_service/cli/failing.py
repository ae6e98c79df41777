"""How commands fail: one sentence for what a user can mend. And the settings they start from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from entity_index.errors import EntityIndexError
from reward_service.adapters.records.fields import BadLine
from reward_service.api.keys import BadKeyFile
from reward_service.cli.rollouts import BadOption
from reward_service.client.errors import ClientError
from reward_service.serve.config import Settings
from reward_service.serve.errors import RefusedToStart, ServiceError

err = Console(stderr=True)


def fail(why: str) -> NoReturn:
    """Print an error and exit."""
    err.print(Text.assemble(("error: ", "red"), why))
    raise typer.Exit(1)


@contextmanager
def one_clear_sentence() -> Iterator[None]:
    """Turn what a user can mend into one sentence on stderr and exit code 1."""
    try:
        yield
    except ValidationError as invalid:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors(include_url=False)
        )
        fail(f"settings: {problems}")
    except (
        ServiceError,
        EntityIndexError,
        ClientError,
        BadLine,
        BadOption,
        RefusedToStart,
        BadKeyFile,
        OSError,
    ) as error:
        fail(str(error))


def given_settings(**given: Any) -> Settings:
    """Return the environment's settings, with what the command line gave on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})
