"""One request to a server that scores texts: text-embeddings-inference, vLLM or SGLang.

Each has routes of its own, and says the same in another shape. One score comes of it: that of the label which the asker
names, or the only one. A text that is too long is refused by all of them; none is asked to cut it.

    tei            POST /predict   one or two texts, probabilities or raw numbers; names its labels
    vllm-scores    POST /classify  one text;  POST /score  two texts, for a model with one score
    sglang-scores  POST /v1/classify  one text, probabilities;  POST /classify  one text, raw;  POST /v1/rerank  two texts
"""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from reward_service.core.judging.asks import Ask, FailureReason
from reward_service.core.judging.kinds import kind_of
from reward_service.serve.sources.backends import Backend
from reward_service.serve.sources.wire import Body, Failed, ModelReply, ServerLine

CHARS_PER_TOKEN = 3
DEGRADED = "X-Degraded"
"""Header of a reply whose scores were computed in smaller batches than usual."""


class Route(NamedTuple):
    """How one kind of ask is sent to one kind of server."""

    path: str
    send: Callable[[Body], Mapping[str, Any]]
    """The request, from what `request_of` returns."""
    read: Callable[[Any], Sequence[tuple[str, Any]]]
    """Labels and scores; a label may be empty. Raises `LookupError` or `TypeError` on a reply of another shape."""


def request_of(ask: Ask, names: Mapping[str, str]) -> Body:
    """Return what is asked, in no server's shape: the model, its texts, and which score is wanted.

    Args:
        ask: what to ask.
        names: of models by role.
    """
    return {
        "model": names[ask.asker.model],
        "texts": [text for _, text in ask.fields],
        "raw": kind_of(ask.asker).is_raw,
        "label": ask.asker.label,
    }


def estimate(body: Body) -> int:
    """Return the tokens of a request, about."""
    return sum(map(len, body["texts"])) // CHARS_PER_TOKEN


def scored(scores: Sequence[tuple[str, Any]], label: str) -> str | None:
    """Return the score of a label, as JSON; without a label the only score. None if there is none, or it is no number.

    >>> scored([("ENTAILMENT", 0.75), ("NEUTRAL", 0.25)], "entailment")
    '0.75'
    """
    wanted = [score for name, score in scores if not label or name.casefold() == label.casefold()]
    if len(wanted) != 1 or isinstance(wanted[0], bool) or not isinstance(wanted[0], int | float):
        return None
    return json.dumps(float(wanted[0]))


def _probs(document: Any) -> list[tuple[str, Any]]:
    return [("", score) for score in document["data"][0]["probs"]]


ROUTES: Mapping[tuple[str, int, bool], Route] = MappingProxyType(
    {
        **{
            ("tei", texts, raw): Route(
                "/predict",
                lambda body: {"inputs": [body["texts"]], "raw_scores": body["raw"], "truncate": False},
                lambda document: [(one["label"], one["score"]) for one in document[0]],
            )
            for texts in (1, 2)
            for raw in (False, True)
        },
        **{
            ("vllm-scores", 1, raw): Route(
                "/classify",
                lambda body: {
                    "model": body["model"],
                    "input": body["texts"][0],
                    "use_activation": not body["raw"],
                },
                _probs,
            )
            for raw in (False, True)
        },
        **{
            ("vllm-scores", 2, raw): Route(
                "/score",
                lambda body: {
                    "model": body["model"],
                    "text_1": body["texts"][0],
                    "text_2": body["texts"][1],
                    "use_activation": not body["raw"],
                },
                lambda document: [("", document["data"][0]["score"])],
            )
            for raw in (False, True)
        },
        ("sglang-scores", 1, False): Route(
            "/v1/classify", lambda body: {"model": body["model"], "input": body["texts"][0]}, _probs
        ),
        ("sglang-scores", 1, True): Route(
            "/classify",
            lambda body: {"model": body["model"], "text": body["texts"][0]},
            lambda document: [("", score) for score in document["embedding"]],
        ),
        ("sglang-scores", 2, False): Route(
            "/v1/rerank",
            lambda body: {
                "model": body["model"],
                "query": body["texts"][0],
                "documents": [body["texts"][1]],
            },
            lambda document: [("", document[0]["score"])],
        ),
    }
)
"""By flavour, number of texts, and whether the raw number is wanted."""
MODELS_AT = MappingProxyType({"tei": "/info", "vllm-scores": "/v1/models", "sglang-scores": "/v1/models"})


class ScoreServer:
    """Sends requests to one backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._wire = ServerLine(backend)

    def request(self, ask: Ask, *, seed: int) -> Body:  # noqa: ARG002  # nothing is drawn
        """Return what is asked."""
        return request_of(ask, self.backend.names)

    def estimate(self, body: Body) -> int:
        """Return the tokens of a request, about."""
        return estimate(body)

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def complete(self, body: Body, *, timeout_s: float) -> ModelReply | Failed:
        """Ask once."""
        route = ROUTES.get((self.backend.flavour, len(body["texts"]), body["raw"]))
        if route is None:
            return Failed(FailureReason.TRANSPORT)
        sent = await self._wire.post(route.path, route.send(body), timeout_s=timeout_s)
        if isinstance(sent, Failed):
            return sent
        try:
            score = scored(self._named(route.read(sent.document)), body["label"])
        except (LookupError, TypeError, ValueError):
            return Failed(FailureReason.TRANSPORT)
        if score is None or not _is_of(sent.document, body["model"]):
            return Failed(FailureReason.TRANSPORT)
        return ModelReply(score, body["model"], degraded=DEGRADED in sent.headers)

    async def why_unreachable(self, *, timeout_s: float) -> str | None:
        """Return why the server cannot be asked; None if it can be. It has to name the models that it serves, if it names any."""
        found = await self._wire.look(MODELS_AT[self.backend.flavour], timeout_s=timeout_s)
        if isinstance(found, str):
            return found
        named = _models(found)
        lacking = sorted(set(self.backend.names.values()) - named) if named else []
        return f"it does not serve {', '.join(lacking)}" if lacking else None

    def _named(self, scores: Sequence[tuple[str, Any]]) -> Sequence[tuple[str, Any]]:
        """Return scores with the names that the backends file gives them, where the server gives none."""
        if not self.backend.labels or any(name for name, _ in scores):
            return scores
        return [(name, score) for name, (_, score) in zip(self.backend.labels, scores, strict=True)]


def _is_of(document: Any, model: str) -> bool:
    """Return whether a reply names no other model."""
    return not isinstance(document, dict) or document.get("model", model) == model


def _models(document: Any) -> set[str]:
    """Return the names of models in a list, or in the description of one; none where it has neither."""
    if not isinstance(document, dict):
        return set()
    listed = document.get("data")
    names = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(name) for name in (*names, document.get("model_id")) if name}
