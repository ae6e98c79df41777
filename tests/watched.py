"""A service that counts how often a turn of its event loop used the processor for too long.

    python -m tests.watched PORT

`GET /held` returns the count, and sets it back to 0.
"""

import asyncio
import sys
import time

from fastapi.responses import JSONResponse

from reward_service.api.app import create_app
from reward_service.api.server import server
from reward_service.serve.config import Settings

TICK_S = 0.005
HELD_S = 0.25  # of the loop's own CPU time, so that a busy machine changes nothing


class Watched:
    """An application, and how often its event loop was held since the last `GET /held`."""

    def __init__(self, app):
        self.app, self.held, self._used = app, 0, None

    async def __call__(self, scope, receive, send):
        if self._used is None:
            self._tick(time.thread_time())
        if scope["type"] == "http" and scope["path"] == "/held":
            held, self.held = self.held, 0
            return await JSONResponse(held)(scope, receive, send)
        return await self.app(scope, receive, send)

    def _tick(self, used):
        now = time.thread_time()
        self.held += now - used > HELD_S
        self._used = now
        asyncio.get_running_loop().call_later(TICK_S, self._tick, now)


if __name__ == "__main__":
    watched = Watched(create_app(Settings(port=int(sys.argv[1]), canary_interval_s=3600)))
    server(watched.app, watched.app.state.service.settings, front=watched).run()
