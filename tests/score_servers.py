"""Servers that score texts, as their documentation says they answer: one model of a few lines behind four protocols."""

import hashlib
import json
import time

from aiohttp import web

from reward_service.api.worker import Worker
from reward_service.serve.sources.backends import parse
from reward_service.serve.sources.models.activation import probabilities
from reward_service.serve.sources.models.engine import Encoded, Engine
from reward_service.serve.sources.models.shapes import shapes_of

MODEL = "tiny"
MOST_TOKENS = 64


def logit(texts):
    """A number in [-4, 4] that depends on the texts alone."""
    digest = hashlib.sha256(json.dumps(texts).encode()).digest()
    return int.from_bytes(digest[:4]) / 2**29 - 4


class HashModel:
    """The same number, as a model behind an engine; a token is a character."""

    def __init__(self, labels=("LABEL_0",)):
        self.labels = labels
        self._texts = {}

    def encode(self, texts):
        ids = tuple(json.dumps(list(texts)).encode())
        return Encoded(ids, (0,) * len(ids))

    def compute(self, batch, shape):  # noqa: ARG002  # the protocol
        return [[_logit_of(one.ids) + n for n in range(len(self.labels))] for one in batch]


def _logit_of(ids):
    try:
        return logit(json.loads(bytes(ids)))
    except ValueError:  # the engine's own warm-up
        return 0.0


class Stub:
    """Counts what it is asked, and answers as `changed` says where it is told to."""

    def __init__(self):
        self.asked, self.bodies = 0, []
        self.status, self.model = 200, MODEL
        self.app = web.Application()
        for method, path, handler in self.routes():
            self.app.router.add_route(method, path, self._counted(handler))

    def _counted(self, handler):
        async def answer(request):
            if request.method == "GET":
                return web.json_response(handler(None))
            self.asked += 1
            self.bodies.append(await request.json())
            if self.status != 200:
                return web.json_response({"error": "no"}, status=self.status)
            return web.json_response(handler(self.bodies[-1]))

        return answer

    def number(self, texts, raw):
        return logit(texts) if raw else probabilities([logit(texts)])[0]

    def models(self, _body):
        return {"object": "list", "data": [{"id": self.model, "object": "model"}]}


class Tei(Stub):
    def routes(self):
        yield "GET", "/info", lambda _: {"model_id": self.model, "model_type": {"classifier": {}}}
        yield "POST", "/predict", self.predict

    def predict(self, body):
        assert body["truncate"] is False
        return [
            [{"label": "LABEL_0", "score": self.number(texts, body["raw_scores"])}]
            for texts in body["inputs"]
        ]


class Vllm(Stub):
    def routes(self):
        yield "GET", "/v1/models", self.models
        yield "POST", "/classify", self.classify
        yield "POST", "/score", self.score

    def reply(self, **data):
        return {
            "id": "classify-1",
            "object": "list",
            "created": int(time.time()),
            "model": self.model,
            "data": [{"index": 0, **data}],
            "usage": {"prompt_tokens": 10, "total_tokens": 10},
        }

    def classify(self, body):
        number = self.number([body["input"]], not body["use_activation"])
        return self.reply(label="LABEL_0", probs=[number], num_classes=1)

    def score(self, body):
        number = self.number([body["text_1"], body["text_2"]], not body["use_activation"])
        return self.reply(object="score", score=number)


class Sglang(Stub):
    def routes(self):
        yield "GET", "/v1/models", self.models
        yield (
            "POST",
            "/v1/classify",
            lambda body: Vllm.reply(
                self, label="LABEL_0", probs=[self.number([body["input"]], False)], num_classes=1
            ),
        )
        yield (
            "POST",
            "/classify",
            lambda body: {
                "embedding": [self.number([body["text"]], True)],
                "meta_info": {"id": "1", "prompt_tokens": 10},
            },
        )
        yield (
            "POST",
            "/v1/rerank",
            lambda body: [
                {"score": self.number([body["query"], one], False), "document": one, "index": n}
                for n, one in enumerate(body["documents"])
            ],
        )


class Sampler:
    """A server that writes: draws as many answers as it is asked for, other ones where it is given passages."""

    def __init__(self):
        self.bodies = []
        self.app = web.Application()
        self.app.router.add_get("/v1/models", self.models)
        self.app.router.add_post("/v1/chat/completions", self.complete)

    async def models(self, _request):
        return web.json_response({"data": [{"id": "small"}]})

    async def complete(self, request):
        body = await request.json()
        self.bodies.append(body)
        texts = ["Lima", "Cusco"] if "born in Lima" in body["messages"][-1]["content"] else ["Arequipa"]
        choices = [
            {
                "index": n,
                "message": {"role": "assistant", "content": texts[n % len(texts)]},
                "logprobs": {"content": [{"token": "x", "logprob": -0.5}, {"token": "y", "logprob": -0.25}]},
                "finish_reason": "length" if n else "stop",
            }
            for n in range(body["n"])
        ]
        return web.json_response({"model": "small", "choices": choices, "usage": {}})


def worker(labels=("LABEL_0",), **torch):
    """A worker whose model is the same few lines."""
    spec = {"folder": "unused", "digest": f"sha256:{'0' * 64}", "buckets": [MOST_TOKENS, 256]} | torch
    [backend] = parse(
        json.dumps([{"name": "w", "serves": {"equivalence": MODEL}, "torch": spec}]), environment={}
    )
    shapes = shapes_of(backend.torch.buckets, rows=8, max_tokens=16_384)
    engine = Engine(lambda: HashModel(labels), shapes, max_queue_tokens=backend.torch.max_queue_tokens)
    return Worker(backend, engine)
