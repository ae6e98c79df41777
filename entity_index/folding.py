"""The one text normalisation: names and thoughts go through it before they are compared.

Rules, character by character:

- compatibility decomposition and case folding; U+0300-036F marks are dropped (other marks stay: they are vowels or kana voicing);
- letters without a decomposition (ł ø đ ı æ œ þ ...) have a spelling by hand;
- apostrophes vanish, and a possessive `'s` with them, but between an elided word and a vowel (l'Élysée, dell'Aquila) one is a space; invisible
  characters vanish; runs of the marks that stay are cut at 30;
- writings of one letter are one letter: Arabic without vowel signs, hamza and tatweel, with one alef, ya and ha; Persian ya and kaf;
  candrabindu as anusvara; traditional, simplified and Japanese Han (`entity_index.han`); digits of any script as ASCII's;
- a capitalised word glued onto four digits is a token: "1882September";
- in scripts written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) every character with its marks is a token of its own;
  Hangul syllables are not taken apart;
- everything that is neither letter, number nor mark is a space; spaces are single and never stand at an end.

Folding keeps an offset map, so that a span of the folded text points into the original.
This is the obvious version: the definition, fast enough for names and answers. `reward_service.core.matching.fold` is its vectorised twin.
Folding is idempotent. `FOLD_VERSION` and the Unicode version are part of the engine digest.
"""

import re
import unicodedata
from dataclasses import dataclass

from entity_index.han import ONE_OF

FOLD_VERSION = 3
UNICODE_VERSION = unicodedata.unidata_version

MAX_MARK_RUN = 30  # UAX #15, stream-safe text format
MAX_EXPANSION = 8  # characters from one; U+FDFA, a whole sentence, is a space
APOSTROPHES = frozenset("'\u2019\u2018\u02bc\u02bb\u02b9\u2032\uff07\u201b`\u00b4")
BY_HAND = {
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ı": "i",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ð": "d",
    "ħ": "h",
    "ŧ": "t",
    "ŋ": "n",
    "ى": "ي",
    "ی": "ي",
    "ک": "ك",
    "ة": "ه",
    "ٱ": "ا",
    "ँ": "ं",
    # Writings of Han in Japanese names that OpenCC does not list.
    "零": "〇",
    "邉": "边",
    "髙": "高",
    "﨑": "崎",
    "嶋": "岛",
    "嶌": "岛",
    "冨": "富",
}
ONE_LETTER = {**ONE_OF, **BY_HAND}
ELIDED = frozenset(
    [
        "l",
        "d",
        "j",
        "m",
        "t",
        "n",
        "s",
        "c",
        "qu",
        "un",
        "gl",
        "degl",
        "all",
        "dall",
        "dell",
        "nell",
        "sull",
        "coll",
        "quell",
        "sant",
    ]
)
"""Words of French, Italian and Catalan that lose their vowel before another word."""
BEFORE_ELIDED = "aeiouyh"
"""What begins the other word."""
LONGEST_ELIDED = max(map(len, ELIDED))
GLUED = re.compile("(?<=[0-9]{4})(?=[A-Z][a-z])")
"""Where a capitalised word is glued onto a year."""
# Invisible, though not of category Cf: fillers of Hangul, the grapheme joiner, variation selectors, the blank Braille cell.
INVISIBLE = frozenset(
    {0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F, 0x2800}
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
    # Vowel signs and tatweel of Arabic, and the hamza and madda that decompose.
    | {0x0640, 0x0670}
    | set(range(0x064B, 0x0656))
)
APOSTROPHE = "'"
# Blocks of scripts written without spaces between words.
UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # iteration mark, closing mark, zero of Han
    (0x3040, 0x312F),  # kana, Bopomofo
    (0x31F0, 0x31FF),  # small kana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0x20000, 0x3FFFF),
)
_JAMO = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
FIRST_UNSPACED = chr(UNSPACED[0][0])


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text and where each of its characters came from."""

    text: str
    offsets: tuple[int, ...]
    """offsets[i] is the position of the original character that made text[i], shape (len(text),), non-decreasing."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the half-open span of the original text that made the non-empty span [start, end)."""
        return self.offsets[start], self.offsets[end - 1] + 1


def is_mark(char: str) -> bool:
    """Return whether the character combines with the one before it."""
    return unicodedata.category(char)[0] == "M"


