"""smolagents: `Thought:` in prose, then code between `<code>` marks or in a fence; `Observation:` comes back.

In one string an observation ends where a line begins with `Thought:` or with such a list of calls.
A run that was turned into messages says each call twice, in the code and as `Calling tools:`; the second is left out. An
agent that calls tools and writes no code says them in the second way alone.
`final_answer(...)` in the code is the answer.
"""

import re
from collections.abc import Iterator

from reward_service.core.trajectory.calls import (
    RESTATES,
    python_calls,
    restated_calls,
    tool_call_text,
)
from reward_service.core.trajectory.dialects.react import observation
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.marks import Marks, angled
from reward_service.core.trajectory.values import Block, Call
from reward_service.core.types import SegmentKind

FINISHES = "final_answer"
_NEXT = r"(?=^[ \t]{0,9}(?:Thought|Observation):|\Z)"
_PIECE = re.compile(
    r"<code>(?P<code>.*?)(?:</code>|\Z)"
    r"|(?:^Code:\s*)?```(?:py|python)\b[^\n]{0,80}\n(?P<fenced>.*?)(?:```(?:<end_code>)?|\Z)"
    r"|^[ \t]{0,9}Observation:(?P<seen>.*?)(?=^[ \t]{0,9}(?:Thought:|Calling tools:\s{0,9}\[)|\Z)"
    rf"|^{RESTATES}(?P<listed>.*?){_NEXT}",
    re.DOTALL | re.MULTILINE,
)
_LABEL = re.compile(r"\s*Thought:")


def smolagents_blocks(text: str, *, in_thought: bool = False) -> Iterator[Block]:  # noqa: ARG001  # one signature for all
    """Cut what the policy wrote into thoughts, code and what it says came back."""
    at = 0
    for piece in _PIECE.finditer(text):
        yield from _prose(text[at : piece.start()], at)
        yield from _data(piece)
        at = piece.end()
    yield from _prose(text[at:], at)


def _data(piece: re.Match[str]) -> Iterator[Block]:
    if piece["listed"] is not None:
        calls = restated_calls(piece[0])
        if not piece["listed"].rstrip().endswith("]"):  # it was cut
            calls = [Call(None, piece["listed"].strip(), sound=False)]
        for call in calls:
            said = tool_call_text(call.name, call.arguments)
            yield Block(SegmentKind.TOOL_CALL, said, at=piece.start(), call=call)
    elif piece["seen"] is not None:
        yield Block(SegmentKind.TOOL_RESPONSE, piece["seen"], at=piece.start("seen"))
    else:
        name = "fenced" if piece["code"] is None else "code"
        yield Block(SegmentKind.TOOL_CALL, piece[name], at=piece.start(name))


def _prose(text: str, at: int) -> Iterator[Block]:
    label = _LABEL.match(text)
    start = label.end() if label else 0
    if text[start:].strip():
        yield Block(SegmentKind.THOUGHT if label else None, text[start:], at=at + start)


def code_call(text: str) -> Call:
    """Read code: the call of `final_answer` where there is one, else the code itself."""
    final = next((call for call in python_calls(text) if call.name == FINISHES), None)
    return final or Call("python_interpreter", {"code": text}, sound=bool(text.strip()))


SMOLAGENTS = Dialect(
    Marks(angled(SegmentKind.TOOL_CALL, "code")),
    labels=smolagents_blocks,
    read_call=code_call,
    bad_call="code is empty",
    response_label=observation,
)
"""huggingface/smolagents, `memory.py` and `agents.py`."""
