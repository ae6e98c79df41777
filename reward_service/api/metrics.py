"""All metrics in one table; the metrics page, docs/metrics.md and the dashboard's test are generated from it.

Names contain the unit, labels are bounded (never a run, a group, a question or a key), and no value comes from text.
Every application has its own registry. Metrics cover the meaning of rewards as well as the cost of requests: a policy
that learns to paste, to list, or to stop varying shows here first.
"""

from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import partial
from itertools import accumulate
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from reward_service.core.matching import REASONS, compile_question
from reward_service.core.trajectory import NO_THOUGHTS
from reward_service.core.types import GroupResult, GroupStatus, RolloutResult, RolloutStatus
from reward_service.serve.lookup import Lookup
from reward_service.serve.sources.judges import Judges
from reward_service.serve.sources.models.engine import ENDS, Engine
from reward_service.serve.sources.models.local import LocalModel

PREFIX = "reward_service_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# 5 ms to 10 s are OpenTelemetry's advice for HTTP; calls of a few kilobytes need the finer steps below.
SECONDS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
)
BYTES = (1e3, 1e4, 1e5, 2.5e5, 1e6, 2.5e6, 5e6, 1e7, 2.5e7, 5e7, 1e8)
# A group may wait for the longest of its rollouts: seconds in a test, hours in training.
WAITS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0)
ASKS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.999999, 1.0)


