"""A TCP proxy that misbehaves: it delays, resets, loses replies and sends things twice."""

import asyncio
import contextlib
import random

PIECE = 65536
DELAYS_S = (0.0, 0.02)


class Proxy:
    """Forwards connections to one address; a seeded draw says what becomes of each."""

    FAULTS = ("none", "reset at once", "lose the reply", "cut the reply", "send twice", "delay")

    def __init__(self, connect, seed, *, faulty=0.0):
        self.connect = connect
        """Opens a connection to where everything goes: returns reader and writer."""
        self.faulty = faulty
        """Share of connections that something happens to."""
        self.happened = dict.fromkeys(self.FAULTS, 0)
        self._draw = random.Random(seed)
        self._server = None
        self._open = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def reset_all(self):
        """Cut everything that is open now."""
        for task in list(self._open):
            task.cancel()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._open.add(task)
        fault = self._draw.choice(self.FAULTS[1:]) if self._draw.random() < self.faulty else "none"
        self.happened[fault] += 1
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer, fault)
        finally:
            self._open.discard(task)
            writer.transport.abort() if fault not in ("none", "delay", "send twice") else writer.close()

    async def _forward(self, reader, writer, fault):
        if fault == "reset at once":
            return
        there, back = await self.connect()
        try:
            sent = bytearray()
            sending = asyncio.create_task(self._pump(reader, back, sent=sent, delay=fault == "delay"))
            try:
                await self._reply(there, writer, fault)
            finally:
                sending.cancel()
            if fault == "send twice":
                await self._again(bytes(sent))
        finally:
            back.close()

    async def _pump(self, reader, writer, *, sent=None, delay=False):
        while piece := await reader.read(PIECE):
            if delay:
                await asyncio.sleep(self._draw.uniform(*DELAYS_S))
            if sent is not None:
                sent += piece
            writer.write(piece)
            await writer.drain()

    async def _reply(self, there, writer, fault):
        if fault == "lose the reply":
            await there.read(PIECE)
        elif fault == "cut the reply":
            piece = await there.read(PIECE)
            writer.write(piece[: len(piece) // 2])
            await writer.drain()
        else:
            await self._pump(there, writer)

    async def _again(self, request):
        there, back = await self.connect()
        back.write(request)
        await there.read(PIECE)
        back.close()


def tcp(port):
    """Connect to a port of loopback."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


def unix(path):
    """Connect to a socket in the file system."""
    return lambda: asyncio.open_unix_connection(str(path))
