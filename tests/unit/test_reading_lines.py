"""Reading a stream of lines lets the event loop go round, and ends where a body has nothing to say."""

import asyncio
from types import SimpleNamespace

import pytest

from reward_service.api.admission import Admission
from reward_service.api.cutting import Items, Lines
from reward_service.api.encodings import zstd
from reward_service.api.stream import read_groups
from reward_service.api.waiting_room import Sender
from reward_service.serve.config import Settings
from reward_service.serve.errors import BodyTooLarge, MalformedJson, SlowBody

MEBIBYTE = 1 << 20


class Body:
    """A request whose body has arrived already, on a clock that each chunk moves."""

    def __init__(self, *chunks, seconds_a_chunk=0.0, **headers):
        self.chunks, self.seconds, self.now, self.headers = chunks, seconds_a_chunk, 0.0, headers
        ticket = Admission(Settings()).enter(Sender(), declared=0)
        record = SimpleNamespace(timings=SimpleNamespace(clock=lambda: self.now))
        self.state = SimpleNamespace(ticket=ticket, record=record)

    async def stream(self):
        for chunk in self.chunks:
            self.now += self.seconds
            yield chunk


async def read(body, cutter=Lines, **limits):
    return [group async for group in read_groups(body, cutter(), Settings(**limits))]


async def rounds_of(reading):
    """How often the event loop goes round while something is read."""
    rounds = 0

    async def count():
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    try:
        await reading
    finally:
        counting.cancel()
    return rounds


async def test_the_loop_goes_round_for_each_line_that_is_there():
    assert await rounds_of(read(Body(b"1\n" * 500))) >= 500


async def test_the_loop_goes_round_for_each_piece_that_is_unpacked():
    body = Body(zstd.compress(bytes(8 * MEBIBYTE)), **{"content-encoding": "zstd"})

    assert await rounds_of(read(body)) >= 32


@pytest.mark.parametrize("size", [4 * MEBIBYTE, 64 * MEBIBYTE])
async def test_a_bomb_of_newlines_ends_after_so_many_blank_lines(size):
    body = Body(zstd.compress(b"\n" * size), **{"content-encoding": "zstd"})

    with pytest.raises(BodyTooLarge, match="1000 blank lines"):
        await read(body)


async def test_blank_lines_between_groups_are_no_groups():
    assert await read(Body(b"a\n\n  \nb\n", b"\nc")) == [b"a", b"b", b"c"]


async def test_lines_are_the_same_however_they_are_cut():
    text = b"one\ntwo\n\nthree"

    for at in range(len(text) + 1):
        assert await read(Body(text[:at], text[at:])) == [b"one", b"two", b"three"]


async def test_a_stream_unpacks_to_no_more_than_its_limit():
    with pytest.raises(BodyTooLarge, match="2000 bytes"):
        await read(Body(b"abc\n" * 600), max_stream_bytes=2000)


async def test_a_line_that_does_not_end_in_time_is_slow_whatever_comes_of_it():
    with pytest.raises(SlowBody):
        await read(Body(*[b" "] * 50, seconds_a_chunk=1.0), body_timeout_s=30)


async def test_lines_that_come_in_time_may_take_for_ever():
    assert len(await read(Body(*[b"1\n"] * 500, seconds_a_chunk=20.0), body_timeout_s=30)) == 500


async def test_what_is_read_is_given_back():
    body = Body(b"a\n\n  \nb\n", b"c\n")
    await read(body)
    body.state.ticket.release()

    assert body.state.ticket._used == 0


ARRAY = b' [ {"a": "],[\\\\\\"}"} ,[1, [2]], "\\\\", 3 ]\n'
ITEMS = [b'{"a": "],[\\\\\\"}"}', b"[1, [2]]", b'"\\\\"', b"3"]


async def test_items_are_the_same_however_they_are_cut():
    for at in range(len(ARRAY) + 1):
        found = await read(Body(ARRAY[:at], ARRAY[at:]), Items)
        assert [item.strip() for item in found] == ITEMS
    found = await read(Body(*(ARRAY[n : n + 1] for n in range(len(ARRAY)))), Items)
    assert [item.strip() for item in found] == ITEMS


@pytest.mark.parametrize("array", [b"[]", b" [ ] ", b"[\n\n]"])
async def test_an_empty_array_has_no_groups(array):
    assert await read(Body(array), Items) == []


@pytest.mark.parametrize(
    ("body", "problem", "before"),
    [
        (b"", "the body ends before", 0),
        (b"  ", "the body ends before", 0),
        (b'[{"a": 1}, {"b"', "the body ends before", 1),
        (b'["a', "the body ends before", 0),
        (b'{"groups": []}', "must be a JSON array", 0),
        (b"[1] [2]", "something behind the array", 1),
        (b"[1,,2]", "item of the array of groups is missing", 1),
        (b"[1, 2, ]", "item of the array of groups is missing", 2),
        (b"[,1]", "item of the array of groups is missing", 0),
    ],
)
async def test_what_is_no_array_is_refused_behind_the_groups_it_has(body, problem, before):
    reading = read_groups(Body(body), Items(), Settings())

    for _ in range(before):
        assert (await anext(reading)).strip()
    with pytest.raises(MalformedJson, match=problem):
        await anext(reading)


async def test_an_item_over_the_limit_ends_the_stream_and_what_comes_before_it_does_not():
    body = Body(b'["short", "' + b"x" * 40_000 + b'"]')
    reading = read_groups(body, Items(), Settings(max_body_bytes=20_000))

    assert await anext(reading) == b'"short"'
    with pytest.raises(BodyTooLarge, match="a group may have 20000 bytes"):
        await anext(reading)


async def test_the_loop_goes_round_in_a_flood_of_brackets():
    async def ends(body):
        with pytest.raises(MalformedJson, match="the body ends before"):
            await read(body, Items)

    assert await rounds_of(ends(Body(b"[" * MEBIBYTE))) >= 64
