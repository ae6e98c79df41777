"""The golden groups of methods that pay by turn: which profile computes each, and its facts as the wire has them."""

import json
from dataclasses import replace
from pathlib import Path

from reward_service.core.fields import built
from reward_service.core.profiles import Profile
from reward_service.core.types import Estimator, Map, RolloutFacts, StateDifference
from tests.golden.test_methods import profile_named

FILE = json.loads((Path(__file__).parent / "cases" / "turns.json").read_text(encoding="utf-8"))


def changed(name: str, **rule) -> Profile:
    """Return a profile with other parameters of its rule for turns."""
    profile = profile_named(name)
    return replace(profile, reward=replace(profile.reward, turns=replace(profile.reward.turns, **rule)))


def with_term(profile: Profile, **changes) -> Profile:
    """Return a profile with a changed first term of turns."""
    [term] = profile.reward.turn_terms
    return replace(profile, reward=replace(profile.reward, turn_terms=(replace(term, **changes),)))


def strict() -> Profile:
    [gate] = profile_named("g-ra").reward.turn_terms[0].gates
    return with_term(profile_named("g-ra"), gates=(replace(gate, op=">"),))


def shaping(discount: float) -> Profile:
    states = (Map(difference=StateDifference("ends", discount)),)
    return with_term(changed("shaping", discount=discount), map=states)


VARIANTS = {
    "g-ra-strict": strict(),
    "igpo-0.9": changed("igpo", discount=0.9),
    "egrpo-turn-0.9": changed("egrpo-turn", discount=0.9),
    "egrpo-turn-separate": with_term(
        changed("egrpo-turn", statistics="separate"),
        signal="first_mentions",  # sent, as a measured count is never missing
        normalize=("group_max", "group_z"),
    ),
    "cw-grpo-3": changed("cw-grpo", sharpness=3.0),
    "gigpo-centred": replace(profile_named("gigpo"), estimator=Estimator("dr_grpo")),
    "shaping-0.9": shaping(0.9),
    "shaping-1": shaping(1.0),
}
"""Published variants of a method that differ in a parameter."""


def profile_of(case) -> Profile:
    name = case["profile"]
    return replace(VARIANTS[name], name=name) if name in VARIANTS else profile_named(name)


def wire_facts(case) -> list[dict]:
    """Return the facts of a group as `POST /v1/rewards` takes them."""
    return [_facts(str(n), rollout) for n, rollout in enumerate(case["rollouts"])]


def _facts(rollout_id: str, rollout) -> dict:
    sent = {
        name: rollout[name]
        for name in ("entity_named", "anchor", "signals", "turn_signals")
        if name in rollout
    }
    named = {entity for turn in rollout.get("entity_named", []) for entity in turn}
    scored = {"status": "scored", "outcome": rollout["outcome"], "matched": len(named)}
    return {
        "rollout_id": rollout_id,
        **(scored if rollout["outcome"] else {"status": "aborted"}),
        "turns": [[n] for n in range(rollout["turns"])],
        **sent,
    }


def facts_of(case) -> list[RolloutFacts]:
    return [built(RolloutFacts, {**facts, "entities": case["entities"]}) for facts in wire_facts(case)]
