"""Prompts: versioned files, filled in one pass.

A file is never changed once it is released: a better text gets a new name. Its digest is part of what a profile computes.
Text that others wrote (question, gold answers, answer, pages) is put between marks, as a JSON string without angle
brackets. The mark carries the beginning of the text's own digest, so a policy cannot write it: the text would have to
contain its own digest.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

import yaml

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
MARK_DIGITS = 12


class PromptTemplate(NamedTuple):
    """One prompt."""

    name: str
    kind: str
    """A name in `reward_service.core.judging.kinds.KINDS`."""
    digest: str
    system: str = ""
    """The task and its rules, the same for every ask: servers keep it in their prefix cache."""
    user: str = ""
    json: str = ""
    """The last line where the server holds the reply to a schema."""
    line: str = ""
    """The last line where it does not."""
    first: str = ""
    """For a model that scores texts: the only text, or the first of two."""
    second: str = ""


class Prompt(NamedTuple):
    """What is sent to a model."""

    system: str
    user: str


def _read(name: str, raw: bytes) -> PromptTemplate:
    document = yaml.safe_load(raw)
    return PromptTemplate(name, digest=f"sha256:{hashlib.sha256(raw).hexdigest()}", **document)


@cache
def templates() -> Mapping[str, PromptTemplate]:
    """Return the templates that come with the package, by name, sorted."""
    files = resources.files(__package__).joinpath("templates").iterdir()
    named = {file.name.removesuffix(".yaml"): file for file in files if file.name.endswith(".yaml")}
    return MappingProxyType({name: _read(name, named[name].read_bytes()) for name in sorted(named)})


def marked(name: str, text: str) -> str:
    """Return a text between marks that it cannot contain."""
    mark = f"{name}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:MARK_DIGITS]}"
    quoted = json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<{mark}>{quoted}</{mark}>"


def texts_of(template: PromptTemplate, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the one or two texts that a model scores, `first` and `second`; they have no marks, because it obeys nobody."""
    texts = {"first": template.first, "second": template.second}
    return {
        name: PLACEHOLDER.sub(lambda found: fields[found[1]], text) for name, text in texts.items() if text
    }


def render(template: PromptTemplate, fields: Mapping[str, str], *, structured: bool) -> Prompt:
    """Fill a template; every placeholder is looked at once, so a field that contains one stays as it is.

    Args:
        template: the prompt.
        fields: the text of each placeholder.
        structured: whether the server holds the reply to a schema.

    Raises:
        KeyError: a placeholder has no field.
    """
    user = PLACEHOLDER.sub(lambda found: marked(found[1], fields[found[1]]), template.user)
    return Prompt(
        template.system.strip(), f"{user.strip()}\n\n{template.json if structured else template.line}"
    )
