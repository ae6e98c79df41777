"""The matcher of the profiles `egrpo` and `egrpo-guarded`: fold, scan, judge, verify, count.

All rollouts of a group go through in one buffer, one pass. Exact spans are judged first; windows are verified fuzzily only for
entities that have no credited span yet, which changes no result: exact evidence is better than fuzzy.

Arrays of two axes are named after them. R: rollouts of the group · E: entities of the question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from operator import and_
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reward_service.core.matching.arrays import Mask, Positions, distinct, fresh
from reward_service.core.matching.compiled import CompiledQuestion
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.index import Role
from reward_service.core.matching.layout import GroupText, Layout
from reward_service.core.matching.mentions import MentionNames, Mentions, mentions_by_look, no_mentions
from reward_service.core.matching.near import near_misses
from reward_service.core.matching.regions import listed, pasted
from reward_service.core.matching.scan import (
    CHANNELS,
    Hits,
    RoleHits,
    Spans,
    candidates,
    scan,
    spans_of,
)
from reward_service.core.matching.shown import first_shown_RE
from reward_service.core.matching.spec import (
    LISTED,
    OBSERVATIONS_ABSENT,
    PASTED,
    PRECISION,
    PRECISION_UNCHECKED,
    UNGROUNDED,
    UNMATCHABLE,
    Matching,
)
from reward_service.core.matching.verify import fuzzy_spans
from reward_service.core.types import Match, NearMiss, Segment

VERDICTS = (None, PASTED, LISTED, UNGROUNDED)
"""Why a span earns nothing, by number; 0 earns credit."""


@dataclass(frozen=True, slots=True)
class FoldedGroup:
    """The rollouts of a group in one buffer, with all that judging one of them needs besides its spans."""

    compiled: CompiledQuestion
    layout: Layout
    text: FoldedText
    named: Spans
    """Where forms stand exactly, with middle names or inflected, in thoughts and tool responses."""
    mentions: Mentions
    """Those in thoughts, by look."""
    too_costly_R: Mask
    has_tools_R: Mask
    first_tool_RE: Positions
    """Where each entity first occurs in a tool response of the rollout."""

    def rollout(self, at: Positions) -> Positions:
        """Return the rollouts in which these positions stand."""
        return self.layout.rollout[self.text.segment(at)]

    def in_thought(self, at: Positions) -> Mask:
        """Return which of these positions appear in a thought."""
        return self.layout.is_thought[self.text.segment(at)]

    def entity(self, spans: Spans) -> Positions:
        """Return the entities that these spans name."""
        return self.compiled.index.entity[spans.form]

    def grounded(self, spans: Spans) -> Mask:
        """Return which spans come after a tool response with their entity."""
        return spans.start > self.first_tool_RE[self.rollout(spans.start), self.entity(spans)]

    def judge(self, spans: Spans) -> Positions:
        """Return the verdict on each span of a thought."""
        spec = self.compiled.spec
        verdict = np.zeros(len(spans), dtype=np.int64)
        if not verdict.size:
            return verdict
        if spec.grounded:
            verdict[~self.grounded(spans) & self.has_tools_R[self.rollout(spans.start)]] = VERDICTS.index(
                UNGROUNDED
            )
        if spec.listed_mentions is not None:
            dense = listed(
                self.text, self.mentions, spans, most=spec.listed_mentions, words=spec.listed_words
            )
            verdict[dense] = VERDICTS.index(LISTED)
        if spec.pasted_words is not None and self.has_tools_R.any():
            copied = pasted(self.text, self.layout, self.mentions, spans, words=spec.pasted_words)
            verdict[copied] = VERDICTS.index(PASTED)
        return verdict


@dataclass(frozen=True, slots=True)
class Findings:
    """The best span of every (rollout, entity) that was named in a thought: credited before uncredited, then by evidence."""

    spans: Spans
    verdict: Positions
    rollout: Positions
    entity: Positions
    grounded: Mask
    """Which entities have a credited span after a tool response shows them."""
    early: Mask
    """Which entities have a span before any tool response shows them."""


class RolloutFindings(NamedTuple):
    """The findings of one rollout, one item an entity, in entity order."""

    verdict: list[int]
    entity: list[int]
    grounded: list[bool]
    early: list[bool]
    matches: list[Match]
    """Empty unless explained."""


# Rollout 0 names entity 3 twice: once inside a list (uncredited) and once later with an edit (credited). The order is by
# (rollout, entity, uncredited, channel, distance, start), so the credited span comes first though its evidence is weaker, and it is kept.
def _best(group: FoldedGroup, spans: Spans, verdict: Positions) -> Findings:
    rollout, entity = group.rollout(spans.start), group.entity(spans)
    grounded = spans.start > group.first_tool_RE[rollout, entity]
    order = np.lexsort((spans.start, spans.distance, spans.channel, verdict > 0, entity, rollout))
    best = order[fresh((rollout * group.first_tool_RE.shape[1] + entity)[order])]
    stands_RE, early_RE = np.zeros((2, *group.first_tool_RE.shape), dtype=np.bool_)
    for marked_RE, which in ((stands_RE, grounded & (verdict == 0)), (early_RE, ~grounded)):
        marked_RE[rollout[which], entity[which]] = True
    at = rollout[best], entity[best]
    return Findings(spans[best], verdict[best], *at, stands_RE[at], early_RE[at])


# Entity 1 stands exactly, and credited, in rollout 0 but not in rollout 1: its pieces are verified in rollout 1 alone, so text that
# names everything exactly costs no verification.
def _open_pieces(group: FoldedGroup, pieces: Hits, credited: Spans) -> Hits:
    """Return the piece hits worth a look: in thoughts, and for an entity that has no credit in that rollout yet."""
    index = group.compiled.index
    open_RE = np.ones(group.first_tool_RE.shape, dtype=np.bool_)
    open_RE[group.rollout(credited.start), group.entity(credited)] = False
    at, (form,) = index.owners.join(pieces.reference)
    wanted = np.zeros(len(pieces.start), dtype=np.bool_)
    wanted[at[open_RE[group.rollout(pieces.start[at]), index.entity[form]]]] = True
    return pieces[wanted & group.in_thought(pieces.start)]


Named = tuple[tuple[int, int], ...]
"""Positions of a segment and of an entity that it names with credit."""


def _named(group: FoldedGroup, credited: Spans) -> list[Named]:
    """Return where each rollout names entities with credit, each pair once, ascending."""
    layout, entities = group.layout, group.first_tool_RE.shape[1]
    key = distinct(group.text.segment(credited.start) * entities + group.entity(credited))
    segment, entity = np.divmod(key, max(entities, 1))
    pairs = list(zip(layout.position[segment].tolist(), entity.tolist(), strict=True))
    return [tuple(pairs[which]) for which in _by_rollout(layout.rollout[segment], len(group.too_costly_R))]


def _by_rollout(rollout: Positions, rollouts: int) -> list[slice]:
    """Return where each rollout's rows are in a table that is sorted by rollout."""
    bounds = rollout.searchsorted(np.arange(rollouts + 1)).tolist()
    return [slice(first, stop) for first, stop in pairwise(bounds)]


