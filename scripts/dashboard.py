"""The Grafana dashboard: one table of panels, walked into Grafana's JSON.

Every metric in it appears in the table of `reward_service.api.metrics`; a test compares them.
"""

from typing import Any, NamedTuple

OF = '{namespace="$namespace", job="$job"'  # left open: labels may follow
WIDTH, HEIGHT, COLUMNS = 8, 7, 24


class Panel(NamedTuple):
    """One graph."""

    title: str
    about: str
    """How to interpret a change."""
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
_CORRECT = 'verdict="correct"'

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Is the service healthy?",
        (
            Panel(
                "Replicas",
                "Replicas that respond, and those that are not ready, by reason.",
                (
                    ("answer", "sum(up<<>>)"),
                    ("not ready: {{reason}}", "sum by (reason) (reward_service_not_ready<<>>) > 0"),
                ),
            ),
            Panel(
                "Calls per second",
                "By status; 5xx other than 503 is a bug.",
                (("{{status}}", f"sum by (status) ({_rate('requests_total', _WORK)})"),),
                "reqps",
            ),
            Panel(
                "Running versions",
                "More than one engine, or index version of a data set, for longer than an upgrade takes is an error.",
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
        "Is there enough capacity?",
        (
            Panel(
                "Saturation",
                "Requests or bytes in flight, as a share of the limit. At 1, calls are refused: add replicas.",
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
                "Refused calls per second",
                "over-capacity: add replicas. quota-exceeded: one caller uses too much. ...-unavailable: check Redis.",
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
                "Resident memory, by replica.",
                (("{{pod}}", "process_resident_memory_bytes<<>>"),),
                "bytes",
            ),
            Panel(
                "Duration of a scoring call",
                "How long a trainer waits for whole groups.",
                tuple(
                    (f"p{q * 100:g}", _quantile(q, "request_duration_seconds", _SCORE))
                    for q in (0.5, 0.9, 0.99)
                ),
                "s",
            ),
            Panel(
                "Where the time goes",
                "Seconds spent in each stage, per second.",
                (("{{stage}}", f"sum by (stage) ({_rate('stage_duration_seconds_sum')})"),),
                "s",
            ),
        ),
    ),
    (
        "Do groups complete?",
        (
            Panel(
                "Groups per second",
                "By status.",
                (("{{status}}", f"sum by (status) ({_rate('groups_total')})"),),
            ),
            Panel(
                "Waiting for the last rollout",
                "Time from the first rollout of a group until it closed: depends on how unequal rollouts are, and on the trainer.",
                tuple((f"p{q * 100:g}", _quantile(q, "group_wait_seconds")) for q in (0.5, 0.9, 0.99)),
                "s",
            ),
            Panel(
                "Time added by the service",
                "Time from the rollout that closed its group until the rewards were decided.",
                tuple((f"p{q * 100:g}", _quantile(q, "group_overhead_seconds")) for q in (0.5, 0.99)),
                "s",
            ),
            Panel(
                "Open groups, waiting calls",
                "All replicas of a run count the same groups; each replica counts its own calls.",
                (
                    ("open groups", "max(reward_service_open_groups<<>>)"),
                    ("calls, {{pod}}", "reward_service_waiting_polls<<>>"),
                ),
            ),
            Panel(
                "Rollouts sent one by one, per second",
                "taken and replayed are fine; anything else is the type of a problem, such as group-closed for a rollout that arrived too late.",
                (("{{result}}", f"sum by (result) ({_rate('put_rollouts_total')})"),),
            ),
            Panel(
                "Duration of group store operations",
                "Per operation, by kind. lost: a race that was retried; failed: a failure of Redis.",
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
                "Rollouts were missing at the deadline: the trainer lost them, or the deadline is too short.",
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
                "Share of all rollouts, by status. Null is not zero: the trainer should exclude them.",
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
        "What do the rewards show?",
        (
            Panel(
                "Match rate",
                "Mean and quartiles. It should rise during training; a jump indicates reward hacking or a changed data set.",
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
                "All rewards of the group are equal: the questions are too hard or too easy.",
                (("share", _share(f"sum({_rate('groups_zero_variance_total')})", _REWARDED)),),
                "percentunit",
            ),
            Panel(
                "Groups without entities",
                "The question has no entities, so only the outcome is rewarded. Lint the data set.",
                (("share", _share(f"sum({_rate('groups_without_entities_total')})", _REWARDED)),),
                "percentunit",
            ),
            Panel(
                "Named but not credited",
                "Share of all named entities, by reason: a policy that pastes or lists names shows here first.",
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
                "Share of matched entities among all mentions, for profiles that count mentions.",
                (("p50", _quantile(0.5, "precision_ratio")), ("p10", _quantile(0.1, "precision_ratio"))),
                "percentunit",
            ),
            Panel(
                "Outcomes",
                "Shares of scored rollouts; error means a broken format or a missing answer.",
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
    (
        "What do judges say?",
        (
            Panel(
                "Outcomes by what decided them",
                "Strings accept or reject; the rest is asked. More asks cost more; fewer may mean that the policy has found a form that strings accept.",
                (("{{stage}}", _by("stage", "cascade_total")),),
            ),
            Panel(
                "Verdicts",
                "Shares of what judges said; judge_failed gets no reward.",
                (
                    (
                        "{{verdict}}",
                        _share(
                            f"sum by (verdict) ({_rate('judged_total')})", f"sum({_rate('judged_total')})"
                        ),
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Called right without a gold answer in it",
                "People do this with about 9 % of right answers. A rise means that the policy has learnt what the judge likes, or that gold answers are missing.",
                (
                    (
                        "share",
                        f"sum({_rate('judged_uncovered_total')}) / clamp_min(sum({_rate('judged_total', _CORRECT)}), 1e-9)",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Requests to judges",
                "By result; anything but ok leaves a rollout without a reward, after retries.",
                (("{{backend}}: {{result}}", _by("backend, result", "ask_requests_total")),),
            ),
            Panel(
                "Time of a request",
                "From sending until the reply had come; retries and waiting for a place not included.",
                (
                    ("p50", _quantile(0.5, "ask_duration_seconds")),
                    ("p99", _quantile(0.99, "ask_duration_seconds")),
                ),
                "s",
            ),
            Panel(
                "Held back",
                "On their way, waiting for a place, and judges that are not asked because they have stopped answering.",
                (
                    ("on their way: {{backend}}", "sum by (backend) (reward_service_ask_in_flight<<>>)"),
                    ("waiting: {{backend}}", "sum by (backend) (reward_service_ask_waiting<<>>)"),
                    ("stopped: {{backend}}", "max by (backend) (reward_service_ask_breaker_open<<>>)"),
                ),
            ),
            Panel(
                "Tokens per second",
                "As the judges count them.",
                (("{{backend}}: {{kind}}", _by("backend, kind", "ask_tokens_total")),),
            ),
            Panel(
                "Answers kept",
                "Asks that were answered before. Many failed commands: the cache's Redis does not answer.",
                (("{{result}}", _by("result", "ask_cache_total")),),
            ),
            Panel(
                "Known answers",
                "Verdicts on answers whose verdict is known. Two different ones are a drift: the model has changed under its name.",
                (
                    ("{{asker}}: {{result}}", _by("asker, result", "judge_canary_total")),
                    ("drift: {{asker}}", "max by (asker) (reward_service_judge_drift<<>>)"),
                ),
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
        "description": "Health, capacity, assembly of groups, and what the rewards show.",
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
