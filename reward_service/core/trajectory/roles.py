"""Who writes under a role, whichever system named it."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.trajectory.values import Author
from reward_service.core.types import SegmentKind


class Speaker(NamedTuple):
    """What a role says about its turn."""

    author: Author
    kind: SegmentKind | None = None
    """What the whole turn is; None leaves that to its parts and marks."""


UNKNOWN = Speaker(Author.UNKNOWN)
_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_TABLE = {
    Speaker(Author.POLICY): "assistant ai gpt model agent bot chatbot model_output aimessage aimessagechunk",
    Speaker(Author.POLICY, SegmentKind.THOUGHT): "reasoning thinking thought",
    Speaker(Author.POLICY, SegmentKind.TOOL_CALL): "tool_call function_call action",
    Speaker(Author.POLICY, SegmentKind.ANSWER): "answer final",
    Speaker(Author.TOOL): (
        "tool function tool_output tool_response tool_result tool_results function_response function_call_output "
        "function_result observation environment ipython toolmessage functionmessage"
    ),
    Speaker(Author.PROMPT): "system developer user human user_input systemmessage humanmessage",
}
ROLES: Mapping[str, Speaker] = MappingProxyType(
    {name: role for role, names in _TABLE.items() for name in names.split()}
)
_IN_ONE_WORD = {name.replace("_", ""): role for name, role in ROLES.items()}


def role_of(name: object) -> Speaker:
    """Return what a role says, in any case, its words apart or joined; an unknown role neither earns nor grounds."""
    if not isinstance(name, str):
        return UNKNOWN
    return ROLES.get(name) or _IN_ONE_WORD.get(_BETWEEN_WORDS.sub("", name).lower(), UNKNOWN)
