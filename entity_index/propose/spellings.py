"""Other spellings of what was proposed: from a file of aliases or redirects, and as passages introduce them.

Two introductions are read: the short form in parentheses after a name ("Norwegian Polar Survey (NPS)"), and "NAME, also known as
OTHER". Each alias keeps where it comes from. A proposal with a spelling that the question says, or that is an answer, is dropped:
it is the thing that is given, under another name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from entity_index.propose.values import Finder, Material, Proposal, is_telling, plainly

PASSAGE = "passage"
FILE = "file"
ACRONYM = re.compile(r" \(([A-Z][A-Z0-9.&]{1,9})\)")
KNOWN_AS = re.compile(
    r"(?:,? (?:also|better|formerly|commonly|previously) (?:known|called) as|,? a\.?k\.?a\.?|, née) ((?:\S+ ?){1,6})"
)
LOOKED_AT = 4  # passages of a proposal


def with_aliases(
    found: Iterable[Proposal], material: Material, known: Mapping[str, tuple[str, ...]]
) -> list[Proposal]:
    """Add the spellings of a file (by plain name) and those that the passages introduce; one that two of them share is dropped."""
    spelt = [_with(one, material, known) for one in found]
    owners = Counter(
        plain for one in spelt for plain in {plainly(one.name), *(plainly(a) for a, _ in one.aliases)}
    )
    return [
        replace(
            one,
            aliases=tuple(
                alias
                for alias in one.aliases
                if owners[plainly(alias[0])] == 1 or plainly(alias[0]) == plainly(one.name)
            ),
        )
        for one in spelt
        if not any(material.gives(alias) for alias, _ in one.aliases)
    ]


def _with(one: Proposal, material: Material, known: Mapping[str, tuple[str, ...]]) -> Proposal:
    own = dict.fromkeys(known.get(plainly(one.name), ()), FILE)
    introduced = dict.fromkeys(_introduced(one.name, material), PASSAGE)
    added = {**introduced, **own, **dict(one.aliases)}
    kept = tuple(
        (alias, origin) for alias, origin in added.items() if alias != one.name and is_telling(alias)
    )
    return replace(one, aliases=kept)


def _introduced(name: str, material: Material) -> Iterator[str]:
    standing = (passage.text for passage in material.passages if name in passage.text)
    for text in islice(standing, LOOKED_AT):
        for end in _ends(name, text):
            if short := ACRONYM.match(text, end):
                yield short[1]
            if other := KNOWN_AS.match(text, end):
                yield from _first_name(other[1], material.find)


def _ends(name: str, text: str) -> Iterator[int]:
    """Yield where a name ends in a text, each time it occurs."""
    at = text.find(name)
    while at >= 0:
        yield at + len(name)
        at = text.find(name, at + len(name))


def _first_name(text: str, find: Finder) -> list[str]:
    """Return the name that a text begins with; none if it begins with something else."""
    names = [name for name in find(f"x {text}") if text.lstrip("\"“'").startswith(name)]
    return names[:1]
