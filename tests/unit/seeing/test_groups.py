"""Scored groups as the views show them: filters, what is left out, and which rollouts tell most."""

import json

import pytest

from reward_service.cli.seeing.groups import (
    FILTERS,
    SORTS,
    OtherResult,
    SeenGroup,
    SeenRollout,
    as_plain,
    from_plain,
    marks_of,
    telling,
    words_of,
)
from reward_service.core.types import Judgement


def rollout(outcome="wrong", reward=0.0, **more):
    return SeenRollout("r", "scored", outcome, reward=reward, **{"matched": 0, "advantage": 0.0, **more})


def group(*rollouts, entities=2, masked=(), **more):
    names = ("Zanderheim", "Quillock", "Masked")
    said = {
        "run_id": "run",
        "group_id": "g",
        "step": "1",
        "question_id": None,
        "question": "Who?",
        "answers": ("x",),
    }
    return SeenGroup(
        **{**said, **more},
        names=names,
        masked=masked,
        unmatchable=(),
        entities=entities,
        group_max=1,
        status="complete",
        flags=(),
        rollouts=tuple(rollouts),
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("signal", group(rollout(advantage=0.5), rollout(advantage=-0.5))),
        ("flat", group(rollout(), rollout())),
        ("wrong-spread", group(rollout(reward=0.3), rollout())),
        ("wrong-flat", group(rollout(reward=0.3), rollout(reward=0.3))),
        ("unnamed", group(rollout("correct", 1.0, matched=0))),
        ("unreached", group(rollout(measured={"answer_seen": 0.0}))),
        ("recall", group(rollout("correct", measured={"answer_seen": 0.0}))),
        ("reading", group(rollout(measured={"answer_seen": 1.0}))),
        ("early", group(rollout(measured={"named_before_seen": 1.0}))),
        ("uncredited", group(rollout(uncredited={"pasted": 1}))),
        ("disputed", group(rollout(checker="correct"))),
        ("never", group(rollout(named=(0,)))),
        ("unscored", group(SeenRollout("r", "aborted"))),
        ("no-thoughts", group(rollout(flags=("no_thoughts",)))),
        ("changed", group(rollout(other=OtherResult("wrong", 0.1, 0.0)))),
    ],
)
def test_a_filter_passes_its_groups(name, shown):
    plain = group(
        rollout("correct", 1.0, matched=1, named=(0, 1, 2)), rollout(named=(0, 1, 2), advantage=-1.0)
    )

    assert name in marks_of(shown)
    assert name == "signal" or name not in marks_of(plain)


def test_every_filter_has_a_group_above():
    tested = test_a_filter_passes_its_groups.pytestmark[0].args[1]

    assert [name for name, _ in tested] == list(FILTERS)


def test_groups_without_entities_name_nothing_by_necessity():
    assert "unnamed" not in marks_of(group(rollout("correct", 1.0), entities=0))


def test_an_entity_that_is_masked_is_not_missed():
    assert group(rollout(named=(0,)), masked=("Masked",)).never_found == ["Quillock"]


def test_a_group_survives_json():
    shown = group(
        rollout(
            named=(0,),
            refused=((1, "pasted"),),
            other=OtherResult(None, None, None),
            place=("f", 1, 0),
            flags=("a",),
            judgements=(Judgement("rubric", "k", {"C1": True}, "m", "sha256:0", ("correct",)),),
        ),
        SeenRollout("s", "aborted", detail="sampling was aborted"),
    )

    assert from_plain(json.loads(json.dumps(as_plain(shown)))) == shown


def test_a_search_looks_at_ids_questions_answers_and_names_in_any_case():
    words = words_of(group(question="Straße?", group_id="G-7"))

    assert all(one in words for one in ("g-7", "strasse", "zanderheim", "x"))


def test_orders_put_the_largest_spread_and_the_fewest_correct_first():
    spread, flat = group(rollout(reward=1.0), rollout()), group(rollout("correct"), rollout("correct"))

    assert SORTS["spread"](spread) < SORTS["spread"](flat)
    assert SORTS["wrong"](spread) < SORTS["wrong"](flat)
    assert SORTS["correct"](flat) < SORTS["correct"](spread)


def test_disputed_rollouts_tell_more_than_large_advantages():
    groups = [group(rollout(advantage=2.0), rollout()), group(rollout(), rollout(checker="correct"))]

    assert telling(groups, 2) == [(1, 1), (0, 0)]
