"""Which outcome a rollout has, in which order of evidence."""

import pytest

from reward_service.core.rewards.outcome import Verdict, judge
from reward_service.core.types import Outcome, StopReason


def verdict(**given) -> Verdict:
    evidence = {
        "stop_reason": None,
        "format_error": None,
        "supplied": None,
        "answer": "Paris",
        "decide": lambda answer: Verdict(Outcome.CORRECT if answer == "Paris" else Outcome.WRONG),
    }
    return judge(**(evidence | given))


@pytest.mark.parametrize("stop_reason", [StopReason.MAX_TOKENS, StopReason.MAX_TURNS])
def test_overlength_comes_before_everything(stop_reason):
    one = verdict(stop_reason=stop_reason, format_error="unfinished", supplied=Outcome.CORRECT)

    assert (one.outcome, one.overlength, one.detail) == (Outcome.ERROR, True, f"overlength: {stop_reason}")


def test_a_format_error_beats_a_correct_answer():
    one = verdict(format_error="unfinished answer tag", supplied=Outcome.CORRECT)

    assert (one.outcome, one.overlength) == (Outcome.ERROR, False)
    assert one.detail == "format: unfinished answer tag"


def test_the_trainers_verdict_beats_the_checker():
    assert verdict(supplied=Outcome.WRONG).outcome is Outcome.WRONG
    assert verdict(supplied=Outcome.ERROR) == Verdict(Outcome.ERROR, "supplied as an error")


def test_the_checker_decides_what_nobody_said():
    assert verdict().outcome is Outcome.CORRECT
    assert verdict(answer="Rome", stop_reason=StopReason.COMPLETED).outcome is Outcome.WRONG
    assert verdict(answer=None).outcome is Outcome.WRONG


def test_without_verdict_and_gold_nobody_can_tell():
    one = verdict(decide=None)

    assert one.outcome is None
    assert one.detail is not None
