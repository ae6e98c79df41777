"""The matcher as a textbook would write it: every window, every form, every rule, one after the other.

It shares with the product what is data (the forms of a question, the tables) and the reference fold; nothing of the search.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from entity_index.folding import Folded, fold, is_hangul
from entity_index.usable import FUNCTION_WORDS
from reward_service.core.matching import CompiledQuestion
from reward_service.core.matching.eastern import LOOK_AHEAD, is_particles, stands_alone_in
from reward_service.core.matching.forms import Form, Guard, Middle, allowed_edits, token_edits
from reward_service.core.matching.lexicon import LONGEST_PINNED
from reward_service.core.matching.longer import LOOK_AHEAD as LONGER_AHEAD
from reward_service.core.matching.longer import LOOK_BACK as LONGER_BACK
from reward_service.core.matching.longer import is_part
from reward_service.core.matching.verify import are_two
from reward_service.core.types import Segment, SegmentKind

CHANNELS = ("exact", "alias", "expanded", "inflected", "fuzzy")


@dataclass(frozen=True, order=True)
class Span:
    """One way in which an entity appears in a rollout; the smallest is the best evidence."""

    channel: int
    distance: int
    segment: int
    start: int
    end: int


@cache
def levenshtein(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above = row
        row = [i]
        for j, b in enumerate(right, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def tokens_of(folded: Folded) -> list[tuple[int, int]]:
    return [(found.start(), found.end()) for found in re.finditer(r"[^ ]+", folded.text)]


def numbers(text: str) -> list[str]:
    return "".join(char if char.isnumeric() else " " for char in text).split()


def cuts_number(raw: str, start: int, end: int) -> bool:
    """Whether a stretch begins or ends inside a number: 5 in 1.5, 500 in 1,500, but not 12 in 12.03.1989."""
    before, after = raw[max(0, start - 24) : start], raw[end:]
    first, last = raw[start] in "0123456789", raw[end - 1] in "0123456789"
    whole_before = first and re.search(r"(?<![0-9.])[0-9]{1,20}\.$", before)
    group_before = first and re.search(r"[0-9],$", before) and re.match(r"[0-9]{3}(?![0-9])", raw[start:])
    goes_on = last and re.match(r"\.[0-9]{1,20}(?!\.?[0-9])|,[0-9]{3}(?![0-9])", after)
    scale = last and re.match(r" (thousand|million|billion|trillion)(?![a-z-])", after)
    return bool(whole_before or group_before or goes_on or scale)


def is_inside_longer(form: Form, raw: str, start: int, end: int) -> bool:
    """Whether what stands around a name makes a longer one of it."""
    before, after = raw[max(0, start - LONGER_BACK) : start], raw[end : end + LONGER_AHEAD]
    return is_part(form.unfinished, before, raw[start:end], after)


def fuzzy(form: str, window: str, edits: int) -> int | None:
    if len(window) > len(form) + edits or len(window) < len(form) - edits or numbers(form) != numbers(window):
        return None
    distance = levenshtein(form, window)
    if distance > edits:
        return None
    if form.replace(" ", "") == window.replace(" ", ""):
        return distance
    if any(is_hangul(char) for char in form):
        return None
    own, other = form.split(" "), window.split(" ")
    within = len(own) == len(other) and all(
        a == b or (levenshtein(a, b) <= token_edits(a) and not are_two(a, b))
        for a, b in zip(own, other, strict=True)
    )
    return distance if within else None


def guard_holds(form: Form, raw: str, start: int, end: int) -> bool:
    if form.guard is Guard.CAPITAL:
        word = re.match(r"(?i:the\W+)(?=\w)", raw[start:end]) if form.folded.startswith("the ") else None
        return raw[start + (word.end() if word else 0)].isupper()
    if form.guard is Guard.POSSESSIVE:
        return re.match("['’][sS](?![A-Za-z])", raw[end:]) is not None
    if form.guard is Guard.COMMA:
        return "," in raw[start:end]
    if form.guard is Guard.ALONE:
        around = raw[max(0, start - LONGEST_PINNED) : start], raw[end : end + LOOK_AHEAD]
        return stands_alone_in(around[0], form.folded.replace(" ", ""), around[1])
    if form.guard is Guard.TITLE:
        before = raw[max(0, start - 64) : start].rstrip(" \t")
        return raw[start].isupper() and before != "" and before[-1] not in "\x01\n\r.!?:;…。！？*#>|-–—•"
    if form.guard is Guard.VERBATIM:
        begin = start - fold(form.spelling).offsets[0]
        return begin >= 0 and raw[begin : begin + len(form.spelling)] == form.spelling
    return True


def free(form: Form, raw: str, start: int, end: int) -> bool:
    """Whether what a form found is no part of something longer."""
    whole = not cuts_number(raw, start, end) and not is_inside_longer(form, raw, start, end)
    return whole and guard_holds(form, raw, start, end)


def exact_end(form: Form, window: str) -> int | None:
    """Where in the window the form ends, None if it is not there: particles may follow a Hangul name."""
    if window == form.folded:
        return len(window)
    if (
        is_hangul(form.folded[-1])
        and window.startswith(form.folded)
        and is_particles(window[len(form.folded) :])
    ):
        return len(form.folded)
    return None


def middle_holds(form: Form, tokens: list[str], between: str) -> bool:
    own = form.folded.split(" ")
    if not form.middle or tokens[0] != own[0] or tokens[-1] != own[-1]:
        return False
    if re.fullmatch(r"""\s+(["“][^"“”\n]{1,40}["”]|['‘][^'‘’\n]{1,40}['’]|\([^()\n]{1,40}\))\s+""", between):
        return len(own) == 2
    if form.middle is Middle.NICKNAME:
        return False
    words = between.split()
    plain = re.fullmatch(r"(\s+[^\W\d_][\w'’-]+){1,3}\s+", between) is not None and all(
        word[0].isupper() and word.casefold() not in FUNCTION_WORDS for word in words
    )
    names, between_folded = own[1:-1], [fold(word).text for word in words]
    if not plain or len(names) > len(words):
        return False
    if any(len(name) > 1 for name in names) and len(words) > len(names) + 1:
        return False
    return all(
        word.startswith(name) if len(name) == 1 else word == name
        for name, word in zip(names, between_folded, strict=False)
    )


def agree(form: Form, words: list[str]) -> bool:
    """Whether these words are the form's, each in some form."""
    return all(own.agrees(word) for own, word in zip(form.words, words, strict=True))


def spans_in(
    form: Form, raw: str, folded: Folded, words: Sequence[tuple[int, int]], edits: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (channel, distance, start, end) in the original text for every window of words that counts."""
    own = [folded.span(*word) for word in words]
    for i in range(len(words)):
        for j in range(i, min(len(words), i + form.folded.count(" ") + 5)):
            window = folded.text[words[i][0] : words[j][1]]
            start, stop = own[i][0], own[j][1]
            end = exact_end(form, window)
            if end is not None and free(form, raw, *folded.span(words[i][0], words[i][0] + end)):
                yield int(form.alias), 0, *folded.span(words[i][0], words[i][0] + end)
            if form.middle and 2 <= j - i <= 4:
                between = raw[own[i][1] : own[j][0]]
                if middle_holds(form, window.split(" "), between):
                    yield 2, levenshtein(form.folded, window), start, stop
            if window == form.folded:
                continue
            if len(form.words) == j - i + 1 and agree(form, [raw[slice(*span)] for span in own[i : j + 1]]):
                yield 3, levenshtein(form.folded, window), start, stop
            if form.guard is Guard.NONE and edits:
                distance = fuzzy(form.folded, window, edits)
                if distance is not None and free(form, raw, start, stop):
                    yield 4, distance, start, stop


def all_spans(rollout: Sequence[Segment], compiled: CompiledQuestion) -> dict[int, list[Span]]:
    """Every span of every entity in the thoughts of a rollout, best first."""
    found: dict[int, list[Span]] = {}
    for position, segment in enumerate(rollout):
        if segment.kind is not SegmentKind.THOUGHT:
            continue
        folded = fold(segment.text)
        words = tokens_of(folded)
        for form in compiled.index.forms:
            edits = allowed_edits(form.folded, most=compiled.spec.max_edits)
            for channel, distance, start, end in spans_in(form, segment.text, folded, words, edits):
                found.setdefault(form.entity, []).append(Span(channel, distance, position, start, end))
    return {entity: sorted(set(spans)) for entity, spans in sorted(found.items())}
