"""Calls written as XML: MiroThinker's `<use_mcp_tool>`, Qwen3-Coder's `<function=NAME>`, MiniMax's `<invoke name="NAME">`."""

from reward_service.core.trajectory.calls import mcp_call, xml_call
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.dialects.tagged import ANSWER, CALL, RESPONSE, THINK
from reward_service.core.trajectory.marks import Mark, Marks, angled
from reward_service.core.types import SegmentKind

MCP = Dialect(
    Marks((*THINK, *angled(SegmentKind.TOOL_CALL, "use_mcp_tool"), *RESPONSE, *ANSWER)),
    read_call=mcp_call,
    bad_call="tool call has no tool_name or no JSON arguments",
    user_answers=True,
)
"""Results come as plain user turns (MiroMindAI/MiroThinker, `convert_oai_to_chatml.py`)."""
QWEN3_CODER = Dialect(
    Marks(
        (
            *THINK,
            *CALL,
            *angled(SegmentKind.TOOL_CALL, "seed:tool_call"),
            Mark("<function=", "</function>", SegmentKind.TOOL_CALL),
            *RESPONSE,
            *ANSWER,
        )
    ),
    read_call=xml_call,
    bad_call="tool call names no function",
)
"""Also Qwen3.5 and Seed-OSS. The outer `<tool_call>` is sometimes left out."""
MINIMAX = Dialect(
    Marks(
        (
            *THINK,
            *angled(SegmentKind.TOOL_CALL, "minimax:tool_call"),
            *angled(SegmentKind.TOOL_RESPONSE, "response", "tool_response"),
            *ANSWER,
        )
    ),
    lists=("<minimax:tool_call>",),
    read_call=xml_call,
    bad_call="tool call names no function",
)
"""MiniMax-M2's template."""
