"""Files of rollouts for commands: which reader, what could not be read, and which groups there are.

Lines that cannot be read are counted by reason, with their places, in one report that proposes a mapping.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from entity_index.readers import mapped
from entity_index.readers.containers import STANDARD_INPUT, Value, is_read, named, values_of
from reward_service.adapters.records import MAPPED, READERS
from reward_service.adapters.records.detect import FIRST, defaults_of, is_turn, reader_of
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.groups import DatasetQuestions, Grouped, gather, group
from reward_service.adapters.records.lines import (
    Line,
    LinePlace,
    Recipe,
    lines_of,
    manifest_of,
    recipe,
    rules,
)
from reward_service.adapters.records.propose import proposal, wrapped
from reward_service.adapters.records.table import Row
from reward_service.core.profiles import Profile
from reward_service.core.rewards.compose import needs_progress
from reward_service.core.trajectory import CONTAINERS, DEFAULT_DIALECT, DIALECTS, MESSAGES, SHORT_FORMS
from reward_service.core.types import Defaults, PartialPolicy, Reading, progress_at

AUTO = "auto"
LOOKED_OVER = 100
"""How many lines are looked over before anything is scored."""
SHOWN = 8
BESIDE = (
    "  a group with such a rollout has no rewards; with --survivors, its others are rewarded among themselves"
)
MAX_LINE_BYTES = 256 * 1024 * 1024  # a long rollout with its token ids has some megabytes


class BadOption(ValueError):  # names what it is about
    """An option says something that cannot be done."""


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the command line says about a file."""

    reader: str = AUTO
    mapping: tuple[str, ...] = ()
    format: str | None = None
    dialect: str | None = None
    manifest: Path | None = None


@dataclass(frozen=True, slots=True)
class PayOptions:
    """What the command line says about how groups are paid."""

    survivors: bool = False
    progress: float | None = None
    """Of the training, in [0, 1], for all groups."""
    total_steps: int | None = None
    """In place of it: the steps of the whole training, of which each group names its own."""

    @property
    def policy(self) -> PartialPolicy:
        """What becomes of a group with a rollout that has no reward."""
        return PartialPolicy("survivors" if self.survivors else "fail")

    def progress_of(self, group: Grouped, profile: Profile) -> float | None:
        """Return how far the training is in a group; None where the command line does not say.

        Raises:
            BadOption: it does not say it in one way, or not at all and the profile needs it, or the group's lines do not have
                one step.
        """
        if self.total_steps is None and self.progress is None and needs_progress(profile.reward):
            raise BadOption(
                f"the profile {profile.name} needs progress: give --progress, or --total-steps for files that name the step"
            )
        if self.total_steps is None:
            return self.progress
        if self.progress is not None:
            raise BadOption("--progress and --total-steps exclude each other")
        steps = {line.step for line in group.lines}
        step = steps.pop()
        if steps or step is None or not step.isdecimal():
            raise BadOption(
                f"--total-steps: the rollouts of group {group.call.group_id} must have one whole number as their step; "
                "--map step=PATH says where it is"
            )
        return progress_at(int(step), self.total_steps)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that could not be read, and how many rollouts it concerns."""

    place: str
    why: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of rollouts, read."""

    how: Recipe
    decided: bool
    """Reader, container and dialect were detected from the first rollouts."""
    lines: list[Line]
    problems: list[Skipped]
    """Lines of which not even the group is known."""
    fields: tuple[str, ...] = ()
    """What the first line has."""
    proposed: list[str] = field(default_factory=list)
    """`--map` options for a file that no reader knows."""
    absent: tuple[str, ...] = ()
    """`--map` options that find nothing in the first lines."""
    wrapped: str | None = None
    """The field of a file's only object that holds a list of objects."""

    @property
    def defects(self) -> list[Skipped]:
        """Rollouts that cannot be read, of groups that are known."""
        return [Skipped(one.place, one.defect) for one in self.lines if one.defect is not None]

    def said(self) -> str:
        """Say how the file is read."""
        reading = self.how.defaults
        by = f"decided from the first {FIRST} rollouts" if self.decided else "as asked"
        written = f"format {reading.format}, dialect {reading.reading.dialect or DEFAULT_DIALECT}"
        nothing = "".join(f"; --map {rule} finds nothing in the first lines" for rule in self.absent)
        return f"reader {self.how.name}: {self.how.reader.writes}; {written} ({by}){nothing}"


