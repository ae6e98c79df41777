"""Reading a stream of lines lets the event loop go round, and ends where a body has nothing to say."""

import asyncio
from types import SimpleNamespace

import pytest

from reward_service.api.admission import Admission
from reward_service.api.encodings import zstd
from reward_service.api.stream import read_lines
from reward_service.api.waiting_room import Sender
from reward_service.serve.config import Settings
from reward_service.serve.errors import BodyTooLarge, SlowBody

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


async def read(body, **limits):
    return [line async for line in read_lines(body, Settings(**limits))]


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
