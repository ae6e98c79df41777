"""The chart as Kubernetes would get it, rendered by Helm's own code."""

import functools
import json
from collections import ChainMap
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "reward-service"
CI = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
RELEASE, NAMESPACE = "rewards", "rl"
NAME = f"{RELEASE}-reward-service"
WORKLOADS = ("Deployment", "StatefulSet", "Job", "Pod")


def helm():
    """Helm's SDK; it has wheels for Linux only."""
    return pytest.importorskip("helm_python", reason="helm-python-sdk has no wheel for this platform")


@functools.cache
def _chart():
    return helm().Chart.load(str(CHART))


def given(name):
    """The values of a file under ci/."""
    return yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text(encoding="utf-8"))


def manifests(values):
    """Path -> rendered text; values are merged as Helm does."""
    return _chart().render(values, name=RELEASE, namespace=NAMESPACE)


def objects(values):
    """All objects."""
    texts = [text for path, text in manifests(values).items() if not path.endswith(".txt")]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


@functools.cache
def _ci(name):
    return json.dumps(objects(given(name)))


def ci_objects(name):
    """All objects of a file under ci/."""
    return json.loads(_ci(name))


def one(found, kind, name=None):
    """The only object of a kind, or of a kind and name."""
    (it,) = [o for o in found if o["kind"] == kind and name in {None, o["metadata"]["name"]}]
    return it


def pod_of(workload):
    """Pod template of a workload: metadata and spec."""
    return workload if workload["kind"] == "Pod" else workload["spec"]["template"]


def settings_of(found):
    """Environment of the service that the ConfigMap sets."""
    return one(found, "ConfigMap", NAME)["data"]


def alerts(found):
    """Name -> rule."""
    groups = one(found, "PrometheusRule")["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def with_keys(**more):
    """The smallest values, and more."""
    return dict(ChainMap(more, given("minimal")))
