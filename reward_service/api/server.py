"""The process: uvicorn, with a deadline for headers, and a drain that readiness announces first.

SIGTERM -> readiness says no, calls are still taken (`drain_delay_s`) -> no new connections, who waits for a group is
answered with what there is, calls in flight finish (`drain_timeout_s`) -> exit 0. A second SIGTERM skips the delay; Ctrl-C skips it at once.
"""

import asyncio
import contextlib
import ctypes
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

from reward_service.api.readiness import DRAINING, Readiness
from reward_service.serve.config import MEBIBYTE, Settings
from reward_service.serve.runs.service import RunService

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
# A thread that scores gives the interpreter back this often. The event loop takes it anew for every connection that it accepts,
# reads and closes, so past saturation each refusal waits several times this long; by Python's default, 5 ms, the queue only grows.
SWITCH_INTERVAL_S = 0.0001
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BLOCK, KEPT_TOP = 32 * MEBIBYTE, 256 * MEBIBYTE  # the first is the most that glibc takes


def keep_memory() -> None:
    """Tell glibc to keep freed memory for the next call.

    Scoring a megabyte takes and frees arrays of some megabytes; by default each goes back to the kernel and comes again page
    by page, which was a quarter of the CPU of a call. Other allocators have no `mallopt` and do not need it.
    """
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_TOP)


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol with a deadline from the first byte of a request to the end of its headers.

    ASGI begins after the headers, so no middleware can do it.
    """

    header_timeout_s = 10.0
    _waiting: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting until a request is being served."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.is_closing() or (cycle is not None and not cycle.response_complete):
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Let the application cut the connection: closing it would wait for a caller who does not read."""
        super().on_message_begin()
        self.scope["state"]["abort"] = self.transport.abort

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.header_timeout_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(TOO_SLOW)
            self.transport.close()


def protocol(timeout_s: float) -> type[Impatient]:
    """Return the protocol class with that deadline; uvicorn makes the instances."""
    return type("Protocol", (Impatient,), {"header_timeout_s": timeout_s})


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
        http=protocol(settings.header_timeout_s),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
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
