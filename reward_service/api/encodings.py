"""Compressed bodies, unpacked piece by piece so that a bomb is cut off after the limit and not after memory."""

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from reward_service.serve.errors import MalformedEncoding, UnsupportedEncoding

PIECE = 256 * 1024  # unpacked at a time
# 8 MiB is what RFC 9659 asks a receiver to take for Content-Encoding zstd; a larger window is memory the sender chooses.
MAX_WINDOW_LOG = 23
# Members or frames in a row that unpack to nothing: writers end with one, only an attack has more.
MOST_EMPTY = 100
GZIP = 16 + zlib.MAX_WBITS


class Decoder(Protocol):
    """Unpacks one body."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk unpacks to, in pieces."""
        ...

    def finish(self) -> None:
        """Say that the body has ended.

        Raises:
            MalformedEncoding: it should not have.
        """
        ...


class Identity:
    """A body that is not compressed."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the chunk."""
        yield chunk

    def finish(self) -> None:
        """Nothing can be missing."""


class Gzip:
    """RFC 1952; several members one after the other are one body."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk unpacks to, in pieces."""
        empty = 0
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP)
            self._begun = True
            try:
                piece = self._member.decompress(chunk, PIECE)
            except zlib.error:
                raise MalformedEncoding("the gzip data is damaged") from None
            chunk = self._member.unconsumed_tail or self._member.unused_data
            empty = 0 if piece else empty + 1
            if empty > MOST_EMPTY:
                raise MalformedEncoding("the gzip data are empty members")
            if piece:
                yield piece

    def finish(self) -> None:
        """Refuse a body that was cut off."""
        if not (self._begun and self._member.eof):
            raise MalformedEncoding("the gzip data is truncated")


class Zstd:
    """RFC 8878; several frames one after the other are one body."""

    def __init__(self) -> None:
        self._frame = self._new()
        self._begun = False

    @staticmethod
    def _new() -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG})

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk unpacks to, in pieces."""
        empty = 0
        while chunk or not (self._frame.eof or self._frame.needs_input):
            if self._frame.eof:
                self._frame = self._new()
            self._begun = True
            try:
                piece = self._frame.decompress(chunk, PIECE)
            except zstd.ZstdError:
                raise MalformedEncoding("the zstd data is damaged") from None
            chunk = self._frame.unused_data if self._frame.eof else b""
            empty = 0 if piece else empty + 1
            if empty > MOST_EMPTY:
                raise MalformedEncoding("the zstd data are empty frames")
            if piece:
                yield piece

    def finish(self) -> None:
        """Refuse a body that was cut off."""
        if not (self._begun and self._frame.eof):
            raise MalformedEncoding("the zstd data is truncated")


DECODERS: Mapping[str, Callable[[], Decoder]] = {
    "": Identity,
    "identity": Identity,
    "gzip": Gzip,
    "x-gzip": Gzip,
    "zstd": Zstd,
}


def decoder_for(content_encoding: str) -> Decoder:
    """Return a decoder for the value of a Content-Encoding header.

    Raises:
        UnsupportedEncoding: it names something else, or several encodings.
    """
    name = content_encoding.strip().lower()
    if name not in DECODERS:
        raise UnsupportedEncoding("send the body as gzip, zstd or uncompressed")
    return DECODERS[name]()
