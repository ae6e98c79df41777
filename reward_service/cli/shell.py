"""What commands share: the console, one sentence for what a user can mend, and the scorer behind a command."""

import re
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from entity_index import errors
from entity_index.errors import EntityIndexError
from reward_service.adapters.records.fields import BadLine
from reward_service.api.app import create_catalogue, create_scorer
from reward_service.api.keys import BadKeyFile
from reward_service.cli.rollouts import BadOption
from reward_service.client.errors import ClientError
from reward_service.client.options import ENV_PREFIX, Options
from reward_service.serve.config import Settings
from reward_service.serve.errors import RefusedToStart, ServiceError
from reward_service.serve.scorer import Scorer

T = TypeVar("T")
LINKED = re.compile(r"SERVICE_HOST|SERVICE_PORT|PORT_\d+_")

out = Console()
err = Console(stderr=True)

Index: TypeAlias = Annotated[Path | None, typer.Option(help="Folder of the embedded entity index.")]
ProfileName: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Name of the profile or path of a YAML file (default: the service's default profile)."),
]


def fail(why: str) -> NoReturn:
    """Say why a command cannot do what it is asked to, and leave with exit code 1."""
    err.print(Text.assemble(("error: ", "red"), why), soft_wrap=True)
    raise typer.Exit(1)


def sentence(error: Exception) -> str:
    """Return one sentence that says what is wrong, and with what."""
    return error.sentence if isinstance(error, ServiceError) else errors.sentence(error)


@contextmanager
def one_clear_sentence() -> Iterator[None]:
    """Turn what a user can mend into one sentence on stderr and exit code 1."""
    try:
        yield
    except ValidationError as invalid:
        problems = (
            ": ".join((*map(str, one["loc"]), one["msg"].removeprefix("Value error, ")))
            for one in invalid.errors(include_url=False)
        )
        fail(f"settings: {'; '.join(problems)}")
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
        fail(sentence(error))


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Return one sentence for each variable that is named like a setting and is none, as a misspelled one is.

    Variables of the clients have the same prefix, and so have those that Kubernetes adds for a Service called reward-service.
    """
    known = [name.upper() for name in (*Settings.model_fields, *(one.name for one in fields(Options)))]
    named = (name for name in sorted(environment) if name.upper().startswith(ENV_PREFIX))
    unknown = (one for one in named if _suffix(one) not in known and not LINKED.match(_suffix(one)))
    return [f"no setting is called {name}{_meant(_suffix(name), known)}" for name in unknown]


def _suffix(name: str) -> str:
    return name.upper().removeprefix(ENV_PREFIX)


def _meant(suffix: str, known: Sequence[str]) -> str:
    near = get_close_matches(suffix, known, n=1, cutoff=0.8)
    return f", did you mean {ENV_PREFIX}{near[0]}?" if near else ""


def settings_with(**given: Any) -> Settings:
    """Return the environment's settings, with what the command line gave on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})


def scorer_with(index: Path | None) -> Scorer:
    """Return what scores on the command line, with the index that it names."""
    settings = settings_with(index=index)
    return create_scorer(settings, catalogue=create_catalogue(settings))


async def closing(scorer: Scorer, work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns, and close the connections to judges."""
    try:
        return await work
    finally:
        await scorer.judges.close()
