"""Calls and pages inside one long thought: R1-Searcher; Search-o1, WebThinker, SimpleDeepSearcher; ReTool.

But for ReTool's, the prompt ends with `<think>`, so a recording begins inside the thought.
"""

from reward_service.core.trajectory.calls import plain_call
from reward_service.core.trajectory.dialects.smolagents import code_call
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.dialects.tagged import ANSWER, THINK
from reward_service.core.trajectory.marks import Mark, Marks, angled, scan_blocks
from reward_service.core.trajectory.values import Block
from reward_service.core.types import SegmentKind

BOXED = "\\boxed{"


def between(kind: SegmentKind, opens: str, closes: str, *names: str) -> tuple[Mark, ...]:
    """Return marks that are pairs of tokens, one for each name."""
    return tuple(Mark(f"<|{opens}_{name}|>", f"<|{closes}_{name}|>", kind) for name in names)


R1_SEARCHER = Dialect(
    Marks(
        (
            *THINK,
            *ANSWER,
            *between(SegmentKind.TOOL_CALL, "begin_of", "end_of", "query"),
            *between(SegmentKind.TOOL_RESPONSE, "begin_of", "end_of", "documents"),
        ),
        nested=True,
    ),
    read_call=plain_call,
    bad_call="tool call is empty",
    thought_open=True,
    answers_itself=True,
)
"""arXiv:2503.05592, App.: the query and the documents are inside `<think>`."""

_SEARCH_O1 = Marks(
    (
        *THINK,
        *ANSWER,
        *between(
            SegmentKind.TOOL_CALL,
            "begin",
            "end",
            "search_query",
            "click_link",
            "click_intent",
            "write_section",
            "edit_article",
            "check_article",
        ),
        *between(SegmentKind.TOOL_RESPONSE, "begin", "end", "search_result", "click_result"),
    ),
    nested=True,
)


def search_o1_blocks(text: str, *, in_thought: bool = False) -> list[Block]:
    """Return the blocks of a reasoner that may never write `</think>`: then its last box ends the thought and is the answer."""
    blocks = scan_blocks(text, _SEARCH_O1, in_thought=in_thought)
    if not blocks or blocks[-1].kind is not SegmentKind.THOUGHT or blocks[-1].closed:
        return blocks
    last = blocks.pop()
    box = last.text.rfind(BOXED)
    if box < 0:
        return [*blocks, last]
    thought = last._replace(text=last.text[:box], closed=True)
    answer = Block(SegmentKind.ANSWER, last.text[box:], at=last.at + box)
    return [*blocks, thought, answer]


SEARCH_O1 = Dialect(
    _SEARCH_O1,
    labels=search_o1_blocks,
    read_call=plain_call,
    bad_call="tool call is empty",
    thought_open=True,
    has_free_text=True,
    answers_itself=True,
)
"""arXiv:2501.05366; the answer is the text after the thought, in a box. WebThinker (arXiv:2504.21776) also clicks and writes."""
RETOOL = Dialect(
    Marks(
        (
            *THINK,
            *angled(SegmentKind.TOOL_CALL, "code"),
            *angled(SegmentKind.TOOL_RESPONSE, "interpreter"),
            *ANSWER,
        ),
        nested=True,
    ),
    read_call=code_call,
    bad_call="code is empty",
    has_free_text=True,
    answers_itself=True,
)
"""Code and what it prints inside one chain of thought, with or without marks (arXiv:2504.11536)."""
