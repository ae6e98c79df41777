"""What a message says: a string, a list of parts, or anything else that JSON can hold."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from reward_service.core.trajectory.calls import json_text, parsed, tool_call_text
from reward_service.core.trajectory.values import Call, Part
from reward_service.core.types import SegmentKind

# What JSON makes of objects is asked for first: an abstract class takes ten times as long.
OBJECT = (dict, Mapping)

IMAGE = "[image]"
_TEXTS = frozenset(
    [
        "text",
        "input_text",
        "output_text",
        "refusal",
        "summary_text",
        "user-prompt",
        "system-prompt",
        "textcontent",
        "",
    ]
)
_OF_TEXT = frozenset({"type", "block_type", "text", "annotations"})
_THOUGHTS = frozenset(
    [
        "thinking",
        "reasoning",
        "thought",
        "think",
        "reasoning_text",
        "reasoning_content",
        "reasoning.text",
        "reasoning.summary",
        "text_reasoning",
        "redacted_thinking",
        "reasoning.encrypted",
        "redacted_reasoning",
    ]
)
_THOUGHT_KEYS = (
    "thinking",
    "reasoning",
    "thought",
    "think",
    "text",
    "summary",
    "reasoning_text",
    "reasoningText",
    "reasoning_content",
    "content",
)
_CALLS = frozenset(
    [
        "tool_use",
        "server_tool_use",
        "mcp_tool_use",
        "tool_call",
        "server_tool_call",
        "tool-call",
        "function_call",
        "function",
        "functioncall",
        "tool-use",
        "builtin-tool-call",
        "functioncallcontent",
    ]
)
_RESULTS = frozenset(
    [
        "tool_result",
        "tool_call_response",
        "function_result",
        "functionresultcontent",
        "mcp_tool_result",
        "tool-result",
        "tool_response",
        "function_call_output",
        "functionresponse",
        "function_response",
        "tool-error",
        "tool-return",
        "builtin-tool-return",
        "retry-prompt",
    ]
)
_RESULT_KEYS = ("content", "output", "result", "response", "text", "error", "errorText")
_MEDIA = frozenset(
    [
        "image",
        "image_url",
        "input_image",
        "image-url",
        "audio",
        "input_audio",
        "video",
        "video_url",
        "file",
        "input_file",
        "document",
        "media",
        "data",
    ]
)
# What marks the AI SDK's steps and cites sources: nothing that anybody says.
_SAYS_NOTHING = frozenset({"step-start", "source", "source-url", "source-document"})
_KIND_KEYS = ("type", "part_kind", "block_type", "content_type", "$type")
# Parts of Gemini, Bedrock and Haystack have no type: the key says what a part is.
_CALL_IN = ("functionCall", "function_call", "toolUse", "tool_call")
_RESULT_IN = (
    "functionResponse",
    "function_response",
    "codeExecutionResult",
    "code_execution_result",
    "toolResult",
    "tool_call_result",
)
_THOUGHT_IN = "reasoningContent"
_MEDIA_KEYS = ("inlineData", "inline_data", "fileData", "file_data", "image_url", "image")
_HELD_IN = ("function", "custom", *_CALL_IN)
_NAME_KEYS = ("name", "function_name", "toolName", "tool_name", "functionName")
_ARGUMENT_KEYS = ("arguments", "args", "input", "parameters", "kwargs", "tool_kwargs")


def first_of(value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return the first of some fields that is there and not null."""
    for key in keys:
        if (found := value.get(key)) is not None:
            return found
    return None


def call_part(value: Any) -> Part:
    """Return a call, however its system spells it, with its arguments as they were sent; one that cannot be read is unsound."""
    body = parsed(value) if isinstance(value, str) else value
    if not isinstance(body, OBJECT):
        return _unsound(value, body)
    inner = first_of(body, _HELD_IN)
    inner = parsed(inner) if isinstance(inner, str) and inner.lstrip().startswith("{") else inner
    fields = {**body, **inner} if isinstance(inner, OBJECT) else body
    name = inner if isinstance(inner, str) else first_of(fields, _NAME_KEYS)
    if not isinstance(name, str):
        return _unsound(value, body)
    sent = first_of(fields, _ARGUMENT_KEYS)
    said = parsed(sent) if isinstance(sent, str) else sent
    sound = "custom" in body or not isinstance(said, str) or not said
    return Part(SegmentKind.TOOL_CALL, tool_call_text(name, sent), Call(name, said, sound))


