"""What every store of groups does: one suite, all implementations, real servers."""

import asyncio
import contextlib
import subprocess
from itertools import count

import pytest
from redis import Redis
from redis.exceptions import RedisError

from reward_service.serve.clock import ManualClock
from reward_service.serve.errors import StateUnavailable, UnsafeStore
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from reward_service.serve.groups.stores.protocols import GroupKey, OpenGroup, Write
from reward_service.serve.groups.stores.redis import RedisGroupStore
from reward_service.serve.groups.stores.urls import connect
from tests.redis_server import PATIENCE_S, RedisServer, free_port, needed, until

KEY = GroupKey("run", "group")
RUN = b"the run"


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    needed()
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@contextlib.contextmanager
def sentinel(folder, primary):
    """A Sentinel that watches a primary, as `main`; yields its port."""
    config, port = folder / "sentinel.conf", free_port()
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor main 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds main 2000\nsentinel failover-timeout main 1000\n"
    )
    with subprocess.Popen(["redis-server", str(config), "--sentinel"], stdout=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.kill()


@pytest.fixture(scope="module")
def sentinel_url(tmp_path_factory):
    """A primary that one Sentinel watches."""
    needed()
    with (
        RedisServer(tmp_path_factory.mktemp("primary"), port=free_port()) as primary,
        sentinel(tmp_path_factory.mktemp("sentinel"), primary) as port,
    ):
        yield f"redis+sentinel://127.0.0.1:{port}/main/0"


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory):
    """A Cluster of three primaries."""
    needed()
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(
                RedisServer(
                    tmp_path_factory.mktemp("node"),
                    *("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
                    port=free_port(),
                )
            )
            for _ in range(3)
        ]
        for n, node in enumerate(nodes):
            with node.client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", n * 5462, min(n * 5462 + 5461, 16383))
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", n + 1)
        for node in nodes:  # a node that has met another takes no epoch
            with node.client() as client:
                for other in nodes:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", other.port, other.command[-1])
        until(lambda: all(_is_formed(node) for node in nodes), "the Cluster forms")
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


def _is_formed(node):
    with node.client() as client:
        told = client.execute_command("CLUSTER INFO")
    return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == "3"


@pytest.fixture
def clock():
    return ManualClock(1_700_000_000.0)


@pytest.fixture(params=["memory", "redis", "sentinel", "cluster"])
async def store(request, clock):
    if request.param == "memory":
        yield MemoryGroupStore(clock)
        return
    names = {"redis": "redis_server", "sentinel": "sentinel_url", "cluster": "cluster_url"}
    found = request.getfixturevalue(names[request.param])
    url = found.url if isinstance(found, RedisServer) else found
    store = RedisGroupStore(connect(url, timeout_s=60.0), prefix=f"t{clock.now()}-{id(request)}", clock=clock)
    await store.start()
    yield store
    await store.drop("run")
    await store.stop()


async def put(store, old, new, *, keep_run_s=60.0, **more):
    write = Write(new, **({"keep_s": 60.0, "closes_at": None} | more))
    return await store.swap(KEY, old, write, run=RUN, keep_run_s=keep_run_s) is None


async def group(store):
    return (await store.read("run", ["group"])).groups[0]


async def test_an_undeclared_run_is_not_there(store, clock):
    snapshot = await store.read("run", ["group", "other"])

    assert snapshot == (clock.now(), None, 0, (None, None))


async def test_the_first_declaration_stands(store):
    assert await store.declare("run", RUN, keep_s=60.0) == RUN
    assert await store.declare("run", b"another", keep_s=60.0) == RUN
    assert (await store.read("run")).run == RUN


async def test_a_dropped_run_is_gone_and_its_name_free(store):
    await store.declare("run", RUN, keep_s=60.0)
    await put(store, None, b"1", closes_at=5.0)
    await store.drop("run")

    assert (await store.read("run")).run is None
    assert await store.open_groups("run") == []
    assert await store.declare("run", b"another", keep_s=60.0) == b"another"
    assert await group(store) is None


async def test_a_group_is_swapped_for_what_was_read_and_for_nothing_else(store):
    await store.declare("run", RUN, keep_s=60.0)

    assert await put(store, None, b"1")
    assert not await put(store, None, b"2")
    assert not await put(store, b"other", b"2")
    assert await group(store) == b"1"
    assert await put(store, b"1", b"2")
    assert await group(store) == b"2"


async def test_who_is_beaten_is_told_what_stands_there(store, clock):
    write = Write(b"2", keep_s=60.0, closes_at=None)
    assert await store.swap(KEY, None, write, run=RUN, keep_run_s=60.0) == (clock.now(), None, 0, (None,))

    await store.declare("run", RUN, keep_s=60.0)
    await put(store, None, b"1", closes_at=5.0)

    for old, run in ((None, RUN), (b"other", RUN), (b"1", b"another run")):
        beaten = await store.swap(KEY, old, write, run=run, keep_run_s=60.0)
        assert beaten == await store.read("run", ["group"]) == (clock.now(), RUN, 1, (b"1",))


