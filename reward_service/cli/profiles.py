"""The commands `reward-service profile ...`: list, show, validate, compare and begin profiles."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reward_service.cli.shell import fail, one_clear_sentence, sentence
from reward_service.core.names import is_name
from reward_service.core.profiles import Profile, as_yaml
from reward_service.core.profiles.described import Description, described, differences, known_limits
from reward_service.core.profiles.formula import formula
from reward_service.serve.config import Settings
from reward_service.serve.errors import RefusedToStart, ServiceError
from reward_service.serve.profiles import Profiles, load, origin_of

app = typer.Typer(no_args_is_help=True, help="Work with profiles: files that define rewards.")
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

Given = Annotated[str, typer.Argument(help="Name of a profile or path of a YAML file.")]
TITLE_WIDTH = 12

TEMPLATE = """\
# A profile: how rollouts are measured and rewarded. docs/profiles.md lists all keys; keys left out keep their defaults.
# Check it with `reward-service profile validate {name}.yaml`, and look at it with `reward-service profile show {name}.yaml`.
name: {name}    # the name of the file
about: E-GRPO with alpha 0.3.

measure:
  grammar: balanced    # format rules of text: none, balanced, websailor
  checker: equal    # how an answer is compared with the gold answers if you send no outcome
  answer_from: [answer, boxed, phrase]    # where an answer may be
  answer_tools: [finish, final_answer, submit]    # tools whose call is the answer

reward:
  base: {{correct: 1, wrong: 0, error: 0}}    # of an outcome, before any term
  terms:
    # weight times the signal, compared with the best of the group, for wrong rollouts only
    - {{signal: entity_match, weight: 0.3, normalize: group_max, when: wrong}}
    # More: a signal that you send yourself, limited to [0, 1], for correct rollouts. Lower base.correct to 0.7 with it.
    # - {{signal: rubric, map: [{{clip: [0, 1]}}], weight: 0.3, when: correct}}

estimator:
  type: grpo    # how rewards become advantages
  floor: one_success    # keeps groups that hardly differ from full-size advantages; null divides as published
"""


def _profiles() -> Profiles:
    return load(Settings())


@app.command(name="list")
def list_all() -> None:
    """List the profiles, shipped and of the folder in the settings, each with its formula."""
    with one_clear_sentence():
        known = _profiles().known
    table = Table(box=None, pad_edge=False)
    for heading in ("profile", "from", "formula"):
        table.add_column(heading, no_wrap=heading != "formula")
    for name, one in known.items():
        table.add_row(name, origin_of(one), Text(formula(one)))
    out.print(table)


@app.command()
def show(
    profile: Given,
    *,
    as_file: Annotated[bool, typer.Option("--yaml", help="Print all keys as YAML.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a profile pays, what it needs, and between which limits."""
    with one_clear_sentence():
        found = _profiles().resolve(profile)
    said = described(found)
    if as_file:
        sys.stdout.write(as_yaml(found))
    elif as_json:
        sys.stdout.write(json.dumps(_document(found, said), ensure_ascii=False) + "\n")
    else:
        for title, line in _lines(found, said):
            out.print(Text(f"{title:<{TITLE_WIDTH}}{line}"))


def _document(profile: Profile, said: Description) -> dict[str, Any]:
    bounds = {outcome.value: known_limits(limits) for outcome, limits in said.bounds.items()}
    return {"name": profile.name, "digest": profile.digest, **said._asdict(), "bounds": bounds}


def _lines(profile: Profile, said: Description) -> Iterator[tuple[str, str]]:
    yield "profile", profile.name
    yield "about", profile.about
    yield "digest", profile.digest
    yield "formula", said.formula
    yield "send", ", ".join([*said.sends, *["progress with each call"] * said.needs_progress]) or "nothing"
    for pin in profile.plugins:
        yield "plug-in", f"{pin.signal} of {pin.package} {pin.version}"
    for outcome, limits in said.bounds.items():
        low, high = ("unlimited" if end is None else f"{end:g}" for end in known_limits(limits))
        yield outcome, low if low == high else f"{low} to {high}"
    can = "can" if said.wrong_may_exceed_correct else "cannot"
    yield "bounds", f"a wrong rollout {can} earn more than a correct one"
    for warning in said.warnings:
        yield "warning", warning


@app.command()
def validate(files: Annotated[list[str], typer.Argument(help="Paths of YAML files.")]) -> None:
    """Check files. Warnings say what may not be meant. Exit code 1: a file cannot be used."""
    with one_clear_sentence():
        profiles = _profiles()
    failed = [file for file in files if not _is_valid(profiles, file)]
    if failed:
        raise typer.Exit(1)


def _is_valid(profiles: Profiles, file: str) -> bool:
    try:
        profile = profiles.resolve(file)
    except (ServiceError, RefusedToStart, OSError) as error:
        err.print(Text.assemble(("error: ", "red"), sentence(error)))
        return False
    out.print(Text(f"{file}: valid, {profile.digest}"))
    for warning in described(profile).warnings:
        err.print(Text.assemble(("warning: ", "yellow"), f"{file}: {warning}"))
    return True


@app.command()
def diff(one: Given, other: Given) -> None:
    """Show in which computed values two profiles differ; names and prose do not count."""
    with one_clear_sentence():
        profiles = _profiles()
        left, right = profiles.resolve(one), profiles.resolve(other)
    found = list(differences(left, right))
    if not found:
        out.print(f"{one} and {other} compute the same")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("key", left.name, right.name):
        table.add_column(heading)
    for path, mine, theirs in found:
        table.add_row(path, Text(_written(mine)), Text(_written(theirs)))
    out.print(table)


def _written(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="File to write, NAME.yaml; its name is that of the profile.")],
    *,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Name or path of a profile to start from, with all keys written out."),
    ] = None,
) -> None:
    """Write a file to start a profile of your own from, with comments."""
    with one_clear_sentence():
        known = _profiles()
        if file.suffix != ".yaml" or not is_name(file.stem) or file.stem in known.known:
            fail(f"give a file NAME.yaml whose name no profile has yet, got {file}")
        text = TEMPLATE.format(name=file.stem)
        if start is not None:
            text = as_yaml(replace(known.resolve(start), name=file.stem))
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    out.print(Text(f"{file} written"))
