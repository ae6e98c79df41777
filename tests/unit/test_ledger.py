"""The record of published rewards, and its verification."""

import json
import os
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.core.advantages import BATCH_ESTIMATORS
from reward_service.core.profiles import shipped
from reward_service.core.scoring import reward, reward_batch
from reward_service.core.types import (
    Estimator,
    Filter,
    Judgement,
    Outcome,
    PartialPolicy,
    RolloutFacts,
    RolloutStatus,
)
from reward_service.serve.errors import BadLedger, InvalidRequest, LedgerUnavailable
from reward_service.serve.ledger import Ledger, Published, Terms, _line, read
from reward_service.serve.ledger_audit import Finding, changes_of_profile, verify
from reward_service.serve.ledger_chain import GENESIS, Seal, ends_path, read_ends, seal_of
from tests.golden.test_methods import profile_named

PROFILE, JUDGED = shipped()["egrpo"], shipped()["egrpo-judged"]
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


def problems(path, seal=None):
    seal = seal or Seal()
    ends = read_ends(path, seal)
    return [finding.problem for finding in verify(read(path), KNOWN, seal=seal, ends=ends)]


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


def test_an_unknown_profile_is_not_passed_over(path):
    written(path, [group(0, random_facts(random.Random(5)))])

    assert [finding.problem is None for finding in verify(read(path), {})] == [False]
    assert problems(path) == [None]


def test_a_line_is_recomputed_whichever_parser_and_matcher_measured_it(path, monkeypatch):
    monkeypatch.setattr("reward_service.serve.ledger.ENGINE_DIGEST", "sha256:older")
    written(path, [group(0, random_facts(random.Random(5)))])
    assert json.loads(path.read_bytes())["engine"] == "sha256:older"

    monkeypatch.undo()

    assert problems(path) == [None]


def test_a_line_of_other_formulas_is_not_passed_over(path, monkeypatch):
    monkeypatch.setattr("reward_service.serve.ledger.FORMULAS", 0)
    written(path, [group(0, random_facts(random.Random(5)))])

    monkeypatch.undo()

    assert problems(path) == ["computed by another version of the formulas"]


def test_the_cap_holds_and_the_chain_goes_over_files(path):
    rng = random.Random(5)
    written(path, [group(n, random_facts(rng)) for n in range(400)], max_bytes=200_000)

    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["ledger.jsonl", "ledger.jsonl.1", "ledger.jsonl.ends"]
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
    assert len(verify(lines, KNOWN)) == len(lines)


@given(st.data())
def test_verify_never_raises_on_spoiled_lines(data):
    one = group(0, [RolloutFacts("0", RolloutStatus.SCORED, Outcome.WRONG, 0, 1)])
    line = bytearray(Seal().sealed(_line(one, terms(), "now"), GENESIS)[0])
    for _ in range(data.draw(st.integers(1, 4))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    assert len(verify([bytes(line)], KNOWN)) == 1


ENDS_MISSING = "lines at the end are missing"
BROKEN = "the chain is broken: lines were changed, lost or moved"


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        (slice(0, 2), [None, None, ENDS_MISSING]),
        (slice(1, 3), [BROKEN, None]),
        (slice(1, 2), [BROKEN, ENDS_MISSING]),
        (slice(0, 0), [ENDS_MISSING]),
    ],
    ids=["last", "first", "both", "all"],
)
def test_lines_missing_at_either_end_show(path, kept, found):
    lines = three_lines(path)
    path.write_bytes(b"".join(lines[kept]))

    assert problems(path) == found


def test_lines_that_were_lost_show_after_the_next_start_too(path):
    lines = three_lines(path)
    path.write_bytes(b"".join(lines[:2]))

    written(path, [group(4, random_facts(random.Random(4)))])

    assert problems(path) == [None, None, BROKEN]


def test_a_crash_between_a_line_and_the_ends_is_no_loss(path):
    before = three_lines(path)
    ends = ends_path(path).read_bytes()
    written(path, [group(4, random_facts(random.Random(4)))])
    ends_path(path).write_bytes(ends)

    assert problems(path) == [None] * 4
    written(path, [group(5, random_facts(random.Random(5)))])
    assert problems(path) == [None] * 5
    assert path.read_bytes().startswith(b"".join(before))


def test_the_ends_follow_the_cap(path):
    rng = random.Random(5)
    written(path, [group(n, random_facts(rng)) for n in range(400)], max_bytes=200_000)
    older = path.with_name(path.name + ".1")

    assert set(problems(path)) == {None}
    lines = older.read_bytes().splitlines(keepends=True)
    older.write_bytes(b"".join(lines[1:]))
    assert problems(path)[0] == BROKEN


