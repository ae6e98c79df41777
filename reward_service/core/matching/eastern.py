"""Rules for names in Arabic, Hebrew, Han, kana and Hangul, and what may stand right after or around such a name."""

import re
from collections.abc import Iterator
from itertools import pairwise, product

from entity_index.folding import fold
from reward_service.core.matching import lexicon
from reward_service.core.matching.longer import overlaps_pinned

_HAN_DIGITS = "〇一二三四五六七八九"
_HAN_NUMBER = re.compile("[〇零一二两三四五六七八九十百千]+")
_NUMBER = re.compile(r"[0-9]{1,4}(?![0-9])")
_NASALS = {"ङ": "कखगघ", "ञ": "चछजझ", "ण": "टठडढ", "न": "तथदध", "म": "पफबभ"}
_NASAL_OF = {consonant: nasal for nasal, own in _NASALS.items() for consonant in own}
_NASAL_OR_DOT = re.compile(
    "("
    + "|".join(f"{nasal}\u094d(?=[{own}])" for nasal, own in _NASALS.items())
    + f"|\u0902(?=[{''.join(_NASAL_OF)}]))"
)
_KANA_V = {"ヴァ": "バ", "ヴィ": "ビ", "ヴェ": "ベ", "ヴォ": "ボ", "ヴ": "ブ"}
_KANA_B_OR_V = re.compile(f"({'|'.join((*_KANA_V, *_KANA_V.values()))})")
_KANA_WAYS = {kana: pair for pair in _KANA_V.items() for kana in pair}
MOST_VARIED = 4  # of such sounds in a name; the ways to write it double with each
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]*")
_HAN_BEGINS = re.compile("[\u3400-\u9fff]")
_HAN_ENDS = re.compile("[\u3400-\u9fff]\\Z")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f]")
LOOK_AHEAD = 10  # characters after a name that may make a longer word of it
LONGEST_GAP = 4  # characters between a name and the class word of a longer name: 上海交通大学
_STACK = re.compile(
    f"(?:(?:{'|'.join(sorted(lexicon.HANGUL_TITLES, key=len, reverse=True))})님?|{'|'.join(lexicon.HANGUL_PLACES)})?"
    f"(?:{'|'.join(sorted(lexicon.HANGUL_PARTICLES, key=len, reverse=True))})*"
)


def arabic_prefixes(text: str) -> Iterator[str]:
    """القاهرة -> والقاهرة, بالقاهرة, للقاهرة."""
    if len(text) >= lexicon.LEAST_PREFIXED:
        yield from (prefix + text for prefix in "وفبكل")
        if text.startswith("ال"):
            yield f"لل{text[2:]}"
        else:
            yield f"ال{text}"


def hebrew_prefixes(text: str) -> Iterator[str]:
    """ירושלים -> בירושלים."""
    if len(text) >= lexicon.LEAST_PREFIXED:
        yield from (prefix + text for prefix in "והבלמשכ")


def _han_number(number: int) -> str:
    """Return a number under 10,000 as it is spoken: 29 is 二十九."""
    written, zero = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, number = divmod(number, size)
        if digit:
            written += ("〇" if zero else "") + _HAN_DIGITS[digit] + unit
        zero = bool(written) and not digit and number > 0
    return written.removeprefix("一") if written.startswith("一十") else written or "〇"


def han_in_digits(numeral: str) -> str:
    """Return a number written in Han in digits, read digit by digit or with units.

    >>> han_in_digits("二〇〇七"), han_in_digits("两千"), han_in_digits("三万二千")
    ('2007', '2000', '32000')
    """
    if not any(char in lexicon.HAN_SCALES or char in lexicon.HAN_GROUPS for char in numeral):
        return "".join(str(lexicon.HAN_DIGITS[char]) for char in numeral)
    total = group = digit = 0
    for char in numeral:
        if char in lexicon.HAN_DIGITS:
            digit = lexicon.HAN_DIGITS[char]
        elif char in lexicon.HAN_SCALES:
            group, digit = group + (digit or 1) * lexicon.HAN_SCALES[char], 0
        else:
            scale = lexicon.HAN_GROUPS[char]
            total = (total + group + digit) * scale if total < scale else total + (group + digit) * scale
            group = digit = 0
    return str(total + group + digit)


