"""A process that serves one model which scores texts: the routes of text-embeddings-inference that such a model has.

    POST /predict   {"inputs": [["one text"], ["first", "second"]], "raw_scores": false}  ->  [[{"score", "label"}, ...], ...]
    GET  /info      name, labels, longest text
    GET  /health    200 once every shape has been computed, 503 before, and after the model has stopped computing
    GET  /metrics

Any number of services can ask it. It refuses what it cannot take (429), what is too long (413), and cuts nothing.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiohttp import web

from reward_service.api.auth import is_loopback
from reward_service.api.metrics import CONTENT_TYPE, Metrics, follow_model
from reward_service.core.judging.asks import FailureReason
from reward_service.serve.errors import BadBackends, RefusedToStart
from reward_service.serve.sources.backends import Backend, TorchModel
from reward_service.serve.sources.models.engine import Computed, Engine, NoScore
from reward_service.serve.sources.models.local import engine_of, scores_of
from reward_service.serve.sources.scores import DEGRADED

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_INPUTS = 32
log = logging.getLogger("reward_service.worker")
RETRY_AFTER = {"Retry-After": "1"}
ENDS: dict[FailureReason, tuple[int, str, str]] = {
    FailureReason.TOO_LONG: (413, "Validation", "the text is longer than the model takes; nothing is cut"),
    FailureReason.OVERLOADED: (429, "Overloaded", "as much waits as may wait"),
    FailureReason.TIMEOUT: (503, "Unhealthy", "the time limit passed before it was computed"),
    FailureReason.TRANSPORT: (503, "Unhealthy", "the model does not compute"),
}


class BadInput(ValueError):
    """A body that is no request."""


def inputs_of(document: Any) -> tuple[list[list[str]], bool]:
    """Return the inputs of a body, one or two texts each, and whether there are several.

    Raises:
        BadInput: it is no request.
    """
    if not isinstance(document, dict) or "inputs" not in document:
        raise BadInput("the body must be an object with inputs")
    if document.get("truncate"):
        raise BadInput("nothing is cut here: leave truncate out")
    given = document["inputs"]
    if isinstance(given, str):
        return [[given]], False
    is_batch = isinstance(given, list) and all(isinstance(one, list) for one in given)
    inputs = given if is_batch else [given]
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise BadInput(f"there must be 1 to {MAX_INPUTS} inputs")
    if not all(_is_input(one) for one in inputs):
        raise BadInput("an input must be one or two texts")
    return inputs, is_batch


def _is_input(one: Any) -> bool:
    return isinstance(one, list) and len(one) in {1, 2} and all(isinstance(text, str) for text in one)


class Worker:
    """The application of one model."""

    def __init__(self, backend: Backend, engine: Engine) -> None:
        """Serve a model.

        Args:
            backend: its entry in the backends file.
            engine: of the model.
        """
        self.engine = engine
        self._backend = backend
        self._metrics = Metrics()
        follow_model(self._metrics, backend.name, engine)
        self.app = web.Application(client_max_size=MAX_BODY_BYTES)
        self.app.router.add_post("/predict", self.predict)
        self.app.router.add_get("/info", self.info)
        self.app.router.add_get("/health", self.health)
        self.app.router.add_get("/metrics", self.metrics)
        self.app.cleanup_ctx.append(self._running)

    async def predict(self, request: web.Request) -> web.StreamResponse:
        """Score texts."""
        if not self._may(request):
            return _error(401, "Validation", "send the key as a Bearer token")
        try:
            document = json.loads(await request.read())
            inputs, is_batch = inputs_of(document)
        except ValueError as error:
            why = str(error) if isinstance(error, BadInput) else "the body is no JSON"
            return _error(422, "Validation", why)
        try:
            computed = await self._computed(inputs)
        except NoScore as refused:
            headers = RETRY_AFTER if refused.reason is FailureReason.OVERLOADED else None
            return _error(*ENDS[refused.reason], headers=headers)
        raw = bool(document.get("raw_scores"))
        scored = [self._scored(one, raw=raw) for one in computed]
        headers = {DEGRADED: "true"} if any(one.degraded for one in computed) else None
        return web.json_response(scored if is_batch else scored[0], headers=headers)

    async def info(self, _request: web.Request) -> web.StreamResponse:
        """Describe the model."""
        model, spec = self.engine.model, self._backend.torch
        labels = model.labels if model is not None else ()
        return web.json_response(
            {
                "model_id": next(iter(self._backend.names.values())),
                "model_dtype": spec.dtype if spec else None,
                "model_type": {"classifier": {"id2label": {str(n): label for n, label in enumerate(labels)}}},
                "max_input_length": self.engine.shapes[-1].length,
                "max_client_batch_size": MAX_INPUTS,
                "auto_truncate": False,
            }
        )

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """Say whether the model computes."""
        why = self.engine.why_not_ready
        return web.json_response({"status": "ok"}) if why is None else _error(503, "Unhealthy", why)

    async def metrics(self, _request: web.Request) -> web.StreamResponse:
        """Return the metrics page."""
        return web.Response(body=self._metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    def _may(self, request: web.Request) -> bool:
        key = self._backend.key
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return key is None or hmac.compare_digest(given.encode(), key.get_secret_value().encode())

    async def _computed(self, inputs: Sequence[Sequence[str]]) -> list[Computed]:
        """Return what is computed for all inputs; if one is refused, the others are dropped."""
        tasks = [
            asyncio.create_task(self.engine.compute(texts, timeout_s=self._backend.timeout_s))
            for texts in inputs
        ]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def _scored(self, computed: Computed, *, raw: bool) -> list[dict[str, Any]]:
        scores = sorted(scores_of(self.engine, computed, raw=raw), key=lambda one: -one[1])
        return [{"score": score, "label": label} for label, score in scores]

    async def _running(self, _app: web.Application) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        self.engine.on_broken = lambda: loop.call_soon_threadsafe(self._end)
        self.engine.start()
        yield
        await asyncio.to_thread(self.engine.stop)

    def _end(self) -> None:
        """End the process, because its model computes nothing any more: a new one may."""
        log.error("the model does not compute", extra={"fields": {"why": self.engine.why_not_ready}})
        raise web.GracefulExit


def _error(status: int, kind: str, why: str, *, headers: dict[str, str] | None = None) -> web.StreamResponse:
    return web.json_response({"error": why, "error_type": kind}, status=status, headers=headers)


def worker_of(backends: Sequence[Backend], name: str, *, device: str | None, host: str) -> Worker:
    """Return the worker of a backend.

    Args:
        backends: of the backends file.
        name: of the backend.
        device: instead of the file's; None keeps it.
        host: that it will listen on.

    Raises:
        BadBackends: there is no such backend, or it is not a model in a folder.
        RefusedToStart: other machines could call it, and it asks for no key.
    """
    backend = next((one for one in backends if one.name == name), None)
    if backend is None or backend.torch is None:
        raise BadBackends(f"the backends file has no model in a folder called {name!r}")
    if backend.key is None and not is_loopback(host):
        raise RefusedToStart(f"{host} is not a loopback address: give {name} a key_file or key_env")
    return Worker(backend, engine_of(_on(backend.torch, device)))


def _on(spec: TorchModel, device: str | None) -> TorchModel:
    return spec if device is None else TorchModel(**{**spec.model_dump(), "device": device})


def serve(worker: Worker, *, host: str, port: int) -> bool:
    """Serve until told to stop; return whether the model still computed then."""
    web.run_app(worker.app, host=host, port=port, print=None, access_log=None, handler_cancellation=True)
    return not worker.engine.is_broken
