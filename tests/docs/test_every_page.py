"""Every page: its links lead somewhere, and the commands, targets and settings that it shows exist."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer

from entity_index import cli
from reward_service.cli import commands
from reward_service.cli.proposals import COMMANDS
from reward_service.cli.shell import unknown_settings
from reward_service.trainer import options

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "examples", "helm", "benchmarks")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""Pages that describe the present."""
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def prose(page):
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@cache
def anchors(page):
    """Return the anchors of a page's headings, as GitHub writes them."""
    plain = (
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).replace("`", "")
        for one in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    )
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in plain}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_a_heading(page):
    links = re.findall(r"\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]*))?\)", prose(page))
    targets = [((page.parent / path).resolve() if path else page, anchor) for path, anchor in links]

    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [
        one for one in targets if one[1] and one[0].suffix == ".md" and one[1] not in anchors(one[0])
    ] == []


@cache
def programs():
    """Return the commands: name -> what typer made of it."""
    ours, index = (typer.main.get_command(one.app) for one in (commands, cli))
    index.commands |= {name: typer.main.get_command(single(command)) for name, command in COMMANDS.items()}
    return {"reward-service": ours, "entity-index": index}


def single(command):
    app = typer.Typer()
    app.command()(command)
    return app


def shown(page):
    """Yield the commands of this package that a page shows, in words."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    quoted = re.findall(r"`((?:reward-service|entity-index) [^`\n]+)`", text)
    alone = re.findall(r"^\s*(?:\$ )?(?:\w+=\S+ )*((?:reward-service|entity-index) .*)$", text, re.MULTILINE)
    for line in {*quoted, *alone}:
        yield shlex.split(re.split(r" # | \| (?!\w+\b.*`)| > ", line)[0])


def wrong_with(words):
    """Return what of a command does not exist; None where all of it does."""
    command, rest = programs()[words[0]], words[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    if hasattr(command, "commands"):
        return f"no such command: {words}"
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    if words[1] == "train":
        known = set(options.parser()._option_string_actions)
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    return f"no such options: {given - known - {'--help'}} of {words}" if given - known - {"--help"} else None


@pytest.mark.parametrize("page", NOW, ids=[str(page.relative_to(ROOT)) for page in NOW])
def test_every_command_and_option_exists(page):
    assert [wrong for words in shown(page) if (wrong := wrong_with(words))] == []


def test_commands_of_pages_are_found_and_a_wrong_one_is_noticed():
    assert sum(len(list(shown(page))) for page in NOW) > 80
    assert wrong_with(["reward-service", "score", "rollouts.jsonl", "--out", "rewards.jsonl"]) is None
    assert wrong_with(["reward-service", "score", "--nowhere"]).startswith("no such options: {'--nowhere'}")
    assert wrong_with(["reward-service", "train", "--nowhere"]).startswith("no such options: {'--nowhere'}")
    assert wrong_with(["entity-index", "vanish"]).startswith("no such command")


@pytest.mark.parametrize("page", NOW, ids=[str(page.relative_to(ROOT)) for page in NOW])
def test_every_make_target_and_every_variable_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")

    targets = [
        word
        for line in re.findall(r"(?:`|^\$ |^    )make ([a-z -]+)", text, re.MULTILINE)
        for word in line.split()
    ]
    variables = dict.fromkeys(re.findall(r"\bREWARD_SERVICE_[A-Z][A-Z_]*[A-Z]\b", text), "")
    assert [one for one in targets if f"\n{one}:" not in makefile] == []
    assert [one for one in unknown_settings(variables) if "REWARD_SERVICE_TEST" not in one] == []