@dataclass(frozen=True, slots=True)
class Opened:
    """Files whose reader is known, with their values still to be read."""

    how: Recipe
    values: Iterator[Value]
    rows: list[dict[str, Any]]
    """The first rows."""


def open_files(paths: Sequence[Path], asked: FileOptions) -> Opened:
    """Decide how files, folders or standard input are read, from their first lines.

    Raises:
        UnreadableInput: the container is broken, or needs a package that is not installed.
        BadOption: a mapping is none.
    """
    mapping = _mapping(asked)
    values = chain.from_iterable(values_of(path, limit=MAX_LINE_BYTES, nested=True) for path in paths)
    head = list(islice(values, LOOKED_OVER))
    name = _whose(head, asked, is_mapped=bool(mapping))
    every = chain(head, values)
    if name == "conversation" and all(isinstance(one.value, dict) and is_turn(one.value) for one in head):
        head = list(_conversations(every))
        every = chain(head)
    rows = [one.value for one in head if isinstance(one.value, dict)]
    return Opened(_recipe(name, mapping, rows, asked), every, rows)


def read_rollouts(paths: Sequence[Path], asked: FileOptions) -> Recording:
    """Read files, folders or standard input, as one recording; raises what `open_files` does."""
    opened = open_files(paths, asked)
    lines, problems = _read(opened.values, opened.how, [path for path in paths if path.is_dir()])
    rows = opened.rows
    proposed = [] if any(one.defect is None for one in lines) else proposal(rows)
    fields, absent = tuple(rows[0]) if rows else (), tuple(_absent(opened, asked))
    decided = asked.reader == AUTO
    return Recording(opened.how, decided, lines, problems, fields, proposed, absent, wrapped(rows))


def _absent(opened: Opened, asked: FileOptions) -> Iterator[str]:
    """Yield the mappings that find nothing in any of the first lines, as a misspelled one does."""
    rows = list(_rollouts(opened))
    for name, path in _mapping(asked).items():
        ways = opened.how.paths.get(name)
        if ways and rows and not any(mapped.find(row, way) not in (None, []) for row in rows for way in ways):
            yield f"{name}={path}"


def _rollouts(opened: Opened) -> Iterator[Row]:
    """Yield the first rollouts, of lines that can be read."""
    for row in opened.rows:
        with suppress(BadLine):
            yield from opened.how.reader.rows(row)


def _whose(head: Sequence[Value], asked: FileOptions, *, is_mapped: bool) -> str | None:
    """Return the reader of a file; None where only a mapping can read it."""
    if asked.reader != AUTO:
        return asked.reader
    rows = [one.value for one in head if isinstance(one.value, dict)]
    name = reader_of(rows, READERS)
    return "conversation" if name is None and rows and all(map(is_turn, rows)) and not is_mapped else name


def _recipe(
    name: str | None, mapping: dict[str, str], rows: Sequence[dict[str, Any]], asked: FileOptions
) -> Recipe:
    """Return how a file is read; where no reader is named, in the container and dialect of its first rollouts."""
    reader = MAPPED if name is None else READERS[name]
    listed = _manifest(asked.manifest) if asked.manifest else None
    usual = _usual(asked, reader.format, reader.dialect)
    how = recipe(name or "map", reader, usual, mapping, manifest=listed)
    decides = asked.reader == AUTO and (reader.follows_text or bool(mapping))
    return replace(how, defaults=_decided(how, rows[:FIRST], asked)) if decides else how


