"""The text formats a rollout may come in: which spans are the policy's own, format by format.

| format | thought | tool call | tool response | answer |
|---|---|---|---|---|
| `tagged` | `<think>` | `<tool_call>` | `<tool_response>` | `<answer>` |
| `search_r1` | `<think>` | `<search>` | `<information>` | `<answer>` |
| `r1_searcher` | `<think>`, around calls and responses | `<|begin_of_query|>` | `<|begin_of_documents|>` | `<answer>` |
| `chatml` | as in chat messages: the assistant's text | `<tool_call>` | role tool; `<tool_response>` of a user | the last text |
| `role_lines` | the same, roles alone on their lines | the same | the same | the same |
| `react` | `Thought:` | `Action:` | `Observation:` | `Final Answer:`, `Action: Finish[...]` |

Text has no author but what its marks say. Each format says what ends a tool response; a page that holds exactly that can
speak for the policy, which in messages, steps and a trainer's token mask it cannot.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from reward_service.core.trajectory.grammars import CallCheck, json_call_error, plain_call_error
from reward_service.core.trajectory.react import react_blocks
from reward_service.core.trajectory.tagged import R1_SEARCHER, SEARCH_R1, Block, scan_blocks
from reward_service.core.trajectory.turns import Turns, chatml_turns, role_line_turns


@dataclass(frozen=True, slots=True)
class BlockFormat:
    """Text made of blocks; a profile's grammar judges them."""

    cut: Callable[[str], Iterator[Block]]
    call_error: CallCheck


@dataclass(frozen=True, slots=True)
class TurnFormat:
    """Text made of chat turns; it is read and judged as chat messages are."""

    cut: Callable[[str], Turns]


FORMATS: Mapping[str, BlockFormat | TurnFormat] = MappingProxyType(
    {
        "tagged": BlockFormat(scan_blocks, json_call_error),
        "search_r1": BlockFormat(partial(scan_blocks, tags=SEARCH_R1), plain_call_error),
        "r1_searcher": BlockFormat(partial(scan_blocks, tags=R1_SEARCHER), plain_call_error),
        "chatml": TurnFormat(chatml_turns),
        "role_lines": TurnFormat(role_line_turns),
        "react": BlockFormat(react_blocks, plain_call_error),
    }
)
