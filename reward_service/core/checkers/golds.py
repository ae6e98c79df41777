"""The gold answers of a question, made ready once: everything that does not depend on an answer, cached by value."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import pairwise, permutations
from operator import attrgetter
from threading import Lock

from cachetools import LRUCache, cached

from entity_index.types import Entity, Question
from reward_service.core.checkers import forms
from reward_service.core.checkers.reading import key_of, plain, tokens
from reward_service.core.checkers.tables import (
    AUXILIARIES,
    FORMS_OF_VERBS,
    HEDGES,
    LIGHT_RUN_TOGETHER,
    NEGATIONS,
    NO,
    PREPOSITIONS,
    PRONOUNS,
    SORTS,
    YES,
)
from reward_service.core.checkers.tokens import Token, key
from reward_service.core.matching import CompiledQuestion, MatchSpec, compile_question, lexicon

KEPT_CHARS = 1 << 18  # of gold answers and their questions; each takes 20 to 120 bytes here
ITEMS = re.compile(
    r"\s*(?:,(?!\d)|;|\n|&|\band\b|\bund\b|\bet\b|\by\b|、|\bи\b|(?<=[\u3400-\u9fff])[和与與及](?=[\u3400-\u9fff]))\s*"
)
BULLET = re.compile(r"(?m)^\s*(?:[-*•]|\d{1,2}[.)])\s+")
BOTH = re.compile(r"^\s*both\s+", re.IGNORECASE)
# Only spellings matter here: no question, no regions, nothing to mask.
COVERING = MatchSpec(mask_question=False, pasted_words=None, listed_mentions=None)
STEM = 5
"""Letters two words share where one repeats the other: "directed", "director"."""
ENDINGS = ("s", "d", "ed")
LEAST_BASE = 3
"""Letters that a verb keeps without an ending: "died", "die"."""
LIGHT = (
    lexicon.OPENERS
    | LIGHT_RUN_TOGETHER
    | {"called", "named", "known", "name", "located", "situated", "term", "title"}
) - (NEGATIONS | HEDGES)
"""Words that carry nothing around an answer; one that is a gold answer has to be the whole answer."""
MAX_WANTED = 4
"""Words behind "which" or "what" that say what is asked for."""
MAX_REORDERED = 4
"""Items of a list that may be named in another order in a sentence."""


@dataclass(frozen=True, slots=True)
class Golds:
    """Gold answers under the reading of `equal`."""

    keys: frozenset[str]
    """What the reading of an answer may equal."""
    each: tuple[frozenset[str], ...]
    """The same for every gold answer alone."""
    longest: int
    """Tokens of the longest gold answer."""
    undated: frozenset[str]
    """Of the keys, those of gold answers without parentheses."""
    unplaced: frozenset[str]
    """Of the keys, those of gold answers without a comma, and the others as they are written: to "Springfield, Ohio" belongs no other one."""
    capitals: frozenset[str]
    """The gold answers of four capital letters or more."""
    lists: tuple[tuple[frozenset[str], ...], ...]
    """The gold answers that are lists of two items or more: per item, what it may be called."""
    orders: frozenset[str]
    """Short lists among the gold answers, their items in any order, as a sentence spells them."""
    boolean: bool | None
    """Whether the gold answers say yes or no; None where they say neither."""
    asked: frozenset[str]
    """Words of the question, and their stems; empty where it was not sent."""
    wanted: frozenset[str]
    """Of these, what the question asks for: of "Which river is it?", the river."""
    pairs: frozenset[tuple[str, str]]
    """Neighbouring words of the question, the last one with nothing: a "not" or an "or" among them is not the answer's own."""
    initialled: tuple[re.Pattern[str], ...]
    """What an answer looks like, folded, that spells out the initials of a gold answer."""
    entities: tuple[Entity, ...]
    """For the matcher's guarded edits; gold answers that are numbers are left out, because folding takes 6.8 for a 6 and an 8."""
    read: tuple[tuple[Token, ...], ...]
    """The gold answers as they are written, without further forms."""
    chars: int
    """Characters of the answers and of the question."""

    @property
    def spellings(self) -> CompiledQuestion:
        """The gold answers as the matcher looks for them; it keeps what it compiles."""
        return compile_question(Question("", entities=self.entities), COVERING)

    def own(self, words: Sequence[str], which: AbstractSet[str]) -> list[int]:
        """Return where an answer has one of these words, leaving out what it repeats from the question."""
        return [
            at
            for at, (word, after) in enumerate(pairwise((*words, "")))
            if word in which and (word, after) not in self.pairs
        ]

    def naming(self, keys: frozenset[str]) -> "Golds":
        """Return gold answers that are called otherwise: an item of a list."""
        return replace(self, keys=keys)


