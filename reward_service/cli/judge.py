"""The commands `reward-service judge calibrate` and `reward-service judge succeed`."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from reward_service.api.app import create_catalogue, create_scorer
from reward_service.cli import calibrate as calibration
from reward_service.cli import succeed as succession
from reward_service.cli.flags import FileFlags, Files, with_file_flags
from reward_service.cli.rollouts import BadOption
from reward_service.cli.score import read_file, score_read
from reward_service.cli.shell import closing, one_clear_sentence, settings_with
from reward_service.core.judging.asks import asker_digest
from reward_service.core.profiles import Profile
from reward_service.core.types import Asker
from reward_service.serve.scorer import Scorer

app = typer.Typer(no_args_is_help=True, help="Find out what a judge is worth.")
out = Console(soft_wrap=True)
err = Console(stderr=True)

Backends = Annotated[
    Path | None,
    typer.Option(help="File that says where models are served (default: the setting `backends`)."),
]


@app.command()
def calibrate(  # noqa: PLR0913  # one argument an option
    verdicts: Annotated[
        Path,
        typer.Argument(
            help="Answers with people's verdicts, JSON lines: question, answers, answer, human_correct."
        ),
    ],
    *,
    profile: Annotated[
        str, typer.Option(help="Profile whose judge is asked: a name, or the path of a YAML file.")
    ] = "egrpo-judged",
    backends: Backends = None,
    sample: Annotated[int, typer.Option(min=2, help="Number of answers, half of them right.")] = 600,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 7,
    repeats: Annotated[
        int, typer.Option(min=0, help="Number of answers that are asked about three times.")
    ] = 100,
    group_size: Annotated[int, typer.Option(min=1, help="Size of the groups that you train with.")] = 8,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for calibration-DIGEST.json (default: none).")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 if the judge should not be trained with.")
    ] = False,
) -> None:
    """Compare a judge with people: agreement, false accepts per group, flips, attacks, cost."""
    with one_clear_sentence():
        scorer = create_scorer(settings_with(backends=backends))
        chosen = scorer.profiles.resolve(profile)
        asker = _judge_of(chosen)
        answers = calibration.read_verdicts(verdicts)
        if folder is not None:  # now, and not when the answers have been paid for
            folder.mkdir(parents=True, exist_ok=True)
        asked = calibration.calibrate(scorer.judges, asker, answers, size=sample, seed=seed, repeats=repeats)
        found = asyncio.run(closing(scorer, asked))
        if folder is not None:
            digest = asker_digest(found.asker)[:12]
            (folder / f"calibration-{digest}.json").write_text(calibration.as_json(found, group_size))
    for line in calibration.lines(found, group_size):
        out.print(Text(line))
    if check and (problems := found.problems()):
        _fail_with(problems)


def _judge_of(profile: Profile) -> Asker:
    if profile.judge is None:
        raise BadOption(f"the profile {profile.name} asks no judge for a verdict")
    return profile.judge


def _fail_with(problems: list[str]) -> NoReturn:
    for why in problems:
        err.print(Text(why))
    raise typer.Exit(1)


@app.command()
@with_file_flags
def succeed(
    files: Files,
    *,
    before: Annotated[str, typer.Option("--from", help="Profile with the judge that goes.")],
    after: Annotated[str, typer.Option("--to", help="Profile with the judge that comes.")],
    backends: Backends = None,
    flags: FileFlags,
) -> None:
    """Score your own rollouts under two profiles, and show what changes: verdicts, rewards and signs of advantages, by step.

    Rollouts on which a judge gives no verdict are left out; the others of their groups are compared, as with --survivors.
    """
    with one_clear_sentence():
        settings = settings_with(backends=backends, index=flags.index)
        scorer = create_scorer(settings, catalogue=create_catalogue(settings))
        pair = scorer.profiles.resolve(before), scorer.profiles.resolve(after)
        found = asyncio.run(closing(scorer, _compared(scorer, files, flags, pair)))
    for line in succession.lines(found, (pair[0].name, pair[1].name)):
        out.print(Text(line))


async def _compared(
    scorer: Scorer, files: Sequence[Path], flags: FileFlags, pair: tuple[Profile, Profile]
) -> dict[str, succession.Shift]:
    for one in pair:
        await scorer.judges.check((*one.outcome_askers, *one.signal_askers))
    read = await read_file(
        scorer, files, flags.asked, dataset=flags.dataset, strict=flags.strict, console=err
    )
    how = replace(flags.pays, survivors=True)
    before, after = [await score_read(scorer, read, profile=one, how=how, console=err) for one in pair]
    return succession.compare(before.records, after.records)
