"""Profiles that ask a model which scores texts: one profile, four kinds of servers, the same reward."""

from contextlib import ExitStack

import httpx
import pytest
from typer.testing import CliRunner

from reward_service.api.app import create_app
from reward_service.cli.commands import app as commands
from reward_service.serve.config import Settings
from reward_service.serve.sources.models.activation import probabilities
from tests.conftest import serving
from tests.fault_judge import hosting
from tests.redis_server import until
from tests.score_servers import MODEL, Sampler, Sglang, Tei, Vllm, logit, worker
from tests.service.test_judges import QUESTION, answering, write_backends

REWARD = """
name: quality
askers: [{name: quality, template: %s, model: equivalence, label: "%s"}]
reward: {terms: [{signal: quality, weight: 0.5}]}
"""
ANSWERS = ["Peru's capital", "The city of kings", "Cusco", "Lima", *(f"town {n}" for n in range(6))]
KINDS = {
    "worker": (worker, "tei"),
    "TEI": (Tei, "tei"),
    "vLLM": (Vllm, "vllm-scores"),
    "SGLang": (Sglang, "sglang-scores"),
}


class Scoring:
    """A service whose model is a server."""

    def __init__(self, server, http):
        self.server, self.http = server, http

    def score(self, answers, profile="egrpo-equivalence"):
        rollouts = [answering(str(n), answer) for n, answer in enumerate(answers)]
        group = {"group_id": "g", "question": QUESTION, "rollouts": rollouts}
        return self.http.post(
            "/v1/groups/score",
            json={"profile": profile, "groups": [group], "partial": {"policy": "survivors"}},
        )

    def rollouts(self, answers, profile="egrpo-equivalence"):
        reply = self.score(answers, profile)
        assert reply.status_code == 200, reply.text
        return reply.json()["groups"][0]["rollouts"]


@pytest.fixture
def scoring(tmp_path):
    """Start services in front of servers."""
    with ExitStack() as stack:

        def start(kind, template="score-text-v1", label="", **backend):
            make, flavour = KINDS[kind]
            server = make()
            url = stack.enter_context(hosting(server.app))
            if kind == "worker":
                until(lambda: httpx.get(f"{url}/health").status_code == 200, "the worker is ready")
            folder = tmp_path / f"{kind}{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            (folder / "quality.yaml").write_text(REWARD % (template, label))
            entry = {"name": "m", "serves": {"equivalence": MODEL}, "url": url, "flavour": flavour}
            file = write_backends(tmp_path, entry | {"timeout_s": 5} | backend)
            app = create_app(Settings(backends=file, profiles=folder, canary_interval_s=3600))
            http = stack.enter_context(httpx.Client(base_url=stack.enter_context(serving(app)), timeout=60))
            return Scoring(server, http)

        yield start


def told(rollout):
    return {
        name: rollout[name]
        for name in ("status", "outcome", "reward", "advantage", "signals")
        if name in rollout
    }


def test_four_kinds_of_servers_give_the_same_rewards(scoring):
    found = {}
    for kind in KINDS:
        service = scoring(kind)
        found[kind] = [
            [told(one) for one in service.rollouts(ANSWERS)],
            [told(one) for one in service.rollouts(ANSWERS, "quality")],
        ]

    assert found["worker"] == found["TEI"] == found["vLLM"] == found["SGLang"]
    same, quality = found["worker"]
    assert {one["outcome"] for one in same} == {"correct", "wrong"}
    assert quality[2]["reward"] == 0.5 * logit([f"{QUESTION['text']}\n\nCusco"])


@pytest.mark.parametrize("kind", ["worker", "TEI", "vLLM"])
def test_a_reward_model_of_two_texts_gives_the_same_number(scoring, kind):
    [one] = scoring(kind, template="score-v1").rollouts(["Cusco"], "quality")

    assert one["reward"] == 0.5 * logit([QUESTION["text"], "Cusco"])


