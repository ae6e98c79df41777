"""Demonstrations for the supervised warm-up: what a turn looks like and how to walk, and bad habits in known doses.

`stop_early` is what sets how often the warmed-up policy succeeds: at each intermediate entity a demonstration gives up
with that chance and answers with where it stands. In the task `compare`, `misjudge` does so as well: with that chance a
demonstration takes another entity for the one of the nearest age. Under-training would lower success as well, but would leave a policy that
cannot copy a name. `restate` and `listing` decide what thoughts look like, for the experiment on stuffing.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reward_service.trainer.dialogue import answer_turn, response_of, search_turn
from reward_service.trainer.world import WorldQuestion, names_in

Search = Callable[[str], list[str]]
"""Query in, documents out, best first."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How demonstrations behave; each in [0, 1]."""

    stop_early: float = 0.45
    """Chance, at each entity on the way, to answer with it."""
    restate: float = 1.0
    """Chance that a thought says what was found."""
    listing: float = 0.0
    """Chance that a thought lists every name of the last search."""
    patient: int = 0
    """How many demonstrations come before the first that stops early or misjudges, so that all of the way is learnt."""
    misjudge: float = 0.0
    """Chance to take one of the others for the one of the nearest age, each as likely."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One demonstration: what the policy says and what it reads, turn by turn."""

    question: str
    turns: tuple[str, ...]
    responses: tuple[str, ...]
    """One fewer than turns."""


def demonstrate(question: WorldQuestion, search: Search, habits: Habits, rng: random.Random) -> Lesson:
    """Walk one question's way, with the habits asked for."""
    here, thought = question.start, f"I start at {question.start}"
    turns: list[str] = []
    responses: list[str] = []
    for n, hop in enumerate(question.hops, start=1):
        documents = search(here)
        turns.append(search_turn(thought, here))
        responses.append(response_of(documents))
        reached = rng.choice(hop.others) if hop.others and rng.random() < habits.misjudge else hop.reached
        thought = _thought(f"{here} {hop.relation} {reached}", documents, habits, rng)
        here = reached
        if n < len(question.hops) and rng.random() < habits.stop_early:
            break
    turns.append(answer_turn(thought, here))
    return Lesson(question.text, tuple(turns), tuple(responses))


def _thought(finding: str, documents: Sequence[str], habits: Habits, rng: random.Random) -> str:
    if rng.random() < habits.listing:
        return "I have read " + " , ".join(sorted(names_in(" ".join(documents))))
    return finding if rng.random() < habits.restate else "I go on"


def lessons(
    questions: Sequence[WorldQuestion], search: Search, habits: Habits, seed: int
) -> Iterator[Lesson]:
    """Demonstrate questions without end, in an order drawn from the seed."""
    rng = random.Random(f"lessons {seed}")  # noqa: S311  # repeatable chance is the point
    count = 0
    while True:
        question = questions[rng.randrange(len(questions))]
        patient = replace(habits, stop_early=0.0, misjudge=0.0) if count < habits.patient else habits
        yield demonstrate(question, search, patient, rng)
        count += 1