def stands_alone(char: str) -> bool:
    """Return whether the character belongs to a script written without spaces, where each character is a token."""
    return any(first <= ord(char) <= last for first, last in UNSPACED)


def is_hangul(char: str) -> bool:
    """Return whether the character is a Hangul syllable."""
    return "\uac00" <= char <= "\ud7a3"


def compose_hangul(text: str) -> str:
    """Return a text with syllables for conjoining jamo, each filled up with invisible characters to the length that it had."""
    return text if _JAMO.search(text) is None else _JAMO.sub(_syllable, text)


def _syllable(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", found[0]).ljust(len(found[0]), "\u200b")


def _decompose(char: str) -> str:
    if is_hangul(char):
        return char
    kept = "".join(c for c in unicodedata.normalize("NFKD", char) if not "\u0300" <= c <= "\u036f")
    return "".join(ONE_LETTER.get(c, str(unicodedata.decimal(c, c))) for c in kept.casefold())


def fold_char(char: str) -> str:
    """Return what one character becomes on its own: token characters, one space, an apostrophe, or nothing."""
    if char in APOSTROPHES:
        return APOSTROPHE
    if unicodedata.category(char) == "Cf" or ord(char) in INVISIBLE:
        return ""
    folded = _decompose(char)
    visible = [
        c
        for c in folded
        if unicodedata.category(c) != "Cf" and c not in APOSTROPHES and ord(c) not in INVISIBLE
    ]
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in visible)
    folded = " ".join(kept.split()) or " " * bool(kept)
    return folded if len(folded) <= MAX_EXPANSION else " "


_TABLE: dict[str, str] = {}


def _lookup(char: str) -> str:
    folded = _TABLE.get(char)
    if folded is None:
        folded = _TABLE[char] = fold_char(char)
    return folded


def _is_possessive(text: str, at: int) -> bool:
    """Return whether the apostrophe at `at` opens a possessive `'s` that ends a word."""
    if at + 1 >= len(text) or _lookup(text[at + 1]) != "s":
        return False
    return at + 2 >= len(text) or not _lookup(text[at + 2]).strip(" " + APOSTROPHE)


def _is_elided(text: str, at: int) -> bool:
    """Return whether the apostrophe at `at` stands for the vowel that an elided word lost before another."""
    if at + 1 == len(text) or _lookup(text[at + 1])[:1] not in set(BEFORE_ELIDED):
        return False
    for first in range(max(0, at - LONGEST_ELIDED), at):
        if text[first:at].lower() in ELIDED and (first == 0 or _lookup(text[first - 1]) == " "):
            return True
    return False


def _parted(left: str, right: str) -> bool:
    """Return whether two neighbouring token characters belong to different tokens."""
    if max(left, right) < FIRST_UNSPACED:
        return False
    return not is_mark(right) and (stands_alone(left) or stands_alone(right))


def fold(text: str) -> Folded:
    """Fold a text, keeping the way back.

    Args:
        text: any text; lone surrogates are treated as spaces. A syllable of conjoining jamo is one character, at the place of the first.

    Returns:
        The folded text with its offset map.

    >>> fold("Władysław Szpilman's").text
    'wladyslaw szpilman'
    >>> fold("我在Google工作").text
    '我 在 google 工 作'
    """
    out: list[str] = []
    offsets: list[int] = []
    marks = 0
    at = 0
    text = compose_hangul(text)
    glued = {found.start() for found in GLUED.finditer(text)}
    while at < len(text):
        piece = _lookup(text[at])
        if piece == APOSTROPHE:
            possessive = bool(out) and out[-1] != " " and _is_possessive(text, at)
            piece = " " if not possessive and _is_elided(text, at) else ""
            at += possessive
        elif at in glued:
            piece = f" {piece}"
        for c in piece:
            marks = marks + 1 if is_mark(c) else 0
            if marks > MAX_MARK_RUN:
                continue
            if c != " " and out and out[-1] != " " and _parted(out[-1], c):
                out.append(" ")
                offsets.append(at)
            if c != " " or (out and out[-1] != " "):
                out.append(c)
                offsets.append(at)
        at += 1
    if out and out[-1] == " ":
        out.pop()
        offsets.pop()
    return Folded("".join(out), tuple(offsets))