async def test_a_swap_whose_answer_was_lost_succeeds_again(store):
    await store.declare("run", RUN, keep_s=60.0)

    assert await put(store, None, b"1")
    assert await put(store, None, b"1")


async def test_a_group_of_a_run_that_is_gone_or_another_one_is_not_written(store):
    assert not await put(store, None, b"1")
    await store.declare("run", b"another", keep_s=60.0)

    assert not await put(store, None, b"1")


async def test_groups_are_read_together_in_order(store):
    await store.declare("run", RUN, keep_s=60.0)
    await put(store, None, b"1")

    assert (await store.read("run", ["nobody", "group", "nobody"])).groups == (None, b"1", None)


async def test_open_groups_are_listed_those_that_close_first_first(store):
    await store.declare("run", RUN, keep_s=60.0)
    for group_id, closes_at in (("late", 30.25), ("soon", 10.5), ("closed", None)):
        write = Write(b"1", keep_s=60.0, closes_at=closes_at)
        await store.swap(GroupKey("run", group_id), None, write, run=RUN, keep_run_s=60.0)

    soon, late = OpenGroup("soon", 10.5), OpenGroup("late", 30.25)
    assert await store.open_groups("run") == [soon, late]
    assert await store.open_groups("run", limit=1) == [soon]
    assert await store.open_groups("run", until=10.5) == [soon]
    assert await store.open_groups("run", until=10.0) == []
    assert (await store.read("run")).open_groups == 2


async def test_a_closed_group_leaves_the_list(store):
    await store.declare("run", RUN, keep_s=60.0)
    await put(store, None, b"1", closes_at=5.0)
    await put(store, b"1", b"2")

    assert await store.open_groups("run") == []


async def test_only_what_is_kept_no_longer_is_forgotten(store):
    await store.declare("run", RUN, keep_s=60.0)
    await put(store, None, b"1", closes_at=5.0)

    await store.forget(KEY)

    assert await store.open_groups("run") == [OpenGroup("group", 5.0)]


async def test_ids_may_hold_anything(store):
    key = GroupKey("run", "a:{b} * \u202e習")
    await store.declare("run", RUN, keep_s=60.0)

    assert await store.swap(key, None, Write(b"1", 60.0, 1.0), run=RUN, keep_run_s=60.0) is None
    assert (await store.read("run", [key.group_id])).groups == (b"1",)
    assert await store.open_groups("run") == [OpenGroup(key.group_id, 1.0)]


async def test_whoever_listens_is_woken(store):
    await store.declare("run", RUN, keep_s=60.0)
    wakeups = store.wakeups()
    first = asyncio.ensure_future(anext(wakeups))
    old = None
    for n in count():  # until the subscription is made
        new = b"%d" % n
        await put(store, old, new, wake=True)
        old = new
        done, _ = await asyncio.wait({first}, timeout=0.01)
        if done:
            break

    assert first.result() == KEY
    await wakeups.aclose()


async def test_a_hundred_writers_lose_nothing(store):
    """The loop that every change of a group runs, all at once."""
    await store.declare("run", RUN, keep_s=60.0)

    async def add(n):
        while True:
            old = await group(store)
            new = b" ".join(sorted({*(old or b"").split(), b"%d" % n}))
            if await put(store, old, new):
                return

    await asyncio.gather(*map(add, range(100)))
    assert len((await group(store)).split()) == 100


async def test_sentinel_leads_to_the_new_primary(tmp_path_factory):
    """The primary dies, its replica takes over; what was not replicated is gone, and the store goes on."""
    needed()
    with (
        RedisServer(tmp_path_factory.mktemp("first"), port=free_port()) as first,
        RedisServer(
            tmp_path_factory.mktemp("second"), "--replicaof", "127.0.0.1", str(first.port), port=free_port()
        ) as second,
        sentinel(tmp_path_factory.mktemp("failover"), first) as port,
    ):
        store = RedisGroupStore(connect(f"redis+sentinel://127.0.0.1:{port}/main", timeout_s=5.0), prefix="f")
        await asyncio.to_thread(until, lambda: _has_replica(port), "the Sentinel knows the replica")
        await store.declare("run", RUN, keep_s=60.0)
        first.kill()
        await asyncio.to_thread(until, lambda: _is_primary(second), "the replica takes over")

        assert await _in_the_end(lambda: store.declare("run", RUN, keep_s=60.0)) == RUN
        assert await put(store, None, b"1")
        await store.stop()


def _has_replica(sentinel_port):
    with Redis(port=sentinel_port, decode_responses=True) as client, contextlib.suppress(RedisError):
        return any(":" in one["name"] for one in client.sentinel_slaves("main"))


