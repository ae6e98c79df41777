"""One request to an OpenAI-compatible server: a prompt goes out, the text of a reply comes back, or a reason why not.

The model that a reply names must be the one that was asked: a gateway that falls back to another model would be a drift
that nobody sees.
"""

import json
from collections.abc import Mapping
from math import fsum
from typing import Any

from reward_service.core.judging.asks import Ask, FailureReason
from reward_service.core.judging.kinds import SAMPLES, kind_name, kind_of
from reward_service.core.judging.templates import render, templates
from reward_service.core.types import Asker
from reward_service.serve.sources.backends import FLAVOURS, Backend
from reward_service.serve.sources.wire import Body, Failed, ModelReply, ServerLine

CHARS_PER_TOKEN = 3  # a cautious estimate, corrected by what the server counts
ENDED = frozenset({None, "stop", "eos", "end_turn"})
"""Finish reasons of a reply that is whole."""


def request_of(ask: Ask, backend: Backend, *, seed: int) -> dict[str, Any]:
    """Return the body of a chat completion.

    Args:
        ask: what to ask.
        backend: whom.
        seed: of this vote.
    """
    flavour, asker = FLAVOURS[backend.flavour], ask.asker
    prompt = render(templates()[asker.template], ask.said, structured=flavour.structured)
    body: dict[str, Any] = {
        "model": backend.names[asker.model],
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        "temperature": asker.temperature,
        "max_tokens": asker.max_tokens,
        "stream": False,
    }
    if flavour.seeded:
        body["seed"] = seed
    if kind_name(asker) == SAMPLES:
        return body | {"n": asker.samples, "logprobs": True}
    if flavour.structured:
        schema = {"name": asker.template, "strict": True, "schema": kind_of(asker).schema(ask.said)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def drawn_by(asker: Asker) -> int:
    """Return how many replies one request asks for."""
    return asker.samples if kind_name(asker) == SAMPLES else 1


def estimate(body: Mapping[str, Any]) -> int:
    """Return the tokens that a request may cost at most, about."""
    chars = sum(len(message["content"]) for message in body["messages"])
    return chars // CHARS_PER_TOKEN + int(body["max_tokens"]) * int(body.get("n", 1))


class ChatServer:
    """Sends requests to one backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._wire = ServerLine(backend)

    def request(self, ask: Ask, *, seed: int) -> Body:
        """Return the body of a chat completion."""
        return request_of(ask, self.backend, seed=seed)

    def estimate(self, body: Body) -> int:
        """Return the tokens that a request may cost at most, about."""
        return estimate(body)

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def complete(self, body: Body, *, timeout_s: float) -> ModelReply | Failed:
        """Ask once."""
        sent = await self._wire.post("/chat/completions", body, timeout_s=timeout_s)
        if isinstance(sent, Failed):
            return sent
        said = _drawn if "n" in body else _said
        return said(sent.document, str(body["model"]))

    async def why_unreachable(self, *, timeout_s: float) -> str | None:
        """Return why the server cannot be asked; None if it can be. It has to list the models that it serves, if it lists any."""
        found = await self._wire.look("/models", timeout_s=timeout_s)
        if isinstance(found, str):
            return found
        listed = _models(found)
        lacking = [] if listed is None else sorted(set(self.backend.names.values()) - listed)
        return f"it does not serve {', '.join(lacking)}" if lacking else None


def _said(document: Any, model: str) -> ModelReply | Failed:
    """Return the text of a chat completion, if it is whole and of the model that was asked."""
    try:
        choice, named = document["choices"][0], document["model"]
        text, ended = choice["message"].get("content"), choice.get("finish_reason")
        refusal = choice["message"].get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Failed(FailureReason.TRANSPORT)
    if named != model:
        return Failed(FailureReason.TRANSPORT)
    if ended not in ENDED or refusal:
        return Failed(FailureReason.REFUSED)
    return ModelReply(text if isinstance(text, str) else "", named, *_tokens(document))


def _drawn(document: Any, model: str) -> ModelReply | Failed:
    """Return the texts of all choices with the mean log-probability of each; one that `max_tokens` cut is a sample too."""
    try:
        drawn = [
            [choice["message"]["content"], _mean_logprob(choice["logprobs"]["content"])]
            for choice in document["choices"]
        ]
        named = document["model"]
    except (KeyError, IndexError, TypeError, AttributeError, ZeroDivisionError):
        return Failed(FailureReason.TRANSPORT)
    if named != model:
        return Failed(FailureReason.TRANSPORT)
    return ModelReply(json.dumps(drawn), named, *_tokens(document))


def _mean_logprob(tokens: Any) -> float:
    return fsum(token["logprob"] for token in tokens) / len(tokens)


def _tokens(document: Any) -> tuple[int, int]:
    usage = document.get("usage") or {}
    return _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")


def _count(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count > 0 else 0


def _models(document: Any) -> set[str] | None:
    """Return the names of a list of models; None if it is none."""
    listed = document.get("data") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None
    return {str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one}
