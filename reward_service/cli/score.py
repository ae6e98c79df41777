"""Score files of rollouts: read, join to the index, score group by group."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from entity_index.readers.containers import named
from entity_index.types import Question
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.groups import DatasetQuestions, Grouped
from reward_service.adapters.records.results import RecordOut, records_out
from reward_service.cli.rollouts import (
    BadOption,
    FileOptions,
    PayOptions,
    Recording,
    Skipped,
    groups_of,
    read_rollouts,
    report,
)
from reward_service.cli.second_look import second_look, with_measured
from reward_service.core.profiles import Profile
from reward_service.core.types import GroupResult, GroupStatus, RolloutResult, RolloutStatus
from reward_service.serve.errors import GroupError, refused_status
from reward_service.serve.scorer import Scored, Scorer

REASONS_SHOWN = 8
AS_USUAL = PayOptions()
ASKED_AT_ONCE = 32
"""Groups that wait for a judge together: waiting for one after the other takes as long as all their answers in a row."""
TOO_FEW = 3
"""Exit code: the file was read, and fewer rollouts have a reward than asked for."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Files of rollouts, read and joined to their ground truth."""

    recording: Recording
    groups: list[Grouped]
    problems: list[Skipped]
    """What could not be read, or has no ground truth."""

    @property
    def rollouts(self) -> int:
        """How many rollouts the files hold, those that could not be read too."""
        return len(self.recording.lines) + len(self.recording.problems)


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What became of files of rollouts."""

    rollouts: int
    """How many they hold, those that could not be read too."""
    records: list[RecordOut] = field(default_factory=list)
    groups: list[GroupResult] = field(default_factory=list)

    @property
    def rewarded(self) -> int:
        """How many have a reward."""
        return sum(one["reward"] is not None for one in self.records)

    def reasons(self) -> list[tuple[str, int]]:
        """Return why rollouts have no reward and how many there are, the most frequent reasons first."""
        return reasons(one for group in self.groups for one in group.rollouts)


def reasons(rollouts: Iterable[RolloutResult]) -> list[tuple[str, int]]:
    """Return why rollouts have no reward and how many there are, the most frequent first.

    Those that fell with their group count where nothing else is to blame.
    """
    unpaid = [one for one in rollouts if one.reward is None]
    own = [one for one in unpaid if one.status is not RolloutStatus.GROUP_FAILED]
    causes = Counter(f"{one.status}: {one.detail or 'no detail'}" for one in own or unpaid)
    return causes.most_common(REASONS_SHOWN)


async def read_file(
    scorer: Scorer,
    paths: Sequence[Path],
    asked: FileOptions,
    *,
    dataset: str | None,
    strict: bool,
    console: Console,
) -> ReadFile:
    """Read files of rollouts; how they are read, and what cannot be read, is printed on the console.

    Raises:
        BadLine: nothing could be read, or with `strict` a line could not.
        UnreadableInput, BadOption, EntityIndexError: a file, an option or the index cannot be used.
    """
    recording = read_rollouts(paths, asked)
    groups, unjoined = groups_of(recording, await questions_of(scorer, dataset))
    read = ReadFile(recording, groups, [*recording.problems, *recording.defects, *unjoined])
    if read.problems and (strict or not groups):
        raise BadLine(report(recording, read.problems, paths))
    if not groups:
        raise BadLine(f"{', '.join(map(named, paths))} holds no rollouts")
    _tell(read, paths, console=console)
    return read


async def score_group(
    scorer: Scorer, group: Grouped, profile: Profile, how: PayOptions, *, explain: bool
) -> Scored:
    """Return what became of a group.

    Raises:
        BadOption: the command line does not say the progress of the training in this group, and the profile needs it.
    """
    [scored] = await scorer.score(
        [group.call], profile, policy=how.policy, progress=how.progress_of(group, profile), explain=explain
    )
    return scored


async def score_groups(
    scorer: Scorer,
    groups: Sequence[Grouped],
    *,
    profile: Profile,
    how: PayOptions = AS_USUAL,
    explain: bool = False,
    console: Console,
) -> AsyncIterator[tuple[Grouped, Scored]]:
    """Yield groups with what became of them, in order; progress is shown on the console."""
    at_once = ASKED_AT_ONCE if profile.asks else 1
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"scoring groups, profile {profile.name}", total=len(groups))
        for part in (groups[at : at + at_once] for at in range(0, len(groups), at_once)):
            scoring = (score_group(scorer, one, profile, how, explain=explain) for one in part)
            for scored in zip(part, await asyncio.gather(*scoring), strict=True):
                yield scored
            progress.advance(task, len(part))


async def score_file(  # noqa: PLR0913  # one argument an option
    scorer: Scorer,
    paths: Sequence[Path],
    asked: FileOptions,
    *,
    dataset: str | None,
    profile: Profile,
    how: PayOptions = AS_USUAL,
    strict: bool,
    explain: bool = False,
    console: Console,
) -> ScoredFile:
    """Read and score files of rollouts; raises what `read_file` does."""
    read = await read_file(scorer, paths, asked, dataset=dataset, strict=strict, console=console)
    return await score_read(scorer, read, profile=profile, how=how, explain=explain, console=console)


async def score_read(
    scorer: Scorer,
    read: ReadFile,
    *,
    profile: Profile,
    how: PayOptions = AS_USUAL,
    explain: bool = False,
    console: Console,
) -> ScoredFile:
    """Score files of rollouts that have been read."""
    done = ScoredFile(read.rollouts)
    scoring = score_groups(scorer, read.groups, profile=profile, how=how, explain=explain, console=console)
    async for grouped, scored in scoring:
        done.records.extend(records_out(scored, grouped, read.recording.how, profile))
        done.groups.append(with_measured(result_of(scored), second_look(scored, profile)))
    return done


def result_of(scored: Scored) -> GroupResult:
    """Return the result of a group; of one that was refused, why its rollouts have none."""
    error = scored.measured.error
    if scored.result is not None or error is None:
        assert scored.result is not None  # noqa: S101  # a group is either refused or has a result
        return scored.result
    return GroupResult(GroupStatus.FAILED, 0, None, tuple(_refused(scored, error)))


def _refused(scored: Scored, error: GroupError) -> list[RolloutResult]:
    status = refused_status(error)
    return [
        RolloutResult(one.rollout_id, status, detail=error.sentence) for one in scored.measured.call.rollouts
    ]


def _tell(read: ReadFile, paths: Sequence[Path], *, console: Console) -> None:
    """Say how files are read, what could not be, and what has no entities."""
    console.print(Text(read.recording.said()), soft_wrap=True)
    if read.problems:
        console.print(Text(report(read.recording, read.problems, paths)), soft_wrap=True)
    bare = sum(
        len(one.lines)
        for one in read.groups
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
    if not names:
        raise BadOption(
            "the index holds no data set: `entity-index build` adds one, and its path must be the same"
        )
    name = dataset or (names[0] if len(names) == 1 else None)
    if name is None:
        return None
    store = await lookup.open(name)
    if store is None:
        raise BadOption(f"data set {name} has no active version")
    return DatasetQuestions(name, store, has_all=dataset is not None)