def test_a_roll_that_cannot_open_a_new_file_leaves_the_ledger_as_it_was(path):
    """As on a disk without a free inode: a folder stands where the new file should go."""
    rng = random.Random(5)
    ledger = Ledger(path, max_bytes=20_000)
    blocked = path.with_name(path.name + ".next")
    blocked.mkdir()
    recorded = 0
    with pytest.raises(LedgerUnavailable):  # noqa: PT012  # until it is full
        while True:
            ledger.write([group(recorded, random_facts(rng))], terms())
            recorded += 1
    stranger, other = os.pipe()  # takes any descriptor that was closed by mistake
    for n in range(3):
        with pytest.raises(LedgerUnavailable):
            ledger.write([group(n, random_facts(random.Random(9)))] * 9, terms())
    with pytest.raises(LedgerUnavailable):
        ledger.check()
    os.set_blocking(stranger, False)
    with pytest.raises(BlockingIOError):
        os.read(stranger, 1)
    assert problems(path) == [None] * recorded

    blocked.rmdir()
    ledger.check()
    ledger.write([group(recorded, random_facts(rng))], terms())
    ledger.close()
    os.close(stranger)
    os.close(other)
    assert problems(path) == [None] * (recorded + 1)


def test_a_full_disk_leaves_no_half_line(path):
    ledger = Ledger(path, max_bytes=CAP)
    ledger.write([group(0, random_facts(random.Random(5)))], terms())
    with path.open("ab") as file:
        file.write(b'{"v":1,"at"')  # what a write that ran out of space has left

    ledger.write([group(1, random_facts(random.Random(6)))], terms())
    ledger.close()

    assert problems(path) == [None, None]


def test_a_ledger_that_became_read_only_is_said_and_recovers(path):
    ledger = Ledger(path, max_bytes=CAP)
    whole, ledger._file = ledger._file, os.open(path, os.O_RDONLY)

    with pytest.raises(LedgerUnavailable):
        ledger.check()
    with pytest.raises(LedgerUnavailable):
        ledger.write([group(0, random_facts(random.Random(5)))], terms())

    os.close(ledger._file)
    ledger._file = whole
    ledger.check()
    ledger.write([group(0, random_facts(random.Random(5)))], terms())
    ledger.close()
    assert problems(path) == [None]


@pytest.mark.parametrize(
    "last", [b"garbage\n", b"{}\n", b"[]\n", b'{"digest":5}\n', b"\xff\n", b"[" * 100_000 + b"\n", b"\n"]
)
def test_a_last_line_that_is_none_is_one_sentence_at_start(path, last):
    three_lines(path)
    with path.open("ab") as file:
        file.write(last)

    with pytest.raises(BadLedger, match="last line is no line of a ledger"):
        Ledger(path, max_bytes=CAP)

    path.write_bytes(b"")
    Ledger(path, max_bytes=CAP).close()  # and the lock is free


def test_a_last_line_longer_than_any_is_one_sentence_at_start(path, monkeypatch):
    monkeypatch.setattr("reward_service.serve.ledger.MAX_LINE_BYTES", 4096)
    path.write_bytes(b"x" * 5000)

    with pytest.raises(BadLedger, match="last line is no line of a ledger"):
        Ledger(path, max_bytes=CAP)


def test_a_line_that_could_not_be_read_again_is_refused_before_it_is_written(path, monkeypatch):
    ledger = Ledger(path, max_bytes=CAP)
    ledger.write([group(0, random_facts(random.Random(5)))], terms())
    monkeypatch.setattr("reward_service.serve.ledger.MAX_LINE_BYTES", 8192)
    many = RolloutFacts(
        "0", RolloutStatus.SCORED, Outcome.WRONG, 0, 1, signals={str(n): 1e15 for n in range(1000)}
    )

    with pytest.raises(InvalidRequest, match="8192 bytes"):
        ledger.write([group(1, [many])], terms())

    ledger.close()
    written(path, [group(2, random_facts(random.Random(7)))])
    assert problems(path) == [None, None]


