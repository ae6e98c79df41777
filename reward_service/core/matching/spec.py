"""What a profile says about matching, and what matching says about a rollout.

Counts are integers. `matched` plus all of `uncredited` never exceeds `entities`.
Two rollouts with the same thoughts and tool responses have the same `Matching`, in whatever group they stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.types import Match, NearMiss

MATCHER_VERSION = 5

SUBSTRING = "substring"
FOLDED = "folded"
MATCHERS = (SUBSTRING, FOLDED)

PASTED = "pasted"
LISTED = "listed"
UNGROUNDED = "ungrounded"
PRECISION = "precision"
REASONS = (PASTED, LISTED, UNGROUNDED, PRECISION)

OBSERVATIONS_ABSENT = "observations_absent"
UNMATCHABLE = "unmatchable_entities"
PRECISION_UNCHECKED = "precision_unchecked"


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """How an entity is found and what earns no credit; the defaults are the profile `egrpo`.

    The kind `substring` (the paper's, profile `egrpo-paper`) has no parameters: everything below is ignored.
    """

    kind: str = FOLDED
    """`substring` or `folded`."""
    max_edits: int = 3
    """Most edits a fuzzy match may have, in [0, 3]; 0 leaves exact forms only."""
    mask_question: bool = True
    """Entities that the question names leave E_q."""
    mask_answers: bool = False
    """Entities that equal a gold answer leave E_q."""
    pasted_words: int | None = 12
    """Spans with this many words more around them, copied from an earlier tool response, earn nothing; None credits them."""
    listed_mentions: int | None = 20
    """Spans inside a window of `listed_words` words with more distinct mentions earn nothing; None credits them."""
    listed_words: int = 60
    """Words of thought text looked at together for `listed_mentions`."""
    grounded: bool = False
    """Only entities that appear in an earlier tool response earn credit, where tool responses were sent."""
    precision_floor: float | None = None
    """Below this precision nothing is credited; needs the data set's names. None has no floor."""
    max_chars: int = 4_000_000
    """A rollout with more characters of thoughts and tool responses is too costly."""
    max_hits: int = 250_000
    """A rollout with more raw hits of the scan is too costly."""

    def __post_init__(self) -> None:
        """Check names and ranges once."""
        if self.kind not in MATCHERS:
            raise ValueError(f"kind must be one of {', '.join(MATCHERS)}, got {self.kind!r}")
        if not 0 <= self.max_edits <= 3:
            raise ValueError(f"max_edits must be in [0, 3], got {self.max_edits}")
        if self.pasted_words is not None and self.pasted_words < 4:
            raise ValueError(f"pasted_words must be at least 4, got {self.pasted_words}")
        if self.listed_mentions is not None and self.listed_mentions < 1:
            raise ValueError(f"listed_mentions must be at least 1, got {self.listed_mentions}")
        if self.precision_floor is not None and not 0 <= self.precision_floor <= 1:
            raise ValueError(f"precision_floor must be in [0, 1], got {self.precision_floor}")


class Matching(NamedTuple):
    """What matching found in one rollout; a named tuple, as there is one a rollout."""

    entities: int
    """m = |E_q| after masking; the same for every rollout of a question."""
    matched: int = 0
    """Distinct entities that earn credit."""
    named: tuple[tuple[int, int], ...] = ()
    """Where entities are named with credit: positions of a segment and of an entity, each pair once, ascending."""
    matches: tuple[Match, ...] = ()
    """The best credited evidence of each matched entity, in entity order; empty unless explained."""
    masked: tuple[int, ...] = ()
    """Positions of the question's entities that left E_q."""
    uncredited: Mapping[str, int] = MappingProxyType({})
    """Distinct entities that were named but earn nothing, by the reason of their best span; zero counts are left out."""
    uncredited_matches: tuple[Match, ...] = ()
    """The best evidence of those, in entity order; empty unless explained."""
    reasons: tuple[str, ...] = ()
    """Why each of `uncredited_matches` earns nothing, one of `REASONS`."""
    grounded: int = 0
    """Matched entities that appear in a tool response before the thought that names them."""
    early: int = 0
    """Matched entities that a thought names before any tool response shows them."""
    mentions: int = 0
    """Distinct entity-like mentions in the thoughts; the data set's names where they are given, else capitalised runs."""
    flags: tuple[str, ...] = ()
    """What could not be checked or looked for: `observations_absent`, `precision_unchecked`, `unmatchable_entities`."""
    near_misses: tuple[NearMiss, ...] = ()
    """One per entity that was not named, where anything came close; empty unless explained."""
    too_costly: bool = False
    """The work budget was spent: every count here is void and the rollout has no score."""
