"""One rollout with its text, as plain data: segments in pieces, each mark with its reason, and the reward as a sum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum, isclose
from types import MappingProxyType
from typing import Any

from entity_index.types import Question
from reward_service.adapters.replies import rollout_out
from reward_service.cli.score import result_of
from reward_service.core.matching import all_mentions
from reward_service.core.profiles import Profile
from reward_service.core.spread import divisor, is_flat
from reward_service.core.types import (
    Evidence,
    GroupResult,
    Match,
    NearMiss,
    RolloutResult,
    Segment,
    SegmentKind,
    Term,
)
from reward_service.pages.marked import KINDS, TextMark, pieces
from reward_service.serve.scorer import Scored
from reward_service.serve.truth import Truth

WHY: Mapping[str, str] = MappingProxyType(
    {
        "pasted": "copied with its surroundings from a tool response",
        "listed": "in a list of many names",
        "ungrounded": "in no tool response before",
        "precision": "too many of the names are wrong",
    }
)
"""Reasons in words."""
CHANNELS: Mapping[str, str] = MappingProxyType(
    {
        "exact": "the name",
        "alias": "an alias",
        "expanded": "with middle names",
        "inflected": "inflected",
        "fuzzy": "misspelled",
    }
)
ABSENT = ("absent", "not named in any thought")
LONG_TEXT = 20_000
"""Characters of a segment that are shown; the command `explain` has all."""


def rollout_doc(scored: Scored, k: int, profile: Profile) -> dict[str, Any]:
    """Write down one rollout of a group that was scored with evidence."""
    group, truth = result_of(scored), scored.measured.truth or Truth(Question(""))
    one = group.rollouts[k]
    evidence = one.evidence or Evidence(())
    return {
        "k": k,
        "rollout": rollout_out(one, truth.question),
        "group_max": group.group_max,
        "entities": group.entities,
        "sum": sum_of(one, group, profile),
        "difference": difference_of(one, group, profile),
        "names": _names(truth, evidence),
        "segments": _segments(evidence, truth, profile),
        "siblings": [sibling_out(n, other) for n, other in enumerate(group.rollouts)],
    }


def sibling_out(k: int, one: RolloutResult) -> dict[str, Any]:
    """Write down a rollout beside others."""
    return {
        "k": k,
        "rollout_id": one.rollout_id,
        "status": one.status,
        "outcome": one.outcome,
        "reward": one.reward,
        "advantage": one.advantage,
        "matched": one.matched,
    }


def sum_of(one: RolloutResult, group: GroupResult, profile: Profile) -> str:
    """Return how a reward came about, on one line; why there is none where there is none.

    `0 + 0.3 × 2/3 = 0.2`: the outcome's base, then a term each.
    """
    if one.reward is None:
        return f"no reward: {one.status}{', ' + one.detail if one.detail else ''}"
    terms = {term.name or term.signal: term for term in profile.reward.terms}
    parts = [
        _part(name, value, terms.get(name), counts=f"{one.matched}/{group.group_max}")
        for name, value in one.components.items()
        if value
    ]
    total = f"{one.reward:.6g}"
    return total if parts in ([], [total]) else f"{' + '.join(parts)} = {total}"


def difference_of(one: RolloutResult, group: GroupResult, profile: Profile) -> str | None:
    """Return how an advantage came about by `grpo`, on one line; None where another rule made it, or nothing differs.

    `(0.2 − mean 0.25) / std 0.305`, or `/ floor 0.354` where the floor of the estimator is above the standard deviation.
    """
    rewards = [other.reward for other in group.rollouts if other.reward is not None]
    if profile.estimator.type != "grpo" or not one.advantage or one.reward is None or is_flat(rewards):
        return None
    mean, below = fsum(rewards) / len(rewards), divisor(rewards, profile.estimator)
    if not isclose((one.reward - mean) / below, one.advantage):
        return None
    name = "std" if below == divisor(rewards, replace(profile.estimator, floor=None)) else "floor"
    return f"({one.reward:.3g} − mean {mean:.3g}) / {name} {below:.3g}"


def _part(name: str, value: float, term: Term | None, *, counts: str) -> str:
    if term is not None and _is_share_of_best(term):
        return f"{term.weight:g} × {counts}"
    return f"{value:.6g}" if name == "base" else f"{value:.6g} ({name})"


def _is_share_of_best(term: Term) -> bool:
    return (
        term.signal == "entity_match"
        and term.normalize == "group_max"
        and not term.map
        and isinstance(term.weight, float)
    )


def _names(truth: Truth, evidence: Evidence) -> list[dict[str, Any]]:
    """Return what became of each entity of the question, in words."""
    fates: dict[int, tuple[str, str]] = {}
    for miss in evidence.near_misses:
        fates[miss.entity] = "near", f"not named; the closest passage is like {miss.form}"
    for n, entity in enumerate(truth.question.entities):
        if entity.name in truth.masked:
            fates[n] = "masked", KINDS["masked"]
        if entity.name in truth.unmatchable:
            fates[n] = "masked", "there is no form to search for"
    for match, reason in zip(evidence.uncredited, evidence.reasons, strict=True):
        fates[match.entity] = "uncredited", WHY[reason]
    for match in evidence.matches:
        fates[match.entity] = "credited", _how(match)
    return [
        {"entity": entity.name, "aliases": entity.aliases, **_fate(fates.get(n, ABSENT))}
        for n, entity in enumerate(truth.question.entities)
    ]


def _fate(of: tuple[str, str]) -> dict[str, str]:
    kind, why = of
    return {"kind": kind, "why": why}


def _segments(evidence: Evidence, truth: Truth, profile: Profile) -> list[dict[str, Any]]:
    marks: dict[int, list[TextMark]] = {}
    for segment, mark in _marks(evidence, truth, profile):
        marks.setdefault(segment, []).append(mark)
    return [_segment(n, segment, marks.get(n, ())) for n, segment in enumerate(evidence.segments)]


def _segment(n: int, segment: Segment, marks: Sequence[TextMark]) -> dict[str, Any]:
    shown = segment.text[:LONG_TEXT]
    return {
        "n": n,
        "kind": str(segment.kind),
        "length": len(segment.text),
        "cut": len(segment.text) - len(shown),
        "pieces": [
            {"text": piece.text, "mark": piece.mark and piece.mark._asdict()}
            for piece in pieces(shown.rstrip(), [mark for mark in marks if mark.end <= len(shown)])
        ],
    }


def _marks(evidence: Evidence, truth: Truth, profile: Profile) -> Iterator[tuple[int, TextMark]]:
    """Yield every mark with its segment."""
    entities = truth.question.entities

    def mark(one: Match | NearMiss, kind: str, why: str) -> tuple[int, TextMark]:
        return one.segment, TextMark(one.start, one.end, kind, entities[one.entity].name, why)

    for match in evidence.matches:
        yield mark(match, "credited", f"{KINDS['credited']}: {_how(match)}")
    for match, reason in zip(evidence.uncredited, evidence.reasons, strict=True):
        yield mark(match, "uncredited", f"{KINDS['uncredited']}: {WHY[reason]}")
    for miss in evidence.near_misses:
        yield mark(miss, "near", f"{KINDS['near']}: {miss.similarity:.0f} % like {miss.form}")
    credited = {match.entity for match in evidence.matches}
    for match in all_mentions(evidence.segments, truth.question, profile.measure.matching):
        kind = _kind(evidence.segments[match.segment].kind, entities[match.entity].name in truth.masked)
        kind = "again" if kind == "again" and match.entity in credited else kind
        yield mark(match, kind, KINDS[kind])


def _kind(segment: SegmentKind, is_masked: bool) -> str:  # noqa: FBT001  # a cell of a table
    """Return what a mention is that is not the evidence of its entity."""
    if segment is SegmentKind.TOOL_RESPONSE:
        return "read"
    if is_masked:
        return "masked"
    return "again" if segment is SegmentKind.THOUGHT else "elsewhere"


def _how(match: Match) -> str:
    edits = f", {match.distance} edits away" if match.distance else ""
    return f"{CHANNELS[match.channel]} {match.form}{edits}"
