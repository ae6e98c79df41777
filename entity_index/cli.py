"""Build and look into an index from the command line.

Exit codes: 0 done; 1 not done, with one sentence on stderr; 2 the command line itself is wrong.
A build that refuses lines is done (the report says which) unless `--strict` is given. Results go to stdout, everything
else to stderr.
"""

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from entity_index import codec, reporting
from entity_index.build import build
from entity_index.describe import describe
from entity_index.errors import EntityIndexError
from entity_index.readers import READERS
from entity_index.stores.protocols import EntityStore
from entity_index.stores.sqlite import SqliteCatalogue

DIGEST_SHOWN = len("sha256:") + 12

app = typer.Typer(
    help="Ground truth for search agents: questions, answers and entities, in immutable versions.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _reader(name: str) -> str:
    if name not in READERS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(READERS)}")
    return name


NewIndex = Annotated[
    Path, typer.Option("--index", file_okay=False, help="Folder of the index; made if it is missing.")
]
Index = Annotated[Path, typer.Option("--index", file_okay=False, exists=True, help="Folder of the index.")]
Reference = Annotated[
    str, typer.Argument(metavar="DATASET[@VERSION]", help="The active version where none is named.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("build")
def build_command(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", exists=True, dir_okay=False, help="One JSON object a line.")
    ],
    *,
    reader: Annotated[
        str, typer.Option(callback=_reader, help=f"Shape of the input: {', '.join(READERS)}.")
    ] = "jsonl",
    index: NewIndex,
    dataset: Annotated[str, typer.Option(help="Name of the data set.")],
    version: Annotated[
        str | None, typer.Option(help="Name of the version; by default 12 digits of its digest.")
    ] = None,
    activate: Annotated[bool, typer.Option(help="Make it the version that is served.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that is refused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a version of a data set."""
    progress = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
    with progress, progress.open(source, "rb", description=f"Building {dataset}") as lines:
        report = build(
            READERS[reader](lines),
            SqliteCatalogue(index),
            dataset=dataset,
            version=version,
            activate=activate,
            strict=strict,
        )
    if as_json:
        _print_json(reporting.to_json(report))
    else:
        _print_table(reporting.facts(report), "", "", "")
    if said := reporting.warning(report):
        typer.secho(f"WARNING: {said}", err=True, bold=True, fg=typer.colors.YELLOW)


@app.command("list")
def list_command(*, index: Index, as_json: AsJson = False) -> None:
    """List data sets and versions; the active ones are marked."""
    catalogue = SqliteCatalogue(index)
    rows = [_version(catalogue, dataset, version) for dataset, version in _all_versions(catalogue)]
    if as_json:
        _print_json(rows)
    else:
        _print_table((row.values() for row in rows), "dataset", "version", "active", "questions", "digest")


@app.command("stat")
def stat_command(reference: Reference, *, index: Index, as_json: AsJson = False) -> None:
    """Read every record of a version and count what it holds; a damaged record is an error."""
    catalogue = SqliteCatalogue(index)
    with closing(_open(catalogue, reference)) as store:
        info = store.info
        facts = _version(catalogue, info.dataset, info.version) | asdict(describe(store))
    facts |= {"codec": info.codec, "fold": info.fold}
    if as_json:
        _print_json(facts)
    else:
        _print_table(((name.replace("_", " "), value) for name, value in facts.items()), "", "")


@app.command("get")
def get_command(
    reference: Reference,
    question_ids: Annotated[list[str], typer.Argument(metavar="QUESTION_ID...")],
    *,
    index: Index,
) -> None:
    """Print questions as JSON lines."""
    with closing(_open(SqliteCatalogue(index), reference)) as store:
        questions = store.get_many(question_ids)
    for question in questions:
        if question is not None:
            _print_json(codec.to_json(question))
    unknown = [at for at, question in zip(question_ids, questions, strict=True) if question is None]
    if unknown:
        raise EntityIndexError(f"{reference} has no question {', '.join(unknown)}")


@app.command("activate")
def activate_command(
    reference: Annotated[str, typer.Argument(metavar="DATASET@VERSION")], *, index: Index
) -> None:
    """Make a version the one that is served; activating the one before rolls back."""
    dataset, at, version = reference.partition("@")
    if not at:
        raise typer.BadParameter("name the version too", param_hint="DATASET@VERSION")
    SqliteCatalogue(index).activate(dataset, version)
    typer.echo(f"{reference} is active")


def _open(catalogue: SqliteCatalogue, reference: str) -> EntityStore:
    dataset, _, version = reference.partition("@")
    return catalogue.open(dataset, version or None)


def _all_versions(catalogue: SqliteCatalogue) -> Iterator[tuple[str, str]]:
    for dataset in catalogue.datasets():
        for version in catalogue.versions(dataset):
            yield dataset, version


def _version(catalogue: SqliteCatalogue, dataset: str, version: str) -> dict[str, object]:
    with closing(catalogue.open(dataset, version)) as store:
        return {
            "dataset": dataset,
            "version": version,
            "active": version == catalogue.active(dataset),
            "questions": store.info.count,
            "digest": store.info.digest,
        }


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _print_table(rows: Iterable[Iterable[object]], *headers: str) -> None:
    table = Table(box=None, show_header=any(headers), pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console(highlight=False).print(table)


def _cell(value: object) -> Text:
    """Return a value as people write it; names are data, not markup, and of a digest they compare the start."""
    if isinstance(value, bool):
        return Text("yes" if value else "")
    if isinstance(value, int):
        return Text(f"{value:,}")
    text = str(value)
    return Text(text[:DIGEST_SHOWN] if text.startswith("sha256:") else text)


def run(args: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    try:
        app(args)
    except (EntityIndexError, OSError, sqlite3.Error) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
