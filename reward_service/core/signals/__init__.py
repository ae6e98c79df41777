"""Signals: numbers about one rollout that a reward can be built from.

A measured signal is a function in `SIGNALS` that reads the facts. Every other name is a signal that came with the rollout:
sent by the trainer, or given by a source of the service.

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

__all__ = ["RANGES", "SIGNALS", "Cell", "Share", "cell_of", "lacks", "ratio", "sent", "signals_of"]

SIGNALS: Mapping[str, Callable[[RolloutFacts], Cell | None]] = MappingProxyType(
    {"entity_match": entity_match, "entity_f": entity_f, "length": lambda facts: facts.length}
)

SENT_FIELDS = frozenset({"length"})
"""Measured signals that are a field the trainer may leave out."""

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("entity_match", "entity_f", "f1", "format_valid", "answer_seen", "answered"), (0.0, 1.0)
        ),
        **dict.fromkeys(("length", "tool_calls", "turns", "retrieved"), (0.0, inf)),
    }
)
"""The least and the greatest value of names with a fixed meaning; those of other signals are not known here."""


POSITIVES = "positives"
"""The normaliser of turns that reads the signal `MAX_TOTAL`."""
MAX_TOTAL = "max_total"


def sent(names: Iterable[str]) -> list[str]:
    """Return the names that are not measured here: their values must be sent with each rollout."""
    return [name for name in names if name not in SIGNALS or name in SENT_FIELDS]


def lacks(facts: RolloutFacts, name: str) -> bool:
    """Whether a rollout came without a signal that has to be sent."""
    return getattr(facts, name) is None if name in SENT_FIELDS else name not in facts.signals


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
        KeyError: the signal has to come with the rollout, and did not.
    """
    return SIGNALS[name](facts) if name in SIGNALS else facts.signals[name]
