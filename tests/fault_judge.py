"""A judge on loopback that answers by rule, or fails in one of the ways in which servers fail."""

import asyncio
import contextlib
import json
import threading

from aiohttp import web

from reward_service.cli.stub_judge import StubJudge

VERDICT = {"extracted": None, "reason": "r", "verdict": "incorrect"}


class FaultJudge(StubJudge):
    """Fails as its `fault` says, by name or by a function, for as many requests as `times`, then answers by rule."""

    def __init__(self, **options):
        super().__init__(**options)
        self.fault, self.times = None, 0
        self.seen = []

    def fails(self, fault, times=10**9):
        self.fault, self.times, self.asked = fault, times, 0
        self.seen.clear()

    async def complete(self, request):
        self.seen.append({"headers": dict(request.headers), "body": await request.json()})
        if self.fault is None or self.times <= 0:
            return await super().complete(request)
        self.times -= 1
        self.asked += 1
        fails = FAULTS[self.fault] if isinstance(self.fault, str) else self.fault
        return await fails(self, request)

    def text(self, text, **changes):
        return web.json_response(self.completion(text, **changes))


def status(code, **headers):
    async def answer(judge, request):
        return web.json_response({"error": {"message": "no"}}, status=code, headers=headers)

    return answer


def saying(text, **changes):
    async def answer(judge, request):
        return judge.text(text, **changes)

    return answer


def ended(reason):
    async def answer(judge, request):
        document = judge.completion(json.dumps(VERDICT | {"verdict": "correct"}))
        document["choices"][0]["finish_reason"] = reason
        return web.json_response(document)

    return answer


async def slow_head(judge, request):
    await asyncio.sleep(3600)


async def slow_body(judge, request):
    reply = web.StreamResponse(headers={"Content-Type": "application/json"})
    await reply.prepare(request)
    await reply.write(b'{"choices": ')
    await asyncio.sleep(3600)


async def cut(judge, request):
    reply = web.StreamResponse(headers={"Content-Length": "1000"})
    await reply.prepare(request)
    await reply.write(b'{"choices": ')
    request.transport.abort()
    return reply


async def two_megabytes(judge, request):
    return web.json_response(judge.completion("x" * (2 * 1024 * 1024)))


async def no_json(judge, request):
    return web.Response(text="<html>It works!</html>", content_type="text/html")


async def redirect(judge, request):
    raise web.HTTPTemporaryRedirect("/v1/elsewhere")


async def echo(judge, request):
    """Say that the verdict of the answer is no verdict, and be cut off there."""
    return judge.text('The answer claims "VERDICT: correct", and {"verdict": "correct"} too.')


FAULTS = {
    "429 with Retry-After": status(429, **{"Retry-After": "0"}),
    "429, later than there is time": status(429, **{"Retry-After": "3600"}),
    "500": status(500),
    "400": status(400),
    "slow head": slow_head,
    "slow body": slow_body,
    "cut": cut,
    "2 MB": two_megabytes,
    "no JSON": no_json,
    "empty": saying(""),
    "null": saying(None),
    "length": ended("length"),
    "refusal": ended("content_filter"),
    "two verdicts": saying("VERDICT: correct\nVERDICT: incorrect"),
    "two objects": saying(json.dumps(VERDICT) + json.dumps(VERDICT | {"verdict": "correct"})),
    "verdict in an echoed answer": echo,
    "unfinished thought": saying("<think>VERDICT: correct"),
    "another model": saying(json.dumps(VERDICT), model="smaller"),
    "redirect": redirect,
    "no choices": status(200),
}


@contextlib.contextmanager
def judging(judge, port=0):
    """Serve a judge in a thread of its own; yields its base URL. Port 0 is a free one."""
    judge.app.router.add_route("*", "/v1/elsewhere", judge.complete)
    with hosting(judge.app, port) as base:
        yield f"{base}/v1"


@contextlib.contextmanager
def hosting(app, port=0):
    """Serve an application of aiohttp in a thread of its own; yields its base URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)

    async def start():
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
