"""When two rollouts, or two questions, are the same.

A digest covers the domain value, not the bytes or the query of a request: the order of keys, white space and fields
left at their defaults do not matter, so a retry may come through another client, proxy or adapter.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, assert_never

from entity_index.types import Question
from reward_service.core.types import (
    AS_USUAL,
    IndexVersion,
    Messages,
    Reading,
    Rollout,
    Steps,
    Text,
    Unreadable,
)

# 128 bits tell any two values apart that are not made to collide; 16,384 open rollouts then need 512 KiB for them.
HEX_DIGITS = 32
ADDED: Mapping[str, object] = {"rubrics": (), "distance": None}
"""Fields that questions and entities did not have from the beginning, with their defaults."""


def rollout_digest(rollout: Rollout) -> str:
    """Return the digest of everything a rollout says; its id is not part of it."""
    further = {
        "outcome_error": rollout.outcome_error,
        "length": rollout.length,
        "tree": rollout.tree,
        "turn_signals": dict(rollout.turn_signals) or None,
        "anchor": rollout.anchor or None,
    }
    said = [_source(rollout.source), rollout.outcome, rollout.stop_reason, dict(rollout.signals)]
    given = {name: value for name, value in further.items() if value is not None}
    return _digest([*said, given] if given else said)


def question_digest(question: Question | str, index: IndexVersion | None) -> str:
    """Return the digest of a question.

    Args:
        question: the ground truth itself, or the question's id.
        index: the version the id belongs to; None for a question sent inline.
    """
    return _digest([index, question] if isinstance(question, str) else _said(question))


def _said(question: Question) -> dict[str, Any]:
    """Return what a question says, so that one without the fields that were added later keeps its digest."""
    return asdict(question, dict_factory=_without_later_defaults)


def _without_later_defaults(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if name not in ADDED or value != ADDED[name]}


def _source(source: Text | Messages | Steps | Unreadable) -> list[Any]:
    match source:
        case Text(text, written, reading):
            return ["text", written, text, *_reading(reading)]
        case Messages(messages, prompt, reading):
            return ["messages", messages, *_reading(reading), *([prompt] if prompt else [])]
        case Steps(segments):
            return ["steps", [[segment.kind, segment.text] for segment in segments]]
        case Unreadable(why):
            return ["unreadable", why]
        case _:
            assert_never(source)


def _reading(reading: Reading) -> list[Any]:
    """Return how a rollout is read, where that is not as usual."""
    return [] if reading == AS_USUAL else [asdict(reading)]


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:HEX_DIGITS]
