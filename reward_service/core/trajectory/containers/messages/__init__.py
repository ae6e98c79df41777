"""Records of objects into turns: chat messages, API items, events and steps of the systems people use.

Each object says by its own keys which shape it has; nothing is read from what the policy wrote.

- `shapes`: the table of shapes
- `parts`: content, in parts or not
- `tool_calls`: calls as fields
- `chat`: messages with a role: OpenAI, Anthropic, Gemini, Qwen-Agent, ShareGPT, LangChain, Inspect, smolagents
- `items`: OpenAI Responses items
- `events`: OpenHands events, smolagents steps, ATIF steps
- `spans`: what tracers record of a model's calls
- `frameworks`: AutoGen events, Pydantic AI messages, ReAct trajectories
"""

from collections.abc import Sequence
from typing import Any

from reward_service.core.trajectory.containers.messages.shapes import told
from reward_service.core.trajectory.containers.messages.spans import conversation, is_traced
from reward_service.core.trajectory.values import Author, Transcript, UnparsableRollout

__all__ = ["messages"]


def messages(record: Sequence[Any]) -> Transcript:
    """Return the turns of a record of objects, in order.

    Raises:
        UnparsableRollout: none of its turns is the policy's.
    """
    transcript = told(conversation(record) if any(map(is_traced, record[-1:])) else record)
    if Author.POLICY not in [turn.author for turn in transcript.turns]:
        raise UnparsableRollout("messages hold no turn of the policy")
    return transcript
