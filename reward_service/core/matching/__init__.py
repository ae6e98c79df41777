"""Finding a question's entities in the thoughts of its rollouts.

    values      MatchSpec, Matching: what goes in and what comes out
    compiled    compile_question: everything that does not depend on a rollout, cached
    substring   the paper's rule
    folded      ours: the steps below put together
    lexicon     facts about language, as tables
    numerals    numbers in words and Roman
    quantities  dates, years and amounts
    persons     the spellings of a person's name
    spellings   the rules that make one spelling of another
    languages   which language a name is written in
    inflection  words in their other forms
    forms       the spellings of an entity, with their guards
    index       the automaton of a question
    longer      names inside longer names
    eastern     rules for Arabic, Hebrew, Devanagari, Han, kana and Hangul
    arrays      the kinds of arrays
    characters  what one character becomes
    layout      the segments of a group in one buffer
    fold        text as folded bytes, with the way back
    scan        one pass: exact spans, candidate windows
    verify      the guarded fuzzy rule
    mentions    what a rollout names, right or wrong
    regions     what earns no credit: pasted, listed
    near        what came close, for explanations
    shown       what tool responses show

Only thoughts are searched. A match never crosses a segment. An entity counts once, with its best evidence.
"""

from collections.abc import Sequence
from dataclasses import replace

from entity_index.types import Question
from reward_service.core.matching.compiled import CompiledQuestion, compile_question
from reward_service.core.matching.folded import match_folded, mentions_of
from reward_service.core.matching.inflection import STEMMERS_VERSION
from reward_service.core.matching.layout import GroupText
from reward_service.core.matching.mentions import MentionNames
from reward_service.core.matching.shown import NEVER, answer_shown, can_be_shown
from reward_service.core.matching.spec import (
    FOLDED,
    MATCHER_VERSION,
    MATCHERS,
    REASONS,
    SUBSTRING,
    UNMATCHABLE,
    Matching,
    MatchSpec,
)
from reward_service.core.matching.substring import match_substrings, substrings_of
from reward_service.core.types import Match, Segment, SegmentKind

__all__ = [
    "FOLDED",
    "MATCHERS",
    "MATCHER_VERSION",
    "NEVER",
    "REASONS",
    "STEMMERS_VERSION",
    "UNMATCHABLE",
    "CompiledQuestion",
    "GroupText",
    "MatchSpec",
    "Matching",
    "MentionNames",
    "all_mentions",
    "answer_shown",
    "can_be_shown",
    "compile_question",
    "match_group",
]


def match_group(
    rollouts: Sequence[Sequence[Segment]] | GroupText,
    compiled: CompiledQuestion,
    *,
    explain: bool = False,
    nearest: bool = True,
    names: MentionNames | None = None,
) -> list[Matching]:
    """Match the rollouts of a group, one result each, in order; each equal to matching that rollout alone.

    Args:
        rollouts: the segments of each rollout, in order; or a group's text, so that it is folded once for several purposes.
        compiled: the question under the profile's spec.
        explain: also return evidence: spans, forms, near misses.
        nearest: with `explain`, also look for near misses, which takes longer than the matching itself.
        names: the names of the pinned data set, to count mentions against; None counts capitalised runs instead.
    """
    read = rollouts if isinstance(rollouts, GroupText) else GroupText(rollouts, compiled.spec.max_chars)
    if compiled.spec.kind == SUBSTRING:
        return [match_substrings(rollout, compiled.question, explain=explain) for rollout in read.rollouts]
    return match_folded(read, compiled, explain=explain, nearest=nearest, names=names)


def all_mentions(rollout: Sequence[Segment], question: Question, spec: MatchSpec) -> list[Match]:
    """Return every place where a rollout names an entity, by any author, whether or not it earns anything.

    Entities that a profile masks are among them. The folded rule's fuzzy matches are not: `match_group` has the best of them.

    Args:
        rollout: its segments, in order.
        question: the ground truth.
        spec: how entities are found.
    """
    if spec.kind == SUBSTRING:
        return substrings_of(rollout, question)
    read = [
        one if one.kind is SegmentKind.THOUGHT else Segment(SegmentKind.TOOL_RESPONSE, one.text)
        for one in rollout
    ]
    return mentions_of(
        read, compile_question(question, replace(spec, mask_question=False, mask_answers=False))
    )
