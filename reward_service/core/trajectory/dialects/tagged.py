"""`<think>`, `<tool_call>`, `<tool_response>`, `<answer>`: WebSailor, WebDancer, Tongyi DeepResearch, DeepDive, and many more."""

from dataclasses import replace

from reward_service.core.trajectory.calls import tongyi_call
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.marks import Mark, Marks, angled
from reward_service.core.types import SegmentKind


def _in_any_case(*names: str) -> list[str]:
    return [written for name in names for written in (name, name.capitalize(), name.upper())]


def tokens(kind: SegmentKind, *pairs: str) -> tuple[Mark, ...]:
    """Return marks that are pairs of special tokens, each pair as two names with a blank between."""
    return tuple(Mark(f"<|{opens}|>", f"<|{closes}|>", kind) for opens, closes in map(str.split, pairs))


THINK = (
    *angled(SegmentKind.THOUGHT, *_in_any_case("think", "thinking", "thought", "reasoning"), "seed:think"),
    *tokens(SegmentKind.THOUGHT, "begin_of_thought end_of_thought", "START_THINKING END_THINKING"),
)
ANSWER = (
    *angled(SegmentKind.ANSWER, *_in_any_case("answer", "final_answer")),
    *tokens(SegmentKind.ANSWER, "begin_of_solution end_of_solution", "START_RESPONSE END_RESPONSE"),
)
"""A prompt may ask for thoughts and answers under any of these names; calls and responses are spelled as the environment reads them."""
CALL = angled(SegmentKind.TOOL_CALL, "tool_call")
RESPONSE = angled(SegmentKind.TOOL_RESPONSE, "tool_response")
# Of templates that have no dialect of their own: Nemotron, MiniMax-M1 and Hunyuan, OLMo, LongCat, MiniMax-M2, Seed-OSS; LFM2, Command A, InternLM; Granite
# and Phi-4-mini.
_MORE_CALLS = (
    *angled(
        SegmentKind.TOOL_CALL,
        "TOOLCALL",
        "tool_calls",
        "function_calls",
        "longcat_tool_call",
        "minimax:tool_call",
        "seed:tool_call",
    ),
    *tokens(
        SegmentKind.TOOL_CALL,
        "tool_call_start tool_call_end",
        "START_ACTION END_ACTION",
        "action_start action_end",
    ),
    Mark("<|tool_call|>", "<|/tool_call|>", SegmentKind.TOOL_CALL, may_be_last=True),
)
_MORE_RESPONSES = (
    *angled(SegmentKind.TOOL_RESPONSE, "TOOL_RESPONSE", "function_results"),
    *tokens(
        SegmentKind.TOOL_RESPONSE,
        "tool_response_start tool_response_end",
        "START_TOOL_RESULT END_TOOL_RESULT",
    ),
)

TAGGED = Dialect(
    Marks((*THINK, *CALL, *_MORE_CALLS, *RESPONSE, *ANSWER)),
    lists=tuple(mark.opens for mark in _MORE_CALLS),
    of_others=_MORE_RESPONSES,
)
TONGYI = replace(TAGGED, read_call=tongyi_call)
"""A call may be followed by the code that it runs (Alibaba-NLP/DeepResearch, `inference/react_agent.py`)."""
DEEPDIVE = Dialect(
    Marks((*THINK, *CALL, *angled(SegmentKind.TOOL_RESPONSE, "observation", "tool_response"), *ANSWER)),
    answers_itself=True,
)
"""The answer is the argument of the tool `finish` (THUDM/DeepDive, `rollout/deepdive_rollout.py`)."""
