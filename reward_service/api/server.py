"""The HTTP server of one process.

uvicorn waits for open requests when it is told to end, and a long poll may be one for a while. Everybody who waits is
answered first, with what there is; their rollouts are stored, and they ask the next replica.
"""

import asyncio
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from reward_service.config import Settings

# A request that was being measured when the end came gets this long; what it has not stored by then is sent again.
GRACE_S = 30


class Server(uvicorn.Server):
    """uvicorn, and what it does when it is told to end."""

    def __init__(self, app: FastAPI, settings: Settings, *, log_level: str = "info") -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_level=log_level,
                access_log=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._runs = app.state.runs
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remember the loop to speak to from a signal."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let everybody go who waits, and end."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._runs.let_go)
        super().handle_exit(sig, frame)
