"""Score a file of rollouts: read, join to the index, score group by group."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from entity_index.types import Question
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.groups import DatasetQuestions, Grouped
from reward_service.adapters.records.results import RecordOut, records_out
from reward_service.cli.rollouts import (
    BadOption,
    FileOptions,
    Recording,
    Skipped,
    groups_of,
    read_rollouts,
    report,
)
from reward_service.core.profiles import Profile
from reward_service.core.types import PartialPolicy, RolloutStatus
from reward_service.serve.scorer import Scorer

REASONS_SHOWN = 8
TOO_FEW = 3
"""Exit code: the file was read, and fewer rollouts have a reward than asked for."""


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What became of a file."""

    records: list[RecordOut]
    rollouts: int
    """How many the file holds, those that could not be read too."""

    @property
    def rewarded(self) -> int:
        """How many have a reward."""
        return sum(one["reward"] is not None for one in self.records)

    def reasons(self) -> list[str]:
        """Return why rollouts have no reward, the most frequent reasons first.

        Those that fell with their group count where nothing else is to blame.
        """
        unpaid = [one for one in self.records if one["reward"] is None]
        own = [one for one in unpaid if one["status"] != RolloutStatus.GROUP_FAILED]
        causes = Counter(f"{one['status']}: {one['detail'] or 'no detail'}" for one in own or unpaid)
        return [f"  {count} x {why}" for why, count in causes.most_common(REASONS_SHOWN)]


async def score_file(
    scorer: Scorer,
    path: Path,
    asked: FileOptions,
    *,
    dataset: str | None,
    profile: Profile,
    survivors: bool = False,
    strict: bool,
    console: Console,
) -> ScoredFile:
    """Score the rollouts of a file; how it is read, and what cannot be read, is printed on the console.

    Raises:
        BadLine: nothing could be read, or with `strict` a line could not.
        UnreadableInput, BadOption, EntityIndexError: the file, an option or the index cannot be used.
    """
    recording = read_rollouts(path, asked)
    groups, unjoined = groups_of(recording, await questions_of(scorer, dataset))
    problems = [*recording.problems, *unjoined]
    if problems and (strict or not groups):
        raise BadLine(report(recording, problems, path))
    if not groups:
        raise BadLine(f"{path} holds no rollouts")
    _tell(recording, problems, groups, path, console=console)
    policy = PartialPolicy("survivors" if survivors else "fail")
    records: list[RecordOut] = []
    with Progress(console=console, disable=not console.is_terminal) as progress:
        for grouped in progress.track(groups, description="scoring groups"):
            [scored] = await scorer.score([grouped.call], profile, policy=policy)
            records += records_out(scored, grouped, recording.how, profile)
    return ScoredFile(records, len(recording.lines) + len(recording.problems))


def _tell(
    recording: Recording, problems: list[Skipped], groups: list[Grouped], path: Path, *, console: Console
) -> None:
    """Say how a file is read, what could not be, and what has no entities."""
    console.print(Text(recording.said()))
    if problems:
        console.print(Text(report(recording, problems, path)))
    bare = sum(
        len(one.lines)
        for one in groups
        if isinstance(one.call.question, Question) and not one.call.question.entities
    )
    if bare:
        console.print(f"{bare} rollouts are paid by their outcome alone: their questions have no entities")


async def questions_of(scorer: Scorer, dataset: str | None) -> DatasetQuestions | None:
    """Return the questions of a data set; of the only one where none is named; None where there is none to choose.

    Raises:
        BadOption: there is no index, or the data set has no active version.
        EntityIndexError: the index has no such data set, or cannot be read.
    """
    lookup, catalogue = scorer.truth.lookup, scorer.truth.catalogue
    if lookup is None or catalogue is None:
        if dataset is not None:
            raise BadOption("--dataset names a part of an index: give --index")
        return None
    names = catalogue.datasets()
    name = dataset or (names[0] if len(names) == 1 else None)
    if name is None:
        return None
    store = await lookup.open(name)
    if store is None:
        raise BadOption(f"data set {name} has no active version")
    return DatasetQuestions(name, store, has_all=dataset is not None)
