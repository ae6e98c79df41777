"""What holds asks back: breaker, rates, budgets; by a clock that tests move."""

import pytest

from reward_service.serve.errors import JudgeBudget
from reward_service.serve.sources.breaker import OPEN_S, WINDOW_S, Breaker
from reward_service.serve.sources.budgets import Budgets, Limit, Spent
from reward_service.serve.sources.rates import Rate


def called(breaker, outcomes, at=0.0):
    for failed in outcomes:
        breaker.begin()
        breaker.end(at, failed=failed)
    return breaker


def test_half_of_ten_failures_open_the_breaker():
    breaker = called(Breaker(), [True, False] * 5)

    assert breaker.closed_in_s(0.0) == OPEN_S
    assert breaker.closed_in_s(OPEN_S) == 0.0


@pytest.mark.parametrize("outcomes", [[True] * 9, [True] * 4 + [False] * 6, []])
def test_fewer_calls_or_failures_do_not(outcomes):
    assert not called(Breaker(), outcomes).is_open


def test_old_failures_do_not_count():
    breaker = called(called(Breaker(), [True] * 9), [True], at=WINDOW_S + 1)

    assert not breaker.is_open


def test_one_call_tries_an_open_backend_while_others_are_held_back():
    breaker = called(Breaker(), [True] * 10)
    breaker.begin()

    assert breaker.closed_in_s(OPEN_S) == 1.0


@pytest.mark.parametrize(("failed", "wait_s"), [(True, OPEN_S), (False, 0.0)])
def test_the_call_that_tries_decides(failed, wait_s):
    breaker = called(Breaker(), [True] * 10)

    called(breaker, [failed], at=20.0)

    assert breaker.closed_in_s(20.0) == wait_s


def test_a_rate_lets_a_minutes_worth_through_at_once():
    rate = Rate(60, now=0.0)
    rate.take(60, 0.0)

    assert rate.wait_s(1, 0.0) == 1.0
    assert rate.wait_s(30, 10.0) == 20.0
    assert rate.wait_s(30, 30.0) == 0.0


def test_what_was_not_used_is_given_back():
    rate = Rate(60, now=0.0)
    rate.take(60, 0.0)
    rate.take(-60, 0.0)

    assert rate.wait_s(60, 0.0) == 0.0


def test_more_than_a_minutes_worth_waits_for_a_full_bucket():
    rate = Rate(60, now=0.0)
    rate.take(30, 0.0)

    assert rate.wait_s(1000, 0.0) == 30.0


def test_without_a_limit_nothing_waits():
    rate = Rate(None, now=0.0)
    rate.take(1e9, 0.0)

    assert rate.wait_s(1e9, 0.0) == 0.0


async def test_a_budget_is_a_runs_own():
    budgets = Budgets(calls=2, tokens=None)
    await budgets.take("a", Spent(2, 10**9))
    await budgets.take("b", Spent(2, 0))

    with pytest.raises(JudgeBudget, match="may use 2 calls"):
        await budgets.take("a", Spent(1, 0))


async def test_what_is_refused_is_not_taken():
    budgets = Budgets(calls=10, tokens=100)

    for _ in range(3):
        with pytest.raises(JudgeBudget, match="may use 100 tokens"):
            await budgets.take("a", Spent(4, 101))

    await budgets.take("a", Spent(10, 100))


async def test_a_run_may_have_limits_of_its_own():
    budgets = Budgets(calls=None, tokens=None)
    await budgets.take("a", Spent(1, 5), Limit(calls=1))

    with pytest.raises(JudgeBudget, match="may use 1 calls"):
        await budgets.take("a", Spent(1, 0), Limit(calls=1))


async def test_a_budget_is_corrected_by_what_was_spent():
    budgets = Budgets(calls=10, tokens=100)
    await budgets.take("a", Spent(1, 100))
    await budgets.correct("a", Spent(0, -60))

    await budgets.take("a", Spent(1, 60))
