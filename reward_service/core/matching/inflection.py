"""Inflected names: a name is found where every word of it occurs in some form.

Two words agree if they are the same after folding, before or after stemming: stemmers take nominatives apart too (Булгаков), so the
word itself is always compared as well. Stems that change inside (Лев, Льва) are written out with their endings.
The stemmers are Snowball's, the pure Python ones: whether a faster library is installed changes no match.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from types import MappingProxyType

from snowballstemmer.armenian_stemmer import ArmenianStemmer
from snowballstemmer.czech_stemmer import CzechStemmer
from snowballstemmer.finnish_stemmer import FinnishStemmer
from snowballstemmer.german_stemmer import GermanStemmer
from snowballstemmer.greek_stemmer import GreekStemmer
from snowballstemmer.hungarian_stemmer import HungarianStemmer
from snowballstemmer.lithuanian_stemmer import LithuanianStemmer
from snowballstemmer.polish_stemmer import PolishStemmer
from snowballstemmer.romanian_stemmer import RomanianStemmer
from snowballstemmer.russian_stemmer import RussianStemmer
from snowballstemmer.swedish_stemmer import SwedishStemmer
from snowballstemmer.turkish_stemmer import TurkishStemmer

from entity_index.folding import APOSTROPHES
from entity_index.spelling import folded

STEMMERS_VERSION = version("snowballstemmer")
LEAST_LETTERS = 4  # of a name's longest word
LEAST_STEM = 2

_SNOWBALL = {
    "cs": CzechStemmer,
    "de": GermanStemmer,
    "el": GreekStemmer,
    "fi": FinnishStemmer,
    "hu": HungarianStemmer,
    "hy": ArmenianStemmer,
    "lt": LithuanianStemmer,
    "pl": PolishStemmer,
    "ro": RomanianStemmer,
    "ru": RussianStemmer,
    "sv": SwedishStemmer,
    "tr": TurkishStemmer,
}
_UKRAINIAN = re.compile(
    "(?<=[^\\W\\d_]{3})(?:ами|ями|ові|еві|єві|ого|ому|ьому|ими|іми|ою|ею|єю|ів|їв|ам|ям|ах|ях|ом|ем|єм|им|ім|ій|ої|их|іх|ий|[аяоеєиіїуюьй])$"
)
_RUSSIAN = re.compile(
    "(?<=[^\\W\\d_]{3})(?:ами|ями|ого|его|ому|ему|ыми|ими|ой|ей|ою|ею|ов|ев|ам|ям|ах|ях|ом|ем|ым|им|ый|ий|ая|яя|ую|юю|ое|ее|ые|ие|ых|их|[аяоеыиуюьй])$"
)
_OWN_STEM = re.compile("[бвгґджзклмнпрстфхцчшщ]$")
"""A Slavic nominative that ends in a consonant is its own stem: Чехов is not a form of чех."""
# Nominatives whose last vowel goes when an ending comes, and what is left of them.
_SLAVIC_VOWELS = (
    (r"(?<=[лн])[еёо](?=[^аеёиоуыэюя]$)", "ь"),
    (r"[еёо](?=[^аеёиоуыэюяй]$)", ""),
    (r"ий$", "и"),
    (r"(?<=[аеё])й$", ""),
    (r"(?<=[еи])я$", ""),
)
# Finnish consonants before the last vowel, in the nominative and where an ending closes the syllable.
_FINNISH = (
    ("kk", "k"), ("pp", "p"), ("tt", "t"), ("nk", "ng"), ("nt", "nn"), ("lt", "ll"), ("rt", "rr"), ("mp", "mm"), ("rk", "r"), ("lk", "l"),
    ("(?<=[aeiouyäö])t", "d"), ("(?<=[aeiouyäö])p", "v"),
)  # fmt: skip


def _gradation(strong: str, weak: str) -> tuple[str, str]:
    return f"{strong}(?=[aeiouyäö]$)", weak


_ENDINGS = MappingProxyType(
    {
        "de": [""],
        "el": ["", "υ"],
        "hy": [""],
        "ru": ["а", "у", "ом", "ем", "ём", "е", "ы", "и", "ов", "ам", "ами", "ах", "я", "ю", "ей"],
        "uk": [
            "а",
            "у",
            "ом",
            "ем",
            "єм",
            "і",
            "ї",
            "ові",
            "еві",
            "єві",
            "и",
            "ів",
            "їв",
            "ам",
            "ами",
            "ах",
            "я",
            "ю",
        ],
        "fi": [
            "n",
            "ssa",
            "ssä",
            "sta",
            "stä",
            "lla",
            "llä",
            "lta",
            "ltä",
            "lle",
            "a",
            "ä",
            "na",
            "nä",
            "ksi",
            "in",
            "en",
        ],
        "pl": [
            "a",
            "u",
            "em",
            "ie",
            "owi",
            "y",
            "ów",
            "om",
            "ami",
            "ach",
            "ą",
            "ę",
            "iej",
            "iego",
            "iemu",
            "im",
            "i",
        ],
        "cs": ["a", "u", "em", "ovi", "e", "ě", "y", "ů", "ům"],
    }
)
_ARMENIAN = ("ի", "ից", "ում", "ով", "ը", "ն")
_GREEK = (("ος$", "ο"), ("ης$", "η"), ("ας$", "α"))
_VARIANTS: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType(
    {
        "de": (("(?<=[aeiouy])$", "s"),),
        "el": _GREEK,
        "hy": tuple(("(?<![աո])$", ending) for ending in _ARMENIAN)
        + tuple(("ա$", f"ա{ending}") for ending in ("յի", "յում", "յից", "յով")),
        "ru": _SLAVIC_VOWELS,
        "uk": (*_SLAVIC_VOWELS, ("і(?=[^аеєиіїоуюя]$)", "о"), ("ї(?=[^аеєиіїоуюя]$)", "є"), ("ій$", "і")),
        "fi": (
            *(_gradation(strong, weak) for strong, weak in _FINNISH),
            ("nen$", "se"),
            ("i$", "e"),
            ("(?<=[uyi])s$", "kse"),
        ),
        "pl": (("e(?=[^aeiouyąęó]$)", ""), ("ó(?=[^aeiouyąęó]$)", "o"), ("(?<=[sc]k)[ai]$", "")),
        "cs": (("e(?=[^aeiouyáéíóúů]$)", ""), ("ha$", "z"), ("ka$", "c"), ("ra$", "ř")),
    }
)


_ADJECTIVE = re.compile("e[mnrs]?$")
_BELONGING = MappingProxyType({"de": ("er",), "hu": ("i",)})
"""What makes of a place, written with a capital, what belongs to it: Wiener, Budapesti."""


def _turkish_lower(word: str) -> str:
    return word.replace("I", "ı").replace("İ", "i").lower()


def _stems(word: str, language: str) -> Iterator[str]:
    """Yield the stems of a word in small letters; Snowball takes Russian surnames apart, the endings alone do not."""
    if language in _SNOWBALL:
        yield _SNOWBALL[language]().stemWord(word)
    if language in _ENDING:
        yield _ENDING[language].sub("", word)


_ENDING = MappingProxyType({"ru": _RUSSIAN, "uk": _UKRAINIAN})
STEMMED = frozenset((*_SNOWBALL, *_ENDING))
"""Languages whose names are looked for in their inflected forms."""
LONGEST_KEPT = 64  # letters; what a text takes for a word may be as long as the text


def forms_of(word: str, language: str) -> frozenset[str]:
    """Return a word as it is written and its stem, folded."""
    return _kept_forms(word, language) if len(word) <= LONGEST_KEPT else _forms(word, language)


def _forms(word: str, language: str) -> frozenset[str]:
    head = re.split(f"[{''.join(APOSTROPHES)}]", word)[0] if language != "uk" else word
    low = _turkish_lower(head or word) if language == "tr" else (head or word).lower()
    return frozenset(filter(None, map(folded, (low, *_stems(low, language)))))


_kept_forms = lru_cache(maxsize=1 << 16)(_forms)


@dataclass(frozen=True, slots=True)
class InflectedWord:
    """One word of a name."""

    known: frozenset[str]
    """What a word of the text, or its stem, has to be; folded."""
    lead: str
    """What it has to begin with, folded."""
    capital: bool
    """Whether it is written with a capital."""
    language: str
    never: frozenset[str] = frozenset()
    """What it is not, folded: what belongs to the place of that name."""

    def agrees(self, word: str, *, any_case: bool = False) -> bool:
        """Return whether a word of a text is this one in some form."""
        if self.capital and not any_case and not self._has_capital(word):
            return False
        low = folded(word)
        begins = low.startswith(self.lead) and low not in self.never
        return begins and not self.known.isdisjoint(forms_of(word, self.language))

    def _has_capital(self, word: str) -> bool:
        """Return whether a word has a capital, or the apostrophe by which Turkish parts a name from its endings."""
        return word[0].isupper() or (self.language == "tr" and not APOSTROPHES.isdisjoint(word))


@dataclass(frozen=True, slots=True)
class Patronymic(InflectedWord):
    """Any patronymic."""

    def agrees(self, word: str, *, any_case: bool = False) -> bool:
        """Return whether a word is a patronymic in some form."""
        return (any_case or word[0].isupper()) and _PATRONYMIC.search(word.lower()) is not None


_PATRONYMIC = re.compile(
    "(?<=[^\\W\\d_]{2})(?:(?:[оеє]|ьо|йо)вич|ич(?=[ауеі]|ем|ом|$)|[ое]вн|ичн|[ії]вн)(?:а|у|ем|ом|е|ы|и|і|ой|ою|ові|еві|)$"
)
PATRONYMICS = MappingProxyType(
    {code: Patronymic(frozenset(), "", capital=True, language=code) for code in ("ru", "uk")}
)


def inflected_word(word: str, language: str) -> InflectedWord:
    """Return a word of a name, with all by which it is recognised."""
    low = _turkish_lower(word) if language == "tr" else word.lower()
    variants = {re.sub(pattern, left, low) for pattern, left in _VARIANTS.get(language, ())} - {low}
    written = {folded(variant + ending) for variant in variants for ending in _ENDINGS[language]}
    whole = _OWN_STEM.search(low) is not None
    stems = {one for one in forms_of(word, language) if len(one) >= LEAST_STEM and not whole} | {folded(low)}
    known = frozenset(stems | written)
    own = {folded(low)}
    places = own if _ADJECTIVE.search(low) else known
    never = frozenset(place + ending for ending in _BELONGING.get(language, ()) for place in places) - own
    return InflectedWord(known, _lead(known) or folded(low)[:1], word[0].isupper(), language, never)


def _lead(known: frozenset[str]) -> str:
    """Return what all of these begin with, less a letter that stems may change."""
    least, most = min(known), max(known)
    same = next(
        (at for at, pair in enumerate(zip(least, most, strict=False)) if pair[0] != pair[1]), len(least)
    )
    return least[: same - 1] if same else ""


def inflected_name(words: Sequence[str], language: str) -> tuple[InflectedWord, ...]:
    """Return the words of a name, none where the language or so short a name has no inflected forms."""
    letters = [len(word) for word in words if word.isalpha()]
    if language not in STEMMED or max(letters, default=0) < LEAST_LETTERS:
        return ()
    return tuple(inflected_word(word, language) for word in words)
