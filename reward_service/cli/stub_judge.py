"""A judge without a model: an OpenAI-compatible server that answers by rule.

    python -m reward_service.cli.stub_judge --port 9000

An answer is right for it if the checker `cover` says so, a statement holds if all its capitalised words are in the text it
is checked against (1 or 0 where a number is asked for), and every thought is worth a half. Use it to try profiles that ask a judge, a trainer or a deployment;
it says nothing about how a language model judges.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from entity_index.types import Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.judging.replies import CORRECT, INCORRECT, PLACEHOLDER

MODEL = "judge"
MARKED = re.compile(r"<(\w+)-[0-9a-f]{12}>(.*?)</\1-[0-9a-f]{12}>", re.DOTALL)
NUMBERS = "a number from 0 to 1"
"""What a template says that asks for numbers."""
NAME = re.compile(r"\b[A-Z]\w+")


def fields_of(prompt: str) -> dict[str, str]:
    """Return the marked texts of a prompt by name."""
    return {name: json.loads(quoted) for name, quoted in MARKED.findall(prompt)}


def reply_to(said: Mapping[str, str], *, structured: bool, in_numbers: bool = False) -> str:
    """Return what the stub replies to the fields of an ask, which asks for numbers or for true and false."""
    if "golds" in said:
        return _verdict(said, structured=structured)
    statements: dict[str, str] = json.loads(said["statements"])
    places = sorted(set(PLACEHOLDER.findall(said["statements"])))
    if places and "pages" not in said:
        found = NAME.findall(said["answer"])
        return json.dumps({place: (found or [None])[0] for place in places})
    if "answer" not in said and "pages" not in said:
        return json.dumps(dict.fromkeys(statements, 0.5))
    text = said.get("pages", said.get("answer", ""))
    holds = {label: _is_in(one, text) for label, one in statements.items()}
    return json.dumps({label: float(one) for label, one in holds.items()} if in_numbers else holds)


def _verdict(said: Mapping[str, str], *, structured: bool) -> str:
    golds = Question(said["question"], tuple(json.loads(said["golds"])))
    label = CORRECT if CHECKERS["cover"](said["answer"], golds, 0.0) else INCORRECT
    reply = {"extracted": said["answer"], "reason": "by rule", "verdict": label}
    return json.dumps(reply) if structured else f"I compared them by rule.\nVERDICT: {label}"


def _is_in(statement: str, text: str) -> bool:
    return all(name in text for name in NAME.findall(statement))


class StubJudge:
    """The server's application, and how often it was asked."""

    def __init__(self, *, model: str = MODEL, delay_s: float = 0.0) -> None:
        """Answer by rule.

        Args:
            model: the name under which it serves.
            delay_s: how long a reply takes.
        """
        self.model, self.delay_s = model, delay_s
        self.asked = 0
        self.app = web.Application(client_max_size=16 * 1024 * 1024)
        self.app.router.add_get("/v1/models", self.models)
        self.app.router.add_post("/v1/chat/completions", self.complete)

    async def models(self, _request: web.Request) -> web.StreamResponse:
        """List the one model."""
        return web.json_response({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer one ask."""
        self.asked += 1
        body = await request.json()
        await asyncio.sleep(self.delay_s)
        prompt = body["messages"][-1]["content"]
        reply = reply_to(
            fields_of(prompt), structured="response_format" in body, in_numbers=NUMBERS in prompt
        )
        return web.json_response(self.completion(reply))

    def completion(self, text: str | None, **changes: Any) -> dict[str, Any]:
        """Return a chat completion with a text."""
        message = {"role": "assistant", "content": text}
        return {
            "id": f"stub-{self.asked}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": len(text or "") // 3,
                "total_tokens": 100 + len(text or "") // 3,
            },
            **changes,
        }


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--host", default="127.0.0.1", help="Address to listen on.")
    options.add_argument("--port", type=int, default=9000, help="Port to listen on.")
    options.add_argument("--model", default=MODEL, help="Name of the model that it serves.")
    options.add_argument("--delay-ms", type=float, default=0.0, help="Milliseconds that each reply takes.")
    given = options.parse_args(arguments)
    judge = StubJudge(model=given.model, delay_s=given.delay_ms / 1000)
    web.run_app(judge.app, host=given.host, port=given.port, print=None)


if __name__ == "__main__":
    main()
