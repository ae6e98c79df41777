"""A question made ready for matching: everything that does not depend on a rollout, computed once and cached.

E_q is a set: an entity whose name is that of an earlier one is the same entity, and is counted once. An entity without a form
that can be looked for leaves E_q, as no rollout could name it, and affects nothing else. By the spec, entities that the question names or that
equal an answer leave it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached

from entity_index.spelling import folded
from entity_index.types import Question
from entity_index.usable import identity
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.forms import Form, Guard, derive
from reward_service.core.matching.index import Index, Role, possible_in
from reward_service.core.matching.longer import NEVER
from reward_service.core.matching.scan import (
    candidates,
    exact_spans,
    expanded_spans,
    inflected_spans,
    scan,
)
from reward_service.core.matching.spec import SUBSTRING, MatchSpec
from reward_service.core.matching.substring import distinct_names
from reward_service.core.matching.verify import fuzzy_spans

KEPT_BYTES = 96 << 20  # of compiled questions; one with 12 entities and their aliases has about 420 KiB
BYTES_OF_NAME, BYTES_OF_CHAR = 200, 4
UNLIMITED = 1 << 62  # hits; a question is short


@dataclass(frozen=True, slots=True)
class CompiledQuestion:
    """A question under one spec."""

    question: Question
    spec: MatchSpec
    entities: int
    """m = |E_q| after masking."""
    index: Index
    """The forms of E_q; empty for the paper's rule, which has none."""
    masked: tuple[int, ...] = ()
    """Positions of the entities that left E_q because the question names them or they equal an answer."""
    unmatchable: tuple[int, ...] = ()
    """Positions of the entities that left E_q because they have no form to look for."""

    @property
    def weight(self) -> int:
        """About how many bytes it holds."""
        asked = self.question
        names = [name for entity in asked.entities for name in (entity.name, *entity.aliases)]
        chars = len(asked.text) + sum(map(len, (*asked.answers, *names)))
        return self.index.weight + BYTES_OF_NAME * len(names) + BYTES_OF_CHAR * chars


def echoed_by(text: str, forms: Sequence[Form], *, max_edits: int) -> set[int]:
    """Return the entities that a thought could name by repeating a text, in whatever case.

    Everything that matching accepts, and more: guards keep credit from chance, never an entity from the mask.
    """
    folded = FoldedText([text])
    possible = possible_in(folded.data, forms, max_edits=max_edits)
    if not possible:
        return set()
    index = Index(
        [form._replace(guard=Guard.NONE, continued=NEVER, place="") for form in possible],
        max_edits=max_edits,
    )
    hits, _ = scan(folded, index, np.zeros(1, dtype=np.int64), max_hits=UNLIMITED)
    spans = (
        exact_spans(folded, index, hits),
        expanded_spans(folded, index, hits, any_case=True),
        inflected_spans(folded, index, hits, any_case=True),
        fuzzy_spans(folded, index, candidates(folded, index, hits[Role.PIECE])),
    )
    return {int(entity) for found in spans for entity in np.unique(index.entity[found.form])}


def equal_to(answers: Sequence[str], forms: Sequence[Form]) -> set[int]:
    """Return the entities of which a form is one of the answers."""
    texts = {folded(answer) for answer in answers}
    return {form.entity for form in forms if form.folded in texts}


def _repeated(question: Question, usable: set[int]) -> set[int]:
    """Return the usable entities whose name is that of an earlier usable one."""
    first: dict[str, int] = {}
    names = [identity(entity.name) for entity in question.entities]
    return {position for position in sorted(usable) if first.setdefault(names[position], position) < position}


@cached(LRUCache(KEPT_BYTES, getsizeof=attrgetter("weight")), lock=Lock(), info=True)
def compile_question(question: Question, spec: MatchSpec) -> CompiledQuestion:
    """Derive forms, mask, and build the automaton of a question. Pure, and cached by value."""
    if spec.kind == SUBSTRING:
        return CompiledQuestion(question, spec, len(distinct_names(question)), Index((), max_edits=0))
    derived = derive(question)
    usable = {form.entity for form in derived}
    known = usable - _repeated(question, usable)
    forms = [form for form in derived if form.entity in known]
    masked = echoed_by(question.text, forms, max_edits=spec.max_edits) if spec.mask_question else set()
    masked |= equal_to(question.answers, forms) if spec.mask_answers else set()
    index = Index([form for form in forms if form.entity not in masked], max_edits=spec.max_edits)
    unmatchable = tuple(sorted(set(range(len(question.entities))) - usable))
    return CompiledQuestion(question, spec, len(known - masked), index, tuple(sorted(masked)), unmatchable)
