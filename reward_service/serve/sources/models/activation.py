"""From the numbers that a model ends with to scores."""

from collections.abc import Sequence
from math import exp, fsum


def probabilities(logits: Sequence[float]) -> list[float]:
    """Return the softmax of several numbers, or the logistic function of one, each in [0, 1].

    Both as text-embeddings-inference and vLLM compute them by default.

    >>> probabilities([0.0, 0.0])
    [0.5, 0.5]
    >>> probabilities([0.0])
    [0.5]
    """
    if len(logits) == 1:
        return [_logistic(logits[0])]
    most = max(logits)
    parts = [exp(logit - most) for logit in logits]
    whole = fsum(parts)
    return [part / whole for part in parts]


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
