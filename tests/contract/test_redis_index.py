"""What is particular to an index in Redis: pushes that go on, losses that are told, errors in one sentence, TLS and users."""

import re
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from entity_index.codec import encode
from entity_index.content import check_content
from entity_index.errors import (
    CodecMismatch,
    CorruptEntry,
    CorruptIndex,
    IndexUnreachable,
    InvalidAddress,
    VersionExists,
)
from entity_index.push import push
from entity_index.stores.address import parse_address
from entity_index.stores.connection import connect, is_url
from entity_index.stores.memory import MemoryCatalogue
from entity_index.stores.redis import RedisCatalogue, open_redis
from entity_index.types import Entity, Question
from tests.redis_server import RedisServer, free_port, needed

COUNT = 2500


def question(number):
    return Question(f"What is {number}?", entities=(Entity(f"Number {number}"),), question_id=f"q{number:05}")


IDS = [question(number).question_id for number in range(COUNT)]


def numbers(count=COUNT, version="v1"):
    """Return a store in memory."""
    catalogue = MemoryCatalogue()
    with catalogue.draft("numbers") as draft:
        for number in range(count):
            one = question(number)
            draft.add(one.question_id, encode(one))
        draft.publish(version)
    return catalogue.open("numbers", version)


@dataclass
class BreakingOff:
    """A store that ends in the middle of its records."""

    whole: object
    after: int

    @property
    def info(self):
        return self.whole.info

    def records(self):
        for n, record in enumerate(self.whole.records()):
            if n == self.after:
                raise KeyboardInterrupt
            yield record


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    needed()
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def raw(server):
    """The Redis itself, empty."""
    with server.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def catalogue(server, raw):
    with closing(RedisCatalogue(connect(server.url, timeout_s=60))) as found:
        yield found


def test_keys_are_spelled_as_documented(catalogue, raw):
    push(numbers(2), catalogue)
    catalogue.activate("numbers", "v1")

    assert sorted(raw.keys()) == [
        b"entity-index:catalogue",
        b"entity-index:{078}:numbers@v1:q00001",
        b"entity-index:{0ee}:numbers@v1:q00000",
        b"entity-index:{132}:numbers@v1#0",
        b"entity-index:{2ff}:numbers@v1#",
    ]
    assert raw.hget("entity-index:catalogue", "active numbers") == b"v1"


def test_a_push_again_writes_nothing(catalogue):
    first = push(numbers(), catalogue)
    again = push(numbers(), catalogue)

    assert (first.written, first.present) == (COUNT, 0)
    assert (again.written, again.present) == (0, COUNT)
    assert again.info == first.info


def test_an_interrupted_push_is_invisible_and_goes_on_where_it_ended(catalogue):
    with pytest.raises(KeyboardInterrupt):
        push(BreakingOff(numbers(), after=1700), catalogue)

    assert (catalogue.datasets(), catalogue.partial()) == ([], ["numbers@v1"])
    assert push(numbers(), catalogue).written == COUNT - 1000
    assert catalogue.partial() == []
    assert catalogue.open("numbers", "v1").get_many(IDS) == [question(number) for number in range(COUNT)]


def test_progress_adds_up_to_the_version(catalogue):
    told = []
    push(numbers(), catalogue, progress=told.append)

    assert told == [1000, 1000, 500]


def test_a_draft_tells_how_far_it_is_sent(catalogue):
    told = []
    catalogue.on_pushed = lambda info, count: told.append((info.version, count))
    with catalogue.draft("numbers") as draft:
        for number in range(COUNT):
            draft.add(IDS[number], encode(question(number)))
        assert not told
        draft.publish("v1")

    assert {version for version, _ in told} == {"v1"}
    assert sum(count for _, count in told) == COUNT
    assert len(told) > 1


def test_an_interrupted_push_keeps_the_name_for_its_content(catalogue):
    with pytest.raises(KeyboardInterrupt):
        push(BreakingOff(numbers(), after=1700), catalogue)

    with pytest.raises(
        VersionExists, match="'v1' of data set 'numbers' already exists with different content"
    ):
        push(numbers(7), catalogue)
    catalogue.drop("numbers", "v1")
    assert push(numbers(7), catalogue).written == 7


def test_a_drop_leaves_nothing_but_the_others(catalogue, raw):
    push(numbers(3, version="v2"), catalogue)
    before = sorted(raw.keys())
    push(numbers(), catalogue)

    catalogue.drop("numbers", "v1")

    assert sorted(raw.keys()) == before


def test_an_interrupted_push_can_be_dropped_to_the_last_key(catalogue, raw):
    with pytest.raises(KeyboardInterrupt):
        push(BreakingOff(numbers(), after=1700), catalogue)
    catalogue.drop("numbers", "v1")

    assert raw.keys() == []


