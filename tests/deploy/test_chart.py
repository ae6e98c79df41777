"""Every values file under ci/: it lints, renders, fits the schemas of Kubernetes, and is as safe as it says."""

import json
import re
import warnings

import jsonschema
import kubernetes_validate
import pytest
import typer
import yaml
from yamllint import config as yamllint_config
from yamllint import linter

from reward_service.api.keys import parse_keys
from reward_service.api.worker import worker_of
from reward_service.cli.commands import app
from reward_service.serve.config import Settings
from reward_service.serve.profiles import read_folder
from reward_service.serve.sources.backends import parse as parse_backends
from scripts import chart
from tests.deploy.rendered import (
    CHART,
    CI,
    NAME,
    WORKLOADS,
    alerts,
    ci_objects,
    given,
    helm,
    manifests,
    objects,
    one,
    pod_of,
    settings_of,
    with_keys,
)

MODEL = {
    "name": "same",
    "serves": {"equivalence": "mine"},
    "torch": {"folder": "/models/same", "digest": f"sha256:{'0' * 64}"},
}
WORKER = {"keySecret": "worker-key", "volume": {"emptyDir": {}}, "models": [MODEL]}
KUBERNETES = [f"1.{minor}" for minor in range(27, 35)]
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}


def record(*required, **properties):
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


