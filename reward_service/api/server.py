"""The process: uvicorn, with a deadline for headers, and a drain that readiness announces first.

SIGTERM -> readiness says no, calls are still taken (`drain_delay_s`) -> no new connections, who waits for a group is
answered with what there is, calls in flight finish (`drain_timeout_s`) -> exit 0. A second SIGTERM skips the delay; Ctrl-C skips it at once.
"""

import asyncio
import contextlib
import ctypes
import gc
import signal
import sys
import time
from asyncio.events import TimerHandle
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from reward_service.api.metrics import Metrics
from reward_service.api.readiness import DRAINING, Readiness
from reward_service.serve.config import MEBIBYTE, Settings
from reward_service.serve.runs.service import RunService

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
# A thread that scores gives the interpreter back this often. The event loop takes it again for every connection that it accepts,
# reads and closes, so past saturation each refusal waits several times this long; by Python's default, 5 ms, the queue only grows.
SWITCH_INTERVAL_S = 0.0001
BACKLOG = (
    8192  # connections that the kernel keeps until they are accepted; it takes its own limit if that is lower
)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BLOCK, KEPT_TOP = 32 * MEBIBYTE, 256 * MEBIBYTE  # the first is the most that glibc takes


def keep_memory() -> None:
    """Tell glibc to keep freed memory for the next call, and the garbage collector to leave alone what is there for good.

    Scoring a megabyte takes and frees arrays of some megabytes; by default each goes back to the kernel and comes again page
    by page, which was a quarter of the CPU of a call. Other allocators have no `mallopt` and do not need it. A full collection looks at
    every object there is, and modules are most of them: compiling one large question causes such a collection.
    """
    gc.freeze()
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_TOP)


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol with bounds on what it holds for a caller: ASGI sees a request after its headers, and a reply until it is sent.

    - From the first byte of a request to the end of its headers there is a deadline.
    - Of headers, or of anything else that is neither headers nor body, only so many bytes are taken.
    - A reply that has not been read when an idle connection would be closed is dropped with its connection.
    """

    header_timeout_s = 10.0
    max_header_bytes = 65_536
    _waiting: TimerHandle | None = None
    _reading: TimerHandle | None = None
    _unparsed = 0
    _is_whole = False
    """Whether the last byte of a request has arrived, and none of the next."""

    @staticmethod
    def on_unread() -> None:
        """Count a connection that is closed because its reply is not read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        self._left: asyncio.Future[None] = self.loop.create_future()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting until a request is being served, or has been refused and read."""
        self._unparsed += len(data)
        super().data_received(data)
        is_serving = self._is_serving()
        if self._unparsed > self.max_header_bytes:
            self._take_no_more(is_serving=is_serving)
        if self.transport.is_closing() or is_serving or self._is_whole:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Let the application cut the connection, and see that the caller has left, without reading from it."""
        super().on_message_begin()
        self._is_whole = False
        self.scope["state"].update(abort=self._abort_unread, left=self._left)

    def on_headers_complete(self) -> None:
        """Count again from here."""
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count again from here."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to wait again with the next request: a body may end after its answer, where the call was refused."""
        super().on_message_complete()
        self._is_whole = True

    def pause_writing(self) -> None:
        """Wait only so long for the caller to read."""
        super().pause_writing()
        if self._reading is None:
            self._expect_reading()

    def resume_writing(self) -> None:
        """Wait no longer, unless for the rest of a whole reply."""
        super().resume_writing()
        if self._is_serving():
            self._stop_expecting()
        else:
            self._expect_reading()

    def on_response_complete(self) -> None:
        """Wait only so long for the caller to read the rest."""
        super().on_response_complete()
        self._expect_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._stop_expecting()
        if not self._left.done():
            self._left.set_result(None)
        super().connection_lost(exc)

    def _take_no_more(self, *, is_serving: bool) -> None:
        if is_serving:  # trailers, or headers of the next request: an answer would end up in another one
            self.transport.abort()
        else:
            self._refuse(TOO_LARGE)

    def _is_serving(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _expect_reading(self) -> None:
        self._stop_expecting()
        self._reading = self.loop.call_later(self.timeout_keep_alive, self._look_at_reply)

    def _stop_expecting(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _look_at_reply(self) -> None:
        self._reading = None
        if self.transport.get_write_buffer_size():
            self._abort_unread()

    def _abort_unread(self) -> None:
        """Drop a reply; closing the connection would wait for a caller who does not read."""
        self.on_unread()
        self.transport.abort()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.header_timeout_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._refuse(TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def protocol(settings: Settings, metrics: Metrics) -> type[Impatient]:
    """Return the protocol class with these bounds; uvicorn makes the instances."""
    bounds = {
        "header_timeout_s": settings.header_timeout_s,
        "max_header_bytes": settings.max_header_bytes,
        "on_unread": staticmethod(lambda: metrics.add("unread_replies_total")),
    }
    return type("Protocol", (Impatient,), bounds)


class Server(uvicorn.Server):
    """Drains before it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        drain: Callable[[], None],
        release_waiters: Callable[[], None],
        delay_s: float,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._release_waiters = release_waiters
        self._delay_s = delay_s
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at SIGTERM; stop at anything else, or at a second one."""
        self._drain()
        if sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
        elif self._stop_at is None:
            self._stop_at = time.monotonic() + self._delay_s
        else:
            self._stop_at = 0.0

    async def on_tick(self, counter: int) -> bool:
        """Say, ten times a second, whether to stop."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        if self.should_exit:
            self._release_waiters()
        return await super().on_tick(counter)


def server(app: FastAPI, settings: Settings, *, front: ASGIApp | None = None) -> Server:
    """Return a server for an application, not yet running; `front` is what callers meet, if it is not the application itself."""
    readiness: Readiness = app.state.readiness
    runs: RunService = app.state.runs
    config = uvicorn.Config(
        front or app,
        host=settings.host,
        port=settings.port,
        http=protocol(settings, app.state.metrics),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.drain_timeout_s,
    )
    return Server(
        config,
        drain=lambda: readiness.missing(DRAINING, "the process is about to stop"),
        release_waiters=runs.release_waiters,
        delay_s=settings.drain_delay_s,
    )


def serve(app: FastAPI, settings: Settings) -> bool:
    """Serve until told to stop; return whether it ever began."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_memory()
    one = server(app, settings)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        one.run()
    return one.started
