"""Estimators of the outcome: they ignore every shaped reward, so partial credit has no effect under them."""

from collections.abc import Sequence

from reward_service.core.types import Estimator, Outcome


def raft(_rewards: Sequence[float], _estimator: Estimator, outcome: Sequence[Outcome]) -> list[float]:
    """Imitate correct rollouts only: 1 if correct, else 0 (RAFT, arXiv:2504.11343; Minimal-RL)."""
    return [1.0 if one is Outcome.CORRECT else 0.0 for one in outcome]


def reinforce_rej(
    _rewards: Sequence[float], _estimator: Estimator, outcome: Sequence[Outcome]
) -> list[float]:
    """Return 1 if correct, else -1, and 0 in a group whose outcomes agree (Reinforce-Rej, arXiv:2504.11343; Minimal-RL).

    A lone rollout keeps its 1 or -1: there is no group that could agree.
    """
    correct = [one is Outcome.CORRECT for one in outcome]
    if len(correct) > 1 and len(set(correct)) == 1:
        return [0.0] * len(correct)
    return [1.0 if one else -1.0 for one in correct]


def disco_b(_rewards: Sequence[float], _estimator: Estimator, outcome: Sequence[Outcome]) -> list[float]:
    """Return 1/P for each of P correct rollouts and -1/N for each of the N others; 0 if either kind is missing.

    These are the gradients of DisCO-b's score term at the sampling policy (arXiv:2505.12366). Its other forms need current
    log-probabilities and belong in the trainer's loss.
    """
    right = sum(one is Outcome.CORRECT for one in outcome)
    wrong = len(outcome) - right
    if not right or not wrong:
        return [0.0] * len(outcome)
    return [1 / right if one is Outcome.CORRECT else -1 / wrong for one in outcome]
