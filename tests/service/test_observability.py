"""What the service says about itself: metrics, timing header, log line, and that none of it is private."""

import json
import logging

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from entity_index.stores.sqlite import SqliteCatalogue
from reward_service.api.app import create_app
from reward_service.api.logs import JsonFormatter
from reward_service.api.metrics import METRICS, PREFIX
from reward_service.cli.demo import build_sample
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE, example, thinking
from tests.conftest import serving

CANARY = "canary-4711"


@pytest.fixture(scope="module")
def base():
    with serving(create_app(Settings(max_body_bytes=100_000, canary_interval_s=3600))) as url:
        yield url


@pytest.fixture
def logged():
    """The lines the service logs, as they are written."""
    lines, formatter = [], JsonFormatter()
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(formatter.format(record))
    loggers = [logging.getLogger("reward_service"), logging.getLogger("uvicorn")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.addHandler(handler)
        one.setLevel(logging.DEBUG)
    yield lines
    for one, level in zip(loggers, before, strict=True):
        one.removeHandler(handler)
        one.setLevel(level)


def samples(base):
    page = httpx.get(f"{base}/metrics").text
    return {
        (sample.name.removeprefix(PREFIX), *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_every_metric_of_the_table_is_on_the_page(base):
    httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)

    page = httpx.get(f"{base}/metrics").text

    assert [
        row.name for row in METRICS if f"# TYPE {PREFIX}{row.name.removesuffix('_total')}" not in page
    ] == []


def test_what_rewards_mean_is_counted(base):
    body = example()
    same = thinking("0", "x", outcome="wrong")
    body["groups"] += [
        {"group_id": "same", "question": {"entities": []}, "rollouts": [same]},
        {"group_id": "refused", "question": {"entities": []}, "rollouts": [same, same]},
        {
            "group_id": "failed",
            "question": {"entities": []},
            "rollouts": [thinking("0", "x", stop_reason="aborted")],
        },
    ]
    before = samples(base)

    httpx.post(f"{base}/v1/groups/score", json=body)

    after = samples(base)
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert grown["groups_total", "complete"] == 2
    assert grown["groups_total", "failed"] == 2
    assert grown["groups_zero_variance_total",] == 1
    assert grown["groups_without_entities_total",] == 1
    assert grown["rollouts_total", "scored"] == 4
    assert grown["rollouts_total", "aborted"] == 1
    assert grown["rollouts_total", "group_failed"] == 2
    assert grown["outcomes_total", "wrong"] == 3
    assert grown["matched_entities_total",] == 3
    assert grown["match_rate_ratio_count",] == 3
    assert grown["requests_total", "/v1/groups/score", "200", "POST"] == 1


def test_refusals_are_counted_by_reason(base):
    before = samples(base).get(("refused_total", "malformed-json"), 0)

    httpx.post(f"{base}/v1/groups/score", content=b"{", headers={"Content-Type": "application/json"})

    assert samples(base)["refused_total", "malformed-json"] == before + 1


def test_paths_that_do_not_exist_share_one_label(base):
    httpx.get(f"{base}/nowhere/{CANARY}")
    httpx.request("BREW", f"{base}/livez")

    page = httpx.get(f"{base}/metrics").text
    assert CANARY not in page
    assert "BREW" not in page


def test_the_timing_header_names_the_stages(base):
    header = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE).headers["Server-Timing"]

    stages = dict(part.split(";dur=") for part in header.split(", "))
    assert list(stages) == ["receive", "decode", "look_up", "measure", "reward", "publish", "encode", "total"]
    assert sum(float(ms) for name, ms in stages.items() if name != "total") <= float(stages["total"]) + 0.01


def test_a_request_is_one_log_line(base, logged):
    httpx.post(f"{base}/v1/groups/score", json=EXAMPLE, headers={"X-Request-Id": "mine"})
    httpx.get(f"{base}/livez")

    (line,) = [one for one in map(json.loads, logged) if one.get("request_id") == "mine"]
    assert line["event"] == "request"
    assert (line["route"], line["status"], line["groups"], line["rollouts"]) == (
        "/v1/groups/score",
        200,
        1,
        3,
    )
    assert line["outcomes"] == {"correct": 1, "wrong": 2}
    assert line["run_id"] == "r"
    assert set(line["stages_ms"]) >= {"receive", "decode", "measure", "reward", "encode"}


def private_calls():
    """Calls that carry the canary everywhere a text can stand, good and bad."""
    good = example(explain=True)
    good["groups"][0]["question"]["text"] = CANARY
    good["groups"][0]["question"]["answers"] = [CANARY]
    good["groups"][0]["question"]["entities"][0]["aliases"] = [CANARY]
    good["groups"][0]["rollouts"][0]["steps"][0]["text"] = CANARY
    bad_schema = example(colour=CANARY)
    bad_entity = example()
    bad_entity["groups"][0]["question"]["entities"][0]["name"] = "?"
    bad_entity["groups"][0]["rollouts"][0]["steps"][0]["text"] = CANARY
    for body in (good, bad_entity, bad_schema):
        yield json.dumps(body).encode()
    yield json.dumps(good).encode()[:-1]
    yield f'{{"{CANARY}": 1, "{CANARY}": 2}}'.encode()
    yield json.dumps({"profile": CANARY, "groups": []}).encode()
    yield CANARY.encode() * 20_000


def test_nothing_private_is_logged_counted_or_echoed(base, logged):
    for path in ("groups/score", "match", "rewards", "rollouts/explain"):
        for body in private_calls():
            reply = httpx.post(
                f"{base}/v1/{path}",
                content=body,
                headers={"Content-Type": "application/json", "Authorization": f"Bearer {CANARY}"},
            )
            assert reply.status_code == 200 or CANARY not in reply.text

    assert logged
    assert CANARY not in "".join(logged)
    assert CANARY not in httpx.get(f"{base}/metrics").text


def test_a_bug_is_an_answer_with_an_id_and_a_trace_without_its_message(logged):
    app = create_app(Settings(canary_interval_s=3600))

    @app.get("/v1/broken")
    async def broken():
        raise RuntimeError(CANARY)

    with serving(app) as base:
        reply = httpx.get(f"{base}/v1/broken")

    assert (reply.status_code, reply.json()["type"]) == (500, "urn:reward-service:internal-error")
    assert reply.headers["X-Request-Id"] == reply.json()["request_id"]
    text = "".join(logged)
    assert CANARY not in text + reply.text
    assert "RuntimeError" in text
    assert "in broken" in text or " broken" in text


def test_telemetry_is_off_unless_asked_for():
    assert not create_app(Settings())._native_telemetry.enabled()


def test_what_was_in_memory_of_the_index_is_counted(tmp_path):
    build_sample(tmp_path)
    catalogue = SqliteCatalogue(tmp_path)
    (dataset,) = catalogue.datasets()
    question_id = next(iter(catalogue.open(dataset, catalogue.active(dataset)).question_ids()))
    group = {
        "group_id": "g",
        "dataset": dataset,
        "question_id": question_id,
        "rollouts": [thinking("0", "x")],
    }
    with serving(
        create_app(Settings(canary_interval_s=3600, index_follow_s=3600), catalogue=catalogue)
    ) as base:
        before = samples(base)
        for _ in range(3):
            assert httpx.post(f"{base}/v1/groups/score", json={"groups": [group]}).status_code == 200
        after = samples(base)

    grown = {
        (what, result): after[name] - before[name]
        for what in ("question", "version")
        for result in ("hit", "miss")
        if (name := ("index_lookups_total", *sorted((what, result))))
    }
    assert (grown["question", "hit"], grown["question", "miss"]) == (2, 1)
    assert grown["version", "hit"] >= 3  # the self-check reads too
    assert grown["version", "miss"] == 0
