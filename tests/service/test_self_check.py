"""Canaries, the ledger and readiness of a running service."""

import json
from dataclasses import replace

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.cli.demo import build_sample
from reward_service.core.profiles import shipped
from reward_service.core.types import RewardSpec
from reward_service.serve.config import Settings
from reward_service.serve.ledger import read
from reward_service.serve.ledger_audit import verify
from tests.builders import EXAMPLE, example
from tests.conftest import serving
from tests.redis_server import until
from tests.service.test_cli import run


def ready(base):
    return httpx.get(f"{base}/readyz")


def test_a_profile_that_pays_otherwise_takes_the_replica_out_and_back():
    app = create_app(Settings(canary_interval_s=0.05))
    with serving(app) as base:
        assert ready(base).status_code == 200
        good = app.state.service.profiles
        app.state.service.profiles = replace(
            good, known={**good.known, "egrpo": replace(good.known["egrpo"], reward=RewardSpec())}
        )
        until(lambda: ready(base).status_code == 503, "it is out of readiness")

        problem = ready(base).json()
        page = httpx.get(f"{base}/metrics").text
        assert httpx.get(f"{base}/livez").status_code == 200

        app.state.service.profiles = good
        until(lambda: ready(base).status_code == 200, "it is ready again")

    assert problem["type"] == "urn:reward-service:not-ready"
    assert problem["detail"].startswith("canary: profile egrpo")
    assert 'reward_service_not_ready{reason="canary"} 1.0' in page


def test_a_damaged_index_keeps_the_replica_out(tmp_path):
    build_sample(tmp_path)
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.stat().st_size > 4096:
            file.write_bytes(file.read_bytes()[:4096])
    with serving(create_app(Settings(index=tmp_path))) as base:
        problem = ready(base)

    assert problem.status_code == 503
    assert "index: " in problem.json()["detail"]


def test_the_active_version_is_shown(sample_index):
    with serving(create_app(Settings(index=sample_index))) as base:
        assert 'index_version_info{dataset="sample"' in httpx.get(f"{base}/metrics").text


def test_a_version_that_is_opened_for_the_first_time_wakes_the_self_check(sample_index):
    app = create_app(Settings(index=sample_index, canary_interval_s=3600))

    def runs():
        page = httpx.get(f"{base}/metrics").text
        return float(page.split('canary_runs_total{result="same"} ')[1].split("\n")[0])

    with serving(app) as base:
        until(
            lambda: runs() >= 2, "it has checked twice"
        )  # the first opened the active version, which caused the second


def test_every_published_group_is_in_the_ledger_and_verifies(tmp_path):
    path = tmp_path / "ledger.jsonl"
    body = example()
    body["groups"].append(
        {"group_id": "refused", "question": {"entities": [{"name": "?"}]}, "rollouts": []},
    )
    with serving(create_app(Settings(ledger=path))) as base:
        scored = httpx.post(f"{base}/v1/groups/score", json=body).json()
        facts = httpx.post(f"{base}/v1/match", json=EXAMPLE).json()
        httpx.post(f"{base}/v1/rewards", json=facts)
        httpx.post(f"{base}/v1/rollouts/explain", json={})

    lines = [json.loads(line) for line in read(path)]
    assert [line["group_id"] for line in lines] == ["g1", "g1"]
    assert lines[0]["published"]["reward"] == [one["reward"] for one in scored["groups"][0]["rollouts"]]
    known = {profile.digest: profile for profile in shipped().values()}
    assert [finding.problem for finding in verify(read(path), known)] == [None, None]
    assert "Zanderheim" not in path.read_text(encoding="utf-8")

    done = run("ledger", "verify", path)
    assert (done.returncode, done.stdout.strip()) == (0, "2 of 2 groups verified, bit for bit")
    path.write_bytes(path.read_bytes().replace(b'"matched":1', b'"matched":0'))
    done = run("ledger", "verify", path)
    assert done.returncode == 1
    assert "line 1, group g1" in done.stderr


