"""The Grafana dashboard: one table of panels, walked into Grafana's JSON.

Every metric in it stands in the table of `reward_service.api.metrics`; a test compares them.
"""

from typing import Any, NamedTuple

OF = '{namespace="$namespace", job="$job"'  # left open: labels may follow
WIDTH, HEIGHT, COLUMNS = 8, 7, 24


class Panel(NamedTuple):
    """One graph."""

    title: str
    about: str
    """What to think of when it moves."""
    queries: tuple[tuple[str, str], ...]
    """Legend and expression; `<<` stands for the labels of this installation, with more labels behind it, before `>>`."""
    unit: str = "short"


def _share(part: str, whole: str) -> str:
    return f"{part} / on () group_left () clamp_min({whole}, 1e-9)"


def _rate(name: str, labels: str = "", window: str = "$__rate_interval") -> str:
    return f"rate(reward_service_{name}<<{labels}>>[{window}])"


def _quantile(q: float, name: str, labels: str = "") -> str:
    return f"histogram_quantile({q}, sum by (le) ({_rate(f'{name}_bucket', labels)}))"


def _by(labels: str, name: str) -> str:
    return f"sum by ({labels}) ({_rate(name)})"


_UNSCORED = 'status!="scored"'
_COMPLETE = 'status=~"complete|partial"'
_REWARDED = f"sum({_rate('groups_total', _COMPLETE)})"
_NAMED = f"(sum({_rate('uncredited_entities_total')}) + sum({_rate('matched_entities_total')}))"
_WORK = 'route!~"/livez|/readyz|/metrics"'
_SCORE = 'route="/v1/groups/score"'

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Is it well?",
        (
            Panel(
                "Replicas",
                "Answering, and ready.",
                (
                    ("answer", "sum(up<<>>)"),
                    ("not ready: {{reason}}", "sum by (reason) (reward_service_not_ready<<>>) > 0"),
                ),
            ),
            Panel(
                "Calls a second",
                "By status; 5xx other than 503 is a bug.",
                (("{{status}}", f"sum by (status) ({_rate('requests_total', _WORK)})"),),
                "reqps",
            ),
            Panel(
                "Versions that run",
                "More than one index version of a data set, or engine, for longer than an upgrade takes is an error.",
                (
                    (
                        "{{dataset}}@{{version}}",
                        "count by (dataset, version) (reward_service_index_version_info<<>> == 1)",
                    ),
                    (
                        "engine {{version}}",
                        "count by (version, engine) (reward_service_engine_info<<>> == 1)",
                    ),
                ),
            ),
        ),
    ),
    (
        "Is there room?",
        (
            Panel(
                "Saturation",
                "In flight, of what is admitted. At 1 calls are refused: add replicas.",
                (
                    (
                        "requests, {{pod}}",
                        "reward_service_in_flight_requests<<>> / reward_service_in_flight_limit_requests<<>>",
                    ),
                    (
                        "bytes, {{pod}}",
                        "reward_service_in_flight_bytes<<>> / reward_service_in_flight_limit_bytes<<>>",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Refused calls a second",
                "over-capacity: add replicas. quota-exceeded: one caller takes too much. ...-unavailable: look at Redis.",
                (("{{reason}}", f"sum by (reason) ({_rate('refused_total')})"),),
                "reqps",
            ),
            Panel(
                "CPU",
                "A replica uses one core.",
                (("{{pod}}", "rate(process_cpu_seconds_total<<>>[$__rate_interval])"),),
            ),
            Panel(
                "Memory",
                "Resident, by replica.",
                (("{{pod}}", "process_resident_memory_bytes<<>>"),),
                "bytes",
            ),
            Panel(
                "Time of a scoring call",
                "What a trainer waits for whole groups.",
                tuple(
                    (f"p{q * 100:g}", _quantile(q, "request_duration_seconds", _SCORE))
                    for q in (0.5, 0.9, 0.99)
                ),
                "s",
            ),
            Panel(
                "Where the time goes",
                "Seconds of each stage, a second.",
                (("{{stage}}", f"sum by (stage) ({_rate('stage_duration_seconds_sum')})"),),
                "s",
            ),
        ),
    ),
    (
        "Do groups come together?",
        (
            Panel(
                "Groups a second",
                "By status.",
                (("{{status}}", f"sum by (status) ({_rate('groups_total')})"),),
            ),
            Panel(
                "Waiting for the last rollout",
                "From the first rollout of a group until it closed: how unequal rollouts are, and the trainer's time.",
                tuple((f"p{q * 100:g}", _quantile(q, "group_wait_seconds")) for q in (0.5, 0.9, 0.99)),
                "s",
            ),
            Panel(
                "What the service adds",
                "From the rollout that closed its group until the rewards were decided.",
                tuple((f"p{q * 100:g}", _quantile(q, "group_overhead_seconds")) for q in (0.5, 0.99)),
                "s",
            ),
            Panel(
                "Open groups, waiting calls",
                "All replicas of a run count the same groups; calls are each replica's own.",
                (
                    ("open groups", "max(reward_service_open_groups<<>>)"),
                    ("calls, {{pod}}", "reward_service_waiting_polls<<>>"),
                ),
            ),
            Panel(
                "Rollouts put one by one, a second",
                "taken and replayed are well; a problem's type is not: group-closed came too late.",
                (("{{result}}", f"sum by (result) ({_rate('put_rollouts_total')})"),),
            ),
            Panel(
                "Time of the group store",
                "One operation, by kind; lost is a race that was repeated, failed is Redis.",
                (
                    (
                        "{{operation}}, {{end}}",
                        _by("operation, end", "group_store_operation_seconds_sum")
                        + f" / clamp_min({_by('operation, end', 'group_store_operation_seconds_count')}, 1e-9)",
                    ),
                ),
                "s",
            ),
            Panel(
                "Groups that expired",
                "Rollouts were missing at the deadline: a trainer lost them, or the deadline is too short.",
                (
                    (
                        "{{policy}}",
                        _share(
                            f"sum by (policy) ({_rate('groups_expired_total')})",
                            f"sum({_rate('groups_total')})",
                        ),
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Rollouts without a reward",
                "By status, of all rollouts. Null is not zero: the trainer should leave them out.",
                (
                    (
                        "{{status}}",
                        _share(
                            f"sum by (status) ({_rate('rollouts_total', _UNSCORED)})",
                            f"sum({_rate('rollouts_total')})",
                        ),
                    ),
                ),
                "percentunit",
            ),
        ),
    ),
    (
        "What do rewards mean?",
        (
            Panel(
                "Match rate",
                "Mean, and quartiles. It should rise in a training; a jump is a hack or a changed data set.",
                (
                    (
                        "mean",
                        _share(
                            f"sum({_rate('match_rate_ratio_sum')})", f"sum({_rate('match_rate_ratio_count')})"
                        ),
                    ),
                    *((f"p{q * 100:g}", _quantile(q, "match_rate_ratio")) for q in (0.25, 0.5, 0.75)),
                ),
                "percentunit",
            ),
            Panel(
                "Groups without a gradient",
                "Every reward of the group is the same: questions are too hard or too easy.",
                (("share", _share(f"sum({_rate('groups_zero_variance_total')})", _REWARDED)),),
                "percentunit",
            ),
            Panel(
                "Groups without entities",
                "Their question has none: outcome reward only. Lint the data set.",
                (("share", _share(f"sum({_rate('groups_without_entities_total')})", _REWARDED)),),
                "percentunit",
            ),
            Panel(
                "Named and not credited",
                "Of all entities that were named, by reason: a policy that pastes or lists shows here first.",
                (
                    (
                        "{{reason}}",
                        _share(f"sum by (reason) ({_rate('uncredited_entities_total')})", _NAMED),
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Precision",
                "Matched entities among all that were named, where mentions are counted.",
                (("p50", _quantile(0.5, "precision_ratio")), ("p10", _quantile(0.1, "precision_ratio"))),
                "percentunit",
            ),
            Panel(
                "Outcomes",
                "Shares of scored rollouts; error is a broken format or an answer that never came.",
                (
                    (
                        "{{outcome}}",
                        _share(
                            f"sum by (outcome) ({_rate('outcomes_total')})",
                            f"sum({_rate('outcomes_total')})",
                        ),
                    ),
                ),
                "percentunit",
            ),
        ),
    ),
)


def filled(expression: str) -> str:
    """Return an expression with the labels of this installation in it."""
    return expression.replace("<<>>", OF + "}").replace("<<", OF + ", ").replace(">>", "}")


def _panel(panel: Panel, number: int, *, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": {"type": "prometheus", "uid": "$datasource"},
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": x, "y": y},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + n), "expr": filled(expression), "legendFormat": legend}
            for n, (legend, expression) in enumerate(panel.queries)
        ],
    }


def _panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    y = 0
    for title, panels in ROWS:
        row = {"id": len(found) + 1, "type": "row", "title": title, "collapsed": False, "panels": []}
        found.append(row | {"gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y}})
        y += 1
        for n, panel in enumerate(panels):
            at = {"x": n * WIDTH % COLUMNS, "y": y + n * WIDTH // COLUMNS * HEIGHT}
            found.append(_panel(panel, len(found) + 1, **at))
        y += -(-len(panels) * WIDTH // COLUMNS) * HEIGHT
    return found


def _variable(name: str, label: str) -> dict[str, Any]:
    query = f"label_values(reward_service_engine_info, {label})"
    source = {"type": "prometheus", "uid": "$datasource"}
    return {"name": name, "type": "query", "query": query, "datasource": source, "refresh": 2}


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    return {
        "uid": "reward-service",
        "title": "reward-service",
        "description": "Whether it is well, whether there is room, and what rewards mean.",
        "tags": ["reward-service"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                _variable("namespace", "namespace"),
                _variable("job", "job"),
            ]
        },
        "panels": _panels(),
    }
