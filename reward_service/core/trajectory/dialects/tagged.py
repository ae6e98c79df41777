"""`<think>`, `<tool_call>`, `<tool_response>`, `<answer>`: WebSailor, WebDancer, Tongyi DeepResearch, DeepDive, and many more."""

from reward_service.core.trajectory.calls import tongyi_call
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.marks import Marks, angled
from reward_service.core.types import SegmentKind


def _in_any_case(*names: str) -> list[str]:
    return [written for name in names for written in (name, name.capitalize(), name.upper())]


THINK = angled(SegmentKind.THOUGHT, *_in_any_case("think", "thinking", "thought", "reasoning"), "seed:think")
ANSWER = angled(SegmentKind.ANSWER, *_in_any_case("answer", "final_answer"))
"""A prompt may ask for thoughts and answers under any of these names; calls and responses are spelled as the environment reads them."""
CALL = angled(SegmentKind.TOOL_CALL, "tool_call")
RESPONSE = angled(SegmentKind.TOOL_RESPONSE, "tool_response")

TAGGED = Dialect(Marks((*THINK, *CALL, *RESPONSE, *ANSWER)))
TONGYI = Dialect(TAGGED.marks, read_call=tongyi_call)
"""A call may be followed by the code that it runs (Alibaba-NLP/DeepResearch, `inference/react_agent.py`)."""
DEEPDIVE = Dialect(
    Marks((*THINK, *CALL, *angled(SegmentKind.TOOL_RESPONSE, "observation", "tool_response"), *ANSWER)),
    answers_itself=True,
)
"""The answer is the argument of the tool `finish` (THUDM/DeepDive, `rollout/deepdive_rollout.py`)."""