def test_with_a_key_a_forged_ledger_shows(path, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_bytes(b"k" * 32 + b"\n")
    seal = seal_of(key_file)
    written(path, [group(n, random_facts(random.Random(n))) for n in range(3)], seal=seal)
    assert problems(path, seal) == [None] * 3

    before, forged = GENESIS, []
    for raw in path.read_bytes().splitlines():
        line = json.loads(raw) | {"run_id": "another"}
        line.pop("digest")
        sealed, before = Seal().sealed(line, before)
        forged.append(sealed)
    path.write_bytes(b"".join(forged))

    assert set(problems(path, seal)) == {"it is not sealed with the key", ENDS_MISSING}
    assert {one.problem for one in verify(read(path), KNOWN)} == {
        None
    }  # what a ledger without a key cannot find


def test_the_ends_cannot_be_forged_without_the_key(path, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_bytes(b"k" * 32)
    written(path, [group(n, random_facts(random.Random(n))) for n in range(3)], seal=seal_of(key_file))
    document = json.loads(ends_path(path).read_bytes())
    ends_path(path).write_text(json.dumps(document | {"end": document["begin"]}), encoding="utf-8")

    with pytest.raises(BadLedger, match="another key"):
        problems(path, seal_of(key_file))


def test_a_ledger_with_a_key_is_not_verified_without_it(path, tmp_path):
    key_file = tmp_path / "key"
    key_file.write_bytes(b"k" * 32)
    written(path, [group(0, random_facts(random.Random(5)))], seal=seal_of(key_file))

    assert [one.problem for one in verify(read(path), KNOWN)] == [
        "it is sealed with a key: name the key file"
    ]


def test_a_key_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "key").write_bytes(b"short\n")
    with pytest.raises(BadLedger, match="at least 32 bytes"):
        seal_of(tmp_path / "key")


def test_where_a_run_changes_its_profile_is_found():
    paid = [("a", "one"), ("b", "one"), ("a", "one"), ("a", "two"), ("b", "one"), ("a", "two"), ("a", "one")]
    findings = [Finding(n, "g", None, run, profile) for n, (run, profile) in enumerate(paid, start=1)]

    changes = [(one.line, one.run_id, before, one.profile) for one, before in changes_of_profile(findings)]

    assert changes == [(4, "a", "one", "two"), (7, "a", "two", "one")]


def test_a_line_of_a_newer_service_is_said_to_be_one(tmp_path):
    written(tmp_path / "ledger", [group(0, random_facts(random.Random(0)))])
    [line] = read(tmp_path / "ledger")
    body = json.loads(line[: line.rindex(b"}") + 1])
    newer, _ = Seal().sealed({**body, "v": 3}, GENESIS)

    [finding] = verify([newer], KNOWN)

    assert finding.problem == "written by a newer version of the service"


def test_rollouts_that_were_drawn_by_their_ids_are_drawn_again(path):
    profile = profile_named("dppo")
    facts = [
        RolloutFacts(str(n), outcome=Outcome.CORRECT if n == 0 else Outcome.WRONG, matched=0)
        for n in range(8)
    ]
    groups = [
        Published("run", f"g{n}", "q", None, facts, reward(facts, profile, place=("run", f"g{n}")))
        for n in range(20)
    ]
    ledger = Ledger(path, max_bytes=CAP)
    ledger.write(groups, Terms("request", profile, profile.estimator, PartialPolicy()))
    ledger.close()

    assert {weight for one in groups for weight in [each.weight for each in one.result.rollouts]} == {
        0.0,
        1.0,
        2.0,
    }
    assert [one.problem for one in verify(read(path), {profile.digest: profile})] == [None] * 20


def judged_group(outcome, label):
    """One group under egrpo-judged whose first outcome a judge gave."""
    verdict = Judgement("answer", "k", label, "model", "sha256:0")
    facts = [
        RolloutFacts("0", outcome=outcome, matched=0, entities=1, judgements=(verdict,)),
        RolloutFacts("1", outcome=Outcome.WRONG, matched=1, entities=1),
    ]
    return Published("run", "g", "q", None, facts, reward(facts, JUDGED))


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (Outcome.CORRECT, None),
        (Outcome.WRONG, "rollout 0: the outcome wrong does not follow from correct"),
    ],
)
def test_an_outcome_that_does_not_follow_from_its_judgement_shows_if_asked_for(path, outcome, problem):
    ledger = Ledger(path, max_bytes=CAP)
    ledger.write([judged_group(outcome, "correct")], Terms("", JUDGED, JUDGED.estimator, PartialPolicy()))
    ledger.close()

    [plainly] = verify(read(path), KNOWN)
    [finding] = verify(read(path), KNOWN, judgements=True)

    assert (plainly.problem, plainly.derived) == (None, ())
    assert (finding.problem, len(finding.derived)) == (problem, 1)


