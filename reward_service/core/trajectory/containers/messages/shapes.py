"""Which shape an object of a record has, by its keys.

| keys | shape |
|---|---|
| `role` or `from`; LangChain's `type` | message |
| `type` of an item | OpenAI Responses item |
| `source` with `action` or `observation`, or with a `kind` that ends in `Event` | OpenHands event |
| a `type` of AutoGen's | AutoGen event or message |
| `kind` with `parts` | Pydantic AI message |
| `step_id` and `source` | ATIF step |
| `step_number`, `task`, `model_output`, `system_prompt` | smolagents step |
| `thought`, `observation`, `tool_name`, or these with numbers behind them | one or all steps of a ReAct trajectory, as DSPy keeps them |
| `steps`, `messages`, `contents`, and other words for a conversation | an envelope around a list of the above |
| `choices`, `candidates` | an API's reply, whose first item went on |
| `intermediate_steps` | LangChain's result of a run |
| any names, each with an object that has `messages` | LangGraph's updates, by node |
| `data`, `kwargs`, `raw_item`, `output`; `message`, `content` with a role | an envelope around one of the above |

A list of a role and a text is a message too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from reward_service.core.trajectory.containers.messages.chat import chat_message
from reward_service.core.trajectory.containers.messages.events import (
    atif_step,
    openhands_event,
    openhands_v1,
    smolagents_step,
)
from reward_service.core.trajectory.containers.messages.frameworks import (
    AUTOGEN,
    agent_executor,
    autogen_event,
    is_react,
    pydantic_message,
    react_trajectory,
)
from reward_service.core.trajectory.containers.messages.items import is_item, item
from reward_service.core.trajectory.containers.messages.parts import OBJECT, first_of, is_array
from reward_service.core.trajectory.roles import role_of
from reward_service.core.trajectory.values import UNKNOWN_ROLE, Author, Transcript, Turn

_ENVELOPES = (
    "steps",
    "messages",
    "contents",
    "conversations",
    "output",
    "conversation",
    "history",
    "trajectory",
    "transcript",
    "events",
    "turns",
    "trace",
    "dialogue",
    "dialog",
    "chat",
    "items",
    "current_reasoning",
)
_OF_SEVERAL = ("choices", "candidates")
_NOTES = ("event_msg", "session_meta", "turn_context")
_AROUND_ONE = {
    "message": "role",
    "payload": "type",
    "content": "role",
    "output": "message",
    "raw_item": "type",
}
"""What an envelope holds one of the others in, and what that has."""
_SMOLAGENTS = frozenset({"step_number", "task", "model_output", "system_prompt", "model_input_messages"})
_Object: TypeAlias = Mapping[str, Any]
_SHAPES: tuple[tuple[Callable[[_Object], bool], Callable[[_Object], Transcript]], ...] = (
    (lambda one: "source" in one and str(one.get("kind")).endswith("Event"), openhands_v1),
    (lambda one: "source" in one and "step_id" in one, atif_step),
    (lambda one: "source" in one and ("action" in one or "observation" in one), openhands_event),
    (lambda one: str(one.get("type")) in AUTOGEN, autogen_event),
    (
        lambda one: str(one.get("kind")) in ("request", "response") and is_array(one.get("parts")),
        pydantic_message,
    ),
    (lambda one: not _SMOLAGENTS.isdisjoint(one), smolagents_step),
)
"""How the objects without a role are told apart, in this order, and what reads them."""
_UNKNOWN = Transcript((Turn(Author.UNKNOWN, ()),), frozenset({UNKNOWN_ROLE}))


def told(record: Iterable[Any]) -> Transcript:
    """Return the turns of every object of a record, in order; lists and envelopes are opened."""
    turns: list[Turn] = []
    flags: frozenset[str] = frozenset()
    dialect: str | None = None
    for one in map(_object, record):
        turns += one.turns
        flags |= one.flags
        dialect = dialect or one.dialect
    return Transcript(tuple(turns), flags, dialect=dialect)


def _object(one: Any) -> Transcript:
    if isinstance(one, list | tuple):
        return chat_message({"content": one[1]}, one[0]) if _is_pair(one) else told(one)
    if not isinstance(one, OBJECT):
        return _UNKNOWN
    role = first_of(one, ("role", "from"))
    if isinstance(role, dict):
        role = first_of(role, ("label", "value"))  # Semantic Kernel's and its successor's
    return chat_message(one, role) if role is not None else _by_keys(one)


def _by_keys(one: Mapping[str, Any]) -> Transcript:
    """Read an object that names no role; columns that do not concern it may be filled with null."""
    one = {key: value for key, value in one.items() if value is not None}
    if _is_beside(one):
        return Transcript(())
    if (inner := _inside(one)) is not None:
        return _object(inner)
    if (read := next((read for fits, read in _SHAPES if fits(one)), None)) is not None:
        return read(one)
    kind, inner = one.get("type"), first_of(one, _ENVELOPES)
    if isinstance(inner, list | tuple) and not isinstance(kind, str):
        return told(inner)
    return _by_type(one, kind) if isinstance(kind, str) else _by_fields(one)


def _is_beside(one: Mapping[str, Any]) -> bool:
    """Return whether an object is no part of the conversation.

    So are pieces of an event of Google's ADK, which comes as a whole, too, what a subagent of Claude Code says, and what
    Codex notes beside its items.
    """
    is_piece = one.get("partial") is True and "author" in one
    return is_piece or one.get("isSidechain") is True or one.get("type") in _NOTES


def _by_fields(one: Mapping[str, Any]) -> Transcript:
    """Read an object that has neither role nor type: a step of ReAct, or messages by the node of a graph that wrote them."""
    if "intermediate_steps" in one:
        return agent_executor(one)
    if is_react(one):
        return react_trajectory(one)
    nodes = [node["messages"] for node in one.values() if isinstance(node, OBJECT) and "messages" in node]
    return told(nodes) if nodes else _UNKNOWN


def _is_pair(one: Sequence[Any]) -> bool:
    return (
        len(one) == 2
        and isinstance(one[1], str)
        and isinstance(one[0], str)
        and role_of(one[0]).author is not Author.UNKNOWN
    )


def _inside(one: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what an envelope around one object holds; None where an object is no such envelope."""
    several = first_of(one, _OF_SEVERAL)
    if isinstance(several, list | tuple) and several and isinstance(several[0], OBJECT):
        return several[0]
    held = ((one.get(key), has) for key, has in _AROUND_ONE.items())
    return next((inner for inner, has in held if isinstance(inner, OBJECT) and has in inner), None)


def _by_type(one: Mapping[str, Any], kind: str) -> Transcript:
    """Read a Responses item, or a message of LangChain's, plain or in its envelope."""
    if is_item(kind):
        return item(one, kind)
    inner = first_of(one, ("data", "kwargs"))
    if not isinstance(inner, OBJECT):
        return chat_message(one, kind) if role_of(kind).author is not Author.UNKNOWN else _UNKNOWN
    name = one["id"][-1] if kind == "constructor" and isinstance(one.get("id"), list) and one["id"] else kind
    return chat_message(inner, inner.get("type") or name)
