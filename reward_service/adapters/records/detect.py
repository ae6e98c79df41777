"""Detect from the first rollouts of a file which reader takes it, and which container and dialect its policy writes.

Only for files, once a file, and said to the user: what a policy writes must not choose how it is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reward_service.adapters.records.table import Reader, Row
from reward_service.core.trajectory import DIALECTS, MESSAGES, UnparsableRollout, parse
from reward_service.core.types import Defaults, Messages, Reading, Rollout, SegmentKind, Text

FIRST = 20
"""How many rollouts a decision is taken from."""
TURNS = tuple(
    map(
        frozenset,
        (
            ("role",),
            ("from", "value"),
            ("source", "action"),
            ("source", "observation"),
            ("source", "kind"),
            ("type", "data"),
            ("type", "content"),
            ("type", "message"),
            ("type", "summary"),
            ("type", "arguments"),
            ("type", "action"),
            ("type", "output"),
            ("type", "raw_item"),
            ("lc", "kwargs"),
            ("author", "content"),
            ("kind", "parts"),
            ("step_number",),
            ("trace_id", "attributes"),
            ("traceId", "attributes"),
            ("context", "attributes"),
            ("run_type", "inputs"),
        ),
    )
)
"""A line with these fields is a turn of a conversation, and no rollout."""
_TEMPLATES = {
    "chatml": r"<\|im_start\|>",
    "llama3": r"<\|start_header_id\|>|<\|python_tag\|>",
    "harmony": r"<\|channel\|>\w+",
    "kimi": r"<\|im_middle\|>|<\|tool_calls_section_begin\|>",
    "deepseek": r"<｜(?:Assistant|tool▁calls▁begin|tool▁outputs▁begin)｜>",
    "glm": r"<\|assistant\|>|<\|observation\|>",
    "gemma": r"<start_of_turn>",
    "granite": r"<\|start_of_role\|>",
    "cohere": r"<\|START_OF_TURN_TOKEN\|>",
    "minimax": r"\]~b\]",
    "seed_oss": r"<seed:bos>|<seed:eos>",
    "nemotron": r"<SPECIAL_1[012]>|<extra_id_1>",
    "hunyuan": r"<｜hy_(?:User|Assistant)｜>|<\|extra_0\|>",
    "phi": r"<\|/tool_call\|><\|end\|>|<\|tool_response\|>",
    "mistral": r"\[TOOL_CALLS\]|\[/INST\]",
    "role_lines": r"(?m)^(?:assistant|user|tool)$",
}
"""What a text in a container holds; the first that fits counts."""
_PIECES = (SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE)


def is_turn(row: Row) -> bool:
    """Return whether a line is a turn of a conversation."""
    return any(keys <= row.keys() for keys in TURNS)


def trace_of(row: Row) -> str | None:
    """Return the id of the trace that a span belongs to; None where a line is no span."""
    context = row.get("context")
    held = {**row, **(context if isinstance(context, Mapping) else {})}
    found = next((held[key] for key in ("trace_id", "traceId") if held.get(key)), None)
    return None if found is None else str(found)


def reader_of(rows: Sequence[Row], readers: Mapping[str, Reader]) -> str | None:
    """Return the reader that knows most of the first lines; None where none knows half of them."""
    known = {name: sum(reader.knows(row) for row in rows) for name, reader in readers.items()}
    best = max(known, key=lambda name: known[name], default=None)
    return best if best is not None and 2 * known[best] >= len(rows) > 0 else None


def defaults_of(rollouts: Sequence[Rollout], usual: Defaults) -> Defaults:
    """Return how rollouts are written, from the first of them.

    Args:
        rollouts: the first ones, read as usual.
        usual: how rollouts of their kind are written; it stays unless another way reads more of them.
    """
    first = rollouts[:FIRST]
    texts = [one.source.text for one in first if isinstance(one.source, Text)]
    is_messages = not texts and any(isinstance(one.source, Messages) for one in first)
    usual = replace(usual, format=MESSAGES if is_messages else _container(texts, usual.format))
    unread = {name: _unread(first, _as(usual, name)) for name in DIALECTS}
    own = usual.reading.dialect or next(iter(DIALECTS))
    better = {
        name: one for name, one in unread.items() if one[0] < unread[own][0] and one[1] > unread[own][1]
    }
    best = min(better, key=lambda name: (better[name][0], -better[name][1]), default=own)
    return _as(usual, best)


def _as(usual: Defaults, dialect: str) -> Defaults:
    return replace(usual, reading=replace(usual.reading, dialect=dialect))


def _container(texts: Sequence[str], usual: str) -> str:
    for name, mark in _TEMPLATES.items():
        if 2 * sum(re.search(mark, text) is not None for text in texts) > len(texts):
            return name
    return usual


def _unread(rollouts: Sequence[Rollout], how: Defaults) -> tuple[int, int]:
    """Return in how many rollouts something is not read, and how many calls and responses are."""
    bad = pieces = 0
    for one in rollouts:
        source = _written(one, how)
        if source is None:
            continue
        try:
            parsed = parse(source, "none")
        except UnparsableRollout:
            bad += 1
            continue
        bad += bool(parsed.flags)
        pieces += sum(segment.kind in _PIECES for segment in parsed.segments)
    return bad, pieces


def _written(rollout: Rollout, how: Defaults) -> Text | Messages | None:
    """Return a rollout as if it were written in this way; None where its steps say everything."""
    reading = (
        Reading(how.reading.dialect, rollout.source.reading.thought_open)
        if isinstance(rollout.source, Text | Messages)
        else None
    )
    match rollout.source:
        case Text(text):
            return Text(text, how.format, reading or Reading())
        case Messages(messages, prompt):
            return Messages(messages, prompt, reading or Reading())
        case _:
            return None
