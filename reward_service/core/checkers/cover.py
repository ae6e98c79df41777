"""`cover`: a gold answer occurs in the answer. `cover_either`: or the answer occurs in a gold answer.

Refused are

- dumps: more than four times the tokens of the longest gold answer and more than `ALWAYS_READ`, or a gold answer that is one
  of six or more candidates in a row;
- rivals: "Paris or Rome", unless both are gold answers;
- denials and doubts: "not Paris", "Paris is not", "I could not find Paris", "perhaps Paris".

A denial, a doubt and a rival count within their clause or sentence. Text in parentheses is ignored.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from reward_service.core.checkers.equal import equal
from reward_service.core.checkers.golds import LIGHT, Golds
from reward_service.core.checkers.reading import read, tokens
from reward_service.core.checkers.tables import DOUBTS, NEGATIONS, REPORTS, RUN_TOGETHER
from reward_service.core.checkers.tokens import Token, key
from reward_service.core.matching import match_group
from reward_service.core.types import Match, Segment, SegmentKind

TIMES_LONGEST = 4
ALWAYS_READ = 150
"""Tokens. Four times a gold answer of one word is less than a sentence that repeats the question."""
NEAR = 3
"""Tokens before a gold answer in which a negation denies it."""
RIVAL_NEAR = 6
SHORT_CLAUSE = 4
CANDIDATES = 6
EITHER_TOKENS = 12

SENTENCE = re.compile(r"(?<=[^\W\d_]{2}[.!?])[\"')]{0,4}\s{1,8}(?=[\"'(]{0,4}[A-Z0-9])|\n+")
CLAUSE = re.compile(r"[;:]\s|,(?!\s?\d)|\s-\s|\bbut\b")
# What makes a number of digits another one: folding has only spaces there.
GOES_BEFORE = re.compile(r"(?:\d[.,:/']|[-+$£€¥])\Z")
GOES_ON = re.compile(r"[.,:/']\d|\s?%")
ASIDE = re.compile(r"\([^()]{0,200}\)")


class Said(NamedTuple):
    """A stretch of an answer, a token each."""

    tokens: tuple[Token, ...]
    words: tuple[str, ...]
    """What each token shares with its other spellings."""
    within: tuple[frozenset[str], ...]
    """What each token says besides: a date its year and its month, an amount its bare number."""

    def part(self, begin: int, end: int) -> "Said":
        """Return the tokens [begin, end)."""
        return Said(self.tokens[begin:end], self.words[begin:end], self.within[begin:end])


class Hit(NamedTuple):
    """Where a gold answer occurs in a stretch: tokens [begin, end)."""

    begin: int
    end: int


def cover(answer: str, golds: Golds) -> bool:
    """Return whether the answer contains a gold answer."""
    return equal(answer, golds) or _covers(read(answer), golds)


def cover_either(answer: str, golds: Golds) -> bool:
    """Return whether the answer contains a gold answer, or the answer in a gold answer.

    The latter only for answers of at most twelve tokens that begin with a capital or a digit.
    """
    return cover(answer, golds) or _is_part(read(answer), golds)


def said(text: str) -> Said:
    """Return a plain text as it is searched."""
    own = tokens(text)
    return Said(own, tuple(key([token]) for token in own), tuple(map(_within, own)))


def _within(token: Token) -> frozenset[str]:
    """Return what a date or an amount says besides; a percentage says nothing else."""
    if token.mark.startswith("@"):
        year, month, _ = token.mark[1:].split("-")
        return frozenset((f"<{year}>", f"<@{year}-{month}->"))
    return frozenset() if token.bare is None or token.mark == "%" else frozenset((f"<{token.bare}>",))


def hits(searched: Said, golds: Golds) -> Iterator[Hit]:
    """Yield where gold answers stand; a function word ("yes", "who") has to be the whole answer."""
    words = searched.words
    for begin in range(len(words)):
        if not golds.keys.isdisjoint(searched.within[begin]):
            yield Hit(begin, begin + 1)
        spelled = ""
        for end in range(begin, min(len(words), begin + golds.longest + 1)):
            spelled += words[end]
            if spelled in golds.keys and spelled not in LIGHT:
                yield Hit(begin, end + 1)


def _covers(text: str, golds: Golds) -> bool:
    whole = said(text)
    if len(whole.words) > max(ALWAYS_READ, TIMES_LONGEST * golds.longest):
        return False
    if not (any(hits(whole, golds)) or _lists_all(whole, golds) or _nearly(text, golds)):
        return False
    sentences = [_clauses(sentence) for sentence in SENTENCE.split(ASIDE.sub(" ", text))]
    return not (
        any(_denied(clause, golds) for clause in chain.from_iterable(sentences))
        or any(_has_rival(sentence, golds) for sentence in map(said, SENTENCE.split(ASIDE.sub(" ", text))))
        or _is_candidate(list(chain.from_iterable(sentences)), golds)
    )


def _clauses(sentence: str) -> list[Said]:
    return [said(clause) for clause in CLAUSE.split(sentence)]


def _nearly(text: str, golds: Golds) -> bool:
    """Return whether the matcher finds a gold answer, with its guarded edits, and cuts no number in two."""
    thought = Segment(SegmentKind.THOUGHT, text)
    (found,) = match_group([[thought]], golds.spellings, explain=True, nearest=False)
    return any(_is_free(text, match) for match in found.matches)


def _is_free(text: str, match: Match) -> bool:
    """Return whether a match is no part of a longer number: "5 apples" in "1.5 apples", or "Apollo 11" in "Apollo 11.5"."""
    before = text[match.start].isdigit() and GOES_BEFORE.search(text, max(0, match.start - 2), match.start)
    return not before and not (text[match.end - 1].isdigit() and GOES_ON.match(text, match.end))


def _lists_all(whole: Said, golds: Golds) -> bool:
    """Return whether the answer contains every item of a gold answer that is a list."""
    return any(all(any(hits(whole, golds.naming(item))) for item in wanted) for wanted in golds.lists)


def _denied(clause: Said, golds: Golds) -> bool:
    """Return whether a clause denies a gold answer that it names, or says it in doubt."""
    spelled = "".join(clause.words)
    if any(denial in spelled for denial in RUN_TOGETHER) and any(gold in spelled for gold in golds.keys):
        return True
    found = list(hits(clause, golds))
    denials, doubts = (golds.own(clause.words, which) for which in (NEGATIONS, DOUBTS)) if found else ([], [])
    return any(_denies(clause.words, hit, denials, doubts) for hit in found)


def _denies(words: Sequence[str], hit: Hit, denials: Sequence[int], doubts: Sequence[int]) -> bool:
    reports = not REPORTS.isdisjoint(words[: hit.begin]) and any(at < hit.begin for at in denials)
    near = any(hit.begin - NEAR <= at < hit.begin or hit.end <= at < hit.end + 2 for at in denials)
    return reports or near or any(at < hit.begin for at in doubts)


def _has_rival(sentence: Said, golds: Golds) -> bool:
    """Return whether a sentence names something else beside a gold answer, joined by "or"."""
    joints = golds.own(sentence.words, {"or"})
    return any(_rivals(sentence, hit, joint, golds) for hit in hits(sentence, golds) for joint in joints)


def _rivals(sentence: Said, hit: Hit, joint: int, golds: Golds) -> bool:
    """Return whether the "or" at a place joins another candidate to the gold answer, right beside it or capitalised and near."""
    behind = joint >= hit.end
    if not (hit.begin - RIVAL_NEAR <= joint < hit.end + RIVAL_NEAR) or hit.begin <= joint < hit.end:
        return False
    other = sentence.part(joint + 1, len(sentence.words)) if behind else sentence.part(0, joint)
    if not other.words or any(
        (one.begin == 0) if behind else (one.end == len(other.words)) for one in hits(other, golds)
    ):
        return False
    token = sentence.tokens[joint + 1 if behind else joint - 1]
    return joint in (hit.end, hit.begin - 1) or token.written[:1].isupper() or token.value is not None


def _is_candidate(clauses: Sequence[Said], golds: Golds) -> bool:
    """Return whether a gold answer occurs in a run of many short clauses: a list of candidates. Gold lists may be long."""
    if golds.lists:
        return False
    run: list[bool] = []
    for clause in clauses:
        run = [*run, any(hits(clause, golds))] if 0 < len(clause.words) <= SHORT_CLAUSE else []
        if len(run) >= CANDIDATES and any(run):
            return True
    return False


def _is_part(text: str, golds: Golds) -> bool:
    """Return whether a gold answer contains the answer."""
    own = said(text)
    telling = 0 < len(own.words) <= EITHER_TOKENS and (text[:1].isupper() or text[:1].isdigit())
    spelled = "".join(own.words)
    return (
        telling
        and spelled not in LIGHT
        and any(spelled in _spans(gold, len(own.words)) for gold in golds.read)
    )


def _spans(gold: Sequence[Token], about: int) -> set[str]:
    """Return the stretches of a gold answer, in tokens, that are about as long as an answer."""
    lengths = range(max(1, about - 1), about + 2)
    return {key(gold[at : at + length]) for length in lengths for at in range(len(gold) - length + 1)}
