"""A fleet that loses its primary: the index answers again, with what it held, through the same connection."""

from contextlib import closing

import pytest

from entity_index.errors import IndexUnreachable
from entity_index.push import push
from entity_index.stores.connection import connect
from entity_index.stores.redis import RedisCatalogue
from tests.contract.test_redis_index import IDS, numbers, question
from tests.redis_fleets import clustered, watched
from tests.redis_server import needed, until


def everything(store):
    try:
        return store.get_many(IDS)
    except IndexUnreachable:
        return None


def settle(client, replicas=1):
    """Wait until the replicas have acknowledged everything."""
    assert until(lambda: client.wait(replicas, 1000) == replicas, "the replica has everything")


def test_sentinels_name_another_primary(tmp_path):
    needed()
    expected = [question(number) for number in range(len(IDS))]
    with watched(tmp_path) as fleet, closing(RedisCatalogue(connect(fleet.url, timeout_s=1))) as catalogue:
        push(numbers(), catalogue)
        catalogue.activate("numbers", "v1")
        with fleet.primary.client() as client:
            settle(client)
        store = catalogue.open("numbers")

        fleet.primary.kill()

        assert until(lambda: everything(store), "the replica is promoted") == expected
        until(lambda: _pushes(catalogue), "it takes another version")
        catalogue.activate("numbers", "v2")
        assert (catalogue.active("numbers"), catalogue.versions("numbers")) == ("v2", ["v1", "v2"])


def _pushes(catalogue):
    try:
        return push(numbers(5, version="v2"), catalogue)
    except IndexUnreachable:
        return None


@pytest.mark.parametrize("victim", [0, 2])
def test_a_cluster_replaces_a_primary(tmp_path, victim):
    needed()
    expected = [question(number) for number in range(len(IDS))]
    with clustered(tmp_path) as fleet, closing(RedisCatalogue(connect(fleet.url, timeout_s=1))) as catalogue:
        push(numbers(), catalogue)
        catalogue.activate("numbers", "v1")
        for node in fleet.nodes[:3]:
            with node.client() as client:
                settle(client)
        store = catalogue.open("numbers")

        fleet.nodes[victim].kill()

        assert until(lambda: everything(store), "the replica takes over") == expected
        assert until(lambda: _pushes(catalogue), "it takes another version").info.count == 5


def test_a_cluster_spreads_a_data_set(tmp_path):
    needed()
    with clustered(tmp_path) as fleet, closing(RedisCatalogue(connect(fleet.url, timeout_s=1))) as catalogue:
        push(numbers(), catalogue)
        sizes = []
        for node in fleet.nodes[:3]:
            with node.client() as client:
                sizes.append(client.dbsize())

    assert min(sizes) > 0.25 * sum(sizes)