def han_numerals(text: str) -> Iterator[str]:
    """第29届 <-> 第二十九届; 1949年 <-> 一九四九年."""
    yield _NUMBER.sub(lambda found: _in_han(found[0]), text)
    yield _HAN_NUMBER.sub(lambda found: han_in_digits(found[0]), text)


def _in_han(digits: str) -> str:
    is_year = len(digits) == 4
    return "".join(_HAN_DIGITS[int(digit)] for digit in digits) if is_year else _han_number(int(digits))


def kana_v(text: str) -> Iterator[str]:
    """ヴァイオリン <-> バイオリン; ベートーベン <-> ベートーヴェン, each of them by itself."""
    parts = _KANA_B_OR_V.split(text)
    ways = [_KANA_WAYS.get(part, (part,)) for part in parts]
    if 1 < len(parts) <= 2 * MOST_VARIED + 1:
        yield from map("".join, product(*ways))


def nasals(text: str) -> Iterator[str]:
    """हिन्दी <-> हिंदी, मुम्बई <-> मुंबई: a nasal before a consonant of its class may be a dot, each by itself."""
    parts = _NASAL_OR_DOT.split(text)  # every second part is one of them
    ways = [
        (f"{_NASAL_OF[after[0]]}\u094d", "\u0902") if at % 2 else (part,)
        for at, (part, after) in enumerate(pairwise((*parts, "")))
    ]
    if 1 < len(parts) <= 2 * MOST_VARIED + 1:
        yield from map("".join, product(*ways))


def without_spaces(text: str) -> Iterator[str]:
    """서울 대학교 -> 서울대학교."""
    yield text.replace(" ", "")


def one_space(text: str) -> Iterator[str]:
    """서울대학교 -> 서울 대학교; 김대중 -> 김 대중. Particles may follow these, which the guarded edits do not allow."""
    syllables = text.replace(" ", "")
    if re.fullmatch("[\uac00-\ud7a3]{3,10}", syllables):
        most = len(syllables) if len(syllables) > 3 else 2
        yield from (f"{syllables[:at]} {syllables[at:]}" for at in range(1, most))


def is_particles(rest: str) -> bool:
    """Return whether what is written onto a Korean name is a title or a kind of place, and particles, or either.

    >>> is_particles("에서부터"), is_particles("대통령은"), is_particles("특별시에"), is_particles("하수")
    (True, True, True, False)
    """
    return _STACK.fullmatch(rest) is not None


def stands_alone_in(before: str, name: str, after: str) -> bool:
    """Return whether a short name of Han or kana is no part of a longer word, by the characters before and after it.

    Katakana goes on as one word. Han goes on where a class word follows, at once or after a few characters that are no grammar:
    上海交通大学 and 中山陵 are no mentions of 上海 and 中山; 上海的大学 is one. Nor does 京都 stand where 東京 reaches into it.
    """
    if _KATAKANA.match(before[-1:]) or _KATAKANA.match(after[:1]):
        return False
    if (_HAN_ENDS.search(before) or _HAN_BEGINS.match(after)) and overlaps_pinned(before, name, after):
        return False
    run = fold(_HAN.match(after)[0]).text.replace(" ", "")  # type: ignore[index]  # the pattern matches everywhere
    return not any(
        run[gap:].startswith(word)
        for gap in range(LONGEST_GAP + 1)
        if not lexicon.HAN_GRAMMAR & set(run[:gap])
        for word in (lexicon.HAN_CLASSES if gap else lexicon.HAN_CLASSES | lexicon.HAN_CLASS_ENDINGS)
    )
