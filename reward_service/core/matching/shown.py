"""What tool responses show: where the entities of a question, or its gold answers, first occur in them.

A form counts as the matcher counts it in a thought, misspellings aside: folded, between word boundaries, guards observed.
"""

import numpy as np

from entity_index.types import Entity, Question
from entity_index.usable import why_unusable
from reward_service.core.matching.arrays import Positions
from reward_service.core.matching.compiled import CompiledQuestion, compile_question
from reward_service.core.matching.layout import GroupText
from reward_service.core.matching.scan import Spans, scan, spans_of
from reward_service.core.matching.spec import MatchSpec

# R: rollouts of the group · E: entities of the question

NEVER = int(np.iinfo(np.int64).max)
# Only spellings matter here: no question, no regions, nothing to mask, no misspellings.
SHOWN = MatchSpec(max_edits=0, mask_question=False, pasted_words=None, listed_mentions=None)
ALL_REQUIRED = "list"
"""The checker of a question whose answers are the items of one list."""


def first_shown_RE(read: GroupText, compiled: CompiledQuestion, named: Spans) -> Positions:
    """Return where in the folded text each entity first occurs in a tool response of the rollout; `NEVER` if it does not."""
    layout = read.layout
    segment, entity = read.folded.segment(named.start), compiled.index.entity[named.form]
    start = np.where(layout.is_thought[segment], NEVER, named.start)
    first_RE = np.full((len(read.rollouts), len(compiled.question.entities)), NEVER)
    np.minimum.at(first_RE, (layout.rollout[segment], entity), start)
    return first_RE


def _golds(answers: tuple[str, ...], checker: str | None) -> CompiledQuestion:
    """Return gold answers made ready to be looked for: one entity by all its names, or each item of a list as one."""
    if checker != ALL_REQUIRED:
        name, *others = [one for one in answers if why_unusable(one) is None] or [""]
        return compile_question(Question("", entities=(Entity(name, tuple(others)),)), SHOWN)
    return compile_question(Question("", entities=tuple(map(Entity, answers))), SHOWN)


def can_be_shown(question: Question) -> bool:
    """Return whether a page can show the answer: yes, no and single characters stand everywhere and show nothing."""
    golds = _golds(question.answers, question.checker)
    return golds.entities > 0 and not golds.unmatchable


def answer_shown(read: GroupText, question: Question) -> list[int | None]:
    """Return the segment of each rollout that first shows a gold answer; of a list, the one that shows the last item.

    Args:
        read: the rollouts.
        question: with an answer that can be shown.

    Returns:
        Positions in the rollouts' segments, `NEVER` if no tool response shows it; None if a rollout is too long or has too
        many hits to tell.
    """
    golds, text, layout = _golds(question.answers, question.checker), read.folded, read.layout
    hits, spent_R = scan(text, golds.index, layout.rollout, max_hits=SHOWN.max_hits)
    first_RE = first_shown_RE(read, golds, spans_of(text, golds.index, hits))
    first_R = first_RE[:, np.unique(golds.index.entity)].max(axis=1)
    unknown_R = read.too_long_R.copy()
    unknown_R[: len(spent_R)] |= spent_R
    is_shown = first_R < NEVER
    segment_R = np.where(is_shown, 0, NEVER)
    segment_R[is_shown] = layout.position[text.segment(first_R[is_shown])]
    rows = zip(segment_R.tolist(), unknown_R.tolist(), strict=True)
    return [None if unknown else segment for segment, unknown in rows]