def _manifest(path: Path) -> dict[str, Row]:
    listed = manifest_of(one.value for one in values_of(path) if isinstance(one.value, dict))
    if not listed:
        raise BadOption(f"--manifest: no row of {path} has the field trajectory")
    return listed


def _mapping(asked: FileOptions) -> dict[str, str]:
    try:
        return rules(list(asked.mapping))
    except ValueError as error:
        raise BadOption(f"--map: {error}") from None


def _usual(asked: FileOptions, container: str, dialect: str) -> Defaults:
    named = SHORT_FORMS.get(asked.format or "")
    said = "plain" if named else asked.format or container
    return Defaults(said, Reading(asked.dialect or named or dialect))


def _decided(how: Recipe, rows: Sequence[Any], asked: FileOptions) -> Defaults:
    """Return container and dialect of the first rollouts, as far as the command line does not name them."""
    first: list[Line] = []
    for row in rows:
        try:
            first += lines_of(row, how)
        except BadLine:
            continue
    told = defaults_of([line.rollout for line in first], how.defaults)
    return Defaults(
        how.defaults.format if asked.format else told.format,
        how.defaults.reading if asked.dialect or asked.format in SHORT_FORMS else told.reading,
    )


def _conversations(values: Iterable[Value]) -> Iterator[Value]:
    """Yield one value a file: all its turns."""
    turns: dict[Path, list[object]] = {}
    for one in values:
        turns.setdefault(one.path, []).append(one.value)
    yield from (Value(path, 1, {"conversation": said}) for path, said in turns.items())


def _read(values: Iterable[Value], how: Recipe, folders: Sequence[Path]) -> tuple[list[Line], list[Skipped]]:
    lines: list[Line] = []
    problems: list[Skipped] = []
    for one in values:
        place = place_of(one, folders)
        try:
            found = lines_of(one.value, how, place, one.path)
            lines += [replace(line, at=LinePlace(one.path, one.line, n)) for n, line in enumerate(found)]
        except BadLine as bad:
            problems.append(Skipped(place, str(bad)))
    return lines, problems


def place_of(one: Value, folders: Sequence[Path] = ()) -> str:
    """Return where a value is, for people: its file's path within the folder that is read, and its line."""
    if one.path == STANDARD_INPUT:
        return f"line {one.line}"
    within = (one.path.relative_to(folder) for folder in folders if one.path.is_relative_to(folder))
    return f"{next(within, one.path.name)} line {one.line}"


def groups_of(recording: Recording, dataset: DatasetQuestions | None) -> tuple[list[Grouped], list[Skipped]]:
    """Return the groups of a file of which a rollout can be read, and which of them have no question."""
    groups: list[Grouped] = []
    problems: list[Skipped] = []
    for key, lines in gather(recording.lines).items():
        read = [one for one in lines if one.defect is None]
        try:
            groups += [group(key, lines, dataset)] if read else []
        except BadLine as bad:
            problems.append(Skipped(read[0].place, str(bad), len(read)))
    return groups, problems


def report(recording: Recording, problems: Sequence[Skipped], paths: Sequence[Path]) -> str:
    """Say what could not be read, by reason, and what to try."""
    by_reason: dict[str, list[Skipped]] = defaultdict(list)
    for problem in problems:
        by_reason[problem.why].append(problem)
    total = len(recording.lines) + len(recording.problems)
    said = [
        f"{', '.join(map(named, paths))}: {sum(one.count for one in problems)} of {total} rollouts cannot be scored"
    ]
    for why, them in by_reason.items():
        places = ", ".join(one.place for one in them[:SHOWN]) + (", ..." if len(them) > SHOWN else "")
        said.append(f"  {sum(one.count for one in them)} x {why} ({places})")
    defects = recording.defects
    if len(defects) < len(recording.lines):
        said += [BESIDE] if defects else []
        return "\n".join(said)
    said.append(
        f"  the first line has the fields: {', '.join(recording.fields)}"
        if recording.fields
        else "  JSON lines, a JSON array, one JSON object, parquet, CSV and TSV are read, each under its own file ending"
    )
    if recording.proposed:
        said.append("  try: " + " ".join(f"--map {rule}" for rule in recording.proposed))
    if recording.wrapped is not None:
        unpacked = f"jq -c '.{recording.wrapped}[]' FILE | reward-service score -"
        said.append(f"  if its rollouts are the items of {recording.wrapped}, unpack them: {unpacked}")
    return "\n".join(said)


