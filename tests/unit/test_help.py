"""Help texts of both command lines: Rich reads square brackets as markup and would drop them."""

import pytest
import typer
from rich.text import Text

from entity_index import cli
from reward_service.cli import commands


def helps(command):
    """Yield the help of a command, its options and its subcommands."""
    yield command.help or ""
    yield from (getattr(one, "help", None) or "" for one in command.params)
    for inner in getattr(command, "commands", {}).values():
        yield from helps(inner)


@pytest.mark.parametrize("app", [commands.app, cli.app], ids=["reward-service", "entity-index"])
def test_no_help_text_is_lost_as_markup(app):
    texts = list(helps(typer.main.get_command(app)))

    assert len(texts) > 30
    assert [text for text in texts if Text.from_markup(text).plain != text] == []
