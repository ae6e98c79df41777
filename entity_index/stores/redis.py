"""The index that several processes share: versions in one Redis, behind Sentinels, or in a Cluster.

    {prefix}:catalogue                              a hash: which versions there are, and which is active
    {prefix}:{bucket}:name@version:question_id      one packed record
    {prefix}:{bucket}:name@version#7                the ids of the eighth thousand, in ascending order
    {prefix}:{bucket}:name@version#                 the first id of every thousand

The bucket is one of 1,024 hash tags, `{000}` to `{3ff}`, so that a Cluster spreads a data set. Every value but the catalogue
begins with four bytes of the version's digest, so that who holds a version open never reads what was pushed under its name
after a drop. The lists of ids make absence believable: an id without a record is an unknown question only where no list
names it. Otherwise Redis has lost it (evicted, flushed, failed over too early), which is an error and never an answer;
pushing the version again mends it.
"""

import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import NamedTuple

from entity_index.codec import CODEC_VERSION, decode, key, pack, unpack
from entity_index.errors import (
    CodecMismatch,
    CorruptEntry,
    CorruptIndex,
    InvalidAddress,
    UnknownDataset,
    UnknownVersion,
    VersionActive,
    VersionExists,
)
from entity_index.stores.connection import Connection, connect
from entity_index.stores.names import check_name
from entity_index.stores.protocols import Draft, VersionInfo, check_active
from entity_index.types import Question

PREFIX = "entity-index"
PREFIXES = re.compile(r"[A-Za-z0-9._:-]{1,64}")
BUCKETS = 1024
PAGE = 1000
LAYOUT = 1
STAMP = slice(7, 15)  # of "sha256:...", as hexadecimal digits
STAMP_BYTES = 4

# Fields of the catalogue: a version that is whole, one that is being pushed or dropped, the active version of a data set.
WHOLE, PARTIAL, ACTIVE = "whole ", "partial ", "active "

# ARGV data set, version
ACTIVATE = """
if redis.call('HEXISTS', KEYS[1], 'whole '..ARGV[1]..'@'..ARGV[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'active '..ARGV[1], ARGV[2])
return 1
"""
# ARGV name@version, entry; 0 where the name stands for other content
BEGIN = """
local found = redis.call('HGET', KEYS[1], 'whole '..ARGV[1])
if found then return found == ARGV[2] and 1 or 0 end
redis.call('HSETNX', KEYS[1], 'partial '..ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], 'partial '..ARGV[1]) == ARGV[2] and 1 or 0
"""
# ARGV name@version, entry; 0 where the name has been dropped meanwhile, and may stand for other content
FINISH = """
local begun, found = redis.call('HGET', KEYS[1], 'partial '..ARGV[1]), redis.call('HGET', KEYS[1], 'whole '..ARGV[1])
if begun ~= ARGV[2] and found ~= ARGV[2] or found and found ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'whole '..ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[1], 'partial '..ARGV[1])
return 1
"""
# ARGV data set, version; 0 where it is active
WITHDRAW = """
local name = ARGV[1]..'@'..ARGV[2]
if redis.call('HGET', KEYS[1], 'active '..ARGV[1]) == ARGV[2] then return 0 end
local found = redis.call('HGET', KEYS[1], 'whole '..name)
if found then redis.call('HSET', KEYS[1], 'partial '..name, found) end
redis.call('HDEL', KEYS[1], 'whole '..name)
return 1
"""
# ARGV name@version
FORGET = "return redis.call('HDEL', KEYS[1], 'partial '..ARGV[1])"