def _is_primary(server):
    with server.client() as client:
        return client.info("replication")["role"] == "master"


async def _in_the_end(command):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await command()
            except StateUnavailable:
                await asyncio.sleep(0.05)


async def test_memory_lets_go_of_what_is_kept_no_longer(clock):
    store = MemoryGroupStore(clock)
    await store.declare("run", RUN, keep_s=60.0)
    await put(store, None, b"1", keep_s=30.0, closes_at=5.0)
    clock.advance(31.0)

    assert await group(store) is None
    await store.forget(KEY)
    assert await store.open_groups("run") == []
    clock.advance(31.0)
    assert (await store.read("run")).run is None


async def test_redis_lets_go_of_what_is_kept_no_longer(redis_server):
    store = RedisGroupStore(connect(redis_server.url, timeout_s=60.0), prefix="ttl")
    await store.declare("run", RUN, keep_s=600.0)
    with redis_server.client() as client:
        await put(store, None, b"1", keep_s=0.05, closes_at=5.0, keep_run_s=3600.0)
        until(lambda: not client.keys("ttl:*:group:*"), "the group expires")
        await store.forget(KEY)
        assert await store.open_groups("run") == []
        lives = {key.rpartition(b":")[2]: client.pttl(key) for key in client.keys("ttl:*")}
    await store.stop()

    assert lives.keys() == {b"run"}
    assert 600_000 < lives[b"run"] <= 3_600_000


async def test_the_time_is_that_of_redis(redis_server):
    store = RedisGroupStore(connect(redis_server.url, timeout_s=60.0), prefix="time")
    with redis_server.client() as client:
        before = client.time()[0]
        now = (await store.read("run")).now
        assert before <= now <= client.time()[0] + 1
    await store.stop()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_redis_that_may_evict_is_refused(redis_server, policy):
    store = RedisGroupStore(connect(redis_server.url, timeout_s=60.0), prefix="evict")
    with redis_server.client() as client:
        client.config_set("maxmemory-policy", policy)
        try:
            with pytest.raises(UnsafeStore, match=policy):
                await store.start()
            with pytest.raises(StateUnavailable, match="noeviction"):
                await store.read("run")
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    await store.stop()


async def test_a_redis_that_begins_to_evict_while_it_runs_is_noticed_and_refused(redis_server):
    store = RedisGroupStore(connect(redis_server.url, timeout_s=60.0), prefix="begins")
    await store.check()
    with redis_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(StateUnavailable, match="allkeys-lru"):
                await store.check()
            with pytest.raises(StateUnavailable, match="noeviction"):
                await store.read("run")
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    await store.check()
    await store.stop()


async def test_a_redis_without_room_fails_its_check_until_it_has_some(redis_server):
    store = RedisGroupStore(connect(redis_server.url, timeout_s=60.0), prefix="room")
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StateUnavailable, match="it is full"):
                await store.check()
        finally:
            client.config_set("maxmemory", "0")
    await store.check()
    await store.stop()


async def test_a_redis_that_is_not_there_yet_is_waited_for(tmp_path):
    needed()
    server = RedisServer(tmp_path)
    store = RedisGroupStore(connect(server.url, timeout_s=60.0), prefix="later")
    await store.start()
    with pytest.raises(StateUnavailable):
        await store.read("run")

    with server:
        assert (await store.read("run")).run is None
        await store.stop()


async def test_a_full_redis_says_so(tmp_path):
    needed()

    async def fill():
        for n in range(100):
            key = GroupKey("run", str(n))
            await store.swap(key, None, Write(bytes(100_000), 60.0, 1.0), run=RUN, keep_run_s=60.0)

    with RedisServer(tmp_path, "--maxmemory", "3mb") as server:
        store = RedisGroupStore(connect(server.url, timeout_s=60.0), prefix="full")
        await store.declare("run", RUN, keep_s=60.0)
        with pytest.raises(StateUnavailable, match="it is full"):
            await fill()
        await store.stop()


async def test_a_refused_login_says_so(redis_server):
    store = RedisGroupStore(connect(f"unix://u:p@{redis_server.socket}", timeout_s=60.0), prefix="acl")

    with pytest.raises(StateUnavailable, match="rejects the credentials"):
        await store.read("run")
    await store.stop()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://host", "must start with one of redis://"),
        ("nonsense", "must start with one of redis://"),
        ("redis+sentinel://host:1", "must name the service"),
        ("redis+sentinel://host:1/main/first", "must be a number"),
        ("redis+cluster://:1", "must be host:port"),
        ("redis+cluster://host:port", "cannot be read"),
    ],
)
def test_a_url_that_names_no_redis_is_refused_and_not_repeated(url, why):
    with pytest.raises(UnsafeStore, match=why) as refused:
        connect(url.replace("://", "://user:hunter2@"), timeout_s=1.0)

    assert "hunter2" not in str(refused.value)