def echo(word: str) -> frozenset[str]:
    """Return a word with what another form of it shares: its stem, or the verb that it belongs to ("won", "win"; "died", "die")."""
    own = {word, FORMS_OF_VERBS.get(word, word)}
    if len(word) >= STEM:
        own.add(f"{word[:STEM]}-")
    own.update(base for end in ENDINGS if len(base := word.removesuffix(end)) >= LEAST_BASE)
    return frozenset(own)


def wanted(asked: Sequence[str]) -> Iterator[str]:
    """Yield the words of a question that say what it asks for: which European `town`, what is the `capital` of, what kind of `fly`."""
    for at in (at for at, word in enumerate(asked) if word in ("which", "what")):
        begin = at + 1 + (asked[at + 1 : at + 2] in (["is"], ["was"], ["are"], ["were"]))
        for place in range(begin, min(len(asked), begin + MAX_WANTED)):
            if asked[place] in PREPOSITIONS | PRONOUNS | AUXILIARIES and not (
                asked[place] == "of" and asked[place - 1] in SORTS
            ):
                break
            yield asked[place]


def items(text: str) -> list[str]:
    """Return the items of a list as it is written: by commas, "and", lines or bullets."""
    return [item for item in ITEMS.split(BOTH.sub("", BULLET.sub("\n", text))) if item.strip()]


def _orders(parts: Sequence[str]) -> Iterator[str]:
    """Yield the spellings of a list in every order, with "and" before its last item and without."""
    for *before, last in permutations(map(key_of, parts)):
        yield "".join((*before, "and", last))
        yield "".join((*before, last))


def boolean(read: Iterable[Token]) -> bool | None:
    """Return what an answer that is nothing but yes or no says; None for another."""
    said = key(read)
    return True if said in YES else False if said in NO else None


def _only(values: Sequence[bool | None]) -> bool | None:
    return values[0] if values and len(set(values)) == 1 else None


@cached(LRUCache(KEPT_CHARS, getsizeof=attrgetter("chars")), lock=Lock(), info=True)
def compile_golds(answers: tuple[str, ...], text: str) -> Golds:
    """Return gold answers made ready, with the text of their question."""
    texts = [plain(answer).strip() for answer in answers]
    read = tuple(map(tokens, texts))
    each = tuple(map(forms.keys, answers))
    worded = (
        one
        for one, own in zip(texts, read, strict=True)
        if len(one) <= forms.MAX_FORMED and any(token.value is None for token in own)
    )
    asked = [key([token]) for token in tokens(plain(text))]
    lists = [items(one) for one in texts]
    return Golds(
        keys=frozenset().union(*each),
        each=each,
        undated=frozenset().union(*(own for one, own in zip(texts, each, strict=True) if "(" not in one)),
        unplaced=frozenset(map(key, read)).union(
            *(own for one, own in zip(texts, each, strict=True) if "," not in one)
        ),
        capitals=frozenset(
            one.casefold()
            for one in (text_.replace(".", "") for text_ in texts)
            if one.isalpha() and one.isupper() and len(one) >= forms.LEAST_ACRONYM
        ),
        longest=max(map(len, read), default=0),
        lists=tuple(tuple(map(forms.keys, parts)) for parts in lists if len(parts) > 1),
        orders=frozenset(
            order for parts in lists if 1 < len(parts) <= MAX_REORDERED for order in _orders(parts)
        ),
        boolean=_only([boolean(one) for one in read]),
        pairs=frozenset(pairwise((*asked, ""))),
        asked=frozenset().union(*map(echo, asked)),
        wanted=frozenset().union(*map(echo, wanted(asked))),
        initialled=tuple(filter(None, map(forms.spelling_out, texts))),
        entities=tuple(map(Entity, worded)),
        read=read,
        chars=len(text) + sum(map(len, answers)),
    )