class VersionKeys(NamedTuple):
    """The Redis keys of one version, and the stamp of its values."""

    prefix: str
    name: str
    """name@version."""
    stamp: bytes

    def record(self, question_id: str) -> bytes:
        """Return the key of a question's record."""
        return self._key(b":" + key(question_id))

    def page(self, number: int) -> bytes:
        """Return the key of a list of ids."""
        return self._key(b"#%d" % number)

    def contents(self) -> bytes:
        """Return the key of the list of first ids."""
        return self._key(b"#")

    def stamped(self, value: bytes) -> bytes:
        """Return a value as it is stored."""
        return self.stamp + value

    def unstamped(self, stored: bytes) -> bytes:
        """Return a value that was stored.

        Raises:
            CorruptIndex: it is damaged, or was stored under other content of the same name.
        """
        if stored[:STAMP_BYTES] != self.stamp:
            raise CorruptIndex(f"{self.name} was dropped, and its name is now used for different content")
        return stored[STAMP_BYTES:]

    def listed(self, stored: bytes) -> list[str]:
        """Return a list of ids that was stored."""
        try:
            ids = json.loads(zlib.decompress(self.unstamped(stored)))
        except (zlib.error, ValueError) as error:
            raise CorruptIndex(f"a list of the questions of {self.name} is damaged") from error
        if not isinstance(ids, list) or not all(isinstance(at, str) for at in ids):
            raise CorruptIndex(f"a list of the questions of {self.name} is damaged")
        return ids

    def listing(self, question_ids: Iterable[str]) -> bytes:
        """Return a list of ids as it is stored."""
        return self.stamped(zlib.compress(json.dumps(list(question_ids)).encode(), 9))

    def _key(self, rest: bytes) -> bytes:
        bucket = zlib.crc32(rest) % BUCKETS
        return f"{self.prefix}:{{{bucket:03x}}}:{self.name}".encode() + rest


class RedisStore:
    """One version, read over a connection that it shares."""

    def __init__(self, connection: Connection, place: VersionKeys, info: VersionInfo) -> None:
        self.info = info
        self._connection = connection
        self._place = place
        [contents] = connection.get_many([place.contents()])
        if contents is None:
            raise self._lost("its table of contents is missing")
        self._first_ids = [key(first) for first in place.listed(contents)]

    def get_many(self, question_ids: Sequence[str]) -> list[Question | None]:
        """Return one question per id, in order; None where the version has no such question."""
        records = self._records(question_ids)
        return [
            None if record is None else decode(record, question_id=at)
            for at, record in zip(question_ids, records, strict=True)
        ]

    def question_ids(self) -> Iterator[str]:
        """Iterate over all ids in ascending order."""
        for number in range(len(self._first_ids)):
            yield from self._page(number)

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over all ids with their records, in ascending order of the ids."""
        for number in range(len(self._first_ids)):
            ids = self._page(number)
            for at, record in zip(ids, self._records(ids), strict=True):
                if record is not None:  # a listed id has one, or `_records` has raised
                    yield at, record

    def close(self) -> None:
        """Do nothing: the connection is the catalogue's."""

    def _records(self, question_ids: Sequence[str]) -> list[bytes | None]:
        packed = self._connection.get_many([self._place.record(at) for at in question_ids])
        found = dict(zip(question_ids, packed, strict=True))
        self._check_absence([at for at, value in found.items() if value is None])
        return [
            None if value is None else unpack(self._place.unstamped(value), question_id=at)
            for at, value in zip(question_ids, packed, strict=True)
        ]

    def _check_absence(self, question_ids: Sequence[str]) -> None:
        """Make sure that ids without a record never had one."""
        for number in {self._number(at) for at in question_ids if self._first_ids}:
            listed = set(self._page(number))
            if lost := next((at for at in question_ids if at in listed), None):
                raise CorruptEntry(
                    f"the record of question {lost!r} is missing: push {self._place.name} again"
                )

    def _number(self, question_id: str) -> int:
        """Return the only page that could list an id."""
        return max(0, bisect_right(self._first_ids, key(question_id)) - 1)

    def _page(self, number: int) -> list[str]:
        [page] = self._connection.get_many([self._place.page(number)])
        if page is None:
            raise self._lost(f"list {number} of its questions is missing")
        return self._place.listed(page)

    def _lost(self, what: str) -> CorruptIndex:
        return CorruptIndex(f"{self._place.name} was dropped or lost, {what}: push it again")