def test_a_source_that_does_not_match_its_digest_is_not_shown(catalogue):
    source = numbers(3)
    source._records["q00001"] = encode(question(2))

    with pytest.raises(CorruptIndex, match="the content of numbers@v1 does not match its digest"):
        push(source, catalogue)
    assert catalogue.datasets() == []


@pytest.fixture
def pushed(catalogue):
    push(numbers(), catalogue)
    return catalogue.open("numbers", "v1")


def lose(raw, pattern):
    return raw.delete(*raw.keys(pattern))


def test_a_lost_record_is_no_unknown_question(pushed, raw):
    lose(raw, "*:q01234")

    assert pushed.get_many(["q01233", "nope"]) == [question(1233), None]
    with pytest.raises(
        CorruptEntry, match="the record of question 'q01234' is missing: push numbers@v1 again"
    ):
        pushed.get_many(["q01233", "q01234"])
    with pytest.raises(CorruptEntry):
        list(pushed.records())


@pytest.mark.parametrize("pattern", ["*@v1#1", "*@v1#"])
def test_without_the_lists_nothing_is_unknown(pushed, raw, catalogue, pattern):
    lose(raw, pattern)

    with pytest.raises(CorruptIndex, match="dropped or lost"):
        catalogue.open("numbers", "v1").get_many(["q01500x"])


def test_pushing_again_mends_what_was_lost(pushed, raw, catalogue):
    lose(raw, "*:q01234")

    report = push(numbers(), catalogue)

    assert (report.written, report.present) == (1000, 1500)
    assert pushed.get_many(["q01234"]) == [question(1234)]


def test_a_rewriting_push_mends_what_was_damaged(pushed, raw, catalogue):
    [at] = raw.keys("*:q01234")
    raw.set(at, raw.get(at)[:-3])
    with pytest.raises(CorruptEntry, match="'q01234'"):
        pushed.get_many(["q01234"])

    assert push(numbers(), catalogue).written == 0
    assert push(numbers(), catalogue, rewrite=True).written == COUNT
    assert pushed.get_many(["q01234"]) == [question(1234)]


def test_a_flushed_redis_never_answers_none(pushed, raw):
    raw.flushall()

    with pytest.raises(CorruptIndex, match="numbers@v1 was dropped or lost"):
        pushed.get_many(["q00001"])


def test_other_content_under_the_name_of_a_dropped_version_is_not_read(pushed, catalogue):
    catalogue.drop("numbers", "v1")
    push(numbers(7), catalogue)

    with pytest.raises(
        CorruptIndex, match="numbers@v1 was dropped, and its name is now used for different content"
    ):
        pushed.get_many(["q00001"])
    with pytest.raises(
        CorruptIndex, match="numbers@v1 was dropped, and its name is now used for different content"
    ):
        pushed.get_many(["q00001x"])
    assert catalogue.open("numbers", "v1").get_many(["q00001"]) == [question(1)]


@pytest.mark.parametrize(
    ("entry", "error"),
    [(b"{", CorruptIndex), (b"[]", CorruptIndex), (b'{"digest": "x"}', CorruptIndex), (None, CodecMismatch)],
)
def test_a_damaged_catalogue_is_told(pushed, raw, catalogue, entry, error):
    entry = entry or raw.hget("entity-index:catalogue", "whole numbers@v1").replace(
        b'"codec": 1', b'"codec": 9'
    )
    raw.hset("entity-index:catalogue", "whole numbers@v1", entry)

    with pytest.raises(error, match="numbers@v1"):
        catalogue.open("numbers", "v1")


def test_a_damaged_list_is_told(pushed, raw):
    [at] = raw.keys("*@v1#0")
    raw.set(at, raw.get(at)[:-3])

    with pytest.raises(CorruptIndex, match="a list of the questions of numbers@v1 is damaged"):
        pushed.get_many(["nope", "q00000x"])


@pytest.mark.parametrize("prefix", ["", "a b", "{x}", "x" * 65])
def test_a_prefix_cannot_blur_keys(catalogue, prefix):
    with pytest.raises(InvalidAddress, match="a key prefix must be"):
        RedisCatalogue(catalogue.connection, prefix=prefix)


def test_what_is_down_full_or_loading_is_one_sentence(tmp_path):
    needed()
    with RedisServer(tmp_path) as own, closing(RedisCatalogue(connect(own.url, timeout_s=60))) as catalogue:
        with own.client() as client:
            client.config_set("maxmemory", "1")
        with pytest.raises(IndexUnreachable, match="the Redis of the index is full"):
            push(numbers(2), catalogue)
        own.kill()
        with pytest.raises(IndexUnreachable, match="the Redis of the index cannot be reached"):
            catalogue.datasets()


def test_a_stalled_server_is_given_up_on(tmp_path):
    needed()
    with RedisServer(tmp_path) as own, closing(RedisCatalogue(connect(own.url, timeout_s=0.5))) as catalogue:
        with own.client() as client:
            client.client_pause(60_000)
        with pytest.raises(IndexUnreachable, match="did not answer in time"):
            catalogue.datasets()