def _unsound(value: Any, body: Any) -> Part:
    return Part(SegmentKind.TOOL_CALL, json_text(value), Call(None, body, sound=False))


def _kind(part: Mapping[str, Any]) -> str:
    """Return the type of a part; empty where a key says what it is."""
    return str(part.get("type") or first_of(part, _KIND_KEYS) or "").lower()


def _run_for_the_policy(kind: str, part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the call in a part whose type has the tool's name: `NAME_call` of OpenAI, `tool-NAME` of the AI SDK.

    The result is there too.
    """
    if kind.endswith("_call"):
        return {"name": kind.removesuffix("_call"), "arguments": part.get("action"), **part}
    if kind == "tool-invocation":
        held = part.get("toolInvocation")
        return held if isinstance(held, OBJECT) else None
    if kind == "dynamic-tool":
        return part
    is_call = kind.startswith("tool-") and "toolCallId" in part and "state" in part
    return {"toolName": str(part["type"])[len("tool-") :], **part} if is_call else None


class ContentReader:
    """Reads content, and remembers whether there was a part of an unknown type."""

    def __init__(self) -> None:
        self.has_unknown = False

    def parts(self, content: Any) -> list[Part]:
        """Return what the policy's content holds, in order; adjacent pieces of text are one."""
        if content is None:
            return []
        if isinstance(content, str):
            return [Part(None, content)]
        if isinstance(content, OBJECT):
            return self._part(content)
        if is_array(content):
            return _joined([part for one in content for part in self._piece(one)])
        return [Part(None, json_text(content))]

    def _piece(self, one: Any) -> list[Part]:
        if one is None:
            return []
        if isinstance(one, str):
            return [Part(None, one)]
        if isinstance(one, OBJECT):
            return self._part(one)
        self.has_unknown = True
        return []

    def _part(self, part: Mapping[str, Any]) -> list[Part]:
        """Read one part by its type, or by the key that tells what it is."""
        kind = _kind(part)
        if kind in _THOUGHTS or part.get("thought") is True:
            return self._thought_part(part)
        if thought := part.get(_THOUGHT_IN) or (not kind and part.get("reasoning")):
            return self._thought_part({"thinking": thought})
        if kind in _CALLS or first_of(part, _CALL_IN) is not None:
            return [call_part(part), *self._result_beside(part)]
        if kind in _RESULTS or kind.endswith("_tool_result"):
            return [Part(SegmentKind.TOOL_RESPONSE, self.response(first_of(part, _RESULT_KEYS)))]
        if (code := first_of(part, ("executableCode", "executable_code"))) is not None:
            return [Part(SegmentKind.TOOL_CALL, json_text(code), Call("code", code))]
        if (result := first_of(part, _RESULT_IN)) is not None:
            return [Part(SegmentKind.TOOL_RESPONSE, self.response(_held_result(result)))]
        if (ran := _run_for_the_policy(kind, part)) is not None:
            return [call_part(ran), *self._result_beside(ran)]
        if kind in _MEDIA or kind in _SAYS_NOTHING or first_of(part, _MEDIA_KEYS) is not None:
            return []
        return self._text_part(kind, part)

    def _thought_part(self, part: Mapping[str, Any]) -> list[Part]:
        """Return a thought; of one that the API has encrypted its summary, if there is one."""
        said = self.thought(part.get("summary") if part.get("redacted") is True else part)
        return [Part(SegmentKind.THOUGHT, said)] if said else []

    def _result_beside(self, call: Mapping[str, Any]) -> list[Part]:
        """Return the result that Inspect and the AI SDK keep in a call itself."""
        result = first_of(call, ("result", "output", "errorText"))
        return [] if result is None else [Part(SegmentKind.TOOL_RESPONSE, self.response(result))]

    def _text_part(self, kind: str, part: Mapping[str, Any]) -> list[Part]:
        said = "text" if "text" in part else "content" if kind else ""
        if said in part and kind in _TEXTS:
            return [Part(None, _text(part[said]))]
        if kind == "refusal" and "refusal" in part:
            return [Part(None, _text(part["refusal"]))]
        self.has_unknown |= bool(part)
        return []

    def thought(self, value: Any) -> str:
        """Return the text of a thought: a string, or the text its fields and parts hold."""
        if isinstance(value, str):
            return value
        if isinstance(value, OBJECT):
            return self.thought(
                next((value[key] for key in _THOUGHT_KEYS if value.get(key) not in (None, True)), None)
            )
        if is_array(value):
            return "".join(self.thought(one) for one in value)
        return "" if value is None or isinstance(value, bool) else json_text(value)

    def response(self, value: Any) -> str:
        """Return what a tool has returned as text: parts as their text, anything else as JSON."""
        if isinstance(value, str):
            return value
        if is_array(value):
            return "\n".join(filter(None, (_result_piece(one) for one in value)))
        return _result_piece(value)


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is an array of parts; a string, which is a sequence of characters, is none."""
    return isinstance(value, list) or (not isinstance(value, str) and isinstance(value, Sequence))


def is_result(piece: Any) -> bool:
    """Return whether a piece of content is one tool's result."""
    if not isinstance(piece, OBJECT):
        return False
    return _kind(piece) in _RESULTS or first_of(piece, _RESULT_IN) is not None


def ids_of_calls(field: Any) -> set[str]:
    """Return the ids of the calls in a `tool_calls` field."""
    calls = field if isinstance(field, list | tuple) else ()
    return {one["id"] for one in calls if isinstance(one, OBJECT) and isinstance(one.get("id"), str)}


def without_calls(content: Any, ids: set[str]) -> Any:
    """Return content without the calls that a field of the message holds too, by their ids."""
    if not ids or not isinstance(content, list | tuple):
        return content
    return [one for one in content if not (isinstance(one, OBJECT) and _call_id(one) in ids)]


def _call_id(piece: Mapping[str, Any]) -> str | None:
    found = first_of(piece, ("call_id", "id")) if str(piece.get("type")).lower() in _CALLS else None
    return found if isinstance(found, str) else None


def _text(value: Any) -> str:
    """Return the text of a part; Gemini and the Assistants API put it one level deeper."""
    if isinstance(value, OBJECT):
        value = first_of(value, ("value", "text"))
    return "" if value is None else json_text(value)


def _result_piece(value: Any) -> str:
    """Return one piece of a tool's response."""
    if value is None:
        return ""
    if not isinstance(value, OBJECT):
        return json_text(value)
    kind = _kind(value)
    if kind in _MEDIA and not _is_text_document(value):
        return IMAGE
    is_text = (
        kind in _TEXTS
        and isinstance(value.get("text"), str)
        and all(key in _OF_TEXT or held is None for key, held in value.items())
    )
    return value["text"] if is_text else json_text(value)


def _is_text_document(part: Mapping[str, Any]) -> bool:
    """Return whether a document comes as text: in Cohere's fields, or from a source that is no file."""
    source = part.get("source")
    kind = source.get("type") if isinstance(source, OBJECT) else None
    return part.get("type") == "document" and ("document" in part or kind in {"text", "content"})


def _held_result(result: Any) -> Any:
    inner = first_of(result, ("response", "content", "result")) if isinstance(result, OBJECT) else result
    said = result if inner is None else inner
    only = first_of(said, ("result", "output")) if isinstance(said, OBJECT) and len(said) == 1 else None
    return said if only is None else only


def _joined(parts: list[Part]) -> list[Part]:
    """Join adjacent pieces of text."""
    joined: list[Part] = []
    for part in parts:
        if joined and part.kind is None is joined[-1].kind:
            joined[-1] = Part(None, joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined


def calls_in(field: Any) -> list[Part]:
    """Return the calls of a `tool_calls` field: a list, one call, or either as JSON; what fills a column is no call."""
    value = parsed(field) if isinstance(field, str) else field
    several = value if isinstance(value, list | tuple) else [value]
    return [call_part(one) for one in several if one not in (None, "", {}, [])]