# The fields that the chart uses of objects whose schemas Kubernetes does not bring.
CUSTOM = {
    "ServiceMonitor": record(
        "selector",
        "endpoints",
        selector=record(
            matchLabels=STRINGS,
            matchExpressions={
                "type": "array",
                "items": record(
                    "key",
                    "operator",
                    "values",
                    key={"type": "string"},
                    operator={"enum": ["In", "NotIn"]},
                    values={"type": "array", "items": {"type": "string"}},
                ),
            },
        ),
        namespaceSelector=record(matchNames={"type": "array", "items": {"type": "string"}}),
        endpoints={
            "type": "array",
            "items": record(
                port={"type": "string"},
                path={"type": "string"},
                interval={"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
                honorLabels={"type": "boolean"},
            ),
        },
    ),
    "PrometheusRule": record(
        "groups",
        groups={
            "type": "array",
            "items": record(
                "name",
                "rules",
                name={"type": "string"},
                rules={
                    "type": "array",
                    "items": record(
                        "alert",
                        "expr",
                        alert={"type": "string"},
                        expr={"type": "string"},
                        **{"for": {"type": "string", "pattern": "^[0-9]+(s|m|h)$"}},
                        labels=STRINGS,
                        annotations=STRINGS,
                    ),
                },
            ),
        },
    ),
}


@pytest.fixture(params=CI)
def name(request):
    return request.param


@pytest.fixture
def found(name):
    return ci_objects(name)


def test_generated_files_are_in_step():
    for path, text in chart.files().items():
        assert (CHART / path).read_text(encoding="utf-8") == text, f"{path}: run make chart"


def test_every_value_is_described():
    described = {path for path, _, _ in chart.described()}

    def leaves(value, path=""):
        if isinstance(value, dict) and value and path not in described:
            for key, inner in value.items():
                yield from leaves(inner, f"{path}.{key}".lstrip("."))
        else:
            yield path

    assert set(leaves(chart.values())) - described == set()


def test_helm_finds_nothing_to_complain_about(name):
    said = helm().lint(str(CHART), given(name), strict=True, kube_version="v1.30.0")

    assert [m for m in said.get("messages", []) if "icon" not in str(m)] == []


@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_fit_the_schemas_of_kubernetes(found, version):
    for it in found:
        if it["kind"] in CUSTOM:
            jsonschema.validate(it["spec"], CUSTOM[it["kind"]])
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kubernetes_validate.validate(it, version, strict=True)


def test_a_misspelt_field_would_be_found():
    deployment = one(ci_objects("minimal"), "Deployment", NAME)
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.30", strict=True)


def test_every_object_is_named_and_labelled(found):
    names = [(o["kind"], o["metadata"]["name"]) for o in found]

    assert len(names) == len(set(names))
    for it in found:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", it["metadata"]["name"])
        assert all(len(str(value)) <= 63 for value in it["metadata"].get("labels", {}).values())


def test_every_pod_is_restricted(found):
    for it in (o for o in found if o["kind"] in WORKLOADS):
        pod = pod_of(it)["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert not container["image"].endswith(":latest")


def test_selectors_reach_the_servers_and_nothing_else(found):
    server = pod_of(one(found, "Deployment", NAME))["metadata"]["labels"]
    others = [
        pod_of(o)["metadata"].get("labels", {})
        for o in found
        if o["kind"] in WORKLOADS and o["metadata"]["name"] != NAME
    ]

    for selector in selectors_of(found, NAME):
        assert selector.items() <= server.items()
        assert not any(selector.items() <= labels.items() for labels in others)


def selectors_of(found, name):
    """How the Deployment, the Service and the budget of a name select pods."""
    budgets = [o for o in found if o["kind"] == "PodDisruptionBudget" and o["metadata"]["name"] == name]
    return [
        one(found, "Deployment", name)["spec"]["selector"]["matchLabels"],
        one(found, "Service", name)["spec"]["selector"],
        *(o["spec"]["selector"]["matchLabels"] for o in budgets),
    ]


def test_a_service_monitor_finds_the_service_and_the_workers_but_not_redis():
    spec = one(ci_objects("production"), "ServiceMonitor")["spec"]["selector"]
    (which,) = spec["matchExpressions"]

    def is_found(labels):
        return spec["matchLabels"].items() <= labels.items() and labels.get(which["key"]) in which["values"]

    assert which["operator"] == "In"
    services = [o for name in CI for o in ci_objects(name) if o["kind"] == "Service"]
    found = {o["metadata"]["name"].removeprefix(NAME) for o in services if is_found(o["metadata"]["labels"])}
    assert found == {"", "-worker-same", "-worker-nli"}
    assert {o["metadata"]["name"].removeprefix(NAME) for o in services} - found == {"-redis"}


def test_liveness_asks_nothing_but_the_process(found):
    container = pod_of(one(found, "Deployment", NAME))["spec"]["containers"][0]

    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def test_a_pod_has_time_to_drain(found):
    said, pod = settings_of(found), pod_of(one(found, "Deployment", NAME))["spec"]
    drain = float(said["REWARD_SERVICE_DRAIN_DELAY_S"]) + float(said["REWARD_SERVICE_DRAIN_TIMEOUT_S"])

    assert pod["terminationGracePeriodSeconds"] >= drain


def test_settings_are_ones_that_the_service_takes(found):
    said = settings_of(found)
    given_to = {name.removeprefix("REWARD_SERVICE_").lower(): value for name, value in said.items()}
    container = pod_of(one(found, "Deployment", NAME))["spec"]["containers"][0]
    urls = {env["name"] for env in container["env"] or () if env["name"].startswith("REWARD_SERVICE_")}

    settings = Settings(**given_to)

    assert settings.host == "0.0.0.0"
    assert urls <= {"REWARD_SERVICE_STATE_URL", "REWARD_SERVICE_INDEX_URL"}
    assert settings.processes == 1 or "REWARD_SERVICE_STATE_URL" in urls


def test_memory_bounds_what_is_in_flight(found):
    said, pod = settings_of(found), pod_of(one(found, "Deployment", NAME))["spec"]
    limit = pod["containers"][0]["resources"]["limits"]["memory"]

    assert 6 * int(said["REWARD_SERVICE_MAX_INFLIGHT_BYTES"]) <= int(limit.removesuffix("Gi")) * 1024**3


def test_replicas_are_left_to_the_autoscaler():
    found = ci_objects("autoscaled")

    assert "replicas" not in one(found, "Deployment", NAME)["spec"]
    metrics = one(found, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metrics[1]["pods"]["metric"]["name"] == "reward_service_in_flight_requests"


def test_strategies():
    def strategy(name):
        it = one(ci_objects(name), "Deployment", NAME)["spec"]["strategy"]
        return it["type"], it.get("rollingUpdate", {}).get("maxSurge")

    assert strategy("minimal") == ("Recreate", None)
    assert strategy("bundled-redis") == ("RollingUpdate", 1)


def test_a_ledger_on_a_volume_has_one_process_at_a_time_even_during_an_upgrade():
    values = {**given("bundled-redis"), "replicas": 1, "ledger": {"enabled": True, "existingClaim": "ledger"}}

    assert one(objects(values), "Deployment", NAME)["spec"]["strategy"] == {"type": "Recreate"}


def worker(name, model="same"):
    return one(ci_objects(name), "Deployment", f"{NAME}-worker-{model}")


def test_each_model_has_workers_of_its_own():
    found = ci_objects("gpu")
    (same, nli) = (selectors_of(found, f"{NAME}-worker-{model}") for model in ("same", "nli"))

    assert [one["reward-service/model"] for one in same] == ["same"] * 3
    assert [one["reward-service/model"] for one in nli] == ["nli"] * 3
    for selectors, model in ((same, "same"), (nli, "nli")):
        labels = pod_of(worker("gpu", model))["metadata"]["labels"]
        assert all(selector.items() <= labels.items() for selector in selectors)
    assert worker("gpu")["spec"]["replicas"] == 2


def test_models_never_mix_while_workers_are_replaced():
    def checksums(models):
        found = objects(with_keys(worker=WORKER | {"models": models}))
        workers = [o for o in found if o["metadata"]["labels"].get("app.kubernetes.io/component") == "worker"]
        pods = [pod_of(o) for o in workers if o["kind"] == "Deployment"]
        return [pod["metadata"]["annotations"]["checksum/model"] for pod in pods]

    other = MODEL | {"name": "other", "serves": ["other"]}
    (before, kept), (after, same) = checksums([MODEL, other]), checksums([MODEL | {"timeout_s": 5}, other])

    assert worker("gpu")["spec"]["strategy"] == {"type": "Recreate"}
    assert before != after
    assert kept == same


def test_a_gpu_is_asked_for_by_workers_alone_and_its_taint_borne():
    pod, cpu = pod_of(worker("gpu"))["spec"], pod_of(worker("cpu"))["spec"]
    service = pod_of(one(ci_objects("gpu"), "Deployment", NAME))["spec"]

    assert pod["containers"][0]["resources"]["limits"] == {"memory": "8Gi", "nvidia.com/gpu": 1}
    assert "-cuda@sha256:" in pod["containers"][0]["image"]
    assert pod["containers"][0]["args"][-2:] == ["--device", "cuda:0"]
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert cpu["containers"][0]["image"].endswith("-cpu")
    assert cpu["containers"][0]["args"][-2:] == ["--device", "cpu"]
    assert "tolerations" not in cpu
    assert service["containers"][0]["image"] == "reward-service:0.1.0"
    assert list(service["containers"][0]["resources"]["limits"]) == ["memory"]


@pytest.mark.parametrize("model", ["same", "nli"])
def test_a_worker_of_the_chart_starts_and_the_service_calls_it(model, tmp_path):
    found = ci_objects("gpu")
    (tmp_path / "key").write_text("secret")

    def backends(of):
        text = one(found, "ConfigMap", f"{NAME}-{of}")["data"]["backends.yaml"]
        return parse_backends(text.replace("/etc/reward-service/worker-key", str(tmp_path)), environment={})

    pod = pod_of(worker("gpu", model))["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    command, *typed = pod["containers"][0]["args"]
    given_to = typer.main.get_command(app).commands[command].make_context(command, typed).params

    assert str(given_to["backends"]) == mounts["workers"] + "/backends.yaml"
    assert mounts["models"] == "/models"
    made = worker_of(backends("workers"), given_to["name"], device=given_to["device"], host=given_to["host"])
    assert {route.resource.canonical for route in made.app.router.routes()} >= {
        pod["containers"][0][probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")
    }
    (caller,) = [backend for backend in backends("backends") if backend.name == model]
    (server,) = [backend for backend in backends("workers") if backend.name == model]
    assert (caller.url, caller.flavour) == (f"http://{NAME}-worker-{model}:{given_to['port']}", "tei")
    assert (caller.names, caller.key) == (server.names, server.key)
    (service,) = pod_of(one(found, "Deployment", NAME))["spec"]["containers"]
    assert mounts["worker-key"] in {mount["mountPath"] for mount in service["volumeMounts"]}


def test_a_worker_is_called_by_the_service_and_calls_nothing():
    policy = one(ci_objects("gpu"), "NetworkPolicy", f"{NAME}-workers")["spec"]
    component = "app.kubernetes.io/component"
    callers = [peer["podSelector"]["matchLabels"][component] for peer in policy["ingress"][0]["from"][:1]]
    allowed = one(ci_objects("gpu"), "NetworkPolicy", NAME)["spec"]["egress"][1]

    assert policy["podSelector"]["matchLabels"][component] == "worker"
    assert (callers, policy["egress"]) == (["server"], [])
    assert {"port": 8100, "protocol": "TCP"} in allowed["ports"]


def test_no_password_stands_in_anything_but_a_secret():
    found = ci_objects("external-redis")

    assert "user:pass" not in json.dumps([o for o in found if o["kind"] != "Secret"])
    assert "user:pass" in one(found, "Secret", f"{NAME}-redis")["stringData"]["state-url"]


def test_the_key_file_of_the_chart_is_one_that_the_service_reads():
    lines = one(ci_objects("minimal"), "Secret")["stringData"]["keys.yaml"]
    assert set(parse_keys(lines)) == {"trainer"}


def test_profiles_of_the_chart_are_mounted_where_the_service_reads_them(tmp_path):
    found = ci_objects("production")
    for name, text in one(found, "ConfigMap", f"{NAME}-profiles")["data"].items():
        (tmp_path / name).write_text(text)
    pod = pod_of(one(found, "Deployment", NAME))["spec"]
    (mount,) = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "profiles"]

    assert [profile.reward.terms[0].weight for profile in read_folder(tmp_path).values()] == [0.5]
    assert mount["mountPath"] == settings_of(found)["REWARD_SERVICE_PROFILES"]
    assert {"name": "profiles", "configMap": {"name": f"{NAME}-profiles"}} in pod["volumes"]
    assert "REWARD_SERVICE_PROFILES" not in settings_of(ci_objects("minimal"))


JUDGES = {
    "backends": [
        {"name": "qwen", "serves": ["judge"], "url": "http://qwen.models.svc:8000/v1", "flavour": "vllm"}
    ],
    "keysSecret": "judge-keys",
    "cacheSecret": "judge-cache",
}


def test_backends_of_the_chart_are_mounted_where_the_service_reads_them():
    found = objects(with_keys(judges=JUDGES))
    text = one(found, "ConfigMap", f"{NAME}-backends")["data"]["backends.yaml"]
    pod = pod_of(one(found, "Deployment", NAME))["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    environment = {entry["name"]: entry["valueFrom"] for entry in pod["containers"][0]["env"]}

    assert [backend.names for backend in parse_backends(text, environment={})] == [{"judge": "judge"}]
    assert settings_of(found)["REWARD_SERVICE_BACKENDS"] == mounts["backends"] + "/backends.yaml"
    assert mounts["judge-keys"] == "/etc/reward-service/judge-keys"
    assert environment["REWARD_SERVICE_JUDGE_CACHE_URL"] == {
        "secretKeyRef": {"name": "judge-cache", "key": "cache-url"}
    }
    assert "REWARD_SERVICE_BACKENDS" not in settings_of(ci_objects("minimal"))


def test_the_service_reaches_judges_only_if_there_are_any():
    def ports(found):
        rules = one(found, "NetworkPolicy", NAME)["spec"]["egress"]
        return [port["port"] for rule in rules if "to" not in rule for port in rule["ports"]]

    peers = [{"podSelector": {"matchLabels": {"app": "qwen"}}}]
    some = objects(with_keys(judges=JUDGES, networkPolicy={"judgePeers": peers, "judgePorts": [8080]}))

    assert ports(objects(with_keys())) == [53, 53]
    assert ports(objects(with_keys(judges=JUDGES))) == [53, 53, 8000]
    rules = one(some, "NetworkPolicy", NAME)["spec"]["egress"]
    assert {"ports": [{"port": 8080, "protocol": "TCP"}], "to": peers} in rules


def job_names(version="v1", **more):
    datasets = [{"name": "sample", "version": version, "sample": True}]
    values = with_keys(redis={"bundled": {"enabled": True}}, indexLoad={"datasets": datasets}, **more)
    return [o["metadata"]["name"] for o in objects(values) if o["kind"] == "Job"]


def test_a_load_job_is_named_after_what_it_does():
    (before,), (same,), (after,), (other,) = (
        job_names(),
        job_names(),
        job_names("v2"),
        job_names(image={"tag": "2.0.0"}),
    )

    assert before == same
    assert before.startswith("rewards-reward-servi-load-sample-v1-")
    assert len({before, after, other}) == 3


def test_the_network_policy_lets_metrics_and_tests_in():
    (policy,) = [o for o in ci_objects("production") if o["kind"] == "NetworkPolicy"]
    peers = policy["spec"]["ingress"][0]["from"]

    assert {"namespaceSelector": {"matchLabels": {"team": "rl"}}} in peers
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}} in peers
    assert policy["spec"]["egress"][2]["ports"] == [{"port": 6379, "protocol": "TCP"}]
    (redis,) = [
        o
        for o in ci_objects("bundled-redis")
        if o["metadata"]["name"] == f"{NAME}-redis" and o["kind"] == "NetworkPolicy"
    ]
    assert redis["spec"]["egress"] == []


def test_the_test_pod_scores_the_golden_groups_where_it_has_a_key():
    with_key = one(ci_objects("production"), "Pod")["spec"]["containers"][0]["args"]
    without = one(ci_objects("minimal"), "Pod")["spec"]["containers"][0]["args"]

    assert with_key[:3] == ["golden", "--url", f"http://{NAME}:8000"]
    assert without == ["health", "--url", f"http://{NAME}:8000"]


def test_notes_say_where_it_is_and_what_is_lost():
    notes = {
        name: "".join(t for path, t in manifests(given(name)).items() if path.endswith(".txt")) for name in CI
    }

    assert f"http://{NAME}.rl.svc:8000" in notes["minimal"]
    assert "curl" in notes["minimal"]
    assert "keeps runs and groups in memory" in notes["minimal"]
    assert "sample@v1 is being loaded" in notes["external-redis"]


def test_a_service_of_any_release_name_does_not_reach_its_own_settings(found):
    """A Service named reward-service would put REWARD_SERVICE_PORT=tcp://... into the environment of every pod."""
    with pytest.raises(ValueError, match="port"):
        Settings(port="tcp://10.0.0.1:8000")
    assert all(pod_of(o)["spec"]["enableServiceLinks"] is False for o in found if o["kind"] in WORKLOADS)


BUNDLED = {"bundled": {"enabled": True}}
LOAD = {"datasets": [{"name": "d", "version": "v", "sample": True}]}
REFUSED = {
    "No caller would have a valid key": {},
    "replicas would each keep their own groups": with_keys(replicas=2),
    "8 replicas would each": with_keys(autoscaling={"enabled": True}),
    "keys.existingSecret and keys.records cannot both": {
        "keys": {"existingSecret": "a", **given("minimal")["keys"]}
    },
    "redis.bundled.enabled and an external Redis": with_keys(redis={**BUNDLED, "stateUrl": "redis://a"}),
    "redis.existingSecret and URLs": with_keys(redis={"existingSecret": "a", "stateUrl": "redis://a"}),
    "either in a volume": with_keys(redis={"indexUrl": "redis://a"}, index={"existingClaim": "a"}),
    "needs an index in Redis to load into": with_keys(indexLoad=LOAD),
    "has no input: give path and volume": with_keys(
        redis=BUNDLED, indexLoad={"datasets": [{"name": "d", "version": "v"}]}
    ),
    "A process locks its ledger": with_keys(redis=BUNDLED, replicas=2, ledger={"existingClaim": "a"}),
    "refuse each other's groups": with_keys(image={"tag": "latest"}),
    "calls in flight would be cut off": with_keys(terminationGracePeriodSeconds=30),
    "at most 134217728": with_keys(config={"max_inflight_bytes": 500_000_000}),
    "may need six times its size": with_keys(config={"max_body_bytes": 200_000_000}),
    "set worker.keySecret": with_keys(worker=WORKER | {"keySecret": ""}),
    "worker.volume is empty": with_keys(worker=WORKER | {"volume": {}}),
    "The model same is in /srv/same": with_keys(
        worker=WORKER | {"models": [MODEL | {"torch": MODEL["torch"] | {"folder": "/srv/same"}}]}
    ),
    "Two entries of judges.backends and worker.models are called same": with_keys(
        worker=WORKER,
        judges={"backends": [{"name": "same", "serves": ["judge"], "url": "http://judge:8000/v1"}]},
    ),
    "minReplicas is greater than": with_keys(redis=BUNDLED, autoscaling={"enabled": True, "minReplicas": 9}),
    "needs a target": with_keys(redis=BUNDLED, autoscaling={"enabled": True, "cpuPercent": 0}),
    "needs ingress.host": with_keys(ingress={"enabled": True}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_would_run_and_be_wrong_is_refused_with_a_sentence(why):
    with pytest.raises(helm().HelmError, match=re.escape(why)):
        manifests(REFUSED[why])


MISTAKES = {
    "replicaCount": with_keys(replicaCount=2),
    "a string for a number": with_keys(replicas="two"),
    "an unknown setting": with_keys(config={"max_rolouts": 5}),
    "a setting of the chart's own": with_keys(config={"port": 9000}),
    "a setting out of range": with_keys(config={"max_json_depth": 1000}),
    "no scope": {"keys": {"records": [{"id": "a", "sha256": "0" * 64, "scopes": []}]}},
    "a key in place of a hash": {
        "keys": {"records": [{"id": "a", "sha256": "rk_a_secret", "scopes": ["score"]}]}
    },
    "no replica": with_keys(replicas=0),
    "a profile's path for its name": with_keys(profiles={"a/b": "name: b"}),
    "a profile that is no text": with_keys(profiles={"mine": {"name": "mine"}}),
    "a share above 1": with_keys(metrics={"prometheusRule": {"thresholds": {"saturation": 80}}}),
    "a model without a digest": with_keys(
        worker=WORKER | {"models": [MODEL | {"torch": {"folder": "/models"}}]}
    ),
    "a model with a key of no meaning": with_keys(
        worker=WORKER | {"models": [MODEL | {"torch": MODEL["torch"] | {"rowz": 8}}]}
    ),
    "a model whose name is none of a Service": with_keys(
        worker=WORKER | {"models": [MODEL | {"name": "A_b"}]}
    ),
    "root": with_keys(redis={"bundled": {"runAsUser": 0}}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_values_that_mean_nothing_are_refused(mistake):
    with pytest.raises(helm().HelmError):
        manifests(MISTAKES[mistake])


def test_large_numbers_keep_their_digits():
    said = settings_of(objects(with_keys(config={"max_ingest_bytes": 17_179_869_184, "drain_delay_s": 2.5})))

    assert said["REWARD_SERVICE_MAX_INGEST_BYTES"] == "17179869184"
    assert said["REWARD_SERVICE_DRAIN_DELAY_S"] == "2.5"


def test_every_alert_has_its_runbook_line():
    page = (chart.CHART.parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")
    for alert, rule in alerts(ci_objects("production")).items():
        assert f"\n### {alert}\n" in page
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/deploy.md#{alert.lower()}")


def test_yaml_of_the_chart_is_tidy():
    rules = yamllint_config.YamlLintConfig(
        "{extends: default, rules: {line-length: disable, document-start: disable, braces: {max-spaces-inside: 0},"
        " truthy: {check-keys: false}}}"
    )
    plain = [
        *CHART.glob("*.yaml"),
        *CHART.glob("ci/*.yaml"),
        chart.CHART.parents[1] / "docker" / "compose.yaml",
    ]
    problems = [f"{path.name}: {p}" for path in plain for p in linter.run(path.read_text(), rules)]
    assert problems == []
    assert all(yaml.safe_load(path.read_text()) for path in plain)
