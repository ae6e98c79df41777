"""Files of rollouts -> scored groups and the documents of the views."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from entity_index.lint import lint
from entity_index.readers.fields import named_after
from entity_index.types import Question
from reward_service.adapters.records.groups import Grouped
from reward_service.cli.flags import FileFlags
from reward_service.cli.lint import judge_of
from reward_service.cli.rollouts import report
from reward_service.cli.score import ReadFile, read_file, result_of, score_groups
from reward_service.cli.seeing.groups import SeenGroup, seen, with_other
from reward_service.cli.seeing.numbers import dataset_out, run_out
from reward_service.core.matching.spec import FOLDED
from reward_service.core.profiles import Profile
from reward_service.core.profiles.formula import formula
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.serve.errors import GroupError
from reward_service.serve.scorer import Scored, Scorer

Known = Callable[[str], SeenGroup | None]
LINTED = 5000
"""Questions looked over; a data set of more is a matter for `lint`."""


def nothing_known(_: str) -> SeenGroup | None:
    """Know no group."""
    return None


@dataclass(frozen=True, slots=True)
class LoadedFiles:
    """Files of rollouts, scored."""

    read: ReadFile
    profiles: Sequence[Profile]
    groups: list[tuple[str, SeenGroup]] = field(default_factory=list)
    """With their digests."""
    questions: dict[str, Question] = field(default_factory=dict)
    """By digest of their group."""

    @property
    def seen(self) -> list[SeenGroup]:
        """The groups alone."""
        return [group for _, group in self.groups]

    def documents(self, paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
        """Return what the views show of all groups together, by name."""
        groups = self.seen
        judge = judge_of(self.profiles[0])
        questions = list(dict.fromkeys(self.questions.values()))[:LINTED]
        problems = report(self.read.recording, self.read.problems, paths) if self.read.problems else ""
        about = {
            "files": [str(path) for path in paths],
            "reading": self.read.recording.said(),
            "problems": problems,
            "profiles": [profile_out(one) for one in self.profiles],
            "engine": ENGINE_DIGEST,
        }
        return {
            "about": about,
            "run": run_out(groups),
            "dataset": dataset_out(
                groups,
                lint(questions, judge=judge) if questions else None,
                grounds=self.profiles[0].measure.matching.kind == FOLDED,
            ),
        }


def profile_out(profile: Profile) -> dict[str, str]:
    """Name a profile, and what it pays."""
    return {
        "name": profile.name,
        "digest": profile.digest,
        "about": profile.about,
        "formula": formula(profile),
    }


async def load(
    scorer: Scorer,
    paths: Sequence[Path],
    flags: FileFlags,
    profiles: Sequence[Profile],
    *,
    known: Known = nothing_known,
    console: Console,
) -> LoadedFiles:
    """Read and score files under one profile, or compare two.

    Args:
        scorer: what scores.
        paths: the files.
        flags: how they are read.
        profiles: one, or the one shown and the one it is compared with.
        known: returns a group that has been scored before, by its digest.
        console: where it is said how files are read.

    Raises:
        BadLine, UnreadableInput, BadOption, EntityIndexError: as `read_file`.
    """
    read = await read_for(scorer, paths, flags, console=console)
    loaded = LoadedFiles(read, profiles)
    digests = await _digests(scorer, read.groups, profiles, loaded)
    found = {digest: group for digest in digests if (group := known(digest))}
    new = [one for one, digest in zip(read.groups, digests, strict=True) if digest not in found]
    score = partial(score_groups, scorer, new, how=flags.pays, console=console)
    scored = iter(await _scored(score, profiles))
    loaded.groups.extend((digest, found.get(digest) or next(scored)) for digest in digests)
    return loaded


async def _digests(
    scorer: Scorer, groups: Iterable[Grouped], profiles: Sequence[Profile], loaded: LoadedFiles
) -> list[str]:
    """Return what identifies the result of each group: rollouts, ground truth, profiles and engine."""
    digests = []
    how = repr((ENGINE_DIGEST, [profile.digest for profile in profiles]))
    for grouped in groups:
        [truth] = await scorer.truth.look_up([grouped.call.question])
        question = None if isinstance(truth, GroupError) else truth.question
        said = repr((how, grouped.call, question, [line.at for line in grouped.lines]))
        digests.append(hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest())
        if question is not None and question.entities:
            named = question.question_id or named_after(question.text)
            loaded.questions[digests[-1]] = replace(question, question_id=named)
    return digests


async def _scored(
    score: Callable[..., AsyncIterator[tuple[Grouped, Scored]]], profiles: Sequence[Profile]
) -> list[SeenGroup]:
    """Score groups under the first profile with evidence, and under the others for what they pay."""
    found = [
        seen(grouped, scored, profiles[0])
        async for grouped, scored in score(profile=profiles[0], explain=True)
    ]
    for other in profiles[1:]:
        results = [result_of(scored) async for _, scored in score(profile=other)]
        found = [with_other(group, result) for group, result in zip(found, results, strict=True)]
    return found


async def read_for(scorer: Scorer, paths: Sequence[Path], flags: FileFlags, *, console: Console) -> ReadFile:
    """Read files as the command line says; raises what `read_file` does."""
    return await read_file(
        scorer, paths, flags.asked, dataset=flags.dataset, strict=flags.strict, console=console
    )


async def seen_under(
    scorer: Scorer, read: ReadFile, flags: FileFlags, *, profile: Profile, console: Console
) -> list[SeenGroup]:
    """Return groups as a profile pays them, in the order of the files."""
    scoring = score_groups(
        scorer, read.groups, profile=profile, how=flags.pays, explain=True, console=console
    )
    return [seen(grouped, scored, profile) async for grouped, scored in scoring]
