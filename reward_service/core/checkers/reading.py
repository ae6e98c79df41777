"""How an answer is read: from text to tokens, the same way for the agent's answer and for a gold one.

    unwrap      end tokens, boxes, phrases (`reward_service.core.answers`)
    plain       entities of HTML, compatibility characters, quotes, dashes, stops, Markdown: one spelling each
    tokens      words as folding spells them, numbers as written, signs that carry meaning
    clock       times of day and durations
    spoken      number words and rulers' names of other languages
    numbers     number words, ordinals, Roman and Chinese numerals, scales: values
    quantities  percent, money, units: values in base units
    dates       dates and ranges of years

A sign, a point, a ratio, a currency or a symbol inside a number or a name is a token or part of one; it is never dropped.
Every step is linear in the length of the text.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from entity_index.folding import INVISIBLE, stands_alone
from entity_index.spelling import folded
from reward_service.core.answers import is_typeset, unwrap, without_type
from reward_service.core.checkers import clock, dates, numbers, quantities, spoken
from reward_service.core.checkers.tables import COMPARING, COMPARING_BEHIND, SAME_WORD
from reward_service.core.checkers.tokens import Token, key

MAX_AMOUNT = 4
"""Tokens of a number or date with what it counts: 44 BC, the 19th century."""
SHORT_WORD = 24
MAX_COMPARING = 3
FIRST_COMPARING = frozenset(words[0] for words in COMPARING)
LAST_COMPARING = frozenset(words[-1] for words in COMPARING_BEHIND)
LEADING = frozenset({"in", "on", "at"})
MAX_CHARS = 20_000
"""Longer texts are no answers; they are read as nothing."""


def _charset(*categories: str) -> str:
    """Return the characters of these Unicode categories, of the basic plane."""
    return "".join(char for char in map(chr, range(0x10000)) if unicodedata.category(char) in categories)


MARKS = _charset("Mn", "Mc", "Me")
MONEY = re.escape(_charset("Sc"))
MATHS = re.escape("".join(char for char in _charset("Sm") if not char.isascii()))
_UNSEEN = dict.fromkeys((*map(chr, INVISIBLE), *_charset("Cf")), "")
UNSEEN = str.maketrans(_UNSEEN)
SUPERSCRIPT = re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,9}")
FRACTIONS = {
    char: f" {unicodedata.normalize('NFKC', char).replace(chr(0x2044), '/')} "
    for char in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
}
BEFORE_NFKC = str.maketrans(
    {**_UNSEEN, **FRACTIONS, "™": "", "®": "", "©": "", "℠": "", "℃": "°C", "℉": "°F"}
)
ONE_SPELLING = str.maketrans(
    {
        **_UNSEEN,
        **dict.fromkeys("‐‑‒–—―−﹣－⁻", "-"),
        **dict.fromkeys("“”„‟«»‹›「」『』《》〈〉【】〔〕″", '"'),
        **dict.fromkeys("’‘‛ʼʻʹ′`´＇", "'"),
        **dict.fromkeys("。｡", "."),
        **dict.fromkeys("、，､؛،", ","),
        **dict.fromkeys("／⁄∕", "/"),
        **{char: str(unicodedata.digit(char)) for char in _charset("Nd")},
        "∶": ":",
        "♯": "#",
        "×": "x",
        "٫": ".",
        "٬": ",",
    }
)
MARKDOWN = re.compile(
    r"\[([^\[\]\n]{1,200})\]\([^()\s]{0,500}\)"  # a link is its text
    r"|</?[A-Za-z][a-z0-9_]{0,15}(?:[ ][^<>]{0,200})?/?>"  # so is a tag
    r"|~~[^~\n]{1,200}~~"  # what is struck out is nothing
    r"|\[(?:\d{1,3}|(?<=.\[)\^?\d{1,3}(?:\s?[,-]\s?\d{1,3}){0,20})\]"  # a citation is nothing
    r"|^'{3}[a-z]{0,12}$"  # nor is a fence
    r"|(?<=10)(\*\*)(?=[-({]{0,2}\d)"  # a power stays
    r"|(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)"  # emphasis
    r"|^[ \t]{0,8}(?:#{1,6}|>)[ \t]",  # headings, quotations
    re.MULTILINE,
)
DASH_BETWEEN_NUMBERS = re.compile(r"(?<=\d)\s{0,2}-\s{1,2}(?=\d)|(?<=\d)\s{1,2}-(?=\s{0,2}\d{3,})")

MINUS_BEFORE_MONEY = re.compile(rf"(?<![\w)%.])-([{MONEY}])(?=\s?\d)")

SEASON = re.compile(r"(?<![\d/.,])(1\d{3}|20\d\d)/(\d\d|[12]\d{3})(?![\d/.,])")
# Only behind decimals and two digits or more: "3M" and "4K" are names.
SHORT_SCALE = re.compile(r"(?<![\w.,])(\d+\.\d+|\d{2,3}(?:,\d{3})*)([MBKk])(?!\w)")
SHORT_SCALES = {"M": "million", "B": "billion", "K": "thousand", "k": "thousand"}
DIGIT = re.compile(r"\d")
BESIDE_DIGIT = re.compile(r"\d\s?([^\d\s])")
FEET = re.compile(r"(?<![\w.,'])(\d)\s?'\s?(\d{1,2})\s?(?:\"|''|\Z)")
LISTED_NUMBERS = re.compile(r"(?<![\w.,])\d+(?:,\d+){2,60}(?![\d.,]*\w)")
SOURCES = re.compile(r"【\d{1,3}(?:[:†][^【】\n]{0,80})?】")

LEX = re.compile(
    rf"""
    (?P<iso>(?<!\d)\d{{4}}(?P<between>[-./])\d{{1,2}}(?P=between)\d{{1,2}}(?![\d./-]) | (?<![\d.])\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}(?!\d|[./]\d))
  | (?P<number>(?:(?<![\w)%.])[+-])?(?:\d+(?:[.,/:']\d+|[ ]\d{{3}}(?!\d))*|(?<![\w.])\.\d+)(?:(?:st|nd|rd|th|ST|ND|RD|TH)\b)?)
  | (?P<cash>(?<!\w)(?:US|AU?|CA?|HK|NZ|S|NT|R|MX)\$(?=\s?-?\d))
  | (?P<initials>(?<![\w.])(?:[^\W\d_]\.){{2,}}(?:[^\W\d_](?!\w))?)
  | (?P<grade>(?<!\w)[A-Z]{{1,2}}-(?![\w-]))
  | (?P<word>(?:[^\W\d_]|[{MARKS}])+(?:'(?:[^\W\d_]|[{MARKS}])+)*(?:[+#]+(?!\w))?)
  | (?P<sign>[{MONEY}%‰°^=<>√÷±≈≠≤≥∞&♭{MATHS}] | (?<=\d)[-/:*x~+] | [+](?=\s?\d)
      | (?<=\w)/(?=(?:h|hr|hour|s|sec|min|day|year|km|m|l|kg)\b) | (?<=\d)'' | \#(?=\d))
  | (?P<stop>[,;.!?:()"\n])
    """,
    re.VERBOSE,
)


def without_markdown(text: str) -> str:
    """Return a text without emphasis, headings, tags and citations; a link is its text."""
    return MARKDOWN.sub(lambda found: found[1] or found[2] or "", text)


def plain(text: str) -> str:
    """Return a text with one spelling for what can be written in several ways, still in its own case and accents."""
    unescaped = html.unescape(text) if "&" in text else text
    spelled = unescaped.replace("`", "'") if unescaped.isascii() else _composed(unescaped)
    bare = without_markdown(spelled)
    lines = "\n".join(filter(None, (" ".join(line.split()) for line in bare.splitlines())))
    timed = dates.in_eras(clock.said_in_words(lines))
    if DIGIT.search(timed):
        timed = _in_digits(MINUS_BEFORE_MONEY.sub(r"\1-", timed) if "-" in timed else timed)
    return timed if timed.isascii() else numbers.han_numerals(timed)


def _composed(text: str) -> str:
    """Return a text with one spelling for each character."""
    visible = SOURCES.sub("", text) if "【" in text else text
    raised = SUPERSCRIPT.sub(lambda found: f"^{unicodedata.normalize('NFKC', found[0])}", visible)
    return unicodedata.normalize("NFKC", raised.translate(BEFORE_NFKC)).translate(ONE_SPELLING)


def _in_digits(text: str) -> str:
    """Return a plain text with one spelling for what digits are written with."""
    beside = frozenset(BESIDE_DIGIT.findall(text))
    for signs, step in STEPS:
        if not signs.isdisjoint(beside):
            text = step(text)
    return text


def _season(found: re.Match[str]) -> str:
    """Return two years in a row with a dash: 1999/2000, 1999/00."""
    return f"{found[1]}-{found[2]}" if found[2].endswith(f"{(int(found[1]) + 1) % 100:02}") else found[0]


def _apart(found: re.Match[str]) -> str:
    """Return numbers that a text lists without blanks, `1,3,5`, with them; thousands stay together."""
    return found[0] if numbers.GROUPED.fullmatch(found[0]) else found[0].replace(",", ", ")


STEPS: tuple[tuple[frozenset[str], Callable[[str], str]], ...] = tuple(
    (frozenset(signs), step)
    for signs, step in (
        ("eEx*\u00b7\u22c5^", numbers.without_powers),
        ("aApPoi:hHU", clock.in_24_hours),
        ("hm:", clock.durations),
        ("MBKk", lambda text: SHORT_SCALE.sub(lambda found: f"{found[1]} {SHORT_SCALES[found[2]]}", text)),
        ("'", lambda text: FEET.sub(r"\1 ft \2 inches", text)),
        (",", lambda text: LISTED_NUMBERS.sub(_apart, text)),
        ("-", lambda text: DASH_BETWEEN_NUMBERS.sub("-", text)),
        ("/", lambda text: SEASON.sub(_season, text)),
    )
)
"""What a digit has behind it -> what may have to be done."""


def lex(text: str) -> Iterator[Token]:
    """Cut a plain text into tokens. Stops are tokens too: comparisons leave them out."""
    for found in LEX.finditer(text):
        kind, written = found.lastgroup, found[0]
        match kind:
            case "iso":
                yield dates.written(written)
            case "number":
                yield dates.month_of_year(written) or numbers.written(written)
            case "initials":
                yield Token(folded(written).replace(" ", ""), written=written)
            case "word":
                yield _word(written)
            case "stop":
                yield Token("", written=written)
            case _:
                yield Token(SAME_WORD.get(written, written.casefold()), written=written)


def _word(written: str) -> Token:
    return _short_word(written) if len(written) <= SHORT_WORD else _folded_word(written)


def _folded_word(written: str) -> Token:
    bare = written.rstrip("+#")
    text = folded(bare).replace(" ", "") + written[len(bare) :]
    return Token(SAME_WORD.get(text, text), written=written)


_short_word = lru_cache(maxsize=4096)(_folded_word)  # answers repeat the words of their question


def _names(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens with single letters in a row as one word, "C. S." as "CS", and "St." as what it is short for."""
    at = 0
    while at < len(tokens):
        letters, end = _letters(tokens, at)
        if len(letters) > 1:
            yield Token("".join(letters), written=tokens[at].written)
            at = end
            continue
        token = tokens[at]
        if token.text in IN_CONTEXT:
            token = Token(IN_CONTEXT[token.text](tokens[at + 1 : at + 3]), written=token.written)
        yield token
        at += 1


def _saint_or_street(following: Sequence[Token]) -> str:
    return "saint" if any(token.text for token in following) else "street"


def _no_or_number(following: Sequence[Token]) -> str:
    counts = [token.value is not None for token in following if token.text]
    return "number" if counts and counts[0] else "no"


def _fort_or_feet(following: Sequence[Token]) -> str:
    return "fort" if any(token.written[:1].isupper() for token in following) else "ft"


def _circa_or_letter(following: Sequence[Token]) -> str:
    stop, *amount = following or (Token("c"),)
    return "circa" if stop.written == "." and amount and _is_amount(amount[0]) else "c"


IN_CONTEXT: Mapping[str, Callable[[Sequence[Token]], str]] = {
    "st": _saint_or_street,
    "c": _circa_or_letter,
    "ft": _fort_or_feet,
    "no": _no_or_number,
    "#": lambda _: "number",
}


def _letters(tokens: Sequence[Token], at: int) -> tuple[list[str], int]:
    """Return the single letters from here on, with or without a point behind each, and where they end."""
    letters: list[str] = []
    while (
        at < len(tokens)
        and len(tokens[at].text) == 1
        and tokens[at].text.isascii()
        and tokens[at].text.isalpha()
    ):
        letters.append(tokens[at].text)
        at += 2 if at + 2 < len(tokens) and tokens[at + 1].written == "." else 1
    return letters, at


def _characters(token: Token) -> Iterable[Token]:
    """Return a word of a script without spaces as its characters, so that a part of it can be found; others as they are."""
    if token.value is not None or token.mark or not any(map(stands_alone, token.text)):
        return (token,)
    return (Token(part, written=part) for part in folded(token.text).split())


def _is_article(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a token is an article: "the", or an "a" before something, unless it is the letter of a name ("Plan A for")."""
    text, written = tokens[at].text, tokens[at].written
    if text == "the":
        return True
    return text in ("a", "an") and at + 1 < len(tokens) and (at == 0 or written.islower())


def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text that is plain; articles are left out where anything else is there."""
    named = list(_names(list(lex(text))))
    counted = quantities.measured(spoken.ruler(numbers.in_words(spoken.elsewhere(named))))
    dated = dates.dated([token for token in counted if token.text])
    said = [part for token in dated for part in ((token,) if token.text.isascii() else _characters(token))]
    telling = tuple(token for at, token in enumerate(said) if not _is_article(said, at))
    return _amount_alone(telling) or tuple(said)


def _amount_alone(said: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return the tokens of a number or date without what leads to it and says nothing: "in 1984", "the year 1984".

    What compares it has one spelling: "c." and "or so" are "circa", "more than" is "over".
    """
    begin = int(len(said) > 1 and said[0].text in LEADING)
    amount = said[begin : begin + 1]
    if not amount or len(said) - begin > MAX_AMOUNT + MAX_COMPARING:
        return said
    comparing, rest = _compared(said[begin:])
    if comparing and rest and _is_amount(rest[0]):
        return (Token(comparing, written=amount[0].written), *rest)
    return said[begin:] if _is_amount(amount[0]) and len(said) - begin <= MAX_AMOUNT else said


def _compared(said: tuple[Token, ...]) -> tuple[str, tuple[Token, ...]]:
    """Return the word for how a number is compared, and the rest; empty where it is not."""
    words = tuple(token.text for token in said)
    if words[0] not in FIRST_COMPARING and words[-1] not in LAST_COMPARING:
        return "", said
    for length in range(MAX_COMPARING, 0, -1):
        if comparing := COMPARING.get(words[:length]):
            return comparing, said[length:]
        if len(words) > length and (comparing := COMPARING_BEHIND.get(words[-length:])):
            return comparing, said[:-length]
    return "", said


def _is_amount(token: Token) -> bool:
    return token.value is not None or bool(token.mark) or token.text[:1].isdigit()


def begins_with_amount(text: str) -> bool:
    """Return whether a plain text begins with a number, a date or an amount of something."""
    return any(map(_is_amount, tokens(text)[:1]))


def key_of(text: str) -> str:
    """Return what all spellings of a plain text share; empty for an empty one. Signs alone are compared as they stand."""
    return key(tokens(text)) or "".join(text.split())


def key_in_words(text: str) -> str:
    """Return the key of a number that another language writes in words, as a sentence has it; empty for other texts."""
    named = list(_names(list(lex(text))))
    return "" if spoken.elsewhere(named) is named else key(named)


def read(answer: str) -> str:
    """Return an answer as it is read: unwrapped, in one spelling; empty where it is too long to be one."""
    return "" if len(answer) > MAX_CHARS else read_short(answer)


@lru_cache(maxsize=64)  # the rollouts of a group often give the same answer
def read_short(answer: str) -> str:
    """Return the same of an answer that is not too long."""
    bare = unwrap(answer)
    return plain(without_type(bare) if is_typeset(bare) else bare).strip()
