"""gpt-oss's harmony: `<|start|>role<|channel|>channel to=recipient<|message|>text`, closed by `<|end|>`, `<|call|>` or `<|return|>`.

The assistant's `analysis` is a thought, what it sends `to=` a tool is a call, and `final` is what it answers. A tool is the
author of a message that is neither the assistant's nor the prompt's. Channels are the policy's own: a message of the
assistant ends where another one starts, one of a tool at its own end alone.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from reward_service.core.trajectory.calls import named_call
from reward_service.core.trajectory.roles import role_of
from reward_service.core.trajectory.values import Author, Part, Transcript, Turn
from reward_service.core.types import SegmentKind

_HEADER = re.compile(
    r"(?:<\|start\|>(?P<author>[^<]*))?(?:<\|channel\|>(?P<channel>[^<]*))?(?:<\|constrain\|>[^<]*)?<\|message\|>"
)
_END = re.compile(r"<\|end\|>|<\|call\|>|<\|return\|>")
_END_OR_START = re.compile(r"<\|end\|>|<\|call\|>|<\|return\|>|(?=<\|start\|>)")
_RECIPIENT = re.compile(r"to=(\S+)")


def harmony(text: str) -> Transcript:
    """Cut harmony text into turns; it begins with the assistant's turn, which the prompt has opened."""
    turns = tuple(_turns(_messages(text)))
    return Transcript(turns or (Turn(Author.POLICY, (Part(None, text),)),))


def _turns(messages: Iterable[tuple[Author, Part]]) -> Iterator[Turn]:
    """Yield a turn a message, but one for all that the assistant writes before another answers."""
    for author, several in groupby(messages, itemgetter(0)):
        parts = tuple(part for _, part in several)
        yield from (
            [Turn(author, parts)] if author is Author.POLICY else (Turn(author, (one,)) for one in parts)
        )


def _messages(text: str) -> Iterator[tuple[Author, Part]]:
    at = 0
    while header := _HEADER.search(text, at):
        written = header["author"] or "assistant"
        author = _author(written)
        end = (_END_OR_START if author is Author.POLICY else _END).search(text, header.end())
        said = text[header.end() : end.start() if end else len(text)]
        is_own = author is Author.POLICY
        yield author, _part(f"{written} {header['channel'] or ''}", said) if is_own else Part(None, said)
        at = end.end() if end else len(text)


def _author(written: str) -> Author:
    """Return who writes: the assistant, the prompt, or a tool, which bears its own name."""
    name = written.split(" to=", maxsplit=1)[0].strip()
    author = role_of(name).author
    return author if author in {Author.POLICY, Author.PROMPT} else Author.TOOL


def _part(header: str, said: str) -> Part:
    recipient = _RECIPIENT.search(header)
    if recipient is not None:
        name = recipient[1].removeprefix("functions.")
        return Part(SegmentKind.TOOL_CALL, said, named_call(name, said))
    return Part(SegmentKind.THOUGHT if "analysis" in header else None, said)
