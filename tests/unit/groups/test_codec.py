"""Runs and groups as bytes."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.core.types import (
    Defaults,
    Estimator,
    GroupResult,
    GroupStatus,
    IndexVersion,
    Judgement,
    Outcome,
    PartialPolicy,
    Reading,
    RolloutFacts,
    RolloutResult,
    RolloutStatus,
)
from reward_service.serve import errors
from reward_service.serve.groups.codec import decode_group, decode_run, encode_group, encode_run
from reward_service.serve.groups.state import Declaration, GroupState, Member, Pins, Run

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ESTIMATORS = st.builds(
    Estimator,
    st.sampled_from(["grpo", "rloo"]),
    st.sampled_from([0, 1]),
    NUMBERS,
    st.none() | NUMBERS | st.just("one_success"),
)
RUNS = st.builds(
    Run,
    TEXT,
    TEXT,
    st.builds(
        Declaration,
        TEXT,
        st.integers(1, 512),
        NUMBERS,
        st.none() | TEXT,
        st.builds(PartialPolicy, st.sampled_from(["fail", "survivors", "wait"]), st.integers(1, 9)),
        st.none() | st.fixed_dictionaries({"type": st.just("grpo")}, optional={"epsilon": NUMBERS}),
        st.none() | st.integers(1, 9),
        total_steps=st.none() | st.integers(1, 9),
    ),
    TEXT,
    ESTIMATORS,
    st.none() | st.builds(IndexVersion, TEXT, TEXT, TEXT),
    TEXT,
)
TURNS = st.lists(st.lists(st.integers(0, 9), max_size=2).map(tuple), max_size=3).map(tuple)
FACTS = st.builds(
    RolloutFacts,
    rollout_id=TEXT,
    status=st.sampled_from(RolloutStatus),
    outcome=st.none() | st.sampled_from(Outcome),
    matched=st.none() | st.integers(0, 9),
    entities=st.integers(0, 9),
    uncredited=st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
    grounded=st.integers(0, 9),
    mentions=st.integers(0, 9),
    overlength=st.booleans(),
    signals=st.dictionaries(TEXT, NUMBERS, max_size=2),
    length=st.none() | st.integers(1, 9),
    tree=st.none() | TEXT,
    turns=TURNS,
    entity_named=TURNS,
    turn_signals=st.dictionaries(TEXT, st.lists(st.none() | NUMBERS, max_size=3).map(tuple), max_size=2),
    anchor=st.lists(TEXT, max_size=2).map(tuple),
    flags=st.lists(TEXT, max_size=2).map(tuple),
    detail=st.none() | TEXT,
    evidence=st.none(),
)
RESULTS = st.builds(
    GroupResult,
    st.sampled_from(GroupStatus),
    st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.lists(
        st.builds(
            RolloutResult,
            TEXT,
            st.sampled_from(RolloutStatus),
            st.none() | st.sampled_from(Outcome),
            st.none() | NUMBERS,
            st.none() | NUMBERS,
            uncredited=st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
            components=st.dictionaries(TEXT, NUMBERS, max_size=2),
            turns=TURNS,
            turn_rewards=st.none() | st.lists(st.none() | NUMBERS, max_size=3).map(tuple),
            turn_advantages=st.none() | st.lists(NUMBERS, max_size=3).map(tuple),
            flags=st.lists(TEXT, max_size=2).map(tuple),
            detail=st.none() | TEXT,
        ),
        max_size=3,
    ).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple),
)
STATES = st.builds(
    GroupState,
    TEXT,
    st.integers(0, 9),
    st.builds(Pins, TEXT, TEXT, st.none() | st.integers(0, 9)),
    st.none() | TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple),
    NUMBERS,
    NUMBERS,
    st.sampled_from(GroupStatus),
    st.lists(st.builds(Member, FACTS, TEXT), max_size=3).map(tuple),
    st.none() | RESULTS,
)
STATE = GroupState("e", 0, Pins("q", "engine"), None, (), (), 0.0, 1.0, GroupStatus.OPEN, ())
RUN = Run("r", "e", Declaration("grpo", 2, 1.0), "sha256:p", Estimator())


@given(RUNS)
def test_a_run_comes_back_as_it_was(run):
    assert decode_run(encode_run(run)) == run


@given(STATES)
def test_a_group_comes_back_as_it_was(state):
    assert decode_group(encode_group(state)) == state


def test_every_fact_is_written_but_the_evidence():
    """A new field of the facts is in the strategy above, or this fails."""
    written = json.loads(encode_group(STATE))["columns"]

    assert set(written) == {"digest", *(field.name for field in fields(RolloutFacts))} - {"evidence"}


def test_no_text_of_a_rollout_is_written():
    facts = RolloutFacts("0", RolloutStatus.SCORED, outcome=Outcome.WRONG, matched=1, entities=2)

    blob = encode_group(replace(STATE, members=(Member(facts, "digest"),)))

    assert json.loads(blob)["rows"] == [
        [
            "digest",
            "0",
            "scored",
            "wrong",
            1,
            2,
            {},
            0,
            0,
            False,
            {},
            {},
            None,
            None,
            [],
            [],
            {},
            [],
            [],
            None,
            [],
        ]
    ]


def test_a_group_of_a_version_without_turns_is_read():
    facts = RolloutFacts("0", RolloutStatus.SCORED, outcome=Outcome.WRONG, matched=1, entities=2)
    result = GroupResult(GroupStatus.COMPLETE, 2, 1, (RolloutResult("0", RolloutStatus.SCORED, reward=0.3),))
    state = replace(STATE, members=(Member(facts, "digest"),), result=result)

    older = _without_turns(json.loads(encode_group(state)))

    assert decode_group(json.dumps(older).encode()) == state


def _without_turns(document):
    """The document as a service wrote it that did not know of turns."""
    for columns, holder in (("columns", document), ("result_columns", document["result"])):
        known = [not name.startswith(("turn", "entity_named", "anchor")) for name in document[columns]]
        rows = "rows" if holder is document else "rollouts"
        holder[rows] = [[item for item, keep in zip(row, known, strict=True) if keep] for row in holder[rows]]
        document[columns] = [name for name, keep in zip(document[columns], known, strict=True) if keep]
    return document


def test_judgements_are_kept_as_they_are():
    judgement = Judgement(
        "answer", "key", {"S1": True, "S2": 0.5}, "model", "sha256:0", ("correct", "correct")
    )
    verdict = Judgement("answer", "key", "correct", "model", "sha256:0")
    facts = RolloutFacts("0", outcome=Outcome.WRONG, matched=1, entities=2, judgements=(judgement, verdict))
    state = replace(STATE, members=(Member(facts, "digest"),))

    assert decode_group(encode_group(state)) == state


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"version": 1}, errors.EngineMismatch),
        ({"columns": ["digest"]}, errors.EngineMismatch),
        ({"columns": ["digest", "rollout_id", "luck"]}, errors.EngineMismatch),
        ({"result_columns": ["reward"]}, errors.EngineMismatch),
        ({"rows": [["digest"]]}, errors.CorruptState),
        ({"status": "fine"}, errors.CorruptState),
        ({"surprise": 1}, errors.CorruptState),
    ],
)
def test_what_this_version_did_not_write_is_refused(change, error):
    blob = json.dumps(json.loads(encode_group(STATE)) | change).encode()

    with pytest.raises(error):
        decode_group(blob)


@pytest.mark.parametrize(
    "blob", [b"", b"[]", b"7", b"{}", b"\xff", encode_run(RUN)[:-9], encode_group(STATE)]
)
def test_a_damaged_run_is_refused(blob):
    with pytest.raises(errors.CorruptState):
        decode_run(blob)


def test_how_a_run_reads_is_written_only_where_it_is_not_as_usual():
    reading = Defaults("chatml", Reading("mcp", True, False))
    told = replace(RUN, declared=replace(RUN.declared, defaults=reading))

    assert b"defaults" not in encode_run(RUN)
    assert decode_run(encode_run(told)) == told
