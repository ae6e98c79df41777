"""Build and inspect an index from the command line.

Exit codes: 0 success; 1 failure, with one sentence on stderr; 2 wrong command line; 3 `lint` found a share over its limit.
A build that refuses lines still succeeds (the report lists them) unless `--strict` is given. Results go to stdout,
everything else to stderr. An index is a folder or the URL of a Redis; fill a Redis shared by several services with `push`.
"""

import json
import re
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Annotated, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from entity_index import codec, reporting
from entity_index import lint as linting
from entity_index.build import build
from entity_index.content import check_content
from entity_index.describe import all_questions, describe
from entity_index.diff import diff
from entity_index.errors import EntityIndexError, NothingKept, sentence
from entity_index.extract import Tagger, TextShape, cores, extract
from entity_index.lint import LintReport, lint
from entity_index.push import push
from entity_index.readers import SHAPES, mapped
from entity_index.readers.containers import Shape, read_path
from entity_index.readers.rows import Refusal, Row
from entity_index.stores.connection import is_url
from entity_index.stores.protocols import Catalogue, EntityStore, VersionInfo
from entity_index.stores.redis import RedisCatalogue, open_redis
from entity_index.stores.sqlite import SqliteCatalogue
from entity_index.types import Question

DIGEST_SHOWN = len("sha256:") + 12
TIMEOUT_S = 10.0  # a thousand records at once, perhaps over a slow network
DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")

AnyCatalogue: TypeAlias = "SqliteCatalogue | RedisCatalogue"

