"""The record of published rewards, and its verification."""

import json
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.core.profiles import shipped
from reward_service.core.scoring import reward
from reward_service.core.types import Outcome, PartialPolicy, RolloutFacts, RolloutStatus
from reward_service.serve.errors import LedgerUnavailable
from reward_service.serve.ledger import Ledger, Published, Terms, read, verify

PROFILE = shipped()["egrpo"]
KNOWN = {profile.digest: profile for profile in shipped().values()}
CAP = 1024 * 1024


def group(number, facts, policy=None):
    policy = policy or PartialPolicy("survivors")
    result = reward(facts, PROFILE, estimator=PROFILE.estimator, partial=policy)
    return Published("run", f"g{number}", "q", None, facts, result)


def random_facts(rng):
    entities = rng.randrange(1, 9)
    return [
        RolloutFacts(
            str(n),
            rng.choice([RolloutStatus.SCORED] * 6 + [RolloutStatus.ABORTED]),
            outcome=rng.choice(list(Outcome)),
            matched=rng.randrange(entities),
            entities=entities,
            uncredited={"pasted": rng.randrange(2)},
            signals={"x": rng.random()},
        )
        for n in range(rng.randrange(1, 17))
    ]


def terms(policy=None):
    return Terms("request", PROFILE, PROFILE.estimator, policy or PartialPolicy("survivors"))


def written(path, groups, **more):
    ledger = Ledger(path, **({"max_bytes": CAP} | more))
    for one in groups:
        ledger.write([one], terms())
    ledger.close()


def problems(path):
    return [finding.problem for finding in verify(read(path), KNOWN)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def test_every_reward_is_computed_again_bit_for_bit(path):
    rng = random.Random(5)
    written(path, [group(n, random_facts(rng)) for n in range(200)])

    assert problems(path) == [None] * 200


def test_it_goes_on_after_a_restart(path):
    rng = random.Random(5)
    for n in range(3):
        written(path, [group(n, random_facts(rng))])

    assert problems(path) == [None] * 3


def test_a_line_a_crash_left_unfinished_is_cut_off(path):
    written(path, [group(0, random_facts(random.Random(5)))])
    with path.open("ab") as file:
        file.write(b'{"v":1,"at":"20')

    written(path, [group(1, random_facts(random.Random(6)))])

    assert problems(path) == [None, None]


def three_lines(path):
    rng = random.Random(5)
    written(path, [group(n, random_facts(rng)) for n in range(3)])
    return path.read_bytes().splitlines(keepends=True)


def test_a_changed_reward_shows(path):
    lines = three_lines(path)
    line = json.loads(lines[1])
    line["published"]["reward"][0] = 0.125
    lines[1] = json.dumps(line, separators=(",", ":")).encode() + b"\n"
    path.write_bytes(b"".join(lines))

    assert problems(path)[1] is not None


@pytest.mark.parametrize("order", [[0, 2], [0, 2, 1], [0, 1, 1, 2]])
def test_a_lost_moved_or_repeated_line_shows(path, order):
    lines = three_lines(path)
    path.write_bytes(b"".join(lines[n] for n in order))

    assert any(problem and "chain" in problem for problem in problems(path))


def test_a_negative_zero_is_not_a_zero(path):
    ledger = Ledger(path, max_bytes=CAP)
    one = group(0, [RolloutFacts("0", RolloutStatus.SCORED, Outcome.WRONG, 0, 1)])
    changed = one.result.rollouts[0].__class__
    fields = {name: getattr(one.result.rollouts[0], name) for name in changed.__slots__}
    result = type(one.result)(
        one.result.status, one.result.entities, one.result.group_max, (changed(**fields | {"reward": -0.0}),)
    )
    ledger.write([one._replace(result=result)], terms())
    ledger.close()

    assert problems(path) == ["recomputing gives different rewards"]


def test_another_engine_or_profile_is_not_passed_over(path):
    written(path, [group(0, random_facts(random.Random(5)))])

    assert [finding.problem is None for finding in verify(read(path), {})] == [False]
    assert problems(path) == [None]


def test_the_cap_holds_and_the_chain_goes_over_files(path):
    rng = random.Random(5)
    written(path, [group(n, random_facts(rng)) for n in range(400)], max_bytes=200_000)

    files = sorted(path.parent.iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 200_000
    found = problems(path)
    assert found == [None] * len(found)
    assert len(found) > 20


def test_two_processes_do_not_write_one_ledger(path):
    first = Ledger(path, max_bytes=CAP)
    with pytest.raises(OSError, match="another process"):
        Ledger(path, max_bytes=CAP)
    first.close()


def test_what_cannot_be_written_is_not_published(path):
    ledger = Ledger(path, max_bytes=CAP)
    os.close(ledger._file)
    ledger._file = os.open("/dev/full", os.O_WRONLY)

    with pytest.raises(LedgerUnavailable):
        ledger.write([group(0, random_facts(random.Random(5)))], terms())

    os.close(ledger._file)


@given(st.lists(st.binary(max_size=60) | st.just(b'{"digest":"'), max_size=5))
def test_verify_never_raises(lines):
    assert len(list(verify(lines, KNOWN))) == len(lines)


@given(st.data())
def test_verify_never_raises_on_spoiled_lines(data):
    one = group(0, [RolloutFacts("0", RolloutStatus.SCORED, Outcome.WRONG, 0, 1)])
    from reward_service.serve.ledger import GENESIS, _line, _sealed  # noqa: PLC0415

    line = bytearray(_sealed(_line(one, terms(), "now"), GENESIS)[0])
    for _ in range(data.draw(st.integers(1, 4))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    assert len(list(verify([bytes(line)], KNOWN))) == 1