class Kind(StrEnum):
    """What can be done with a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One row of the table."""

    name: str
    """As it stands on the metrics page, without the prefix."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()


C, G, H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
METRICS: tuple[Metric, ...] = (
    Metric("requests_total", C, "Requests answered.", ("route", "method", "status")),
    Metric("request_duration_seconds", H, "Time from the headers of a request to the end of the response.", ("route",), "seconds", SECONDS),
    Metric("stage_duration_seconds", H, "Time spent in one stage of a request.", ("stage",), "seconds", SECONDS),
    Metric("request_body_bytes", H, "Size of a request body after decompression.", (), "bytes", BYTES),
    Metric("in_flight_requests", G, "Requests admitted but not yet answered."),
    Metric("in_flight_bytes", G, "Bytes of request bodies admitted but not yet answered.", (), "bytes"),
    Metric("in_flight_limit_requests", G, "Maximum number of requests in flight; further calls wait in the queue."),
    Metric("in_flight_limit_bytes", G, "Maximum number of body bytes in flight; further calls wait in the queue.", (), "bytes"),
    Metric("queued_requests", G, "Requests waiting in the queue, or for a judge or a model."),
    Metric("queued_bytes", G, "Declared bytes of the bodies of requests in the queue.", (), "bytes"),
    Metric("queue_limit_requests", G, "Maximum number of requests in the queue; further calls are refused."),
    Metric("refused_total", C, "Calls refused, by problem type.", ("reason",)),
    Metric("unread_replies_total", C, "Connections cut because the caller did not read the reply."),
    Metric("groups_total", C, "Groups rewarded or refused.", ("status",)),
    Metric("groups_zero_variance_total", C, "Rewarded groups in which all rewards are equal: no gradient."),
    Metric("groups_without_entities_total", C, "Rewarded groups whose question has no entities: outcome reward only."),
    Metric("groups_without_thoughts_total", C, "Rewarded groups in which no thought was found: a wrong dialect, or a policy that does not think."),
    Metric("groups_expired_total", C, "Groups that closed before all members had arrived, by the run's policy.", ("policy",)),
    Metric("group_wait_seconds", H, "Time from the first rollout of a group until it closed, by final status.", ("status",), "seconds", WAITS),
    Metric("group_overhead_seconds", H, "Time from the headers of the rollout that closed its group until the rewards were decided.", (), "seconds", SECONDS),
    Metric("open_groups", G, "Groups waiting for rollouts, in the runs that this process has served; all replicas of a run count the same groups."),
    Metric("waiting_polls", G, "Calls to this process that are waiting for a group."),
    Metric("put_rollouts_total", C, "Rollouts sent one by one: `taken`, `replayed`, or the problem type.", ("result",)),
    Metric("evaluated_rollouts_total", C, "Rollouts scored outside of training, by outcome, or by status if there is no outcome.", ("result",)),
    Metric("group_store_operation_seconds", H, "Duration of one operation of the group store: `done`, `lost` to a concurrent change, or `failed`.", ("operation", "end"), "seconds", SECONDS),
    Metric("rollouts_total", C, "Rollouts by status; only `scored` ones have a reward.", ("status",)),
    Metric("outcomes_total", C, "Scored rollouts by outcome.", ("outcome",)),
    Metric("match_rate_ratio", H, "Share of a question's entities that a scored rollout named.", (), "ratio", SHARES),
    Metric("precision_ratio", H, "Share of matched entities among all mentions, for profiles that count mentions.", (), "ratio", SHARES),
    Metric("matched_entities_total", C, "Entities that earned credit."),
    Metric("uncredited_entities_total", C, "Entities that were named but earned no credit.", ("reason",)),
    Metric("explained_matches_total", C, "Matches by channel, in calls with `explain`.", ("channel",)),
    Metric("compiled_questions_total", C, "Questions prepared for matching; `hit` if the preparation was cached.", ("result",)),
    Metric("index_lookups_total", C, "Questions and active versions of data sets looked up by calls; `hit` if they were in memory.", ("what", "result")),
    Metric("index_version_info", G, "1 for the active version of each data set.", ("dataset", "version")),
    Metric("engine_info", G, "1 for the running version and its engine digest.", ("version", "engine")),
    Metric("not_ready", G, "1 while this reason keeps the process from being ready.", ("reason",)),
    Metric("canary_runs_total", C, "Times the golden groups were scored.", ("result",)),
    Metric("ask_requests_total", C, "Requests to judges by result: `ok`, or why there was no answer.", ("backend", "result")),
    Metric("ask_duration_seconds", H, "Time from sending a request to a judge until its reply had come.", ("backend",), "seconds", ASKS),
    Metric("ask_retries_total", C, "Requests to judges that were sent again.", ("backend",)),
    Metric("ask_tokens_total", C, "Tokens as judges count them: `prompt` or `reply`.", ("backend", "kind")),
    Metric("ask_lists_total", C, "Replies of judges about lists of criteria, statements or thoughts, by their length: `ok` or `unparsable`.", ("backend", "items", "result")),
    Metric("ask_cache_total", C, "Asks whose answer was kept (`hit`) or not (`miss`), and commands to the shared cache that failed (`failed`).", ("result",)),
    Metric("ask_in_flight", G, "Requests to judges that have not been answered yet.", ("backend",)),
    Metric("ask_waiting", G, "Asks waiting for a place at a judge.", ("backend",)),
    Metric("ask_breaker_open", G, "1 while a judge is not asked because it has stopped answering.", ("backend",)),
    Metric("model_items_total", C, "Texts for a model in this process, by what became of them: `ok`, `degraded` (memory was short), `dropped` (the caller left or its time was over), or why they were refused.", ("backend", "result")),
    Metric("model_batches_total", C, "Batches that it computed.", ("backend",)),
    Metric("model_tokens_total", C, "Tokens that it computed: `text` or `padding`.", ("backend", "kind")),
    Metric("model_out_of_memory_total", C, "Batches that did not fit into memory, and were halved.", ("backend",)),
    Metric("model_waiting", G, "Texts that wait for it.", ("backend",)),
    Metric("model_waiting_tokens", G, "Their tokens.", ("backend",)),
    Metric("cascade_total", C, "Outcomes by what decided them: `accept` and `reject` are strings or the trainer, `judge` is a judge.", ("stage",)),
    Metric("judged_total", C, "Verdicts of judges.", ("verdict",)),
    Metric("judged_uncovered_total", C, "Answers that a judge called right although no gold answer occurs in them. People do that with about 9 % of right answers."),
    Metric("judge_canary_total", C, "Answers with a known verdict that a judge was asked about: `same`, `different` or `failed`.", ("asker", "result")),
    Metric("judge_drift", G, "1 if a judge gave at least two other verdicts than are known, at the last check.", ("asker",)),
    Metric("ledger_records_total", C, "Records written to the ledger."),
    Metric("key_file_failures_total", C, "Times the key file could not be read; the previous keys stay valid."),
)  # fmt: skip
FAMILIES = MappingProxyType({C: CounterMetricFamily, G: GaugeMetricFamily})


class _Distribution:
    """The values of one histogram, by bucket."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        return list(zip(map(floatToGoString, (*self.bounds, inf)), accumulate(self.counts), strict=True))


