"""The matcher of the profiles `egrpo` and `egrpo-guarded`: fold, scan, judge, verify, count.

All rollouts of a group go through in one buffer, one pass. Exact spans are judged first; windows are verified fuzzily only for
entities that have no credited span yet, which changes no result: exact evidence is better than fuzzy.

Arrays of two axes are named after them. R: rollouts of the group · E: entities of the question.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import and_
from typing import Any

import numpy as np
import numpy.typing as npt

from reward_service.core.matching.arrays import Mask, Positions, fresh
from reward_service.core.matching.compiled import CompiledQuestion
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.index import Role
from reward_service.core.matching.layout import Layout
from reward_service.core.matching.mentions import MentionNames, Mentions, mentions_by_look, no_mentions
from reward_service.core.matching.near import near_misses
from reward_service.core.matching.regions import listed, pasted
from reward_service.core.matching.scan import (
    CHANNELS,
    Hits,
    Spans,
    candidates,
    exact_spans,
    expanded_spans,
    inflected_spans,
    scan,
)
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
NEVER = np.iinfo(np.int64).max


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
    """Where each entity first stands in a tool response of the rollout."""

    def rollout(self, at: Positions) -> Positions:
        """Return the rollouts in which these positions stand."""
        return self.layout.rollout[self.text.segment(at)]

    def in_thought(self, at: Positions) -> Mask:
        """Return which of these positions stand in a thought."""
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

    def by_rollout(self, rollouts: int) -> list["Findings"]:
        """Return the findings of each rollout, in entity order."""
        bounds = self.rollout.searchsorted(np.arange(rollouts + 1)).tolist()
        return [self._between(*both) for both in pairwise(bounds)]

    def _between(self, first: int, stop: int) -> "Findings":
        which = slice(first, stop)
        return Findings(
            self.spans[which],
            self.verdict[which],
            self.rollout[which],
            self.entity[which],
            self.grounded[which],
        )


# Rollout 0 names entity 3 twice: once inside a list (uncredited) and once later with an edit (credited). The order is by
# (rollout, entity, uncredited, channel, distance, start), so the credited span comes first though its evidence is weaker, and it is kept.
def _best(group: FoldedGroup, spans: Spans, verdict: Positions) -> Findings:
    rollout, entity, grounded = group.rollout(spans.start), group.entity(spans), group.grounded(spans)
    order = np.lexsort((spans.start, spans.distance, spans.channel, verdict > 0, entity, rollout))
    best = order[fresh((rollout * group.first_tool_RE.shape[1] + entity)[order])]
    stands_RE = np.zeros(group.first_tool_RE.shape, dtype=np.bool_)
    stands = grounded & (verdict == 0)
    stands_RE[rollout[stands], entity[stands]] = True
    rollout, entity = rollout[best], entity[best]
    return Findings(spans[best], verdict[best], rollout, entity, stands_RE[rollout, entity])


# Entity 1 stands exactly, and credited, in rollout 0 but not in rollout 1: its pieces are verified in rollout 1 alone, so text that
# names everything exactly costs no verification.
def _open_pieces(group: FoldedGroup, hits: Hits, credited: Spans) -> Hits:
    """Return the piece hits worth a look: in thoughts, and for an entity that has no credit in that rollout yet."""
    index, pieces = group.compiled.index, hits.of(Role.PIECE)
    open_RE = np.ones(group.first_tool_RE.shape, dtype=np.bool_)
    open_RE[group.rollout(credited.start), group.entity(credited)] = False
    at, (form,) = index.owners.join(pieces.reference)
    wanted = np.zeros(len(pieces.start), dtype=np.bool_)
    wanted[at[open_RE[group.rollout(pieces.start[at]), index.entity[form]]]] = True
    return pieces[wanted & group.in_thought(pieces.start)]


def _find(group: FoldedGroup, hits: Hits) -> Findings:
    """Judge the exact spans; verify windows for entities without credit; judge those."""
    index, spans = group.compiled.index, group.named[group.in_thought(group.named.start)]
    verdict = group.judge(spans)
    pieces = _open_pieces(group, hits, spans[verdict == 0])
    fuzzy = fuzzy_spans(group.text, index, candidates(group.text, index, pieces))
    return _best(group, Spans.concat(spans, fuzzy), np.concatenate((verdict, group.judge(fuzzy))))


def _matches(group: FoldedGroup, findings: Findings) -> list[Match]:
    """Write evidence out: spans in the text of their segment."""
    spans = findings.spans
    segment = group.text.segment(spans.start)
    start, end = (
        raw - group.layout.raw_start[segment] for raw in group.text.raw_char_spans(spans.start, spans.end)
    )
    columns = (
        findings.entity,
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


def _near_misses(group: FoldedGroup, rollout: int, findings: Findings) -> tuple[NearMiss, ...]:
    named = set(findings.entity.tolist())
    return near_misses(group.text, group.layout, group.compiled.index, rollout=rollout, named=named)


def _matching(
    group: FoldedGroup,
    rollout: int,
    findings: Findings,
    mentions: int,
    *,
    explain: bool,
    nearest: bool,
    by_name: bool,
) -> Matching:
    """Count the findings of one rollout."""
    spec, verdicts = group.compiled.spec, findings.verdict.tolist()
    credited, named = [verdict == 0 for verdict in verdicts], len(verdicts)
    matched, total = sum(credited), max(mentions, named)
    uncredited = Counter(VERDICTS[verdict] or "" for verdict in verdicts if verdict)
    if by_name and spec.precision_floor is not None and matched and matched < spec.precision_floor * total:
        credited, uncredited[PRECISION] = [False] * named, matched
    matches = _matches(group, findings) if explain else []
    return Matching(
        entities=group.compiled.entities,
        matched=sum(credited),
        matches=tuple(match for match, counts in zip(matches, credited, strict=False) if counts),
        masked=group.compiled.masked,
        uncredited=dict(uncredited),
        uncredited_matches=tuple(
            match for match, counts in zip(matches, credited, strict=False) if not counts
        ),
        grounded=sum(map(and_, findings.grounded.tolist(), credited)),
        mentions=total,
        flags=_flags(group.compiled, has_tools=bool(group.has_tools_R[rollout]), by_name=by_name),
        near_misses=_near_misses(group, rollout, findings) if explain and nearest else (),
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


def _first_tool_RE(
    rollouts: int, compiled: CompiledQuestion, layout: Layout, *, text: FoldedText, named: Spans
) -> Positions:
    segment, entity = text.segment(named.start), compiled.index.entity[named.form]
    start = np.where(layout.is_thought[segment], NEVER, named.start)
    first_RE = np.full((rollouts, len(compiled.question.entities)), NEVER)
    np.minimum.at(first_RE, (layout.rollout[segment], entity), start)
    return first_RE


def _read(rollouts: Sequence[Sequence[Segment]], compiled: CompiledQuestion) -> tuple[FoldedGroup, Hits]:
    """Fold and scan a group; what is over a cap is left out."""
    spec, index = compiled.spec, compiled.index
    long_R = np.array(
        [sum(len(segment.text) for segment in rollout) > spec.max_chars for rollout in rollouts],
        dtype=np.bool_,
    )
    layout = Layout.of([() if long else rollout for rollout, long in zip(rollouts, long_R, strict=True)])
    text = FoldedText(layout.texts)
    hits, spent_R = scan(text, index, layout.rollout, max_hits=spec.max_hits)
    too_costly_R = long_R.copy()
    too_costly_R[: len(spent_R)] |= spent_R
    named = Spans.concat(
        exact_spans(text, index, hits), expanded_spans(text, index, hits), inflected_spans(text, index, hits)
    )
    mentions = (
        no_mentions()
        if spec.pasted_words is None and spec.listed_mentions is None and spec.precision_floor is None
        else mentions_by_look(text, layout.is_thought)
    )
    group = FoldedGroup(
        compiled=compiled,
        layout=layout,
        text=text,
        named=named,
        mentions=mentions,
        too_costly_R=too_costly_R,
        has_tools_R=np.bincount(layout.rollout[~layout.is_thought], minlength=len(rollouts)) > 0,
        first_tool_RE=_first_tool_RE(len(rollouts), compiled, layout, text=text, named=named),
    )
    return group, hits


def match_folded(
    rollouts: Sequence[Sequence[Segment]],
    compiled: CompiledQuestion,
    *,
    explain: bool,
    nearest: bool,
    names: MentionNames | None,
) -> list[Matching]:
    """Match the rollouts of a group under the folded rule; see `match_group`."""
    if not rollouts:
        return []
    group, hits = _read(rollouts, compiled)
    findings = _find(group, hits)
    mentions = _count_mentions(group, findings, names)
    results = []
    for number, mine in enumerate(findings.by_rollout(len(rollouts))):
        if group.too_costly_R[number]:
            results.append(Matching(entities=compiled.entities, masked=compiled.masked, too_costly=True))
            continue
        matching = _matching(
            group,
            number,
            mine,
            mentions[number],
            explain=explain,
            nearest=nearest,
            by_name=names is not None,
        )
        results.append(matching)
    return results
