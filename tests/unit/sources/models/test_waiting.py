"""Shapes of batches, and what of all that waits is computed next."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.serve.sources.models.activation import probabilities
from reward_service.serve.sources.models.shapes import BatchShape, bucket_of, fitted, halved, shapes_of
from reward_service.serve.sources.models.waiting import BucketLines, Entry

SHAPES = shapes_of((32, 64, 128), rows=8, max_tokens=512)
LATER = 100.0


def entry(name, tokens, until=LATER):
    return Entry(name, tokens, bucket_of(tokens, SHAPES), until)


def lines(*entries, max_tokens=10_000):
    waiting = BucketLines(SHAPES, max_tokens=max_tokens)
    assert all(waiting.add(one) for one in entries)
    return waiting


def names(entries):
    return [one.what for one in entries]


def test_a_bucket_has_as_many_rows_as_fit_and_no_more_than_are_allowed():
    assert list(SHAPES) == [(8, 32), (8, 64), (4, 128)]
    assert [shape.tokens for shape in SHAPES] == [256, 512, 512]


@pytest.mark.parametrize(("tokens", "bucket"), [(1, 0), (32, 0), (33, 1), (64, 1), (128, 2), (129, None)])
def test_the_bucket_of_a_text_is_the_first_that_it_fits(tokens, bucket):
    assert bucket_of(tokens, SHAPES) == bucket


def test_a_batch_that_does_not_fit_is_halved_down_to_one_row():
    assert halved(BatchShape(8, 64)) == (4, 64)
    assert halved(BatchShape(3, 64)) == (1, 64)
    assert halved(BatchShape(1, 64)) == (1, 64)
    assert fitted([3, 9, 5]) == (3, 9)


def test_the_oldest_text_picks_the_bucket():
    waiting = lines(entry("a", 100), entry("b", 10), entry("c", 120), entry("d", 12))

    assert names(waiting.take(0.0).batch) == ["a", "c"]
    assert names(waiting.take(0.0).batch) == ["b", "d"]
    assert waiting.take(0.0) is None


def test_a_long_text_at_the_head_keeps_nobody_waiting_for_ever():
    waiting = lines(entry("long", 128), *(entry(f"short{n}", 10) for n in range(20)))

    taken = [names(waiting.take(0.0).batch) for _ in range(4)]

    assert taken[0] == ["long"]
    assert [len(one) for one in taken[1:]] == [8, 8, 4]


def test_short_texts_that_keep_coming_keep_no_long_one_waiting():
    waiting = lines(*(entry(f"early{n}", 10) for n in range(8)), entry("long", 128))
    served = []
    for n in range(3):
        served.append(names(waiting.take(0.0).batch))
        for k in range(8):
            waiting.add(entry(f"late{n}{k}", 10))

    assert served[1] == ["long"]


def test_what_nobody_waits_for_is_dropped_before_it_is_computed():
    left, over = entry("left", 10), entry("over", 10, until=5.0)
    waiting = lines(left, entry("a", 10), over, entry("b", 10))
    left.is_left = True

    taken = waiting.take(5.0)

    assert names(taken.batch) == ["a", "b"]
    assert names(taken.dropped) == ["left", "over"]
    assert (len(waiting), waiting.tokens) == (0, 0)


def test_nothing_but_left_texts_is_an_empty_batch():
    left = entry("left", 10)
    waiting = lines(left)
    left.is_left = True

    assert names(waiting.take(0.0).dropped) == ["left"]
    assert waiting.take(0.0) is None


def test_what_does_not_fit_is_refused_and_the_first_always_fits():
    waiting = lines(entry("a", 60), max_tokens=100)

    assert not waiting.add(entry("b", 60))
    assert waiting.add(entry("c", 40))
    assert names(waiting.clear()) == ["a", "c"]
    assert waiting.tokens == 0
    assert BucketLines(SHAPES, max_tokens=1).add(entry("d", 60))


@given(st.lists(st.integers(1, 128), max_size=60))
def test_every_text_is_computed_once_in_its_own_shape_within_the_budget(lengths):
    waiting = lines(*(entry(n, tokens) for n, tokens in enumerate(lengths)))
    seen = []
    while taken := waiting.take(0.0):
        shape = SHAPES[taken.bucket]
        assert len(taken.batch) <= shape.rows
        assert all(bucket_of(one.tokens, SHAPES) == taken.bucket for one in taken.batch)
        assert shape.tokens <= 512
        seen += names(taken.batch)

    assert sorted(seen) == list(range(len(lengths)))


def test_probabilities_are_those_of_a_softmax_or_of_one_logistic_function():
    assert probabilities([1000.0, 1000.0]) == [0.5, 0.5]
    assert probabilities([2.0]) == [1 / (1 + math.exp(-2.0))]
    assert probabilities([-1000.0]) == [0.0]
    assert math.fsum(probabilities([0.3, -1.2, 4.0])) == pytest.approx(1.0)