def documented_commands():
    """Return the commands that docs/index.md grants to who scores, and to who pushes."""
    page = (Path(__file__).parents[2] / "docs" / "index.md").read_text(encoding="utf-8")
    reading, writing = re.findall(r"`((?:\+[a-z]+ ?)+)`", page)[:2]
    return reading.split(), reading.split() + writing.split()


def test_a_reading_user_reads_and_cannot_write_and_a_pushing_one_does_both(raw, server, catalogue):
    push(numbers(3), catalogue)
    for name, commands in zip(("reader", "writer"), documented_commands(), strict=True):
        raw.acl_setuser(
            name, enabled=True, passwords=["+s3cret/"], keys=["entity-index:*"], commands=commands
        )

    def opened(login):
        return closing(RedisCatalogue(connect(f"unix://{login}@{server.socket}", timeout_s=60)))

    with opened("writer:s3cret%2F") as writer:
        push(numbers(4, version="v2"), writer)
        writer.activate("numbers", "v2")
        writer.drop("numbers", "v1")
        push(numbers(3), writer)

    with opened("reader:s3cret%2F") as reader:
        assert reader.open("numbers", "v1").get_many(["q00001"]) == [question(1)]
        with pytest.raises(IndexUnreachable, match="does not allow this user the command"):
            reader.activate("numbers", "v1")
    with opened("reader:wrong") as stranger, pytest.raises(IndexUnreachable, match="rejects the credentials"):
        stranger.datasets()


def test_tls_is_a_matter_of_the_url(tmp_path):
    needed()
    needed("openssl")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    port, cert = free_port(), str(tmp_path / "cert.pem")
    options = ("--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", str(tmp_path / "key.pem"))
    with RedisServer(tmp_path, *options, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={cert}"
        with closing(RedisCatalogue(connect(url, timeout_s=60))) as catalogue:
            assert push(numbers(3), catalogue).written == 3
        with (
            closing(RedisCatalogue(connect(f"rediss://127.0.0.1:{port}", timeout_s=60))) as stranger,
            pytest.raises(IndexUnreachable),
        ):
            stranger.datasets()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://h", "must start with one of redis://"),
        ("index", "must start with one of"),
        ("redis+sentinel://h:1", "the path must name the service"),
        ("redis+sentinel://h:1/main/x", "the database must be a number"),
        ("redis+cluster://", "hosts must be host:port"),
        ("redis+cluster://u:s3cret@h:x", "cannot be read"),
        ("rediss+cluster://h?ssl_verify=no", "an unknown option: the options are"),
    ],
)
def test_a_url_that_names_no_redis_is_refused_without_repeating_it(url, why):
    with pytest.raises(InvalidAddress, match=why) as refused:
        connect(url, timeout_s=1)
    assert "s3cret" not in str(refused.value)


def test_a_url_of_many_says_everything():
    address = parse_address(
        "rediss+sentinel://me:p%40ss@a:1,[::1]:2,c/main/3?ssl_cert_reqs=none&ssl_check_hostname=false&sentinel_password=x"
    )

    assert address.hosts == (("a", 1), ("::1", 2), ("c", 26379))
    assert (address.service, address.db) == ("main", 3)
    assert address.login == {"username": "me", "password": "p@ss"}
    assert address.tls == {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
    assert address.sentinel_login == {"password": "x"}


def test_a_folder_is_no_url():
    assert [is_url(text) for text in ("redis://h", "rediss+cluster://h", "index", "./redis", "redis")] == [
        *(True, True),
        *(False, False, False),
    ]


def test_a_push_whose_name_was_dropped_and_given_away_meanwhile_is_not_shown(catalogue):
    slow, quick = numbers(3), numbers(4)
    catalogue.begin(slow.info)
    catalogue.drop("numbers", "v1")
    push(quick, catalogue)

    with pytest.raises(VersionExists, match="dropped meanwhile"):
        catalogue.finish(slow.info)

    with closing(catalogue.open("numbers", "v1")) as store:
        assert store.info.digest == quick.info.digest


PUSHING = """
import os, signal, sys
from entity_index.push import push
from entity_index.stores.redis import open_redis
from tests.contract.test_redis_index import numbers
left = [1500]
def killed(done):
    left[0] -= done
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
push(numbers(), open_redis(sys.argv[1], timeout_s=60), progress=killed)
"""


def test_a_push_that_is_killed_is_invisible_and_goes_on_where_it_ended(server):
    url = f"{server.url}#killed"
    done = subprocess.run([sys.executable, "-c", PUSHING, url], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -signal.SIGKILL

    with closing(open_redis(url, timeout_s=60)) as catalogue:
        assert catalogue.datasets() == []
        assert catalogue.partial() == ["numbers@v1"]
        report = push(numbers(), catalogue)
        assert report.present >= 1000
        assert catalogue.versions("numbers") == ["v1"]
        with closing(catalogue.open("numbers", "v1")) as store:
            check_content(store)
