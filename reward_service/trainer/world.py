"""A small world to search in: entities with two-word names, one document each, and questions that take several hops.

Names are drawn from two lists, so every entity has look-alikes that share a word with it and come up beside it in a
search. A question names only where it starts; the entities in between are its ground truth (start and answer left out),
so m = hops - 1. Held-out questions share no (start, path of relations) with those to train on, and everything is
drawn from sorted sequences: a set of strings is iterated in another order by every process.

In the task `follow` a question names every relation. In `compare` pages tell the ages of the entities they lead to, and the
last hop goes to the one whose age is nearest to a number in the question: success needs a comparison at the end of the way,
and as the number differs from question to question, it cannot be had from knowing the page by heart.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

# type of the subject -> (relation, type of the object)
RELATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "book": (("author", "person"), ("publisher", "company"), ("sequel", "book")),
    "city": (("nation", "country"), ("mayor", "person"), ("twin", "city")),
    "company": (("founder", "person"), ("seat", "city"), ("rival", "company")),
    "country": (("capital", "city"), ("leader", "person"), ("neighbour", "country")),
    "film": (("director", "person"), ("studio", "company"), ("setting", "city"), ("origin", "book")),
    "person": (("birthplace", "city"), ("employer", "company"), ("mentor", "person")),
    "school": (("rector", "person"), ("site", "city"), ("benefactor", "company")),
}
FIRST = tuple(
    stem + end
    for stem in ("Bal", "Dor", "Fen", "Gil", "Har", "Jor", "Kel", "Lum")
    for end in ("a", "ek", "in", "o")
)
SECOND = tuple(
    stem + end
    for stem in ("Brak", "Corv", "Dusk", "Marn", "Nold", "Pelt", "Rav", "Stor")
    for end in ("ent", "ova", "is", "um")
)
FOLLOW, COMPARE = "follow", "compare"
NEAREST = "nearest"
AGES = range(1, 13)
TASKS: dict[str, tuple[str, ...]] = {FOLLOW: (), COMPARE: (NEAREST, *map(str, AGES))}
"""What a question asks for, and the words that this adds to names, types and relations."""


@dataclass(frozen=True, slots=True)
class WorldEntity:
    """One thing of the world, and where its relations lead."""

    name: str
    kind: str
    links: tuple[tuple[str, str], ...]
    """(relation, name of the object), in the order of its document."""
    ages: tuple[int, ...] = ()
    """Of the objects, in the same order; empty where the page does not tell them."""

    @property
    def text(self) -> str:
        """Its page below the title: what it is, where its relations lead, and how old what is there is."""
        facts = [f"{relation} {other}" for relation, other in self.links]
        told = [f"{fact} {age}" for fact, age in zip(facts, self.ages, strict=True)] if self.ages else facts
        return " ; ".join([self.kind, *told]) + " ."


@dataclass(frozen=True, slots=True)
class Hop:
    """One step on the way to an answer."""

    relation: str
    reached: str
    """Name of the entity that the relation leads to."""
    others: tuple[str, ...] = ()
    """Of a hop to the nearest age: the entities that it was compared with."""


@dataclass(frozen=True, slots=True)
class WorldQuestion:
    """A question with the way to its answer."""

    question_id: str
    start: str
    hops: tuple[Hop, ...]

    @property
    def text(self) -> str:
        """The question as it is asked."""
        path = " ".join(hop.relation for hop in self.hops)
        return f"Start at {self.start} and follow {path} . Where are you ?"

    @property
    def answer(self) -> str:
        """Name of the last entity."""
        return self.hops[-1].reached

    @property
    def entities(self) -> tuple[str, ...]:
        """E_q: the entities between start and answer."""
        return tuple(hop.reached for hop in self.hops[:-1])


@dataclass(frozen=True, slots=True)
class World:
    """Entities by name, sorted."""

    entities: dict[str, WorldEntity]

    def walk(self, start: str, path: Sequence[str]) -> tuple[Hop, ...]:
        """Follow relations from an entity."""
        hops: list[Hop] = []
        for relation in path:
            links = dict(self.entities[hops[-1].reached if hops else start].links)
            hops.append(Hop(relation, links[relation]))
        return tuple(hops)


def make_world(*, per_type: int, seed: int, ages: bool = False) -> World:
    """Draw a world.

    Args:
        per_type: entities of each of the seven types; at most 146, the number of names being 1,024.
        seed: the same seed draws the same world in every process.
        ages: whether pages tell the ages of the entities they lead to; nothing else depends on it.
    """
    rng = random.Random(f"world {seed}")  # noqa: S311  # repeatable chance is the point
    names = rng.sample(
        [f"{first} {second}" for first in FIRST for second in SECOND], per_type * len(RELATIONS)
    )
    of_kind = {kind: names[n * per_type : (n + 1) * per_type] for n, kind in enumerate(RELATIONS)}
    entities = [
        WorldEntity(
            name, kind, tuple((relation, _other(rng, of_kind[leads], name)) for relation, leads in links)
        )
        for kind, links in RELATIONS.items()
        for name in of_kind[kind]
    ]
    told = _with_ages(entities, seed) if ages else entities
    return World({entity.name: entity for entity in sorted(told, key=lambda entity: entity.name)})


def _with_ages(entities: Sequence[WorldEntity], seed: int) -> list[WorldEntity]:
    rng = random.Random(f"ages {seed}")  # noqa: S311  # repeatable chance is the point
    age = {entity.name: rng.choice(AGES) for entity in entities}
    return [replace(entity, ages=tuple(age[other] for _, other in entity.links)) for entity in entities]


def _other(rng: random.Random, names: Sequence[str], name: str) -> str:
    return rng.choice([other for other in names if other != name])


def make_questions(
    world: World, *, hops: Sequence[int], train: int, test: int, seed: int, task: str = FOLLOW
) -> tuple[list[WorldQuestion], list[WorldQuestion]]:
    """Draw questions to train on and held-out ones, the hop counts in equal shares.

    Args:
        world: where they are asked.
        hops: how many hops a question has, each at least 2.
        train: number of questions to train on.
        test: number of held-out questions.
        seed: the same seed draws the same questions.
        task: a name in `TASKS`; `compare` needs a world with ages.

    Raises:
        ValueError: the world has too few different ways for that many.
    """
    rng = random.Random(f"questions {seed}")  # noqa: S311  # repeatable chance is the point
    wanted = train + test
    drawn: dict[tuple[str, tuple[str, ...]], tuple[Hop, ...]] = {}
    names = list(world.entities)
    for _ in range(100 * wanted):
        if len(drawn) == wanted:
            break
        start = rng.choice(names)
        path = _WAYS[task](world, rng, start, hops[len(drawn) % len(hops)])
        places = [start, *(hop.reached for hop in path)]
        if path and len(set(places)) == len(places):
            drawn.setdefault((start, tuple(hop.relation for hop in path)), path)
    if len(drawn) < wanted:
        raise ValueError(
            f"the world has only {len(drawn)} questions of {list(hops)} hops, {wanted} are wanted"
        )
    ways = [(start, path) for (start, _), path in drawn.items()]
    named = [WorldQuestion(f"train-{n}", *way) for n, way in enumerate(ways[:train])]
    return named, [WorldQuestion(f"test-{n}", *way) for n, way in enumerate(ways[train:])]


def _path(world: World, rng: random.Random, start: str, length: int) -> tuple[Hop, ...]:
    path: list[Hop] = []
    for _ in range(length):
        here = path[-1].reached if path else start
        path.append(Hop(*rng.choice(world.entities[here].links)))
    return tuple(path)


def _path_to_nearest(world: World, rng: random.Random, start: str, length: int) -> tuple[Hop, ...]:
    """Draw a way whose last hop goes to the age on its last page that is nearest to a drawn one; empty where two are."""
    path, wanted = _path(world, rng, start, length - 1), rng.choice(AGES)
    page = world.entities[path[-1].reached]
    told = zip((abs(age - wanted) for age in page.ages), (other for _, other in page.links), strict=True)
    ranked = sorted(told)
    (least, nearest), (second, _) = ranked[:2]
    others = tuple(other for _, other in ranked[1:])
    return (*path, Hop(f"{NEAREST} {wanted}", nearest, others)) if least < second else ()


_WAYS = {FOLLOW: _path, COMPARE: _path_to_nearest}


def names_in(text: str) -> set[str]:
    """Return every possible name of an entity that a text has, right or wrong."""
    words = text.split()
    pairs = pairwise(words)
    return {f"{first} {second}" for first, second in pairs if first in _FIRST and second in _SECOND}


_FIRST, _SECOND = frozenset(FIRST), frozenset(SECOND)