app = typer.Typer(
    help="Ground truth for search agents: questions, answers and entities, in immutable versions.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _reader(name: str) -> str:
    if name not in SHAPES:
        raise typer.BadParameter(f"must be one of {', '.join(SHAPES)}, got {name!r}")
    return name


def _there(where: str) -> str:
    if not is_url(where) and not Path(where).is_dir():
        raise typer.BadParameter(f"folder {where!r} does not exist")
    return where


def _url(where: str) -> str:
    if not is_url(where):
        raise typer.BadParameter("must be the URL of a Redis, such as redis://host:port/0")
    return where


def _rows(
    source: Path, reader: str, rules: list[str] | None, *, progress: Progress
) -> Iterator[Row | Refusal]:
    return read(source, shape_of(reader, rules), progress=progress)


def read(source: Path, shape: Shape, *, progress: Progress) -> Iterator[Row | Refusal]:
    """Read the rows of an input, showing how far it is."""

    def opened(path: Path) -> IO[bytes]:
        return progress.open(path, "rb", description=f"Reading {path.name}")

    return read_path(source, shape, opened=opened)


@contextmanager
def written(path: Path) -> Iterator[IO[str]]:
    """Open a file for JSON lines that takes its place once all of it is written: until then it may be what is being read.

    A lone surrogate is written as its JSON escape, which is how it was read.
    """
    is_kept = path.is_file() or not path.exists()  # /dev/stdout is not
    place = path.resolve() if is_kept else path
    part = place.with_name(f"{place.name}.part") if is_kept else path
    try:
        with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        if is_kept:
            part.replace(place)
    finally:
        if is_kept:
            part.unlink(missing_ok=True)


def shape_of(reader: str, rules: list[str] | None) -> Shape:
    """Return the shape that `--reader` or `--map` names."""
    if rules is None:
        return SHAPES[reader]
    if reader != "jsonl":
        raise typer.BadParameter("a mapping replaces the reader: omit --reader", param_hint="--map")
    try:
        return mapped.shape(rules)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--map") from error


Source = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        exists=True,
        help="JSON Lines, a JSON array, Parquet, CSV, TSV, a folder of JSON files, or a folder saved by `datasets`.",
    ),
]
ReaderName = Annotated[str, typer.Option(callback=_reader, help=f"Format of the input: {', '.join(SHAPES)}.")]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=PATH",
        help="Path of a field in the input, such as question=prompt[-1].content",
    ),
]
WHERE = "Folder of the index, or URL of its Redis (append #prefix for another key prefix)"
NewIndex = Annotated[
    str,
    typer.Option(
        "--index", envvar="ENTITY_INDEX", help=f"{WHERE}; a folder is created if it does not exist."
    ),
]
Index = Annotated[
    str, typer.Option("--index", envvar="ENTITY_INDEX", callback=_there, help=f"{WHERE}.", metavar="INDEX")
]
Reference = Annotated[
    str, typer.Argument(metavar="DATASET[@VERSION]", help="Defaults to the active version.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("build")
def build_command(  # noqa: PLR0913  # one option each, as it is typed
    source: Source,
    *,
    reader: ReaderName = "jsonl",
    rules: Rules = None,
    index: NewIndex,
    dataset: Annotated[str, typer.Option(help="Name of the data set.")],
    version: Annotated[
        str | None, typer.Option(help="Name of the version (default: 12 digits of its digest).")
    ] = None,
    activate: Annotated[bool, typer.Option(help="Activate the version, so that it is served.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that is refused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a version of a data set."""
    with progress_bar() as progress, _opened(index) as catalogue:
        if isinstance(catalogue, RedisCatalogue):
            catalogue.on_pushed = _pushing(progress)
        report = build(
            _rows(source, reader, rules, progress=progress),
            catalogue,
            dataset=dataset,
            version=version,
            activate=activate,
            strict=strict,
        )
    if as_json:
        print_json(reporting.to_json(report))
    else:
        print_table(reporting.facts(report), "", "", "")
    if said := reporting.warning(report):
        typer.secho(f"WARNING: {said}", err=True, bold=True, fg=typer.colors.YELLOW)


@app.command("push")
def push_command(
    reference: Reference,
    *,
    index: Index,
    to: Annotated[str, typer.Option("--to", callback=_url, help="URL of the Redis.", metavar="URL")],
    activate: Annotated[
        bool, typer.Option("--activate", help="Activate the version, so that it is served.")
    ] = False,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Overwrite records that already exist; repairs damaged ones.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a version into a Redis. To resume an interrupted push, run the same command again."""
    with _store(index, reference) as store, _redis(to) as target, progress_bar() as progress:
        info = store.info
        report = push(store, target, rewrite=rewrite, progress=partial(_pushing(progress), info))
        if activate:
            target.activate(info.dataset, info.version)
    facts = {
        "version": f"{info.dataset}@{info.version}",
        "written": report.written,
        "present": report.present,
    }
    _print(facts | {"active": activate}, as_json=as_json)


@app.command("list")
def list_command(*, index: Index, as_json: AsJson = False) -> None:
    """List data sets and versions; the active ones are marked."""
    with _opened(index) as catalogue:
        rows = [_version(catalogue, dataset, version) for dataset, version in _all_versions(catalogue)]
        partial = catalogue.partial() if isinstance(catalogue, RedisCatalogue) else []
    if as_json:
        print_json(rows)
    else:
        print_table((row.values() for row in rows), "dataset", "version", "active", "questions", "digest")
    for name in partial:
        typer.echo(f"{name} is incomplete: push it again, or drop it", err=True)


@app.command("stat")
def stat_command(reference: Reference, *, index: Index, as_json: AsJson = False) -> None:
    """Read every record of a version and count its content; damage, and content that its digest does not cover, are errors."""
    with _opened(index) as catalogue, closing(_open(catalogue, reference)) as store:
        info = store.info
        facts = _version(catalogue, info.dataset, info.version) | asdict(describe(store))
        check_content(store)
    _print(facts | {"codec": info.codec, "fold": info.fold}, as_json=as_json)


@app.command("get")
def get_command(
    reference: Reference,
    question_ids: Annotated[list[str], typer.Argument(metavar="QUESTION_ID...")],
    *,
    index: Index,
) -> None:
    """Print questions as JSON lines."""
    with _store(index, reference) as store:
        questions = store.get_many(question_ids)
    for question in questions:
        if question is not None:
            print_json(codec.to_json(question))
    unknown = [at for at, question in zip(question_ids, questions, strict=True) if question is None]
    if unknown:
        raise EntityIndexError(f"{reference} has no question {', '.join(unknown)}")


@app.command("export")
def export_command(
    reference: Reference,
    *,
    index: Index,
    out: Annotated[
        Path | None, typer.Option("--out", dir_okay=False, help="File to write (default: standard output).")
    ] = None,
) -> None:
    """Write all questions of a version as JSON Lines; building from them gives the same digest."""
    with _store(index, reference) as store, progress_bar() as progress:
        questions = progress.track(all_questions(store), total=store.info.count, description="Exporting")
        lines = (json.dumps(codec.to_json(question), ensure_ascii=False) + "\n" for question in questions)
        if out is None:
            sys.stdout.writelines(lines)
        else:
            with written(out) as file:
                file.writelines(lines)


@app.command("diff")
def diff_command(
    old: Reference,
    new: Reference,
    *,
    index: Index,
    new_index: Annotated[
        str | None,
        typer.Option("--new-index", help="Index of the second version, if different.", metavar="INDEX"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two versions."""
    with _store(index, old) as before, _store(new_index or index, new) as after:
        found = asdict(diff(before, after))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            name.replace("_", " "),
            *((value["count"], ", ".join(value["examples"])) if isinstance(value, dict) else (value, "")),
        )
        for name, value in found.items()
    ]
    print_table(rows, "", "", "")


@app.command("extract")
def extract_command(  # noqa: PLR0913  # one option each, as it is typed
    source: Source,
    *,
    out: Annotated[
        Path, typer.Option("--out", dir_okay=False, help="JSON Lines file to write, as input for `build`.")
    ],
    field: Annotated[
        list[str],
        typer.Option(
            "--field", metavar="PATH", help="Path of a text in the input, such as paragraphs[].text"
        ),
    ],
    reader: ReaderName = "jsonl",
    rules: Rules = None,
    pipeline: Annotated[
        str | None, typer.Option("--spacy", metavar="NAME", help="spaCy pipeline: a package or a folder.")
    ] = None,
    gazetteer: Annotated[
        Path | None,
        typer.Option(dir_okay=False, exists=True, help="File of names to search for, one per line."),
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the texts, if no pipeline is given.")] = "en",
    label: Annotated[
        list[str] | None,
        typer.Option(help="Entity type to keep; can be given several times (default: all except numbers)."),
    ] = None,
    device: Annotated[str, typer.Option(help="Where spaCy computes: auto, cpu or cuda:N.")] = "auto",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Number of parallel processes (default: all cores).")
    ] = None,
) -> None:
    """Find entities for a data set without any, in the given fields, with spaCy or a gazetteer."""
    if pipeline is None and gazetteer is None:
        raise typer.BadParameter("give a pipeline or a gazetteer", param_hint="--spacy, --gazetteer")
    try:
        paths = [mapped.parse(path) for path in field]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--field") from error
    if not DEVICE.fullmatch(device):
        raise typer.BadParameter("must be auto, cpu, cuda or cuda:N", param_hint="--device")
    tagger = Tagger(pipeline, gazetteer, language, frozenset(label or ()), device)
    reading = TextShape(shape_of(reader, rules), paths)
    counts: Counter[str] = Counter()
    with progress_bar() as progress, written(out) as file:
        rows = read(source, reading, progress=progress)
        for row in extract(rows, reading, tagger, processes=processes or cores()):
            if isinstance(row, Refusal):
                counts[f"refused: {row.reason}"] += 1
            else:
                counts.update(questions=1, entities=len(row.question.entities))
                file.write(json.dumps(codec.to_json(row.question), ensure_ascii=False) + "\n")
    print_table(counts.items(), "", "")


Target = Annotated[
    str,
    typer.Argument(metavar="INPUT|DATASET[@VERSION]", help="A file or folder, or with --index a version."),
]
LintedIndex = Annotated[
    str | None, typer.Option("--index", help=f"{WHERE}, to check a version.", metavar="INDEX")
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", metavar="CHECK=SHARE", help="Change a limit, such as 'entity in the question=0.6'"
    ),
]


@app.command("lint")
def lint_command(
    target: Target,
    *,
    reader: ReaderName = "jsonl",
    rules: Rules = None,
    index: LintedIndex = None,
    limit: Limits = None,
    as_json: AsJson = False,
) -> None:
    """Check a data set before training on it. Exit code 3: a share is over its limit."""
    with questions_of(target, reader=reader, rules=rules, index=index) as rows:
        report = not_empty(lint(rows))
    show_lint(report, dict(map(read_limit, limit or ())), as_json=as_json)


@contextmanager
def questions_of(
    target: str, *, reader: str, rules: list[str] | None, index: str | None
) -> Iterator[Iterable[Row | Refusal | Question]]:
    """Open what is to be looked over: a file or folder, or a version of an index."""
    with progress_bar() as progress:
        if index is None and not Path(target).exists():
            raise typer.BadParameter(f"file {target!r} does not exist; to check a version, give its --index")
        if index is None:
            yield _rows(Path(target), reader, rules, progress=progress)
            return
        with _store(_there(index), target) as store:
            yield progress.track(all_questions(store), total=store.info.count, description="Linting")


def not_empty(report: LintReport) -> LintReport:
    """Return a lint report on some questions.

    Raises:
        NothingKept: there are none.
    """
    if not report.totals["questions"]:
        why = next(iter(report.refused), "the input is empty")
        raise NothingKept(f"no line contained a usable question: {why}")
    return report


def show_lint(report: LintReport, limits: dict[str, float], *, as_json: bool) -> None:
    """Print a lint report, and exit with 3 where a share is over its limit."""
    print_lint(report, limits, as_json=as_json)
    if report.over(limits):
        raise typer.Exit(3)


def print_lint(report: LintReport, limits: dict[str, float], *, as_json: bool) -> None:
    """Print a lint report as tables or as JSON."""
    if as_json:
        print_json(linting.to_json(report, limits))
        return
    totals = ", ".join(f"{count:,} {what}" for what, count in report.totals.items())
    typer.echo(totals + "".join(f"; refused: {why} {count:,}" for why, count in report.refused.items()))
    print_table(linting.facts(report, limits), "check", "count", "share", "limit", "", "examples")
    typer.echo("")
    pays = ((name, f"{pay.match_rate:.3f}", f"{pay.reward:.3f}") for name, pay in report.policies.items())
    print_table(pays, "a policy that ...", "match rate", "reward")


def read_limit(rule: str) -> tuple[str, float]:
    """Return the check and its limit of an option `CHECK=SHARE`."""
    name, _, share = rule.partition("=")
    try:
        limit = float(share)
    except ValueError:
        limit = -1.0
    if name not in linting.BY_NAME or not 0 <= limit <= 1:
        raise typer.BadParameter(
            f"must be CHECK=SHARE, got {rule!r}; the checks are {', '.join(linting.BY_NAME)}",
            param_hint="--limit",
        )
    return name, limit


@app.command("activate")
def activate_command(
    reference: Annotated[str, typer.Argument(metavar="DATASET@VERSION")], *, index: Index
) -> None:
    """Activate a version, so that it is served; activate the previous one to roll back."""
    dataset, version = _named(reference)
    with _opened(index) as catalogue:
        catalogue.activate(dataset, version)
    typer.echo(f"{reference} is active")


@app.command("drop")
def drop_command(
    reference: Annotated[str, typer.Argument(metavar="DATASET@VERSION")], *, index: Index
) -> None:
    """Delete a version that is not active, or the remains of an interrupted push."""
    dataset, version = _named(reference)
    with _opened(index) as catalogue:
        catalogue.drop(dataset, version)
    typer.echo(f"{reference} dropped")


def _named(reference: str) -> tuple[str, str]:
    dataset, at, version = reference.partition("@")
    if not at:
        raise typer.BadParameter("include the version", param_hint="DATASET@VERSION")
    return dataset, version


@contextmanager
def _opened(where: str) -> Iterator[AnyCatalogue]:
    if is_url(where):
        with _redis(where) as found:
            yield found
    else:
        yield SqliteCatalogue(Path(where))


@contextmanager
def _redis(url: str) -> Iterator[RedisCatalogue]:
    with closing(open_redis(url, timeout_s=TIMEOUT_S)) as found:
        yield found


@contextmanager
def _store(where: str, reference: str) -> Iterator[EntityStore]:
    with _opened(where) as catalogue, closing(_open(catalogue, reference)) as store:
        yield store


def _open(catalogue: Catalogue, reference: str) -> EntityStore:
    dataset, _, version = reference.partition("@")
    return catalogue.open(dataset, version or None)


def progress_bar() -> Progress:
    """Return a progress bar on stderr, where that is a terminal."""
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())


def _pushing(progress: Progress) -> Callable[[VersionInfo, int], None]:
    """Return what shows how far a push has come."""
    bars: dict[VersionInfo, TaskID] = {}

    def sent(info: VersionInfo, count: int) -> None:
        if info not in bars:
            bars[info] = progress.add_task(f"Pushing {info.dataset}@{info.version}", total=info.count)
        progress.advance(bars[info], count)

    return sent


def _all_versions(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for dataset in catalogue.datasets():
        for version in catalogue.versions(dataset):
            yield dataset, version


def _version(catalogue: Catalogue, dataset: str, version: str) -> dict[str, object]:
    with closing(catalogue.open(dataset, version)) as store:
        return {
            "dataset": dataset,
            "version": version,
            "active": version == catalogue.active(dataset),
            "questions": store.info.count,
            "digest": store.info.digest,
        }


def _print(facts: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print_table(((name.replace("_", " "), value) for name, value in facts.items()), "", "")


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_table(rows: Iterable[Iterable[object]], *headers: str) -> None:
    """Print rows in columns."""
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
    """Run one command and exit; when told to terminate, clean up first."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        app(args)
    except (EntityIndexError, OSError, sqlite3.Error) as error:
        typer.echo(f"error: {sentence(error)}", err=True)
        sys.exit(1)
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
