"""Signals: numbers about one rollout that a reward can be built from.

A signal that is counted from the facts is a function in `SIGNALS`. A name in `MEASURED` is measured from the text with the
facts, unless the rollout brings its own number. Every other name has to come with the rollout: sent by the trainer, or given
by a source or a plug-in of the service.

- `cells`: the value of a signal for one rollout
- `entity_match`: distinct ground-truth entities named in thoughts (E-GRPO)
- `entity_f`: soft F-score over entities (WebLeaper)
- `length`: tokens that the policy wrote, sent in a field of its own
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf
from types import MappingProxyType

from reward_service.core.signals.cells import Cell, Share, ratio
from reward_service.core.signals.entity_f import entity_f
from reward_service.core.signals.entity_match import entity_match
from reward_service.core.types import RewardSpec, RolloutFacts

__all__ = [
    "MEASURED",
    "RANGES",
    "SIGNALS",
    "Cell",
    "Share",
    "can_lack",
    "cell_of",
    "lacks",
    "ratio",
    "sent",
    "signals_of",
]

SIGNALS: Mapping[str, Callable[[RolloutFacts], Cell | None]] = MappingProxyType(
    {"entity_match": entity_match, "entity_f": entity_f, "length": lambda facts: facts.length}
)

MEASURED: Mapping[str, str] = MappingProxyType(
    {
        "f1": "best word F1 of the answer with a gold answer, as SQuAD measures it, in [0, 1]",
        "format_valid": "1 if the grammar `balanced` finds no format error, else 0",
        "answered": "1 if there is an answer, else 0",
        "answer_seen": "1 if a tool response contains a gold answer, else 0",
        "named_before_seen": "credited entities that a thought named before a tool response showed them",
        "retrieved": "tool responses that say anything",
        "tool_calls": "tool calls, without one that is the answer",
        "turns": "turns of the policy",
    }
)
"""Signals that `core.measured` measures from the text, and what each is."""

SENT_FIELDS = frozenset({"length"})
"""Measured signals that are a field the trainer may leave out."""

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("entity_match", "entity_f", "f1", "format_valid", "answer_seen", "answered"), (0.0, 1.0)
        ),
        **dict.fromkeys(("length", "tool_calls", "turns", "retrieved", "named_before_seen"), (0.0, inf)),
    }
)
"""The least and the greatest value of names with a fixed meaning; those of other signals are not known here."""


POSITIVES = "positives"
"""The normaliser of turns that reads the signal `MAX_TOTAL`."""
MAX_TOTAL = "max_total"


def can_lack(name: str) -> bool:
    """Whether a rollout can be without a signal: not if it is counted from facts that always exist."""
    return name in SENT_FIELDS or name not in SIGNALS


def sent(names: Iterable[str]) -> list[str]:
    """Return the names that are neither counted nor measured here: their values must come with each rollout."""
    return [name for name in names if can_lack(name) and name not in MEASURED]


def lacks(facts: RolloutFacts, name: str) -> bool:
    """Whether a rollout has no value of a signal that it can lack, neither sent nor measured."""
    if name in SENT_FIELDS:
        return getattr(facts, name) is None
    return name not in facts.signals and name not in facts.measured


def signals_of(spec: RewardSpec) -> list[str]:
    """Return the names of all signals that a reward reads, each once: those of the terms, then those of gates.

    Signals of turns are not among them (`by_turn`).
    """
    names = [term.signal for term in spec.terms]
    names += [gate.signal for term in (*spec.terms, *spec.turn_terms) for gate in term.gates]
    names += [MAX_TOTAL for term in spec.turn_terms if POSITIVES in term.normalizers]
    return list(dict.fromkeys(names))


def cell_of(name: str, facts: RolloutFacts) -> Cell | None:
    """Return the value of a signal for one rollout; None if the question has no such quantity.

    Raises:
        KeyError: the rollout lacks it.
    """
    if name in SIGNALS:
        return SIGNALS[name](facts)
    return facts.signals[name] if name in facts.signals else facts.measured[name]
