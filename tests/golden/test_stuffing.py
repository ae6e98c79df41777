"""What listing names pays: golden numbers for every profile.

The 150 candidates are the entities of the bundled sample, the question's own three among them, and made-up people.
"""

import json
from importlib import resources

import pytest

from entity_index.types import Entity, Question
from reward_service.core.matching import MentionNames
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure_group, reward
from reward_service.core.types import Outcome, Rollout, Segment, SegmentKind, Steps

LINES = (
    resources.files("reward_service.sample")
    .joinpath("questions.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
)
SAMPLE = [entity["name"] for line in LINES for entity in json.loads(line)["entities"]]
FIRST = ("Adela", "Bruno", "Celia", "Dario", "Elsa", "Fabian", "Greta", "Hugo")
LAST = ("Amsler", "Brandt", "Corvin", "Dressel", "Ebner", "Falk", "Gruber", "Harms", "Imhof", "Jansen")
CANDIDATES = [*SAMPLE, *(f"{first} {last}" for first in FIRST for last in LAST)]
TRUE = ("Robert FitzRoy", "HMS Beagle", "Charles Darwin")
QUESTION = Question("Who founded it?", ("x",), tuple(Entity(name) for name in TRUE))
NAMES = MentionNames(CANDIDATES)
READ = Segment(SegmentKind.TOOL_RESPONSE, f"A page about {', about '.join(TRUE)}.")
PADDING = "I have to think about this for a while before I can say anything at all that would help me to go on from here. "


def rollout(rollout_id, *thoughts):
    segments = (READ, *(Segment(SegmentKind.THOUGHT, text) for text in thoughts))
    return Rollout(rollout_id, Steps(segments), outcome=Outcome.WRONG)


def silent(number):
    return rollout(str(number), "Nothing yet.")


def paid(profile, members):
    chosen = shipped()[profile]
    return reward(measure_group(members, QUESTION, chosen, names=NAMES), chosen).rollouts


LIST = ", ".join(CANDIDATES)
SPREAD = [f"Perhaps {name}? {PADDING}" for name in CANDIDATES]

STUFFER_AMONG_SILENT = {
    # profile: reward of the one that lists all candidates at once, and of the one that spreads them over many thoughts
    "egrpo-paper": (0.3, 0.3),
    "egrpo": (0.0, 0.3),
    "egrpo-guarded": (0.0, 0.0),
    "grpo": (0.0, 0.0),
}


@pytest.mark.parametrize("profile", STUFFER_AMONG_SILENT)
def test_one_stuffer_among_seven_that_name_nothing(profile):
    listing = paid(profile, [rollout("0", LIST), *map(silent, range(1, 8))])
    spreading = paid(profile, [rollout("0", *SPREAD), *map(silent, range(1, 8))])

    assert (listing[0].reward, spreading[0].reward) == STUFFER_AMONG_SILENT[profile]
    assert {one.reward for one in (*listing[1:], *spreading[1:])} == {0.0}
    if STUFFER_AMONG_SILENT[profile] == (0.0, 0.0):
        assert {one.advantage for one in (*listing, *spreading)} == {0.0}


@pytest.mark.parametrize("profile", ["egrpo", "egrpo-guarded"])
def test_a_list_of_150_candidates_earns_less_than_half_found_honestly(profile):
    listing, honest, *_ = paid(
        profile,
        [
            rollout("0", LIST),
            rollout("1", "The ship was HMS Beagle, and it carried Charles Darwin."),
            *map(silent, range(2, 8)),
        ],
    )

    assert len(set(CANDIDATES)) == 150
    assert listing.reward < honest.reward == 0.3
    assert listing.uncredited == {"listed": 3}
    assert listing.reward_with_uncredited == 0.3
