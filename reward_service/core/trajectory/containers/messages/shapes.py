"""Which shape an object of a record has, by its keys.

| keys | shape |
|---|---|
| `role` or `from`; LangChain's `type` | message |
| `type` of an item | OpenAI Responses item |
| `source` with `action` or `observation`, or with a `kind` that ends in `Event` | OpenHands event |
| `step_id` and `source` | ATIF step |
| `step_number`, `task`, `model_output`, `system_prompt` | smolagents step |
| `steps`, `messages`, `contents`, `conversations`, `output` | an envelope around a list of the above |
| `data`, `kwargs`; `message` with a role | an envelope around one message: LangChain's; a choice of OpenAI's, Claude Code's |
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reward_service.core.trajectory.containers.messages.chat import chat_message
from reward_service.core.trajectory.containers.messages.events import (
    atif_step,
    openhands_event,
    openhands_v1,
    smolagents_step,
)
from reward_service.core.trajectory.containers.messages.items import is_item, item
from reward_service.core.trajectory.containers.messages.parts import OBJECT, first_of
from reward_service.core.trajectory.roles import role_of
from reward_service.core.trajectory.values import UNKNOWN_ROLE, Author, Transcript, Turn

_ENVELOPES = ("steps", "messages", "contents", "conversations", "output")
_SMOLAGENTS = frozenset({"step_number", "task", "model_output", "system_prompt", "model_input_messages"})
_UNKNOWN = Transcript((Turn(Author.UNKNOWN, ()),), frozenset({UNKNOWN_ROLE}))


def told(record: Iterable[Any]) -> Transcript:
    """Return the turns of every object of a record, in order; lists and envelopes are opened."""
    read = [_object(one) for one in record]
    dialect = next((one.dialect for one in read if one.dialect), None)
    flags = frozenset[str]().union(*(one.flags for one in read))
    return Transcript(tuple([turn for one in read for turn in one.turns]), flags, dialect=dialect)


def _object(one: Any) -> Transcript:
    if isinstance(one, list | tuple):
        return told(one)
    if not isinstance(one, OBJECT):
        return _UNKNOWN
    role = first_of(one, ("role", "from"))
    return chat_message(one, role) if role is not None else _by_keys(one)


def _by_keys(one: Mapping[str, Any]) -> Transcript:
    """Read an object that names no role; columns that do not concern it may be filled with null."""
    one = {key: value for key, value in one.items() if value is not None}
    kind, message = one.get("type"), one.get("message")
    if isinstance(message, OBJECT) and "role" in message:
        return chat_message(message, message["role"])
    if "source" in one and str(one.get("kind")).endswith("Event"):
        return openhands_v1(one)
    if "source" in one and ("action" in one or "observation" in one) and "step_id" not in one:
        return openhands_event(one)
    if "source" in one and "step_id" in one:
        return atif_step(one)
    if not _SMOLAGENTS.isdisjoint(one):
        return smolagents_step(one)
    if (
        (inner := first_of(one, _ENVELOPES)) is not None
        and isinstance(inner, list | tuple)
        and not isinstance(kind, str)
    ):
        return told(inner)
    return _by_type(one, kind) if isinstance(kind, str) else _UNKNOWN


def _by_type(one: Mapping[str, Any], kind: str) -> Transcript:
    """Read a Responses item, or a message of LangChain's, plain or in its envelope."""
    if is_item(kind):
        return item(one, kind)
    inner = first_of(one, ("data", "kwargs"))
    if not isinstance(inner, OBJECT):
        return chat_message(one, kind) if role_of(kind).author is not Author.UNKNOWN else _UNKNOWN
    name = one["id"][-1] if kind == "constructor" and isinstance(one.get("id"), list) and one["id"] else kind
    return chat_message(inner, inner.get("type") or name)