def test_sglang_gives_no_raw_score_of_two_texts_so_there_is_none(scoring):
    [one] = scoring("SGLang", template="score-v1").rollouts(["Cusco"], "quality")

    assert (one["status"], one["reward"], one["detail"]) == ("backend_failed", None, "quality: transport")


def test_equal_texts_are_scored_once(scoring):
    service = scoring("TEI")

    service.rollouts(["Cusco"] * 8)
    service.rollouts(["Cusco"])

    assert service.server.asked == 1


def test_a_text_that_is_too_long_for_the_model_is_that_rollouts_own_and_is_not_cut(scoring):
    service = scoring("worker")

    long, short = service.rollouts(["word " * 80, "Cusco"])

    assert (long["status"], long["reward"], long["detail"]) == ("backend_failed", None, "same: too_long")
    assert short["status"] == "scored"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(413, "too_long"), (400, "refused"), (500, "transport"), (429, "overloaded"), (424, "transport")],
)
def test_a_server_that_refuses_gives_no_reward(scoring, status, reason):
    service = scoring("TEI")
    service.server.status = status

    [one] = service.rollouts(["Cusco"])

    assert (one["status"], one["reward"], one["detail"]) == ("backend_failed", None, f"same: {reason}")


@pytest.mark.parametrize("kind", ["TEI", "vLLM", "SGLang"])
def test_a_server_of_another_model_is_not_asked(scoring, kind):
    service = scoring(kind)
    service.server.model = "larger"

    reply = service.score(["Cusco"])

    assert reply.status_code == 503
    assert reply.json()["type"].endswith("backend-unavailable")
    assert "does not serve tiny" in reply.text


def test_a_reply_of_another_model_is_no_score(scoring):
    service = scoring("vLLM")
    service.rollouts(["Cusco"])
    service.server.model = "larger"

    [one] = service.rollouts(["Arequipa"])

    assert one["detail"] == "same: transport"


def test_a_label_is_found_by_its_name_from_the_file_where_the_server_has_none(scoring):
    [one] = scoring("vLLM", label="Good", labels=["good"]).rollouts(["Cusco"], "quality")
    [other] = scoring("SGLang", label="bad", labels=["good"]).rollouts(["Cusco"], "quality")

    assert one["reward"] == 0.5 * logit([f"{QUESTION['text']}\n\nCusco"])
    assert other["detail"] == "quality: transport"


def test_a_backend_of_the_wrong_kind_is_not_asked(scoring):
    reply = scoring("TEI", serves={"judge": MODEL}).score(["Cusco"], "egrpo-judged")

    assert reply.status_code == 503
    assert reply.json()["detail"] == "answer needs another kind of backend: m scores texts"


def test_what_the_worker_says_of_itself_and_of_bad_bodies():
    server = worker()
    with hosting(server.app) as base, httpx.Client(base_url=base, timeout=30) as http:
        until(lambda: http.get("/health").status_code == 200, "the worker is ready")
        info = http.get("/info").json()
        assert (info["model_id"], info["auto_truncate"], info["max_input_length"]) == (MODEL, False, 256)
        assert info["model_type"] == {"classifier": {"id2label": {"0": "LABEL_0"}}}
        for body in (
            "{",
            "[]",
            "{}",
            '{"inputs": []}',
            '{"inputs": [[]]}',
            '{"inputs": [["a", "b", "c"]]}',
            '{"inputs": [1]}',
        ):
            assert http.post("/predict", content=body).json()["error_type"] == "Validation", body
        cut = http.post("/predict", json={"inputs": "a", "truncate": True})
        assert (cut.status_code, cut.json()["error"]) == (422, "nothing is cut here: leave truncate out")
        assert "reward_service_model_batches_total" in http.get("/metrics").text


