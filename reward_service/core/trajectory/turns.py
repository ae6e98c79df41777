"""Chat written as one string -> chat messages, which then are read as any others.

- `chatml_turns`: `<|im_start|>role`, the text, `<|im_end|>`. A turn of another role ends at its `<|im_end|>` and nowhere
  before, whatever it says.
- `role_line_turns`: the same after a decoder has dropped special tokens, as verl's plain reward functions get it: the
  role stands alone on a line. Between `<tool_response>` and `</tool_response>` no line is a role.

Both begin inside the assistant's turn that the prompt has opened, unless a role comes first. A role nobody knows counts
as a tool: it is certainly not the policy's.
"""

import re
from typing import Any

from reward_service.core.trajectory.messages import PROMPT_ROLES, TOOL_ROLES

Turns = list[dict[str, Any]]
_KNOWN = PROMPT_ROLES | TOOL_ROLES | {"user", "assistant"}
_START = re.compile(r"<\|im_start\|>([^\n<]*)\n?")
_END = re.compile(r"<\|im_end\|>")
_END_OR_START = re.compile(r"<\|im_end\|>|(?=<\|im_start\|>)")
_ROLE_OR_RESPONSE = re.compile(
    r"\n?^(?P<role>system|user|assistant|tool)$\n?|(?P<opens><tool_response>)|(?P<closes></tool_response>)",
    re.MULTILINE,
)


def _turn(role: str, content: str) -> dict[str, Any]:
    return {"role": role if role in _KNOWN else "tool", "content": content}


def _spoken(turns: Turns) -> Turns:
    """Leave out assistant turns that say nothing, such as the one a prompt opens; one is kept where there is no other."""
    spoken = [turn for turn in turns if turn["role"] != "assistant" or turn["content"].strip()]
    return (
        spoken if any(turn["role"] == "assistant" for turn in spoken) else [*spoken, _turn("assistant", "")]
    )


def chatml_turns(text: str) -> Turns:
    """Cut ChatML into messages."""
    turns: Turns = []
    role, at = "assistant", 0
    while True:
        ends = (_END_OR_START if role == "assistant" else _END).search(text, at)
        turns.append(_turn(role, text[at : ends.start() if ends else len(text)]))
        start = _START.search(text, ends.end()) if ends else None
        if start is None:
            return _spoken(turns)
        role, at = start[1].strip(), start.end()


def role_line_turns(text: str) -> Turns:
    """Cut chat whose roles stand on lines of their own into messages."""
    turns: Turns = []
    role, at, in_response = "assistant", 0, False
    for mark in _ROLE_OR_RESPONSE.finditer(text):
        if in_response:
            in_response = not mark["closes"]
        elif mark["opens"]:
            in_response = True
        elif not mark["closes"]:
            turns.append(_turn(role, text[at : mark.start()]))
            role, at = mark["role"], mark.end()
    return _spoken([*turns, _turn(role, text[at:])])
