"""A service whose index is in Redis: it follows activations, and says what it cannot know."""

import signal
from contextlib import closing

import httpx
import pytest

from entity_index.codec import encode
from entity_index.push import push
from entity_index.stores.connection import connect
from entity_index.stores.memory import MemoryCatalogue
from entity_index.stores.redis import RedisCatalogue
from entity_index.types import Entity, Question
from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.builders import thinking
from tests.conftest import serving
from tests.deadlines import late_in
from tests.redis_server import RedisServer, needed, until


def put(url, version, *, entities, count=50):
    """Push and activate a version whose questions have the given entities."""
    aside = MemoryCatalogue()
    with aside.draft("mine") as draft:
        for number in range(count):
            names = tuple(map(Entity, entities))
            draft.add(f"q{number}", encode(Question("Who?", ("x",), names, f"q{number}")))
        draft.publish(version)
    with closing(RedisCatalogue(connect(url, timeout_s=60))) as catalogue:
        push(aside.open("mine", version), catalogue)
        catalogue.activate("mine", version)


def group(number, dataset="mine"):
    rollouts = [thinking("0", "It is Zanderheim.", outcome="wrong"), thinking("1", "No.", outcome="wrong")]
    return {"group_id": f"g{number}", "dataset": dataset, "question_id": f"q{number}", "rollouts": rollouts}


@pytest.fixture
def redis(tmp_path):
    needed()
    with RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as running:
        yield running


@pytest.fixture
def service(redis):
    put(redis.url, "v1", entities=["Zanderheim", "Quillock"])
    settings = Settings(
        index_url=redis.url, index_follow_s=0.05, index_timeout_s=60, default_profile="egrpo-paper"
    )
    with serving(create_app(settings)) as base, httpx.Client(base_url=base) as client:
        yield client


def score(client, *numbers, dataset="mine"):
    return client.post("/v1/groups/score", json={"groups": [group(number, dataset) for number in numbers]})


def version_of(client, number):
    [answered] = score(client, number).json()["groups"]
    return answered["index"]["version"], answered["rollouts"][0]["match_rate"]


def test_a_running_service_follows_activation_and_roll_back(redis, service):
    assert version_of(service, 1) == ("v1", 0.5)

    put(redis.url, "v2", entities=["Zanderheim"])
    until(lambda: version_of(service, 1) == ("v2", 1.0), "the activation is followed")

    with closing(RedisCatalogue(connect(redis.url, timeout_s=60))) as catalogue:
        catalogue.activate("mine", "v1")
    until(lambda: version_of(service, 1) == ("v1", 0.5), "the roll-back is followed")
    [pinned] = score(service, 1, dataset="mine@v2").json()["groups"]
    assert pinned["index"]["version"] == "v2"


def test_a_redis_that_is_killed_is_told_and_what_was_read_is_served(redis, service):
    assert score(service, 1, 2).status_code == 200
    redis.kill()

    known, unknown = score(service, 1, 2), score(service, 2, 3)

    assert known.status_code == 200
    assert [one["rollouts"][0]["reward"] for one in known.json()["groups"]] == [0.3, 0.3]
    assert (unknown.status_code, unknown.json()["type"]) == (503, "urn:reward-service:index-unavailable")
    assert unknown.headers["Retry-After"] == "5"
    assert "cannot be reached" in unknown.json()["detail"]
    assert (service.get("/readyz").status_code, service.get("/livez").status_code) == (503, 200)

    redis.start()
    again = until(lambda: (reply := score(service, 2, 3)).status_code == 200 and reply, "the index is back")
    assert [one["rollouts"][0]["reward"] for one in again.json()["groups"]] == [0.3, 0.3]


def test_a_redis_that_lost_its_data_is_no_reason_to_pay_nothing(redis, service):
    score(service, 1)
    with redis.client() as client:
        client.flushall()

    for _ in range(3):
        assert score(service, 1).status_code == 200
        lost = score(service, 2)
        assert (lost.status_code, lost.json()["type"]) == (503, "urn:reward-service:index-unavailable")

    put(redis.url, "v1", entities=["Zanderheim", "Quillock"])
    assert score(service, 2).status_code == 200


def test_a_lost_record_is_not_an_unknown_question(redis, service):
    with redis.client() as client:
        client.delete(*client.keys("*@v1:q7"))

    lost = score(service, 7)
    [unknown] = score(service, 99).json()["groups"]

    assert (lost.status_code, lost.json()["type"]) == (503, "urn:reward-service:index-unavailable")
    assert unknown["error"]["type"] == "urn:reward-service:unknown-question"


def test_an_index_that_stalls_is_waited_for_no_longer_than_the_caller_does(redis):
    put(redis.url, "v1", entities=["Zanderheim"])
    settings = Settings(
        index_url=redis.url, index_follow_s=3600, index_timeout_s=3600, canary_interval_s=3600
    )
    guarded = {"groups": [group(1)], "profile": "egrpo-guarded"}  # it asks for the names of the data set
    calls = [
        ("POST", "/v1/groups/score", {"groups": [group(1), group(2)]}),
        ("POST", "/v1/groups/score", guarded),
        ("PUT", "/v1/runs/r", {"profile": "egrpo", "group_size": 2, "deadline_s": 60, "dataset": "mine@v2"}),
    ]
    with serving(create_app(settings)) as base, httpx.Client(base_url=base) as client:
        assert score(client, 1).status_code == 200
        redis.signal(signal.SIGSTOP)
        with late_in("look_up"):
            late = [client.request(*call[:2], json=call[2]) for call in calls]
        known = score(client, 1)
        redis.signal(signal.SIGCONT)

        assert [(reply.status_code, reply.json()["stage"]) for reply in late] == [(504, "look_up")] * 3
        assert known.json()["groups"][0]["rollouts"][0]["match_rate"] == 1.0
        [read] = client.post("/v1/groups/score", json=guarded).json()["groups"]
        assert read["status"] == "complete"


def test_the_url_of_the_index_is_a_secret():
    shown = Settings(index_url="redis://me:s3cret@h").model_dump(mode="json")

    assert "s3cret" not in str(shown)