def test_the_worker_scores_several_texts_in_the_order_they_came():
    server = worker()
    with hosting(server.app) as base, httpx.Client(base_url=base, timeout=30) as http:
        until(lambda: http.get("/health").status_code == 200, "the worker is ready")
        found = http.post("/predict", json={"inputs": [["a"], ["b", "c"]], "raw_scores": True}).json()
        pair = http.post("/predict", json={"inputs": ["b", "c"], "raw_scores": True}).json()
        long = http.post("/predict", json={"inputs": [["a"], ["x" * 300]]})

    assert [one[0]["score"] for one in found] == [logit(["a"]), logit(["b", "c"])]
    assert pair == found[1]
    assert (long.status_code, long.json()["error_type"]) == (413, "Validation")


def test_a_worker_with_a_key_answers_nobody_else(tmp_path):
    (tmp_path / "key").write_text("secret")
    server = worker()
    server._backend = server._backend.model_copy(update={"key_file": tmp_path / "key"}).with_key({})
    with hosting(server.app) as base, httpx.Client(base_url=base, timeout=30) as http:
        until(lambda: http.get("/health").status_code == 200, "the worker is ready")
        assert http.post("/predict", json={"inputs": "a"}).status_code == 401
        allowed = http.post("/predict", json={"inputs": "a"}, headers={"Authorization": "Bearer secret"})

    assert allowed.status_code == 200


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["worker", "m"], "there is no backends file: give --backends"),
        (["worker", "m", "--backends", "FILE"], "the backends file has no model in a folder called 'm'"),
        (["worker", "own", "--backends", "FILE", "--host", "0.0.0.0"], "give own a key_file or key_env"),
        (["worker-digest", "FOLDER"], "has no config.json, or no weights as .safetensors"),
    ],
)
def test_the_commands_say_what_is_missing(tmp_path, arguments, why):
    torch = {"folder": str(tmp_path), "digest": f"sha256:{'0' * 64}"}
    own = {"name": "own", "serves": ["nli"], "torch": torch}
    remote = {"name": "m", "serves": ["x"], "url": "http://a", "flavour": "tei"}
    places = {"FILE": str(write_backends(tmp_path, own, remote)), "FOLDER": str(tmp_path)}
    done = CliRunner().invoke(commands, [places.get(one, one) for one in arguments])

    assert done.exit_code == 1
    assert why in " ".join(done.output.split())


def test_the_information_gain_is_measured_with_a_server_that_draws_and_a_worker(tmp_path):
    sampler, nli = Sampler(), worker(("contradiction", "neutral", "entailment"))
    steps = [
        {"type": "thought", "text": "Perhaps."},
        {"type": "tool_response", "text": "She was born in Lima."},
        {"type": "answer", "text": "Lima"},
    ]
    group = {"group_id": "g", "question": QUESTION, "rollouts": [{"rollout_id": "0", "steps": steps}]}
    with hosting(sampler.app) as writes, hosting(nli.app) as scores:
        until(lambda: httpx.get(f"{scores}/health").status_code == 200, "the worker is ready")
        file = write_backends(
            tmp_path,
            {"name": "s", "serves": {"sampler": "small"}, "url": f"{writes}/v1"},
            {"name": "n", "serves": {"nli": MODEL}, "url": scores, "flavour": "tei"},
        )
        app = create_app(Settings(backends=file, canary_interval_s=3600))
        with serving(app) as base, httpx.Client(base_url=base, timeout=60) as http:
            reply = http.post(
                "/v1/groups/score", json={"profile": "inforeasoner-model", "groups": [group]}
            ).json()

    [one] = reply["groups"][0]["rollouts"]
    gain = 0.5 * entailed("Lima") + 0.5 * entailed("Cusco") - entailed("Arequipa")
    assert one["reward"] == pytest.approx(1 + 0.6 * gain, abs=1e-12)
    assert [body["n"] for body in sampler.bodies] == [10, 10]
    assert all(body["logprobs"] and body["temperature"] == 1.0 for body in sampler.bodies)


def entailed(sample):
    """The better of both directions, as the worker's model has it."""
    question = QUESTION["text"]
    texts = [[f"{question} {sample}", f"{question} Lima"], [f"{question} Lima", f"{question} {sample}"]]
    return max(probabilities([logit(one) + n for n in range(3)])[2] for one in texts)
