"""The options that every command on files of rollouts takes, named once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer

from reward_service.cli import rollouts
from reward_service.cli.shell import Index

Files: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="JSON lines, a JSON array, parquet, CSV or TSV (.gz and .zst too), a folder of JSON and parquet files, or - for "
        "standard input.",
    ),
]
OnFiles: TypeAlias = Callable[..., None]


@dataclass(frozen=True, slots=True)
class FileFlags:
    """How files of rollouts are read and joined to their ground truth; a field is an option."""

    reader: rollouts.ReaderName = rollouts.AUTO
    mapping: rollouts.Mapping = None
    container: rollouts.FormatName = None
    dialect: rollouts.DialectName = None
    manifest: rollouts.Manifest = None
    index: Index = None
    dataset: Annotated[
        str | None,
        typer.Option(help="Data set of the questions, NAME or NAME@VERSION; the only one without it."),
    ] = None
    survivors: rollouts.Survivors = False
    progress: rollouts.ProgressOf = None
    total_steps: rollouts.TotalSteps = None
    strict: rollouts.Strict = False

    @property
    def asked(self) -> rollouts.FileOptions:
        """How files are read."""
        return rollouts.FileOptions(
            self.reader, tuple(self.mapping or ()), self.container, self.dialect, self.manifest
        )

    @property
    def pays(self) -> rollouts.PayOptions:
        """How groups are paid."""
        return rollouts.PayOptions(self.survivors, self.progress, self.total_steps)


def with_file_flags(command: Callable[..., None]) -> OnFiles:
    """Give a command the options of `FileFlags`; it receives them as the argument `flags`."""
    hints = get_type_hints(FileFlags, include_extras=True)
    options = [
        inspect.Parameter(
            one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name]
        )
        for one in fields(FileFlags)
    ]
    signature = inspect.signature(command, eval_str=True)
    own = [one for name, one in signature.parameters.items() if name != "flags"]

    @wraps(command)
    def called(**given: Any) -> None:
        flags = FileFlags(**{one.name: given.pop(one.name) for one in options})
        command(**given, flags=flags)

    parameters = [*own, *options]
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by inspect
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called