class Metrics(Collector):
    """The metrics of one application: plain numbers, changed on the event loop alone and written down when they are asked for.

    The client library's own counters take a lock for each change; a call makes fifty.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, dict[tuple[str, ...], float]] = {row.name: {} for row in METRICS}
        self._distributions: dict[str, dict[tuple[str, ...], _Distribution]] = {
            row.name: {} for row in METRICS
        }
        self._followed: dict[str, dict[tuple[str, ...], Callable[[], float]]] = {
            row.name: {} for row in METRICS
        }
        self._bounds = {row.name: row.buckets for row in METRICS}
        for row in METRICS:
            if not row.labels and row.kind is not H:
                self._numbers[row.name][()] = 0.0
            elif not row.labels:
                self._distributions[row.name][()] = _Distribution(row.buckets)
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(self)
        self.follow("compiled_questions_total", lambda: compile_question.cache_info().hits, "hit")
        self.follow("compiled_questions_total", lambda: compile_question.cache_info().misses, "miss")

    def add(self, name: str, *labels: str, amount: float = 1) -> None:
        """Count; labels in the table's order."""
        numbers = self._numbers[name]
        numbers[labels] = numbers.get(labels, 0.0) + amount

    def set(self, name: str, *labels: str, value: float) -> None:
        """Set a gauge; labels in the table's order."""
        self._numbers[name][labels] = value

    def follow(self, name: str, read: Callable[[], float], *labels: str) -> None:
        """Let a number that is kept elsewhere be read when the page is made; labels in the table's order."""
        self._followed[name][labels] = read

    def forget(self, name: str) -> None:
        """Drop every labelled value of a gauge, before it is set again."""
        self._numbers[name].clear()

    def observe(self, name: str, *labels: str, value: float) -> None:
        """Put a value into a histogram; labels in the table's order."""
        distributions = self._distributions[name]
        if labels not in distributions:
            distributions[labels] = _Distribution(self._bounds[name])
        distributions[labels].observe(value)

    def collect(self) -> Iterator[Family]:
        """Yield every row of the table with its values."""
        for row in METRICS:
            name = PREFIX + row.name
            match row.kind:
                case Kind.HISTOGRAM:
                    histogram = HistogramMetricFamily(name, row.help, labels=row.labels)
                    for labels, one in self._distributions[row.name].items():
                        histogram.add_metric(labels, one.buckets(), one.total)
                    yield histogram
                case Kind.COUNTER | Kind.GAUGE:
                    family = FAMILIES[row.kind](name, row.help, labels=row.labels)
                    followed = {labels: read() for labels, read in self._followed[row.name].items()}
                    for labels, value in (self._numbers[row.name] | followed).items():
                        family.add_metric(labels, value)
                    yield family

    def page(self) -> bytes:
        """Return the metrics page."""
        return generate_latest(self.registry)


def count_lookups(metrics: Metrics, lookup: Lookup) -> None:
    """Show how often ground truth was in memory."""
    for what, tally in lookup.tallies.items():
        metrics.follow("index_lookups_total", partial(getattr, tally, "hits"), what, "hit")
        metrics.follow("index_lookups_total", partial(getattr, tally, "misses"), what, "miss")