def test_a_group_that_no_judge_decides_has_nothing_to_derive(path):
    written(path, [group(0, random_facts(random.Random(0)))])

    assert [(one.problem, one.derived) for one in verify(read(path), KNOWN, judgements=True)] == [(None, [])]


def batch(estimator, seed, *, profile=PROFILE, count=4):
    """Groups that were compared with each other, one of them failed, and the terms of their call."""
    rng = random.Random(seed)
    groups = [
        [replace(one, length=rng.randrange(1, 9), signals={}) for one in random_facts(rng)]
        for _ in range(count - 1)
    ]
    groups.append([RolloutFacts("0", RolloutStatus.ABORTED)])
    places = [("run", f"{seed}-{n}") for n in range(count)]
    policy = PartialPolicy("survivors")
    results = reward_batch(groups, profile, estimator=estimator, partial=policy, places=places)
    published = [
        Published(*place, "q", None, facts, result)
        for place, facts, result in zip(places, groups, results, strict=True)
    ]
    return published, Terms("request", profile, estimator, policy).over(count)


def findings_of(path, *lines_of):
    ledger = Ledger(path, max_bytes=CAP)
    for group, group_terms in lines_of:
        ledger.write([group], group_terms)
    ledger.close()
    return verify(read(path), KNOWN | {DROPPING.digest: DROPPING})


# Weights of its rollouts depend on their advantages.
DROPPING = replace(PROFILE, filters=(Filter("dppo", rate=0.5),))


@pytest.mark.parametrize("name", BATCH_ESTIMATORS)
@pytest.mark.parametrize("profile", [PROFILE, DROPPING], ids=["plain", "by advantage"])
def test_advantages_over_a_batch_are_computed_again_from_all_its_lines(path, name, profile):
    first, second = (batch(Estimator(name), seed, profile=profile) for seed in (1, 2))
    mixed = [
        (one, terms)
        for pair in zip(first[0], second[0], strict=True)
        for one, terms in zip(pair, (first[1], second[1]), strict=True)
    ]

    found = findings_of(path, *mixed)

    assert [(one.problem, one.rewards_alone) for one in found] == [(None, False)] * 8
    assert [one.line for one in found] == list(range(1, 9))


def test_a_changed_advantage_of_a_batch_shows_in_its_own_line(path):
    groups, call = batch(Estimator("batch_std"), 1)
    changed = groups[0].result
    rollouts = (replace(changed.rollouts[0], advantage=0.125), *changed.rollouts[1:])
    groups[0] = groups[0]._replace(result=replace(changed, rollouts=rollouts))

    found = findings_of(path, *((one, call) for one in groups))

    assert [one.problem for one in found] == ["recomputing gives different rewards", None, None, None]


@pytest.mark.parametrize("profile", [PROFILE, DROPPING], ids=["plain", "by advantage"])
def test_of_a_batch_with_missing_lines_the_rewards_alone_are_computed_again(path, profile):
    groups, call = batch(Estimator("gdpo"), 1, profile=profile)
    whole, _ = batch(Estimator("grpo"), 2, count=1)

    found = findings_of(path, *((one, call) for one in groups[1:]), (whole[0], terms()))

    assert [(one.problem, one.rewards_alone) for one in found] == [(None, True)] * 3 + [(None, False)]


def test_a_changed_reward_of_a_batch_with_missing_lines_shows(path):
    groups, call = batch(Estimator("batch_std"), 1)
    result = groups[1].result
    paid = [one for one in result.rollouts if one.reward is not None]
    changed = tuple(replace(one, reward=0.125) if one is paid[0] else one for one in result.rollouts)
    broken = groups[1]._replace(result=replace(result, rollouts=changed))

    found = findings_of(path, (broken, call), (groups[2], call))

    assert [(one.problem, one.rewards_alone) for one in found] == [
        ("recomputing gives different rewards", False),
        (None, True),
    ]


def test_lines_of_before_batches_were_named_are_verified_by_their_rewards(path):
    groups, call = batch(Estimator("batch_std"), 1)

    found = findings_of(path, *((one, call._replace(batch=None)) for one in groups))

    assert [(one.problem, one.rewards_alone) for one in found] == [(None, True)] * 4


@pytest.mark.parametrize("said", ["x", 5, {}, {"id": "x"}, {"id": "x", "groups": "many"}, []])
def test_a_batch_that_is_none_is_no_line_of_a_ledger(said):
    groups, call = batch(Estimator("batch_std"), 1)
    line, _ = Seal().sealed({**_line(groups[0], call, "now"), "batch": said}, GENESIS)

    [found] = verify([line], KNOWN)

    assert found.problem == "not a ledger line"
