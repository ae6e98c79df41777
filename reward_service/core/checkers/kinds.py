"""What a question may say its answer is, and how such an answer is compared.

    number   the one number that the answer says, whatever stands around it, is a gold one, with its unit
    date     the one date that the answer says is a gold one, or lies in the gold year or month
    list     the gold answers are items; the answer names each of them and nothing else, in any order
    boolean  the answer begins with the gold yes or no
    name     the answer says a gold answer and nothing else, small misspellings included that the matcher's guards let pass
    text     the answer says a gold answer as it is written; no title, middle name or qualifier may be missing

An answer that denies, doubts or offers a choice has no one number or date.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from reward_service.core.checkers.equal import equal, is_list, said
from reward_service.core.checkers.golds import Golds, items
from reward_service.core.checkers.reading import key_of, read, tokens
from reward_service.core.checkers.tables import DOUBTS, NEGATIONS
from reward_service.core.checkers.tokens import Token, is_number, key
from reward_service.core.matching import match_group
from reward_service.core.types import Segment, SegmentKind

Kind = Callable[[str, Golds], bool]
UNCLEAR = NEGATIONS | DOUBTS | {"or", "either"}
LAST_YEAR = 9999


def _clear(answer: str, golds: Golds) -> Sequence[Token]:
    """Return the tokens of an answer; none where it denies, doubts or offers a choice."""
    own = tokens(read(answer))
    return () if golds.own([token.text for token in own], UNCLEAR) else own


def _the_one(found: Iterable[str]) -> str | None:
    """Return the only distinct member; None where there are none or several."""
    distinct = set(found)
    return distinct.pop() if len(distinct) == 1 else None


def _numbers(read_: Sequence[Token]) -> list[str]:
    return [key([token]) for token in read_ if token.value is not None]


def number(answer: str, golds: Golds) -> bool:
    """Return whether the one number of the answer is the one number of a gold answer."""
    own = _the_one(_numbers(_clear(answer, golds)))
    return own is not None and own in map(_the_one, map(_numbers, golds.read))


def _dates(read_: Sequence[Token]) -> list[str]:
    """Return the dates of an answer, else its years; as year, month and day joined by dashes, empty where not said."""
    dated = [token.mark[1:] for token in read_ if token.mark.startswith("@")]
    return dated or [
        f"{token.value}--"
        for token in read_
        if is_number(token) and 1 <= (token.value or Fraction(0)) <= LAST_YEAR
    ]


def _within(own: str, wanted: str | None) -> bool:
    """Return whether a date agrees with all that a gold one says."""
    if wanted is None:
        return False
    return all(part in ("", mine) for part, mine in zip(wanted.split("-"), own.split("-"), strict=True))


def date(answer: str, golds: Golds) -> bool:
    """Return whether the one date of the answer is that of a gold answer, or lies in its year or month."""
    own = _the_one(_dates(_clear(answer, golds)))
    return own is not None and any(_within(own, _the_one(_dates(gold))) for gold in golds.read)


def listed(answer: str, golds: Golds) -> bool:
    """Return whether the answer names each gold answer and nothing else."""
    return is_list([key_of(item) for item in items(read(answer))], golds.each)


def boolean(answer: str, golds: Golds) -> bool:
    """Return whether the answer says the gold yes or no."""
    return golds.boolean is not None and said(read(answer)) is golds.boolean


def name(answer: str, golds: Golds) -> bool:
    """Return whether the answer says a gold answer, spelled as the matcher would pass it."""
    return equal(answer, golds) or _misspelled(read(answer).strip(" .,!\"'"), golds)


def _misspelled(text: str, golds: Golds) -> bool:
    found = match_group([[Segment(SegmentKind.THOUGHT, text)]], golds.spellings, explain=True, nearest=False)
    return any(match.start == 0 and match.end == len(text) for match in found[0].matches)


def as_written(answer: str, golds: Golds) -> bool:
    """Return whether the answer reads like a gold answer."""
    own = tokens(read(answer))
    return bool(own) and key(own) in map(key, golds.read)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {"number": number, "date": date, "list": listed, "boolean": boolean, "name": name, "text": as_written}
)