def follow_judges(metrics: Metrics, judges: Judges) -> None:
    """Count what judges are asked, and show what is on its way."""
    judges.count_with(metrics.add, metrics.observe)
    for desk in judges.desks:
        name = desk.backend.name
        metrics.follow("ask_in_flight", partial(getattr, desk, "in_flight"), name)
        metrics.follow("ask_waiting", partial(getattr, desk, "waiting"), name)
        metrics.follow("ask_breaker_open", partial(getattr, desk.breaker, "is_open"), name)
        if isinstance(desk.server, LocalModel):
            follow_model(metrics, name, desk.server.engine)


def follow_model(metrics: Metrics, name: str, engine: Engine) -> None:
    """Show what a model in this process computes."""
    tally = engine.tally
    for end in ENDS:
        metrics.follow("model_items_total", partial(tally.items.__getitem__, end), name, end)
    metrics.follow("model_batches_total", partial(getattr, tally, "batches"), name)
    metrics.follow("model_tokens_total", partial(getattr, tally, "tokens"), name, "text")
    metrics.follow("model_tokens_total", partial(getattr, tally, "padding"), name, "padding")
    metrics.follow("model_out_of_memory_total", partial(getattr, tally, "out_of_memory"), name)
    metrics.follow("model_waiting", partial(getattr, engine, "waiting"), name)
    metrics.follow("model_waiting_tokens", partial(getattr, engine, "waiting_tokens"), name)


def count_results(metrics: Metrics, results: Iterable[GroupResult]) -> None:
    """Count what rewards mean, of groups that were rewarded or failed."""
    for result in results:
        metrics.add("groups_total", result.status)
        if result.status in {GroupStatus.COMPLETE, GroupStatus.PARTIAL}:
            _count_group(metrics, result)
        for status, count in Counted(one.status for one in result.rollouts).items():
            metrics.add("rollouts_total", status, amount=count)
        _count_scored(metrics, result)


def count_closed(
    metrics: Metrics, result: GroupResult, *, waited_s: float, policy: str, recorded: bool
) -> None:
    """Count a group that was assembled one rollout at a time, when it closes."""
    count_results(metrics, [result])
    metrics.observe("group_wait_seconds", result.status, value=waited_s)
    if result.status is GroupStatus.EXPIRED:
        metrics.add("groups_expired_total", policy)
    if recorded:
        metrics.add("ledger_records_total")


def _count_group(metrics: Metrics, result: GroupResult) -> None:
    rewards = {one.reward for one in result.rollouts if one.reward is not None}
    if len(rewards) == 1:
        metrics.add("groups_zero_variance_total")
    if not result.entities:
        metrics.add("groups_without_entities_total")
    if NO_THOUGHTS in result.flags:
        metrics.add("groups_without_thoughts_total")


def _count_scored(metrics: Metrics, result: GroupResult) -> None:
    """Count the scored rollouts of a group: one visit a metric, as a call of 10 KB has time for few."""
    scored = [one for one in result.rollouts if one.status is RolloutStatus.SCORED]
    for outcome, count in Counted(one.outcome for one in scored if one.outcome is not None).items():
        metrics.add("outcomes_total", outcome, amount=count)
    for one in scored:
        if result.entities and one.match_rate is not None:
            metrics.observe("match_rate_ratio", value=one.match_rate)
        if one.precision is not None:
            metrics.observe("precision_ratio", value=one.precision)
    metrics.add("matched_entities_total", amount=sum(one.matched or 0 for one in scored))
    uncredited = [one.uncredited for one in scored if one.uncredited]
    for reason in REASONS:
        if count := sum(counts.get(reason, 0) for counts in uncredited):
            metrics.add("uncredited_entities_total", reason, amount=count)
    channels = Counted(match.channel for one in scored if one.evidence for match in one.evidence.matches)
    for channel, count in channels.items():
        metrics.add("explained_matches_total", channel, amount=count)


def count_evaluated(metrics: Metrics, result: RolloutResult) -> None:
    """Count a rollout that was scored outside of training; it counts nowhere else."""
    outcome = result.outcome if result.status is RolloutStatus.SCORED else None
    metrics.add("evaluated_rollouts_total", outcome or result.status)


