"""Signals: numbers about one rollout that a reward can be built from.

A measured signal is a function in `SIGNALS` that reads the facts. Every other name is a signal that came with the rollout:
sent by the trainer, or given by a source of the service.

- `cells`: the value of a signal for one rollout
- `entity_match`: distinct ground-truth entities named in thoughts (E-GRPO)
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from reward_service.core.signals.cells import Cell, Share, ratio
from reward_service.core.signals.entity_match import entity_match
from reward_service.core.types import RolloutFacts

__all__ = ["SIGNALS", "Cell", "Share", "cell_of", "ratio", "sent"]

SIGNALS: Mapping[str, Callable[[RolloutFacts], Cell | None]] = MappingProxyType(
    {"entity_match": entity_match}
)


def sent(names: Iterable[str]) -> list[str]:
    """Return the names that are not measured here: their values must be sent with each rollout."""
    return [name for name in names if name not in SIGNALS]


def cell_of(name: str, facts: RolloutFacts) -> Cell | None:
    """Return the value of a signal for one rollout; None if the question has no such quantity.

    Raises:
        KeyError: the signal has to come with the rollout, and did not.
    """
    return SIGNALS[name](facts) if name in SIGNALS else facts.signals[name]
