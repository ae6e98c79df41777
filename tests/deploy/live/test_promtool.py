"""Prometheus' own tool reads the rules, and plays them: each alert fires where it should, and is quiet where it should."""

import json

import pytest
import yaml

from tests.deploy.live.programs import call, needed, say
from tests.deploy.rendered import NAME, NAMESPACE, alerts, ci_objects, one
from tests.deploy.test_monitoring import dashboard_expressions

OF = f'namespace="{NAMESPACE}", job="{NAME}"'
LONG = 1600  # minutes: a day and some


def series(name, values, **labels):
    more = "".join(f', {label}="{value}"' for label, value in labels.items())
    full = name if name == "up" else f"reward_service_{name}"
    return {"series": f"{full}{{{OF}{more}}}", "values": values}


def steady(name, a_minute, *, minutes=200, **labels):
    """A counter that grows evenly."""
    return series(name, f"0+{a_minute}x{minutes}", **labels)


def level(name, value, *, minutes=200, **labels):
    """A gauge that stays."""
    return series(name, f"{value}x{minutes}", **labels)


def room(requests, size):
    return [
        level("in_flight_requests", requests, pod="a"),
        level("in_flight_limit_requests", 64, pod="a"),
        level("in_flight_bytes", size, pod="a"),
        level("in_flight_limit_bytes", 1000, pod="a"),
    ]


def calls(refused, reason="over-capacity"):
    return [
        steady("refused_total", refused, reason=reason),
        steady("requests_total", 100, route="/v1/groups/score", method="POST", status="200"),
        steady("requests_total", 900, route="/readyz", method="GET", status="200"),
    ]


def durations(fast, slow):
    route = {"route": "/v1/groups/score"}
    return [
        steady("request_duration_seconds_bucket", fast, le="0.5", **route),
        steady("request_duration_seconds_bucket", fast + slow, le="10.0", **route),
        steady("request_duration_seconds_bucket", fast + slow, le="+Inf", **route),
    ]


def waits(name, fast, slow, bounds, **labels):
    low, high = bounds
    return [
        steady(f"{name}_bucket", fast, le=low, **labels),
        steady(f"{name}_bucket", fast + slow, le=high, **labels),
        steady(f"{name}_bucket", fast + slow, le="+Inf", **labels),
    ]


def groups(**by_status):
    return [steady("groups_total", count, status=status) for status, count in by_status.items()]


def rollouts(**by_status):
    return [steady("rollouts_total", count, status=status) for status, count in by_status.items()]


def match_rate(before, after):
    """A day of one mean, then two hours of another."""
    day = LONG - 120
    return [
        series("match_rate_ratio_sum", f"0+{before}x{day} {before * day + after}+{after}x120"),
        series("match_rate_ratio_count", f"0+1x{LONG}"),
    ]


def named(matched, uncredited, reason="listed"):
    return [
        steady("matched_entities_total", matched),
        steady("uncredited_entities_total", uncredited, reason=reason),
    ]


def versions(*found):
    return [level("index_version_info", 1, dataset="d", version=v, pod=str(n)) for n, v in enumerate(found)]


def engines(*found):
    return [level("engine_info", 1, version="1", engine=engine, pod=str(n)) for n, engine in enumerate(found)]


