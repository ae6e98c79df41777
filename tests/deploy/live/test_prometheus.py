"""A real Prometheus scrapes a real service: everything the dashboard asks for has an answer, and an alert fires."""

import contextlib
import json
import time
import urllib.parse
import urllib.request

import httpx
import pytest
import yaml

from reward_service.cli.demo import sample_lines
from tests.builders import thinking
from tests.deploy.live.programs import answers, needed, port, running, say, serve, until
from tests.deploy.rendered import NAME, NAMESPACE, ci_objects, one
from tests.deploy.test_monitoring import dashboard_expressions

# Only what has happened has a series, and none of this has.
NEVER = ("groups_expired_total", "not_ready")


def rules():
    """The chart's alerts, without the patience."""
    groups = one(ci_objects("production"), "PrometheusRule")["spec"]["groups"]
    for group in groups:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule["for"] = "0s"
    return {"groups": groups}


@pytest.fixture(scope="module")
def watched(tmp_path_factory, sample_index):
    """Base URLs of a service and of a Prometheus that scrapes it every second."""
    needed("prometheus")
    folder, ours, theirs = tmp_path_factory.mktemp("prometheus"), port(), port()
    (folder / "rules.yml").write_text(yaml.safe_dump(rules()))
    target = {"targets": [f"127.0.0.1:{ours}"], "labels": {"namespace": NAMESPACE, "pod": "pod-0"}}
    scrape = {"job_name": NAME, "static_configs": [target]}
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (
        serve(ours, folder, "--index", sample_index),
        running(*command, f"--web.listen-address=127.0.0.1:{theirs}", log=folder / "prometheus.log"),
    ):
        until(lambda: answers(f"http://127.0.0.1:{ours}/readyz"), "the service is ready")
        until(lambda: answers(f"http://127.0.0.1:{theirs}/-/ready"), "Prometheus is ready")
        yield f"http://127.0.0.1:{ours}", f"http://127.0.0.1:{theirs}"


def ask(prometheus, path, **query):
    with urllib.request.urlopen(
        f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10
    ) as reply:
        return json.load(reply)["data"]


def sample_groups():
    """The sample's groups, their questions in the index: only there are mentions counted."""
    members = {}
    for record in map(json.loads, sample_lines("rollouts.jsonl")):
        members.setdefault(record.pop("group_id"), []).append(record)
    for group_id, rollouts in members.items():
        question_id = rollouts[0]["question_id"]
        kept = [{key: one[key] for key in one if key not in {"run_id", "question_id"}} for one in rollouts]
        yield {"group_id": group_id, "dataset": "sample", "question_id": question_id, "rollouts": kept}


def work(service):
    """Calls of every kind that the dashboard shows."""
    run = f"{service}/v1/runs/live"
    httpx.put(run, json={"profile": "egrpo", "group_size": 2, "deadline_s": 600}).raise_for_status()
    group = time.monotonic_ns()
    for member in range(2):
        rollout = {"outcome": "wrong", "steps": [], "question": {"text": "Who?", "entities": []}}
        httpx.put(f"{run}/groups/{group}/rollouts/{member}", json=rollout).raise_for_status()
    aborted = thinking("0", "x", stop_reason="aborted")
    groups = [
        *sample_groups(),
        *({"group_id": f"a{n}", "question": {"entities": []}, "rollouts": [aborted]} for n in range(8)),
        {"group_id": "b", "question": {"entities": []}, "rollouts": [thinking("0", "x", outcome="wrong")]},
    ]
    body = {"profile": "egrpo-guarded", "groups": groups}
    httpx.post(f"{service}/v1/groups/score", json=body).raise_for_status()
    httpx.post(f"{service}/v1/groups/score", content=b"{", headers={"Content-Type": "application/json"})


def test_every_query_of_the_dashboard_has_an_answer(watched):
    service, prometheus = watched
    texts = [t.replace("$namespace", NAMESPACE).replace("$job", NAME) for t in dashboard_expressions()]
    texts = [text.replace("$__rate_interval", "30s") for text in texts]
    unanswered = [text for text in texts if not any(f"reward_service_{name}" in text for name in NEVER)]

    def left():
        work(service)
        unanswered[:] = [text for text in unanswered if not ask(prometheus, "query", query=text)["result"]]
        return unanswered

    with contextlib.suppress(AssertionError):
        until(lambda: not left(), "every query has an answer", patience_s=30)
    assert unanswered == []
    say(f"{len(texts)} queries of the dashboard, all that can have an answer have one")


def test_every_rule_is_healthy_and_unscored_rollouts_raise_an_alert(watched):
    service, prometheus = watched

    def firing():
        work(service)
        return {alert["labels"]["alertname"]: alert for alert in ask(prometheus, "alerts")["alerts"]}

    alert = until(lambda: firing().get("RewardServiceRolloutsUnscored"), "the alert fires", patience_s=30)

    found = [rule for group in ask(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in found} == {"ok"}
    assert alert["labels"]["status"] == "aborted"
    assert alert["annotations"]["summary"].endswith("of rollouts get no reward: aborted.")
