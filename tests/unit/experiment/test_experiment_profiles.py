"""The profiles of the experiment differ from `egrpo-paper` in what their names say and in nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiment.plan import all_runs
from reward_service.core.profiles import shipped
from reward_service.serve.profiles import read_profile

FOLDER = Path(__file__).parents[3] / "experiment" / "profiles"
FILES = sorted(FOLDER.glob("*.yaml"))
PAPER = shipped()["egrpo-paper"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_profile_measures_as_the_paper(path):
    profile = read_profile(path)
    assert profile.name == path.stem
    assert profile.measure == PAPER.measure


@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("egrpo-paper-steady", "one_success"),
        ("egrpo-paper-floor-0.177", 0.177),
        ("egrpo-paper-floor-0.1", 0.1),
    ],
)
def test_a_floor_changes_the_estimator_alone(name, floor):
    profile = read_profile(FOLDER / f"{name}.yaml")
    assert profile.reward == PAPER.reward
    assert profile.estimator == replace(PAPER.estimator, floor=floor)


def test_the_plan_uses_every_profile_of_the_folder():
    named = {Path(run.options.profile) for run in all_runs() if run.options.profile.endswith(".yaml")}
    assert {path.name for path in named} == {path.name for path in FILES}


def test_credit_by_turn_changes_where_it_is_paid_and_not_how_much():
    steady, by_turn, first = (
        read_profile(FOLDER / f"egrpo-paper-{name}.yaml")
        for name in ("steady", "turn-steady", "first-mention-steady")
    )
    [paid], [paid_by_turn] = steady.reward.terms, by_turn.reward.turn_terms
    assert (by_turn.estimator, by_turn.reward.terms) == (steady.estimator, ())
    assert paid_by_turn == replace(paid, signal="entity_new", name=paid_by_turn.name)
    assert first == replace(
        steady, name=first.name, about=first.about, reward=replace(steady.reward, turns=first.reward.turns)
    )


def test_the_gate_of_the_screen_changes_the_term_alone():
    steady, seen = (read_profile(FOLDER / f"egrpo-paper-{name}.yaml") for name in ("steady", "seen-steady"))
    [term] = seen.reward.terms
    assert [(gate.signal, gate.op, gate.value) for gate in term.gates] == [("answer_seen", ">=", 1)]
    assert replace(term, gates=()) == steady.reward.terms[0]
    assert seen.estimator == steady.estimator


def test_the_gate_of_the_group_differs_in_what_has_to_pass():
    seen, by_group = (
        read_profile(FOLDER / f"egrpo-paper-{name}.yaml") for name in ("seen-steady", "group-seen-steady")
    )
    [term] = seen.reward.terms
    [gate] = term.gates
    assert by_group.reward.terms == (replace(term, gates=(replace(gate, by="group"),)),)
    assert by_group.estimator == seen.estimator


def test_a_weight_over_the_success_rate_changes_the_weight_alone_and_is_sent_one():
    steady, faded = (
        read_profile(FOLDER / f"egrpo-paper-{name}.yaml") for name in ("steady", "success-steady")
    )
    [term] = steady.reward.terms
    assert faded.reward.terms == (replace(term, weight=((0.0, 0.3), (0.5, 0.0), (1.0, 0.0))),)
    assert faded.estimator == steady.estimator
    sent = {run.options.progress for run in all_runs() if run.options.profile_name == faded.name}
    assert sent == {"success"}
