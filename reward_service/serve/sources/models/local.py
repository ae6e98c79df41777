"""A backend that is a model in this process: it looks to its desk like a server."""

import asyncio
from collections.abc import Mapping

from reward_service.core.judging.asks import Ask, FailureReason
from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.activation import probabilities
from reward_service.serve.sources.models.engine import Computed, Engine, Model, NoScore
from reward_service.serve.sources.models.shapes import shapes_of
from reward_service.serve.sources.scores import estimate, request_of, scored
from reward_service.serve.sources.wire import Body, Failed, ModelReply

LATER = frozenset({FailureReason.OVERLOADED})


def engine_of(spec: TorchModel) -> Engine:
    """Return the engine of a model in a folder, not yet started."""
    shapes = shapes_of(spec.buckets, rows=spec.rows, max_tokens=spec.max_batch_tokens)
    return Engine(
        lambda: _load(spec), shapes, max_queue_tokens=spec.max_queue_tokens, fixed_shapes=spec.fixed_shapes
    )


def _load(spec: TorchModel) -> Model:
    try:
        from reward_service.serve.sources.models.network import Network  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as missing:
        raise RuntimeError(f"{missing.name} is missing: pip install 'reward-service[models]'") from None
    return Network(spec)


def scores_of(engine: Engine, computed: Computed, *, raw: bool) -> list[tuple[str, float]]:
    """Return a text's scores with their labels."""
    labels = engine.model.labels if engine.model is not None else ()
    numbers = computed.logits if raw else probabilities(computed.logits)
    return list(zip(labels, numbers, strict=True))


class LocalModel:
    """Answers asks with one model."""

    def __init__(self, names: Mapping[str, str], spec: TorchModel) -> None:
        """Answer with a model; it is loaded by the first check of whether it is there.

        Args:
            names: of the model by role.
            spec: the model.
        """
        self.engine = engine_of(spec)
        self._names = names

    def request(self, ask: Ask, *, seed: int) -> Body:  # noqa: ARG002  # nothing is drawn
        """Return what is asked."""
        return request_of(ask, self._names)

    def estimate(self, body: Body) -> int:
        """Return the tokens of a request, about."""
        return estimate(body)

    async def close(self) -> None:
        """End the thread."""
        await asyncio.to_thread(self.engine.stop)

    async def why_unreachable(self, *, timeout_s: float) -> str | None:  # noqa: ARG002  # it is known at once
        """Return why nothing can be computed now; None if it can."""
        self.engine.start()
        return self.engine.why_not_ready

    async def complete(self, body: Body, *, timeout_s: float) -> ModelReply | Failed:
        """Score once."""
        try:
            computed = await self.engine.compute(body["texts"], timeout_s=timeout_s)
        except NoScore as refused:
            return Failed(refused.reason, may_retry=refused.reason in LATER)
        score = scored(scores_of(self.engine, computed, raw=body["raw"]), body["label"])
        if score is None:
            return Failed(FailureReason.TRANSPORT)
        return ModelReply(score, body["model"], degraded=computed.degraded)
