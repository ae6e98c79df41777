"""`<search>` and what comes back: Search-R1, ZeroSearch, SkyRL's search environment, StepSearch, AutoRefine, ReSearch, ASearcher.

All continue one string: the environment writes what it found behind the query, and a reproof where there was none.
"""

from functools import partial

from reward_service.core.trajectory.calls import plain_call
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.dialects.tagged import ANSWER, THINK
from reward_service.core.trajectory.marks import Mark, Marks, angled
from reward_service.core.types import SegmentKind

SEARCH = angled(SegmentKind.TOOL_CALL, "search")
INFORMATION = angled(SegmentKind.TOOL_RESPONSE, "information")
REPROOF = Mark("My previous action is invalid.", "Let me try again.", None)
"""Search-R1, `search_r1/llm_agent/generation.py`, and those built on it; it quotes the marks it asks for."""

_dialect = partial(Dialect, read_call=plain_call, bad_call="tool call is empty", answers_itself=True)

SEARCH_R1 = _dialect(Marks((*THINK, *SEARCH, *INFORMATION, *ANSWER, REPROOF)))
"""arXiv:2503.09516, §3.2."""
STEPSEARCH = _dialect(
    Marks(
        (
            *THINK,
            *angled(SegmentKind.THOUGHT, "plan", "subplan", "observation"),
            *SEARCH,
            *INFORMATION,
            *ANSWER,
            *angled(None, "warning"),
            REPROOF,
        )
    )
)
"""`<plan>` and `<observation>` are the policy's own thoughts (arXiv:2505.15107)."""
AUTOREFINE = _dialect(
    Marks(
        (
            *THINK,
            *angled(SegmentKind.THOUGHT, "refine"),
            *SEARCH,
            *angled(SegmentKind.TOOL_RESPONSE, "documents", "information"),
            *ANSWER,
            REPROOF,
        )
    )
)
"""`<refine>` is a thought about what was found (arXiv:2505.11277)."""
RESEARCH = _dialect(Marks((*THINK, *SEARCH, *angled(SegmentKind.TOOL_RESPONSE, "result"), *ANSWER)))
"""arXiv:2503.19470; its answers are boxed."""
ASEARCHER = _dialect(
    Marks(
        (
            *THINK,
            *angled(SegmentKind.TOOL_CALL, "search", "access"),
            *INFORMATION,
            *ANSWER,
            REPROOF,
        )
    )
)
"""`<access>` opens a page (arXiv:2508.07976)."""