def _find(group: FoldedGroup, hits: RoleHits) -> tuple[Findings, list[Named]]:
    """Judge the exact spans; verify windows for entities without credit; judge those."""
    index, spans = group.compiled.index, group.named[group.in_thought(group.named.start)]
    verdict = group.judge(spans)
    pieces = _open_pieces(group, hits[Role.PIECE], spans[verdict == 0])
    fuzzy = fuzzy_spans(group.text, index, candidates(group.text, index, pieces))
    spans, verdict = Spans.concat(spans, fuzzy), np.concatenate((verdict, group.judge(fuzzy)))
    return _best(group, spans, verdict), _named(group, spans[verdict == 0])


def _matches(group: FoldedGroup, spans: Spans) -> list[Match]:
    """Write evidence out: spans in the text of their segment."""
    segment = group.text.segment(spans.start)
    start, end = (
        raw - group.layout.raw_start[segment] for raw in group.text.raw_char_spans(spans.start, spans.end)
    )
    columns = (
        group.entity(spans),
        spans.channel,
        spans.form,
        spans.distance,
        group.layout.position[segment],
        start,
        end,
    )
    return [
        Match(entity, CHANNELS[channel], group.compiled.index.forms[form].spelling, *rest)
        for entity, channel, form, *rest in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _flags(compiled: CompiledQuestion, *, has_tools: bool, by_name: bool) -> tuple[str, ...]:
    spec = compiled.spec
    raised = {
        OBSERVATIONS_ABSENT: not has_tools and (spec.grounded or spec.pasted_words is not None),
        PRECISION_UNCHECKED: spec.precision_floor is not None and not by_name,
        UNMATCHABLE: bool(compiled.unmatchable),
    }
    return tuple(flag for flag, holds in raised.items() if holds)


def _found(group: FoldedGroup, findings: Findings, *, explain: bool) -> list[RolloutFindings]:
    """Return the findings of each rollout, as plain lists: most have few, and as many arrays would take longer to make."""
    verdict, entity, grounded, early = (
        one.tolist() for one in (findings.verdict, findings.entity, findings.grounded, findings.early)
    )
    matches = _matches(group, findings.spans) if explain else []
    return [
        RolloutFindings(verdict[which], entity[which], grounded[which], early[which], matches[which])
        for which in _by_rollout(findings.rollout, len(group.too_costly_R))
    ]


def _matching(
    compiled: CompiledQuestion,
    found: RolloutFindings,
    mentions: int,
    *,
    named_in: Named,
    flags: tuple[str, ...],
    near: tuple[NearMiss, ...],
    by_name: bool,
    explain: bool,
) -> Matching:
    """Count the findings of one rollout."""
    credited = [verdict == 0 for verdict in found.verdict]
    matched, total, floor = sum(credited), max(mentions, len(credited)), compiled.spec.precision_floor
    if by_name and floor is not None and matched and matched < floor * total:
        matched, credited = 0, [False] * len(credited)
    refused = [not counts for counts in credited]
    reasons = [VERDICTS[verdict] or PRECISION for verdict in compress(found.verdict, refused)]
    return Matching(
        entities=compiled.entities,
        matched=matched,
        named=named_in if matched else (),
        matches=tuple(compress(found.matches, credited)),
        masked=compiled.masked,
        uncredited={reason: reasons.count(reason) for reason in dict.fromkeys(reasons)},
        uncredited_matches=tuple(compress(found.matches, refused)),
        reasons=tuple(reasons) if explain else (),
        grounded=sum(map(and_, found.grounded, credited)),
        early=sum(map(and_, found.early, credited)),
        mentions=total,
        flags=flags,
        near_misses=near,
    )


def _distinct_per_rollout(rollout: Positions, key: npt.NDArray[np.integer[Any]], rollouts: int) -> list[int]:
    """Return how many distinct keys each rollout has."""
    order = np.lexsort((key, rollout))
    rollout, key = rollout[order], key[order]
    firsts = rollout[fresh(key) | fresh(rollout)]
    counts: list[int] = np.bincount(firsts, minlength=rollouts).tolist()
    return counts


def _count_mentions(group: FoldedGroup, findings: Findings, names: MentionNames | None) -> list[int]:
    """Return the distinct mentions of each rollout; by name, its own entities count as found and the question's names not at all."""
    rollouts = len(group.too_costly_R)
    if names is None:
        return _distinct_per_rollout(group.rollout(group.mentions.start), group.mentions.key, rollouts)
    number, start = names.find(group.text)
    asked, _ = names.find(FoldedText([group.compiled.question.text]))
    own = names.numbers(form.folded for form in group.compiled.index.forms)
    others = group.in_thought(start) & ~np.isin(number, np.concatenate((asked, own)))
    found = np.bincount(findings.rollout, minlength=rollouts).tolist()
    return [
        a + b
        for a, b in zip(
            found, _distinct_per_rollout(group.rollout(start[others]), number[others], rollouts), strict=True
        )
    ]


def _read(read: GroupText, compiled: CompiledQuestion) -> tuple[FoldedGroup, RoleHits]:
    """Scan a group; what is over a cap is left out."""
    spec, index, layout, text = compiled.spec, compiled.index, read.layout, read.folded
    hits, spent_R = scan(text, index, layout.rollout, max_hits=spec.max_hits)
    too_costly_R = read.too_long_R.copy()
    too_costly_R[: len(spent_R)] |= spent_R
    named = spans_of(text, index, hits)
    mentions = (
        no_mentions()
        if spec.pasted_words is None and spec.listed_mentions is None and spec.precision_floor is None
        else mentions_by_look(text, layout.is_thought)
    )
    rollouts = len(read.rollouts)
    group = FoldedGroup(
        compiled=compiled,
        layout=layout,
        text=text,
        named=named,
        mentions=mentions,
        too_costly_R=too_costly_R,
        has_tools_R=np.bincount(layout.rollout[~layout.is_thought], minlength=rollouts) > 0,
        first_tool_RE=first_shown_RE(read, compiled, named),
    )
    return group, hits


def match_folded(
    read: GroupText,
    compiled: CompiledQuestion,
    *,
    explain: bool,
    nearest: bool,
    names: MentionNames | None,
) -> list[Matching]:
    """Match the rollouts of a group under the folded rule; see `match_group`."""
    if not read.rollouts:
        return []
    group, hits = _read(read, compiled)
    findings, named = _find(group, hits)
    mentions = _count_mentions(group, findings, names)
    by_name = names is not None
    flags = [_flags(compiled, has_tools=has_tools, by_name=by_name) for has_tools in (False, True)]
    rows = zip(
        _found(group, findings, explain=explain),
        mentions,
        named,
        group.has_tools_R.tolist(),
        group.too_costly_R.tolist(),
        strict=True,
    )
    return [
        Matching(entities=compiled.entities, masked=compiled.masked, too_costly=True)
        if too_costly
        else _matching(
            compiled,
            found,
            total,
            named_in=named_in,
            flags=flags[has_tools],
            near=_near_misses(group, number, found) if explain and nearest else (),
            by_name=by_name,
            explain=explain,
        )
        for number, (found, total, named_in, has_tools, too_costly) in enumerate(rows)
    ]


def _near_misses(group: FoldedGroup, rollout: int, found: RolloutFindings) -> tuple[NearMiss, ...]:
    return near_misses(
        group.text, group.layout, group.compiled.index, rollout=rollout, named=set(found.entity)
    )


def mentions_of(rollout: Sequence[Segment], compiled: CompiledQuestion) -> list[Match]:
    """Return every place where an entity stands exactly, with middle names or inflected, in thoughts and tool responses."""
    group, _ = _read(GroupText([rollout], compiled.spec.max_chars), compiled)
    return _matches(group, group.named)