def count_refused(metrics: Metrics, rollouts: int, status: RolloutStatus) -> None:
    """Count a group that was refused, and its rollouts."""
    metrics.add("groups_total", GroupStatus.FAILED)
    if rollouts:
        metrics.add("rollouts_total", status, amount=rollouts)


def as_markdown() -> str:
    """Return docs/metrics.md."""
    rows = "".join(
        f"| `{PREFIX}{row.name}` | {row.kind} | {', '.join(f'`{label}`' for label in row.labels)} | {row.help} |\n"
        for row in METRICS
    )
    return HEAD + rows + TAIL


HEAD = """\
# Metrics
`GET /metrics` responds in the Prometheus text format; it needs no key, never queues behind other work and contains nothing private.
This page is generated from the table in `reward_service/api/metrics.py` by `reward-service metrics`; a test keeps it up to date.

| name | kind | labels | meaning |
|---|---|---|---|
"""
TAIL = """
The usual `process_*` and `python_*` metrics of the Prometheus client are also exposed.
Histograms have the suffixes `_bucket`, `_sum` and `_count`.

## Questions that the metrics answer
| question | expression |
|---|---|
| What share of rollouts got no reward? | `1 - sum(rate(reward_service_rollouts_total{status="scored"}[5m])) / sum(rate(reward_service_rollouts_total[5m]))` |
| What share of groups gives no gradient? | `sum(rate(reward_service_groups_zero_variance_total[5m])) / sum(rate(reward_service_groups_total{status=~"complete\\|partial"}[5m]))` |
| Does the policy paste or list names? | `sum by (reason) (rate(reward_service_uncredited_entities_total[5m])) / on () group_left sum(rate(reward_service_matched_entities_total[5m]))` |
| Is the match rate moving? | `histogram_quantile(0.5, rate(reward_service_match_rate_ratio_bucket[15m]))` |
| Where does the time go? | `sum by (stage) (rate(reward_service_stage_duration_seconds_sum[5m]))` |
| How long do groups wait for their last rollout? | `histogram_quantile(0.99, sum by (le) (rate(reward_service_group_wait_seconds_bucket[15m])))` |
| How much does the service add to that? | `histogram_quantile(0.99, sum by (le) (rate(reward_service_group_overhead_seconds_bucket[5m])))` |
| How many groups are open? | `max(reward_service_open_groups)` |
| Do rollouts arrive too late, or twice with different content? | `sum by (result) (rate(reward_service_put_rollouts_total{result=~"group-closed\\|rollout-conflict"}[5m]))` |
| Has the store lost rollouts that callers were waiting for? | `sum(rate(reward_service_refused_total{reason="state-lost"}[5m]))` |
| Do replicas change the same groups at the same time? | `sum(rate(reward_service_group_store_operation_seconds_count{end="lost"}[5m])) / sum(rate(reward_service_group_store_operation_seconds_count{operation="swap"}[5m]))` |
| Does the store answer? | `sum by (operation) (rate(reward_service_group_store_operation_seconds_count{end="failed"}[1m]))` |
| Do judges fail? | `sum by (backend, result) (rate(reward_service_ask_requests_total{result!="ok"}[5m]))` |
| Does a judge call right what contains no gold answer? | `sum(rate(reward_service_judged_uncovered_total[30m])) / sum(rate(reward_service_judged_total{verdict="correct"}[30m]))` |
| How many criteria can a judge take at once? | `sum by (items) (rate(reward_service_ask_lists_total{result="unparsable"}[1h])) / sum by (items) (rate(reward_service_ask_lists_total[1h]))` |
| Is the service refusing work? | `sum by (reason) (rate(reward_service_refused_total[1m]))` |

The share of fuzzy matches (`explained_matches_total{channel="fuzzy"}` relative to all channels) is known only for calls with `explain`: other calls do not record through which channel a match was found.
"""
