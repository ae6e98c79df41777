"""The paper's method is frozen: what `egrpo-paper` and `grpo` pay 240 whole rollouts, to the bit.

No rollout carries an `outcome`, so parser, grammar, matcher, checker and formulas all take part. The numbers were recorded
before any rule of naming, judging or reading was refined. A number may change only where a mark that was misread is now
read; the change is then made by hand in the file, with its reason under `changes`.
"""

import json
from pathlib import Path

import pytest

from entity_index.types import Entity, Question
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure_group, reward
from reward_service.core.types import Messages, Rollout, StopReason, Text

FILE = json.loads((Path(__file__).parent / "paper_bits.json").read_text(encoding="utf-8"))
PROFILES = ("egrpo-paper", "grpo")


def rollout_of(case) -> Rollout:
    source = Text(case["text"], case["format"]) if "text" in case else Messages(tuple(case["messages"]))
    stop_reason = case.get("stop_reason")
    return Rollout(case["rollout_id"], source, stop_reason=stop_reason and StopReason(stop_reason))


def question_of(case) -> Question:
    return Question(case["text"], tuple(case["answers"]), tuple(map(Entity, case["entities"])))


def paid(group, profile):
    """Return every number of a group under a profile, by column."""
    rollouts = [rollout_of(case) for case in group["rollouts"]]
    facts = measure_group(rollouts, question_of(group["question"]), profile)
    result = reward(facts, profile)
    return {
        "status": result.status,
        "entities": result.entities,
        "group_max": result.group_max,
        "outcome": [one.outcome for one in facts],
        "matched": [one.matched for one in facts],
        "reward": [one.reward for one in result.rollouts],
        "advantage": [one.advantage for one in result.rollouts],
        "in_loss": [one.in_loss for one in result.rollouts],
    }


@pytest.mark.parametrize("group", FILE["groups"], ids=lambda group: group["name"])
@pytest.mark.parametrize("name", PROFILES)
def test_the_papers_method_pays_the_same_bits(group, name):
    # As text: -0.0 is not 0.0.
    assert json.dumps(paid(group, shipped()[name])) == json.dumps(group["expect"][name])


@pytest.mark.parametrize("name", PROFILES)
def test_the_papers_profiles_keep_their_digests(name):
    assert shipped()[name].digest == FILE["digests"][name]


def test_the_file_covers_what_it_claims():
    written = [one for group in FILE["groups"] for one in group["rollouts"]]
    outcomes = [one for group in FILE["groups"] for one in group["expect"]["egrpo-paper"]["outcome"]]

    assert sum("text" in one for one in written) == 200
    assert sum("messages" in one for one in written) == 40
    assert all("outcome" not in one for one in written)
    assert all(outcomes.count(outcome) >= 20 for outcome in ("correct", "wrong", "error"))
