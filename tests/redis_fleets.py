"""Real Redis fleets for tests: a primary with a replica that Sentinels watch, and a Cluster of three primaries with replicas."""

import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.redis_server import RedisServer, free_port, until

SERVICE = "main"
DOWN_AFTER_MS = 1000


@dataclass
class Watched:
    """Servers behind Sentinels."""

    url: str
    primary: RedisServer
    replica: RedisServer


@dataclass
class Cluster:
    """Six nodes; each of the last three repeats one of the first."""

    url: str
    nodes: list[RedisServer]


@contextmanager
def watched(folder):
    """Run a primary, its replica and three Sentinels of which two decide."""
    with ExitStack() as stack:
        primary = stack.enter_context(RedisServer(_made(folder / "primary"), port=free_port()))
        repeats = ("--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(RedisServer(_made(folder / "replica"), *repeats, port=free_port()))
        until(lambda: _is_synced(replica), "the replica is synced")
        ports = [free_port() for _ in range(3)]
        for port in ports:
            stack.enter_context(_sentinel(_made(folder / f"sentinel-{port}"), port, primary.port))
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        until(lambda: all(_knows_the_others(port) for port in ports), "the Sentinels know each other")
        yield Watched(f"redis+sentinel://{hosts}/{SERVICE}/0", primary, replica)


@contextmanager
def clustered(folder):
    """Run a Cluster of three primaries with a replica each."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(_made(folder / f"node-{n}"))) for n in range(6)]
        hosts = [f"127.0.0.1:{node.port}" for node in nodes]
        create = ["redis-cli", "--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(create, check=True, capture_output=True)
        until(lambda: all(_is_formed(node) for node in nodes), "the Cluster forms")
        yield Cluster("redis+cluster://" + ",".join(hosts), nodes)


def _made(folder):
    folder.mkdir()
    return folder


def _node(folder):
    options = (
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(free_port()),
        "--cluster-node-timeout",
        "1000",
    )
    return RedisServer(folder, *options, "--repl-diskless-sync-delay", "0", port=free_port())


@contextmanager
def _sentinel(folder, port, watched_port):
    config = folder / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor {SERVICE} 127.0.0.1 {watched_port} 2\n"
        f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
        f"sentinel failover-timeout {SERVICE} 3000\n"
    )
    command = ["redis-server", str(config), "--sentinel"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def _knows_the_others(port):
    told = subprocess.run(
        ["redis-cli", "-p", str(port), "sentinel", "master", SERVICE],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    facts = dict(zip(told[::2], told[1::2], strict=False))
    return (facts.get("num-other-sentinels"), facts.get("num-slaves")) == ("2", "1")


def _is_synced(replica):
    with replica.client() as client:
        return client.info("replication").get("master_link_status") == "up"


def _is_formed(node):
    with node.client() as client:
        told = client.execute_command("CLUSTER INFO")
        linked = client.info("replication").get("master_link_status", "up") == "up"
    return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == "6" and linked