def open_redis(url: str, *, timeout_s: float) -> "RedisCatalogue":
    """Open an index by URL; what stands behind `#` is the prefix of its keys.

    Args:
        url: as `connection` describes it.
        timeout_s: of connecting, and of each command.

    Raises:
        InvalidAddress: the URL names no Redis, or no prefix.
        IndexUnreachable: the Cluster does not answer.
    """
    address, _, prefix = url.partition("#")
    check_prefix(prefix or PREFIX)
    return RedisCatalogue(connect(address, timeout_s=timeout_s), prefix=prefix or PREFIX)


def check_prefix(prefix: str) -> str:
    """Return a prefix of keys.

    Raises:
        InvalidAddress: it could blur keys.
    """
    if not PREFIXES.fullmatch(prefix):
        raise InvalidAddress(
            f"a key prefix must be 1 to 64 characters of A-Z a-z 0-9 . _ : -, got {prefix!r}"
        )
    return prefix


class RedisCatalogue:
    """The data sets of one Redis under one prefix."""

    def __init__(self, connection: Connection, *, prefix: str = PREFIX) -> None:
        self.connection = connection
        self._prefix = check_prefix(prefix)
        self._key = f"{prefix}:catalogue".encode()
        self.on_pushed: Callable[[VersionInfo, int], None] = lambda *_: None
        """Told how many more records of a draft have been sent while it is published."""

    def datasets(self) -> list[str]:
        """Return the names of all data sets, sorted."""
        return sorted({name.partition("@")[0] for name in self._names(WHOLE)})

    def versions(self, dataset: str) -> list[str]:
        """Return the names of a data set's versions, sorted."""
        return _versions(self._fields(), dataset)

    def active(self, dataset: str) -> str | None:
        """Return the active version; None where none has been activated."""
        fields = self._fields()
        versions, version = _versions(fields, dataset), fields.get(ACTIVE + dataset)
        return None if version is None else check_active(dataset, version, versions)

    def activate(self, dataset: str, version: str) -> None:
        """Make a version the one that is opened by default, in one atomic write."""
        self._info(dataset, version)
        if not self.connection.run(ACTIVATE, self._key, dataset, version):
            raise UnknownVersion(f"data set {dataset!r} has no version {version!r}")

    def open(self, dataset: str, version: str | None = None) -> RedisStore:
        """Open a version, the active one by default."""
        wanted = self.active(dataset) if version is None else version
        if wanted is None:
            raise UnknownVersion(f"data set {dataset!r} has no active version")
        info = self._info(dataset, wanted)
        return RedisStore(self.connection, self.place(info), info)

    def drop(self, dataset: str, version: str) -> None:
        """Remove a version that is not active, also one that was never pushed to its end.

        A store that is open on it raises from then on.
        """
        fields = self._fields()
        name = f"{check_name(dataset)}@{check_name(version)}"
        entry = fields.get(PARTIAL + name)
        info = self._info(dataset, version) if entry is None else _info(name, entry)
        if not self.connection.run(WITHDRAW, self._key, dataset, version):
            raise VersionActive(f"version {version!r} of data set {dataset!r} is active")
        self._remove(self.place(info), pages=-(-info.count // PAGE))
        self.connection.run(FORGET, self._key, name)

    def draft(self, dataset: str) -> AbstractContextManager[Draft]:
        """Open an empty draft, which is kept in a temporary folder until it is published."""
        from entity_index.push import drafting  # noqa: PLC0415  # which is built on this module

        return drafting(dataset, self)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def partial(self) -> list[str]:
        """Return `name@version` of what was not pushed, or not dropped, to its end, sorted."""
        return self._names(PARTIAL)

    def place(self, info: VersionInfo) -> VersionKeys:
        """Return where the values of a version stand."""
        return VersionKeys(self._prefix, f"{info.dataset}@{info.version}", bytes.fromhex(info.digest[STAMP]))

    def begin(self, info: VersionInfo) -> None:
        """Reserve the name of a version for its content.

        Raises:
            VersionExists: it is taken by other content.
        """
        if not self.connection.run(BEGIN, self._key, f"{info.dataset}@{info.version}", _entry(info)):
            raise VersionExists(
                f"version {info.version!r} of data set {info.dataset!r} already exists with different content"
            )

    def finish(self, info: VersionInfo) -> None:
        """Show a version whose records all stand.

        Raises:
            VersionExists: its name has been dropped since `begin`, and may be taken by other content.
        """
        if not self.connection.run(FINISH, self._key, f"{info.dataset}@{info.version}", _entry(info)):
            raise VersionExists(
                f"version {info.version!r} of data set {info.dataset!r} was dropped meanwhile"
            )

    def _remove(self, place: VersionKeys, *, pages: int) -> None:
        for number in range(pages):
            [page] = self.connection.get_many([place.page(number)])
            if page is not None:
                self.connection.remove([place.record(at) for at in place.listed(page)])
                self.connection.remove([place.page(number)])
        self.connection.remove([place.contents()])

    def _fields(self) -> Mapping[str, str]:
        return {
            name.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for name, value in self.connection.fields(self._key).items()
        }

    def _names(self, kind: str) -> list[str]:
        return sorted(name.removeprefix(kind) for name in self._fields() if name.startswith(kind))

    def _info(self, dataset: str, version: str) -> VersionInfo:
        fields = self._fields()
        if check_name(version) not in _versions(fields, dataset):
            raise UnknownVersion(f"data set {dataset!r} has no version {version!r}")
        name = f"{dataset}@{version}"
        return _info(name, fields[WHOLE + name])


def write_page(connection: Connection, place: VersionKeys, number: int, page: Mapping[str, bytes]) -> None:
    """Write a page of records, after the list that names them: what is half written is known to be lost, and is removable."""
    connection.set_many({place.page(number): place.listing(page)})
    connection.set_many({place.record(at): place.stamped(pack(record)) for at, record in page.items()})


def has_page(connection: Connection, place: VersionKeys, number: int, page: Mapping[str, bytes]) -> bool:
    """Return whether a page stands with all its records."""
    [found] = connection.get_many([place.page(number)])
    if found is None or place.listed(found) != list(page):
        return False
    return connection.count([place.record(at) for at in page]) == len(page)


def write_contents(connection: Connection, place: VersionKeys, first_ids: Sequence[str]) -> None:
    """Write the list of first ids."""
    connection.set_many({place.contents(): place.listing(first_ids)})


def _versions(fields: Mapping[str, str], dataset: str) -> list[str]:
    start = f"{WHOLE}{check_name(dataset)}@"
    names = sorted(name.removeprefix(start) for name in fields if name.startswith(start))
    if not names:
        raise UnknownDataset(f"no data set {dataset!r}")
    return names


def _entry(info: VersionInfo) -> str:
    facts = asdict(info) | {"layout": LAYOUT}
    return json.dumps({name: facts[name] for name in ("digest", "count", "codec", "fold", "layout")})


def _info(name: str, entry: str) -> VersionInfo:
    dataset, _, version = name.partition("@")
    try:
        facts = json.loads(entry)
        layout, codec = facts.pop("layout"), facts["codec"]
        info = VersionInfo(dataset=dataset, version=version, **facts)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptIndex(f"the catalogue entry of {name} is damaged") from error
    if (layout, codec) != (LAYOUT, CODEC_VERSION):
        raise CodecMismatch(
            f"{name} has layout {layout} and codec {codec}, expected {LAYOUT} and {CODEC_VERSION}"
        )
    return info
