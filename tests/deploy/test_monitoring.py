"""Alerts and dashboard name only metrics, labels and values that the service has; and the autoscaler does."""

import json
import re

import httpx
import pytest

from reward_service.api.metrics import METRICS, PREFIX
from reward_service.api.readiness import REASONS
from reward_service.core.judging.replies import LABELS
from reward_service.core.types import GroupStatus, Outcome, RolloutStatus
from reward_service.serve import errors
from scripts import dashboard
from tests.builders import EXAMPLE
from tests.deploy.rendered import CHART, alerts, ci_objects

TABLE = {PREFIX + row.name: row for row in METRICS}
SERIES = {
    PREFIX + row.name + suffix: row
    for row in METRICS
    for suffix in (("_bucket", "_sum", "_count") if row.kind == "histogram" else ("",))
}
# Of Prometheus itself, and of its client for Python.
OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
TARGET = {"namespace", "job", "pod"}
VALUES = {
    ("reward_service_groups_total", "status"): set(GroupStatus),
    ("reward_service_rollouts_total", "status"): set(RolloutStatus),
    ("reward_service_outcomes_total", "outcome"): set(Outcome),
    ("reward_service_not_ready", "reason"): set(REASONS),
    ("reward_service_canary_runs_total", "result"): {"same", "different"},
    ("reward_service_refused_total", "reason"): {cls.slug for cls in errors.catalogue()},
    ("reward_service_judged_total", "verdict"): {*LABELS, *Outcome, *RolloutStatus},
    ("reward_service_requests_total", "status"): {"500"},
    ("reward_service_requests_total", "route"): {"/livez", "/readyz", "/metrics"},
    ("reward_service_request_duration_seconds_bucket", "route"): {"/v1/groups/score"},
}
SELECTOR = re.compile(r"([a-z_]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def dashboard_expressions():
    document = json.loads((CHART / "dashboards" / "reward-service.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in document["panels"] for target in panel.get("targets", ())]


def all_expressions():
    return [rule["expr"] for rule in alerts(ci_objects("production")).values()] + dashboard_expressions()


@pytest.fixture(params=all_expressions(), ids=lambda text: text[:60])
def expression(request):
    return request.param


def test_every_metric_is_in_the_table(expression):
    used = {name for name, _ in SELECTOR.findall(expression)}

    assert used
    assert used - set(SERIES) - OTHERS == set()


def test_every_metric_is_asked_for_this_installation_alone(expression):
    for _, labels in SELECTOR.findall(expression):
        assert {"namespace", "job"} <= {label for label, _, _ in MATCHER.findall(labels)}


def test_every_label_and_every_value_exists(expression):
    for name, labels in SELECTOR.findall(expression):
        known = TARGET | set(SERIES[name].labels if name in SERIES else ())
        for label, _, value in MATCHER.findall(labels):
            assert label in known, f"{name} has no label {label}"
            if label not in TARGET:
                assert set(value.split("|")) <= VALUES[name, label], f"{name}: {label} is never {value}"


def test_results_are_told_apart_by_labels_that_exist(expression):
    labels = {one.strip() for names in re.findall(r"by \(([^)]*)\)", expression) for one in names.split(",")}

    used = [SERIES[name].labels for name, _ in SELECTOR.findall(expression) if name in SERIES]
    assert labels <= {"le"} | TARGET | {label for row in used for label in row}


def test_the_running_service_exports_what_is_asked_for(server):
    httpx.post(f"{server}/v1/groups/score", json=EXAMPLE)
    page = httpx.get(f"{server}/metrics").text
    declared = set(re.findall(r"# TYPE (\S+)", page))

    used = {name for text in all_expressions() for name, _ in SELECTOR.findall(text)} - {"up"}
    bare = {re.sub("_(bucket|sum|count)$", "", name) if name in SERIES else name for name in used}
    # The text format declares a counter with or without its suffix, by version.
    assert {name for name in bare if not declared & {name, name.removesuffix("_total")}} == set()


# What somebody who runs this has to see. A metric that is added for it belongs in here.
WATCHED = [
    "in_flight_requests",
    "in_flight_bytes",
    "refused_total",
    "groups_expired_total",
    "rollouts_total",
    "groups_zero_variance_total",
    "groups_without_entities_total",
    "match_rate_ratio",
    "uncredited_entities_total",
    "index_version_info",
    "engine_info",
    "not_ready",
    "canary_runs_total",
    "group_wait_seconds",
    "group_overhead_seconds",
    "open_groups",
    "put_rollouts_total",
    "ask_breaker_open",
    "judge_drift",
    "judged_uncovered_total",
]
ONE_PLACE = {"canary_runs_total": "alerts", "open_groups": "dashboard", "put_rollouts_total": "dashboard"}


@pytest.mark.parametrize("name", WATCHED)
def test_what_matters_is_on_the_dashboard_and_has_an_alert(name):
    texts = {"alerts": " ".join(r["expr"] for r in alerts(ci_objects("production")).values())}
    texts["dashboard"] = " ".join(dashboard_expressions())
    wanted = [ONE_PLACE[name]] if name in ONE_PLACE else list(texts)

    assert [where for where in wanted if PREFIX + name not in texts[where]] == []


def test_the_dashboard_has_a_sentence_for_every_panel_and_no_two_ids():
    document = dashboard.dashboard()
    panels = document["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["description"].endswith(".") for panel in panels if panel["type"] == "timeseries")
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_every_alert_says_how_bad_it_is_and_what_is_wrong():
    for name, rule in alerts(ci_objects("production")).items():
        assert name.startswith("RewardService")
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")
