"""Generate files in helm/reward-service: README.md and values.schema.json from values.yaml, and the dashboard.

python -m scripts.chart          writes them
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from reward_service.serve.config import Settings
from reward_service.serve.sources.backends import TorchModel
from scripts import dashboard

CHART = Path(__file__).parents[1] / "helm" / "reward-service"
# Settings that the chart derives from its other values.
OWN_SETTINGS = frozenset(
    {
        "host",
        "port",
        "keys",
        "index",
        "index_url",
        "state_url",
        "processes",
        "ledger",
        "profiles",
        "backends",
        "judge_cache_url",
    }
)
NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$"

Schema = dict[str, Any]
STRING: Schema = {"type": "string"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
RESOURCES: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"requests": {"type": "object"}, "limits": {"type": "object"}, "claims": {"type": "array"}},
}


def _record(required: list[str], **properties: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


# What the kind of a default does not say. Everything else is a string, a boolean, a number, a list or an object by its default.
SAID: dict[str, Schema] = {
    "image.tag": {"type": "string", "pattern": r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,120})?$"},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.pullSecrets": _list(_record(["name"], name=STRING)),
    "replicas": {"type": "integer", "minimum": 1},
    "keys.records": _list(
        _record(
            ["id", "sha256", "scopes"],
            id={"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
            sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
            scopes={"type": "array", "minItems": 1, "items": {"enum": ["score", "ingest", "admin"]}},
            not_after=STRING,
        )
    ),
    "profiles": {
        "type": "object",
        "additionalProperties": False,
        # What is both a profile's name and the name of an entry of a ConfigMap.
        "patternProperties": {"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$": {"type": "string", "minLength": 1}},
    },
    "judges.backends": _list({"type": "object", "required": ["name", "serves", "url"]}),
    "redis.stateUrl": {"type": "string", "pattern": r"^((redis|rediss)(\+(sentinel|cluster))?://.+)?$"},
    "redis.indexUrl": {"type": "string", "pattern": r"^((redis|rediss)(\+(sentinel|cluster))?://.+)?$"},
    "redis.bundled.runAsUser": {"type": "integer", "minimum": 1},
    "redis.bundled.maxmemory": {"type": "string", "pattern": "^[1-9][0-9]*[kmg]b$"},
    "redis.bundled.resources": RESOURCES,
    "indexLoad.datasets": _list(
        _record(
            ["name", "version"],
            name={"type": "string", "pattern": NAME},
            version={"type": "string", "pattern": NAME},
            sample={"type": "boolean"},
            reader=STRING,
            path=STRING,
            volume={"type": "object"},
        )
    ),
    "indexLoad.resources": RESOURCES,
    # A name is part of the names of a Service and of its objects.
    "worker.models": _list(
        {
            "type": "object",
            "required": ["name", "serves", "torch"],
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$"},
                "torch": TorchModel.model_json_schema(),
            },
        }
    ),
    "worker.replicas": {"type": "integer", "minimum": 1},
    "worker.imageDigest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "worker.resources": RESOURCES,
    "resources": RESOURCES,
    "autoscaling.minReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.maxReplicas": {"type": "integer", "minimum": 1},
    "podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"], "minimum": 1},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "metrics.prometheusRule.thresholds.slowSeconds": {"type": "number", "minimum": 0, "maximum": 10},
    "metrics.prometheusRule.thresholds.groupWaitSeconds": {"type": "number", "minimum": 0},
    "metrics.prometheusRule.thresholds.groupOverheadSeconds": {"type": "number", "minimum": 0, "maximum": 10},
    "terminationGracePeriodSeconds": {"type": ["integer", "null"], "minimum": 1},
}
FREE = frozenset(
    {"service.annotations", "ingress.annotations", "serviceAccount.annotations", "podAnnotations"}
) | {
    *("podLabels", "nodeSelector", "affinity", "metrics.serviceMonitor.labels"),
    *("worker.volume", "worker.nodeSelector", "worker.affinity"),
    *("metrics.prometheusRule.labels", "metrics.dashboard.labels"),
}
KINDS: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: SHARE,
    str: STRING,
    list: {"type": "array"},
}


def values() -> dict[str, Any]:
    """Return the defaults."""
    document: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return document


def config_schema() -> Schema:
    """Return what `config` may hold: every setting that is not the chart's own."""
    properties = Settings.model_json_schema()["properties"]
    kept = ("type", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "description")
    settings = {
        name: {key: value for key, value in spec.items() if key in kept}
        for name, spec in properties.items()
        if name not in OWN_SETTINGS
    }
    return {"type": "object", "additionalProperties": False, "properties": settings}


def schema() -> Schema:
    """Return values.schema.json."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of reward-service",
        **_schema_of(values(), ""),
    }


def _schema_of(value: object, path: str) -> Schema:
    if path == "config":
        return config_schema()
    if path in SAID:
        return SAID[path]
    if path in FREE:
        return {"type": "object"}
    if not isinstance(value, dict):
        return KINDS[type(value)]
    properties = {key: _schema_of(one, f"{path}.{key}" if path else key) for key, one in value.items()}
    if not path:
        properties["global"] = {"type": "object"}
    return {"type": "object", "additionalProperties": False, "properties": properties}


ENTRY = re.compile(r"( *)([A-Za-z]\w*):(?: (.*))?")


def described() -> Iterator[tuple[str, str, str]]:
    """Yield path, default and description of every value that has one."""
    defaults = values()
    path: list[str] = []
    said = ""
    for line in (CHART / "values.yaml").read_text(encoding="utf-8").splitlines():
        if (comment := line.strip()).startswith("# -- "):
            said = comment.removeprefix("# -- ")
        elif entry := ENTRY.fullmatch(line):
            indent, key, _ = entry.groups()
            path = [*path[: len(indent) // 2], key]
            if said:
                yield ".".join(path), json.dumps(_at(defaults, path), ensure_ascii=False), said
            said = ""


def _at(value: Any, path: list[str]) -> object:
    for key in path:
        value = value[key]
    return value


def readme() -> str:
    """Return the chart's README.md."""
    rows = "".join(f"| `{path}` | `{default}` | {said} |\n" for path, default, said in described())
    return HEAD + rows


def files() -> dict[str, str]:
    """Return what is written, by path in the chart."""
    return {
        "README.md": readme(),
        "values.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        "dashboards/reward-service.json": json.dumps(dashboard.dashboard(), indent=1) + "\n",
    }


HEAD = """\
# reward-service, the chart
Rewards for training LLM search agents, in a Kubernetes cluster of 1.27 or newer.
See [docs/deploy.md](../../docs/deploy.md) for installation, sizing, upgrades and troubleshooting.

| values | for |
|---|---|
| `values.yaml` | one replica, the defaults |
| `values-production.yaml` | several replicas, an external Redis, metrics, alerts, dashboard |
| `values-cpu.yaml`, `values-gpu.yaml` | workers that compute models, on the CPU or on GPUs |

Values that would install but not work are rejected when the chart is rendered, with a message that says how to fix them.
Unknown values are rejected too.

This page is generated from `values.yaml` by `make chart`; a test keeps it up to date.

| value | default | meaning |
|---|---|---|
"""

if __name__ == "__main__":
    for name, text in files().items():
        (CHART / name).write_text(text, encoding="utf-8")
