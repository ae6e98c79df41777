"""Compressed bodies."""

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.api.encodings import MAX_WINDOW_LOG, PIECE, decoder_for, zstd
from reward_service.serve.errors import MalformedEncoding, UnsupportedEncoding

PACK = {"gzip": gzip.compress, "zstd": zstd.compress}


def unpack(encoding, data, step=1000):
    decoder = decoder_for(encoding)
    pieces = [piece for at in range(0, len(data), step) for piece in decoder.feed(data[at : at + step])]
    decoder.finish()
    assert all(0 < len(piece) <= PIECE for piece in pieces) or encoding == "identity"
    return b"".join(pieces)


@pytest.mark.parametrize("encoding", PACK)
@given(parts=st.lists(st.binary(max_size=3000), min_size=1, max_size=3), step=st.integers(1, 500))
def test_what_was_packed_comes_out(encoding, parts, step):
    data = b"".join(PACK[encoding](part) for part in parts)

    assert unpack(encoding, data, step) == b"".join(parts)


@pytest.mark.parametrize("encoding", PACK)
@given(data=st.binary(max_size=300), cut=st.integers(0, 300), at=st.integers(0, 300), bit=st.integers(0, 7))
def test_damage_is_refused_or_harmless_and_never_another_error(encoding, data, cut, at, bit):
    packed = bytearray(PACK[encoding](data))[:cut]
    if at < len(packed):
        packed[at] ^= 1 << bit
    with suppress(MalformedEncoding):
        unpack(encoding, bytes(packed))


@pytest.mark.parametrize("encoding", PACK)
def test_a_bomb_is_unpacked_piece_by_piece(encoding):
    packed = PACK[encoding](bytes(200_000_000))
    decoder = decoder_for(encoding)

    first = next(iter(decoder.feed(packed)))

    assert len(first) <= PIECE


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("spoil", [lambda d: d[:-1], lambda d: d + b"x", lambda d: d[:0], lambda d: b"x" + d])
def test_cut_off_and_trailing_bytes_are_refused(encoding, spoil):
    with pytest.raises(MalformedEncoding):
        unpack(encoding, spoil(PACK[encoding](b"hello")))


def test_a_large_window_is_refused():
    options = {zstd.CompressionParameter.window_log: MAX_WINDOW_LOG + 2}
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(bytes(40_000_000)) + compressor.flush()

    with pytest.raises(MalformedEncoding):
        unpack("zstd", packed)


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, zstd", "gzip,gzip"])
def test_other_encodings_are_refused(name):
    with pytest.raises(UnsupportedEncoding):
        decoder_for(name)


def test_raw_deflate_is_not_gzip():
    with pytest.raises(MalformedEncoding):
        unpack("gzip", zlib.compress(b"hello"))


@pytest.mark.parametrize("encoding", PACK)
def test_a_chunk_of_empty_members_is_refused(encoding):
    with pytest.raises(MalformedEncoding, match="empty"):
        unpack(encoding, PACK[encoding](b"") * 200, step=100_000)


@pytest.mark.parametrize("encoding", PACK)
def test_an_empty_member_at_the_end_of_each_file_is_no_attack(encoding):
    data = (PACK[encoding](b"x") + PACK[encoding](b"")) * 200

    assert unpack(encoding, data, step=100_000) == b"x" * 200
