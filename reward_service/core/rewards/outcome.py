"""Which outcome a rollout has.

The evidence is asked in this order:

1. a stop reason over a limit: error, and out of the loss;
2. the format: error;
3. the trainer's own verdict;
4. the profile's checker on the answer, which may leave it to a judge.

What the policy did wrong is an outcome. What cannot be decided (no verdict, no gold answer) is not: it stays unscored.
"""

from collections.abc import Callable
from typing import NamedTuple

from reward_service.core.types import Outcome, StopReason

OVER_A_LIMIT = frozenset({StopReason.MAX_TOKENS, StopReason.MAX_TURNS})


class Verdict(NamedTuple):
    """An outcome and where it came from."""

    outcome: Outcome | None
    """None if it cannot be decided."""
    detail: str | None = None
    overlength: bool = False
    flags: tuple[str, ...] = ()
    """Why an answer is wrong without being compared."""
    is_open: bool = False
    """Whether a judge has to decide."""


def judge(
    *,
    stop_reason: StopReason | None,
    format_error: str | None,
    supplied: Outcome | None,
    answer: str | None,
    decide: Callable[[str], Verdict] | None,
) -> Verdict:
    """Decide the outcome of one rollout.

    Args:
        stop_reason: why sampling ended; None is taken as completed.
        format_error: the grammar's verdict; None where the format holds.
        supplied: the trainer's verdict; None leaves it to the checker.
        answer: the final answer; None (there is none) is wrong.
        decide: the profile's checker, with the question's gold answers; None where there are none.
    """
    if stop_reason in OVER_A_LIMIT:
        return Verdict(Outcome.ERROR, f"overlength: {stop_reason}", overlength=True)
    if format_error is not None:
        return Verdict(Outcome.ERROR, f"format: {format_error}")
    if supplied is not None:
        return Verdict(supplied, "supplied as an error" if supplied is Outcome.ERROR else None)
    if decide is None:
        return Verdict(None, "no outcome was sent and the question has no gold answers")
    return Verdict(Outcome.WRONG) if answer is None else decide(answer)