def test_no_reward_goes_out_that_the_ledger_did_not_take(tmp_path):
    app = create_app(Settings(ledger=tmp_path / "ledger.jsonl"))
    with serving(app) as base, open("/dev/full", "wb") as full:  # noqa: PTH123
        ledger = app.state.service.ledger
        file, ledger._file = ledger._file, full.fileno()
        reply = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)
        ledger._file = file
        after = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)

    assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:ledger-unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert after.status_code == 200


def test_a_second_process_does_not_start_on_the_same_ledger(tmp_path):
    settings = Settings(ledger=tmp_path / "ledger.jsonl")
    app = create_app(settings)
    with pytest.raises(OSError, match="another process"):
        create_app(settings)
    app.state.service.close()


def test_an_assembled_group_is_recorded_and_counted_once(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with serving(create_app(Settings(ledger=path))) as base:
        run_url = f"{base}/v1/runs/r"
        declared = {"profile": "egrpo", "group_size": 3, "deadline_s": 60}
        assert httpx.put(run_url, json=declared).status_code == 201
        group = EXAMPLE["groups"][0]
        for rollout in [*group["rollouts"], group["rollouts"][0]]:
            url = f"{run_url}/groups/g/rollouts/{rollout['rollout_id']}"
            reply = httpx.put(url, json=rollout | {"question": group["question"]})
            assert reply.status_code in {200, 202}, reply.text
        httpx.get(f"{run_url}/groups/g")
        page = httpx.get(f"{base}/metrics").text

    (line,) = map(json.loads, read(path))
    assert (line["run_id"], line["group_id"], line["status"]) == ("r", "g", "complete")
    assert line["published"]["reward"] == [1.0, 0.0, 0.15]
    known = {profile.digest: profile for profile in shipped().values()}
    assert [finding.problem for finding in verify(read(path), known)] == [None]
    assert 'reward_service_groups_total{status="complete"} 1.0' in page
    assert "reward_service_ledger_records_total 1.0" in page


def test_an_expired_group_verifies_too(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with serving(create_app(Settings(ledger=path))) as base:
        declared = {"profile": "egrpo", "group_size": 3, "deadline_s": 60}
        httpx.put(f"{base}/v1/runs/r", json=declared)
        group = EXAMPLE["groups"][0]
        body = group["rollouts"][0] | {"question": group["question"]}
        httpx.put(f"{base}/v1/runs/r/groups/g/rollouts/0", json=body)
        closed = httpx.post(f"{base}/v1/runs/r/groups/g/close").json()
        page = httpx.get(f"{base}/metrics").text

    (line,) = map(json.loads, read(path))
    assert (line["status"], line["missing"]) == (closed["status"], 2)
    known = {profile.digest: profile for profile in shipped().values()}
    assert [finding.problem for finding in verify(read(path), known)] == [None]
    assert 'reward_service_groups_expired_total{policy="fail"} 1.0' in page


def test_a_ledger_that_cannot_be_written_takes_the_replica_out_of_readiness(tmp_path):
    """Before a call meets it, and until it can be written again."""
    blocked = tmp_path / "ledger.jsonl.probe"
    with serving(create_app(Settings(ledger=tmp_path / "ledger.jsonl"))) as base:
        blocked.mkdir()
        until(lambda: httpx.get(f"{base}/readyz").status_code == 503, "it is out of readiness")
        assert "ledger: " in httpx.get(f"{base}/readyz").json()["detail"]
        blocked.rmdir()
        until(lambda: httpx.get(f"{base}/readyz").status_code == 200, "it is ready again")


def test_a_ledger_with_a_bad_last_line_is_one_sentence_at_start(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"garbage\n")

    done = run("serve", "--ledger", path, "--port", "0")

    assert done.returncode == 1
    assert "last line is no line of a ledger" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
