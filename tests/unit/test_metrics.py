"""Our own numbers stand on the page as the client library's would."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from reward_service.api.metrics import METRICS, PREFIX, SECONDS, Kind, Metrics

VALUES = (0.0, 0.0005, 0.00051, 0.3, 10.0, 11.0, 1e9)


def samples(registry, name):
    return sorted(
        (sample.name, sorted(sample.labels.items()), sample.value)
        for family in registry.collect()
        if family.name == PREFIX + name.removesuffix("_total")
        for sample in family.samples
        if not sample.name.endswith("_created")
    )


def test_a_histogram_says_what_the_librarys_says():
    metrics, theirs = Metrics(), CollectorRegistry()
    histogram = Histogram(f"{PREFIX}stage_duration_seconds", "x", ["stage"], registry=theirs, buckets=SECONDS)
    for value in VALUES:
        metrics.observe("stage_duration_seconds", "decode", value=value)
        histogram.labels("decode").observe(value)

    assert samples(metrics.registry, "stage_duration_seconds") == samples(theirs, "stage_duration_seconds")


def test_counters_and_gauges_say_what_the_librarys_say():
    metrics, theirs = Metrics(), CollectorRegistry()
    counter = Counter(f"{PREFIX}refused_total", "x", ["reason"], registry=theirs)
    gauge = Gauge(f"{PREFIX}in_flight_requests", "x", registry=theirs)
    metrics.add("refused_total", 'a"\n')
    metrics.add("refused_total", 'a"\n', amount=2)
    counter.labels('a"\n').inc(3)
    metrics.set("in_flight_requests", value=7)
    gauge.set(7)

    for name in ("refused_total", "in_flight_requests"):
        assert samples(metrics.registry, name) == samples(theirs, name)


def test_what_has_no_labels_stands_on_the_page_from_the_start():
    families = {family.name: family for family in text_string_to_metric_families(Metrics().page().decode())}

    for row in METRICS:
        family = families[PREFIX + row.name.removesuffix("_total")]
        assert family.type == row.kind
        assert bool(family.samples) == (not row.labels or row.name == "compiled_questions_total")
        if row.kind is Kind.HISTOGRAM and not row.labels:
            assert len(family.samples) == len(row.buckets) + 3


def test_a_followed_number_is_read_when_the_page_is_made():
    metrics, numbers = Metrics(), [1.0]
    metrics.follow("in_flight_bytes", lambda: numbers[0])
    numbers[0] = 5.0

    assert f"{PREFIX}in_flight_bytes 5.0" in metrics.page().decode()


def test_what_is_forgotten_leaves_the_page():
    metrics = Metrics()
    metrics.set("index_version_info", "a", "v1", value=1)
    metrics.forget("index_version_info")

    assert "v1" not in metrics.page().decode()