# Alert, when it is looked at in minutes, how many fire, what happened.
CASES = [
    ("RewardServiceDown", 10, 1, [level("up", 0)]),
    ("RewardServiceDown", 10, 1, []),
    ("RewardServiceDown", 10, 0, [level("up", 0, pod="a"), level("up", 1, pod="b")]),
    ("RewardServiceNotReady", 10, 1, [level("not_ready", 1, pod="a", reason="index")]),
    ("RewardServiceNotReady", 10, 0, [level("not_ready", 1, pod="a", reason="draining")]),
    ("RewardServiceCanaryDiffers", 10, 1, [steady("canary_runs_total", 1, pod="a", result="different")]),
    ("RewardServiceCanaryDiffers", 10, 0, [steady("canary_runs_total", 1, pod="a", result="same")]),
    ("RewardServiceSaturated", 20, 1, room(60, 10)),
    ("RewardServiceSaturated", 20, 1, room(2, 900)),
    ("RewardServiceSaturated", 20, 0, room(40, 500)),
    ("RewardServiceRefusing", 20, 1, calls(10)),
    ("RewardServiceRefusing", 20, 1, calls(10, "quota-exceeded")),
    ("RewardServiceRefusing", 20, 0, calls(10, "malformed-json")),
    ("RewardServiceRefusing", 20, 0, calls(1)),
    ("RewardServiceDependencyFails", 10, 1, calls(1, "state-unavailable")),
    ("RewardServiceDependencyFails", 10, 0, calls(1, "unknown-run")),
    (
        "RewardServiceBug",
        10,
        1,
        [steady("requests_total", 1, route="/v1/match", method="POST", status="500")],
    ),
    # The very first one: a counter that was not there before and stands at 1.
    (
        "RewardServiceBug",
        12,
        1,
        [series("requests_total", "_x10 1x100", route="/v1/match", method="POST", status="500")],
    ),
    (
        "RewardServiceBug",
        60,
        0,
        [series("requests_total", "_x10 1x100", route="/v1/match", method="POST", status="500")],
    ),
    ("RewardServiceSlow", 30, 1, durations(80, 20)),
    ("RewardServiceSlow", 30, 0, durations(100, 0)),
    ("RewardServiceKeysUnreadable", 10, 1, [steady("key_file_failures_total", 1)]),
    ("RewardServiceKeysUnreadable", 10, 0, [level("key_file_failures_total", 5)]),
    ("RewardServiceIndexSkew", 10, 1, versions("v1", "v2", "v2")),
    ("RewardServiceIndexSkew", 10, 0, versions("v2", "v2", "v2")),
    ("RewardServiceEngineSkew", 20, 1, engines("e1", "e2")),
    ("RewardServiceEngineSkew", 20, 0, engines("e1", "e1")),
    ("RewardServiceEngineSkew", 14, 0, engines("e1", "e2")),
    (
        "RewardServiceGroupsWait",
        60,
        1,
        waits("group_wait_seconds", 90, 10, ("3600.0", "7200.0"), status="complete"),
    ),
    (
        "RewardServiceGroupsWait",
        60,
        0,
        waits("group_wait_seconds", 90, 10, ("60.0", "300.0"), status="complete"),
    ),
    ("RewardServiceGroupOverhead", 60, 1, waits("group_overhead_seconds", 90, 10, ("0.5", "5.0"))),
    ("RewardServiceGroupOverhead", 60, 0, waits("group_overhead_seconds", 90, 10, ("0.01", "0.1"))),
    (
        "RewardServiceGroupsExpire",
        30,
        1,
        [*groups(complete=90, expired=10), steady("groups_expired_total", 10, policy="fail")],
    ),
    (
        "RewardServiceGroupsExpire",
        30,
        0,
        [*groups(complete=99, expired=1), steady("groups_expired_total", 1, policy="fail")],
    ),
    ("RewardServiceRolloutsUnscored", 30, 2, rollouts(scored=90, judge_failed=5, aborted=5)),
    ("RewardServiceRolloutsUnscored", 30, 0, rollouts(scored=99, aborted=1)),
    ("RewardServiceNoGradient", 90, 1, [*groups(complete=100), steady("groups_zero_variance_total", 90)]),
    ("RewardServiceNoGradient", 90, 0, [*groups(complete=100), steady("groups_zero_variance_total", 50)]),
    (
        "RewardServiceGroupsWithoutEntities",
        90,
        1,
        [*groups(complete=100), steady("groups_without_entities_total", 40)],
    ),
    (
        "RewardServiceGroupsWithoutEntities",
        90,
        0,
        [*groups(complete=100), steady("groups_without_entities_total", 10)],
    ),
    ("RewardServiceMatchRateDrifts", LONG, 1, match_rate(0.25, 0.75)),
    ("RewardServiceMatchRateDrifts", LONG, 1, match_rate(0.75, 0.25)),
    ("RewardServiceMatchRateDrifts", LONG, 0, match_rate(0.5, 0.5625)),
    ("RewardServiceUncredited", 90, 1, named(10, 30)),
    ("RewardServiceUncredited", 90, 0, named(30, 10)),
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    needed("promtool")
    file = tmp_path_factory.mktemp("rules") / "rules.yml"
    groups = one(ci_objects("production"), "PrometheusRule")["spec"]["groups"]
    file.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    return file


def test_the_rules_can_be_read(rules):
    said = call("promtool", "check", "rules", rules)

    assert f"{len(alerts(ci_objects('production')))} rules found" in said


def test_every_alert_has_a_case_that_fires_and_one_that_does_not():
    for alert in alerts(ci_objects("production")):
        assert {bool(firing) for name, _, firing, _ in CASES if name == alert} == {True, False}, alert


def test_every_alert_fires_where_it_should_and_only_there(rules):
    tests = [
        {
            "name": f"{alert}, case {n}",
            "interval": "1m",
            "input_series": happened,
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)',
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": "{}", "value": firing}],
                }
            ],
        }
        for n, (alert, minute, firing, happened) in enumerate(CASES)
    ]
    file = rules.parent / "tests.yml"
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))

    call("promtool", "test", "rules", file)
    say(f"{len(CASES)} cases of {len({name for name, *_ in CASES})} alerts")


def test_every_expression_of_the_dashboard_can_be_read(rules):
    expressions = [text.replace("$__rate_interval", "5m") for text in dashboard_expressions()]
    recorded = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(expressions)]
    file = rules.parent / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))

    assert f"{len(recorded)} rules found" in call("promtool", "check", "rules", file)
