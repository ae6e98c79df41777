"""What tracers record of a model's calls: what went in and what came out, as attributes of a span or fields of a run.

| recorded by | messages |
|---|---|
| OpenTelemetry, GenAI conventions | `gen_ai.input.messages`, `gen_ai.output.messages`: lists, or JSON |
| older OpenTelemetry, Traceloop | `gen_ai.prompt.0.role`, `gen_ai.completion.0.content`, … |
| OpenInference (Phoenix) | `llm.input_messages.0.message.role`, `llm.output_messages.0.message.content`, … |
| Pydantic AI (Logfire) | `pydantic_ai.all_messages`, `all_messages_events` |
| LangSmith | `inputs.messages`, `outputs.generations` or `outputs.messages` |
| Langfuse | `input`, `output` of a generation |

Each call of an agent's repeats the conversation so far, so of several the longest is the rollout.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reward_service.core.trajectory.calls import parsed
from reward_service.core.trajectory.containers.messages.parts import OBJECT, first_of, is_array

_WHOLE = ("pydantic_ai.all_messages", "all_messages_events")
_LISTS = ("gen_ai.input.messages", "gen_ai.output.messages")
_NUMBERED = (
    ("gen_ai.prompt.", "gen_ai.completion."),
    ("llm.input_messages.", "llm.output_messages."),
)
_IN_RUNS = ("inputs", "outputs")
_IN_GENERATIONS = ("input", "output")
_AROUND_ONE = frozenset({"message", "tool_call", "message_content"})
_OF_A_MESSAGE = frozenset({"role", "type", "from", "content", "parts"})
_EXPORTED = ("resourceSpans", "scopeSpans", "spans")
"""What an export of OTLP has its spans in, from the outside inwards."""
_MESSAGES_IN = ("messages", "generations", "message")


def conversation(record: Sequence[Any]) -> Sequence[Any]:
    """Return the messages of the longest call in a record of spans or runs; any other record as it is."""
    spans = [span for one in record if isinstance(one, OBJECT) for span in _spans(one)]
    calls = [messages for one in spans if (messages := list(_call(one)))]
    return max(reversed(calls), key=len) if calls else record


def is_traced(one: Any) -> bool:
    """Return whether an object is a span, or a run of a model; a look at its keys."""
    if not isinstance(one, OBJECT):
        return False
    told_by = ("attributes", "run_type", _LISTS[1], _EXPORTED[0])
    return _is_generation(one) or any(key in one for key in told_by)


def _spans(one: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the spans of an export; any other object as it is."""
    inner = first_of(one, _EXPORTED)
    if is_array(inner):
        for held in inner:
            if isinstance(held, OBJECT):
                yield from _spans(held)
    else:
        yield one


def _is_generation(one: Mapping[str, Any]) -> bool:
    return one.get("type") == "GENERATION"


def _call(one: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the messages of one call, in order; nothing where it is none."""
    fields = {**one, **_attributes(one.get("attributes"))}
    if (whole := first_of(fields, _WHOLE)) is not None:
        yield from _several(whole)
        return
    for key in _LISTS:
        yield from _several(fields.get(key))
    for prefix in (prefix for pair in _NUMBERED for prefix in pair):
        yield from _numbered(fields, prefix)
    for key in _IN_RUNS if "run_type" in one else _IN_GENERATIONS if _is_generation(one) else ():
        yield from _several(one.get(key))


def _attributes(held: Any) -> Mapping[str, Any]:
    """Return attributes by name; OTLP writes them as a list of keys and values."""
    if is_array(held):
        pairs = [(one.get("key"), one.get("value")) for one in held if isinstance(one, OBJECT)]
        return {
            key: next(iter(value.values()), None) if isinstance(value, OBJECT) else value
            for key, value in pairs
            if isinstance(key, str)
        }
    return held if isinstance(held, OBJECT) else {}


def _several(held: Any) -> Iterator[Any]:
    """Yield the messages in a value: a list, one message, an object or JSON that holds either."""
    value = parsed(held) if isinstance(held, str) else held
    if is_array(value):
        for one in value:
            yield from _several(one)
    elif isinstance(value, OBJECT):
        if _OF_A_MESSAGE.isdisjoint(value):
            yield from _several(first_of(value, _MESSAGES_IN))
        else:
            yield value


def _numbered(fields: Mapping[str, Any], prefix: str) -> Iterator[Any]:
    """Yield the messages of fields whose names spell places, such as `0.message.tool_calls.1.tool_call.function.name`."""
    tree: dict[str, Any] = {}
    for key in fields:
        if key.startswith(prefix):
            *path, last = key[len(prefix) :].split(".")
            at: Any = tree
            for step in path:
                at = at.setdefault(step, {}) if isinstance(at, dict) else {}
            if isinstance(at, dict):
                at[last] = fields[key]
    yield from (one for one in _listed(tree) if isinstance(one, dict))


def _listed(tree: Any) -> Any:
    """Return a tree with a list for each object whose keys are numbers, and without what encloses one object alone."""
    if not isinstance(tree, dict):
        return tree
    if len(tree) == 1 and isinstance(inner := next(iter(tree.values())), dict) and tree.keys() <= _AROUND_ONE:
        return _listed(inner)
    if tree and all(key.isdecimal() for key in tree):
        return [_listed(tree[key]) for key in sorted(tree, key=int)]
    return {key: _listed(one) for key, one in tree.items()}