def check_out(out: Path | None, read: Sequence[Path]) -> None:
    """Refuse a file for results before anything is computed: one without a folder, and one that is read as rollouts itself.

    Raises:
        BadOption: it is one of these.
    """
    if out is None:
        return
    if not out.parent.is_dir():
        raise BadOption(f"--out: there is no folder {out.parent}")
    if any(_holds(path.resolve(), out.resolve()) for path in read if path != STANDARD_INPUT):
        raise BadOption(f"--out: {out} is, or would be, among the files that are read")


def _holds(path: Path, out: Path) -> bool:
    return path == out or (path.is_dir() and is_read(out) and out.is_relative_to(path))


def required(min_scored: str | None, lines: int) -> int:
    """Return how many rollouts have to be scored: a number, a share (`90%`), or one.

    Raises:
        BadOption: it is neither.
    """
    number = (min_scored or "1").removesuffix("%")
    if not number.isdecimal() or (number != min_scored and min_scored is not None and int(number) > 100):
        raise BadOption("--min-scored is a number of rollouts, or a share such as 90%")
    is_share = min_scored is not None and min_scored.endswith("%")
    return -(-lines * int(number) // 100) if is_share else int(number)


def _known(name: str, table: Iterable[str]) -> str:
    if name not in table:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(table)}")
    return name


def reader_named(name: str) -> str:
    """Return the name of a reader, or say which there are."""
    return _known(name, (AUTO, *READERS))


def _format(name: str | None) -> str | None:
    return name and _known(name, (*CONTAINERS, *SHORT_FORMS, MESSAGES))


def _dialect(name: str | None) -> str | None:
    return name and _known(name, DIALECTS)


ReaderName: TypeAlias = Annotated[
    str,
    typer.Option(
        "--reader",
        callback=reader_named,
        help=f"System that wrote the file: {', '.join(READERS)}; auto detects it from the first rollouts.",
    ),
]
Mapping: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=PATH", help="Where a field is: answers=gts.target, group=meta.uid."),
]
FormatName: TypeAlias = Annotated[
    str | None,
    typer.Option("--format", callback=_format, help="Container of the text; the reader's without it."),
]
DialectName: TypeAlias = Annotated[
    str | None,
    typer.Option("--dialect", callback=_dialect, help="Marks of the policy's text; the reader's without it."),
]
Manifest: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        exists=True,
        help="Rows with more fields of rollouts; `trajectory` is a rollout's id or the end of its file's path.",
    ),
]
Survivors: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--survivors", help="Where a rollout has no reward, reward the others of its group among themselves."
    ),
]
ProgressOf: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--progress",
        min=0,
        max=1,
        help="Share of the training that is done, in [0, 1], for profiles whose weights depend on it.",
    ),
]
TotalSteps: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--total-steps",
        min=1,
        help="Steps of the whole training: the progress of a group is its step, a field of its lines, over this number.",
    ),
]
Strict: TypeAlias = Annotated[bool, typer.Option("--strict", help="Stop where a line cannot be read.")]
MinScored: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--min-scored",
        help="Exit code 3 where fewer rollouts have a reward: a number, or a share such as 90%.",
    ),
]
