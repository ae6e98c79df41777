"""When a request is repeated: conversations driven by hand, with a clock that stands where the test puts it."""

import pytest

from reward_service.client.errors import Unreachable
from reward_service.client.exchange import Broken, Patience, Pause, Reply, Request, RetryContext, persist

ASKED = Request("POST", "/x", b"{}")


class ManualClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def talk(answers, *, patience=None, draw=0.5, took_s=0.0):
    """Give these answers to a conversation; returns its result and the pauses it made."""
    patience = patience or Patience(deadline_s=100.0, attempt_s=10.0)
    clock, pauses, timeouts = ManualClock(), [], []
    conversation = persist(ASKED, RetryContext(patience, clock, lambda: draw), until=patience.deadline_s)
    script, heard = iter(answers), None
    while True:
        try:
            step = conversation.send(heard)
        except StopIteration as done:
            return done.value, pauses, timeouts
        if isinstance(step, Pause):
            pauses.append(step.seconds)
            clock.now += step.seconds
            heard = None
        else:
            timeouts.append(step.timeout_s)
            clock.now += took_s
            heard = next(script)


@pytest.mark.parametrize("status", [200, 202, 400, 404, 409, 413, 422, 500])
def test_what_the_service_has_decided_is_not_asked_again(status):
    reply, pauses, _ = talk([Reply(status, b"")])

    assert (reply.status, pauses) == (status, [])


def test_a_spent_budget_is_not_asked_again():
    spent = Reply(429, b'{"type": "urn:reward-service:judge-budget"}')

    assert talk([spent])[:2] == (spent, [])


@pytest.mark.parametrize("answer", [*(Reply(n, b"") for n in (429, 502, 503, 504)), Broken("reset")])
def test_later_and_silence_are_asked_again(answer):
    reply, pauses, _ = talk([answer, answer, Reply(200, b"ok")])

    assert reply.body == b"ok"
    assert pauses == [0.125, 0.25]


def test_pauses_are_drawn_from_zero_to_a_bound_that_doubles_up_to_a_limit():
    patience = Patience(deadline_s=1e6, first_pause_s=1.0, longest_pause_s=5.0)
    answers = [Broken("reset")] * 5 + [Reply(200, b"")]

    assert talk(answers, patience=patience, draw=0.0)[1] == [0.0] * 5
    assert talk(answers, patience=patience, draw=1.0)[1] == [1.0, 2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("header", "asked"),
    [("3", 3.0), (None, 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("-1", 0.0), ("²", 0.0)],
)
def test_the_service_may_ask_for_a_pause(header, asked):
    _, (pause,), _ = talk([Reply(503, b"", header), Reply(200, b"")])

    assert pause == asked + 0.125


def test_it_gives_up_when_there_is_no_time_for_another_try():
    with pytest.raises(Unreachable, match="gave up after 1 tries: status 503"):
        talk([Reply(503, b"", "100")])
    with pytest.raises(Unreachable, match="gave up after 10 tries: reset"):
        talk([Broken("reset")] * 99, draw=0.0, took_s=10.0)


def test_no_try_takes_longer_than_the_deadline_leaves():
    _, _, timeouts = talk([Broken("slow")] * 2 + [Reply(200, b"")], draw=0.0, took_s=45.0)

    assert timeouts == [10.0, 10.0, 10.0]
    _, _, timeouts = talk([Broken("slow"), Reply(200, b"")], draw=0.0, took_s=96.0)
    assert timeouts == [10.0, 4.0]


def test_giving_up_says_why_the_service_did_not_answer():
    busy = Reply(503, b'{"title": "The service is at capacity.", "detail": "the queue is full"}', "100")

    with pytest.raises(Unreachable, match=r"status 503 The service is at capacity\. the queue is full$"):
        talk([busy])
    with pytest.raises(Unreachable, match=r"status 502 The call was refused before it reached the service\."):
        talk([Reply(502, b"<html>Bad Gateway</html>", "100")])


def test_a_long_wait_is_told_after_half_a_minute_and_whenever_it_has_doubled(caplog):
    patience = Patience(deadline_s=1e6, attempt_s=10.0)

    talk([Broken("refused")] * 25 + [Reply(200, b"")], patience=patience, draw=0.0, took_s=10.0)

    assert [one.getMessage() for one in caplog.records] == [
        f"no answer after {tries} tries, trying again: refused" for tries in (3, 6, 12, 24)
    ]


def test_a_short_wait_is_not_told(caplog):
    talk([Broken("refused")] * 5 + [Reply(200, b"")], draw=0.0)

    assert not caplog.records
