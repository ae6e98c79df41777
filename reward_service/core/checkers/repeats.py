"""Answers that repeat their question around a gold answer: "The capital of Peru is Lima." for "What is the capital of Peru?".

Every other word has to be the question's own, or one that says nothing. What stands right beside the gold answer can still make
something else of it, and such an answer is refused:

- "before 1950", "by 1950", "not Lima", "Lima or Cusco";
- a longer name: "Lake Michigan" for Michigan, "New Mexico" for Mexico, "On the Road" for The Road;
- a relation that the question does not ask for: "Ann's mother", "the mother of Ann".
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reward_service.core.checkers.golds import LIGHT, Golds, echo
from reward_service.core.checkers.tables import (
    APPROXIMATE,
    AROUND,
    ASKING,
    ASKS_WHERE,
    ASKS_WHO,
    AUXILIARIES,
    BOUNDS,
    CHANGING,
    HEDGES,
    INTRODUCING,
    KIN,
    LIGHT_RUN_TOGETHER,
    NEGATIONS,
    NOT_AROUND,
    PREPOSITIONS,
    PRONOUNS,
    SORTS,
)
from reward_service.core.checkers.tokens import Token, key
from reward_service.core.matching import lexicon

MAX_REPEATED = 60
"""Tokens of an answer that repeats its question."""
MAX_WIDER = 4
"""Words of the question that a gold answer may begin or end with."""


class Sentence(NamedTuple):
    """An answer with a gold answer at the tokens [begin, end)."""

    text: str
    tokens: Sequence[Token]
    words: Sequence[str]
    begin: int
    end: int

    @property
    def spelled(self) -> str:
        """The gold answer as it is spelled here."""
        return "".join(self.words[self.begin : self.end])

    @property
    def before(self) -> str:
        """The word right before the gold answer; empty where there is none."""
        return self.words[self.begin - 1] if self.begin else ""

    def beside(self, first: int, second: int) -> str:
        """Return the word of two neighbours that is outside the gold answer, where it has a capital and no stop is between them."""
        if first < 0 or second == len(self.words):
            return ""
        out = self.tokens[second if second == self.end else first]
        joined = f"{self.tokens[first].written} {self.tokens[second].written}"
        named = out.written.istitle() and out.value is None and out.text not in ("a", "an")
        return key([out]) if named and joined in self.text else ""

    @property
    def is_amount(self) -> bool:
        """Whether the gold answer begins with a number or a date."""
        token = self.tokens[self.begin]
        return token.value is not None or bool(token.mark)


def repeats_question(text: str, said: Sequence[Token], golds: Golds) -> bool:
    """Return whether an answer is a gold answer among words of the question.

    Where the question is not known, "it is" and the like are all that may stand around it. The gold answer has to take in
    every word that the question has not, so a question that offers its answers is no help.
    """
    if len(said) > MAX_REPEATED:
        return False
    words = [_spelled(token, golds) for token in said]
    news = [at for at, word in enumerate(words) if not _is_light(word, golds)]
    if not news:
        return _chooses(words, golds)
    return any(_says_it(Sentence(text, said, words, *span), golds) for span in _golds(words, news, golds))


def _spelled(token: Token, golds: Golds) -> str:
    """Return what a token shares with its other spellings; a date within the gold year or month counts as that, if a question is known."""
    own = key([token])
    if not golds.asked or not token.mark.startswith("@") or own in golds.keys:
        return own
    year, month, _ = token.mark[1:].split("-")
    return next((wider for wider in (f"<{year}>", f"<@{year}-{month}->") if wider in golds.keys), own)


def _chooses(words: Sequence[str], golds: Golds) -> bool:
    """Return whether an answer says of a gold answer that the question offers what the question asks: "Lima is larger" of "Is Lima or Cusco larger?"."""
    begin = next(
        (
            end
            for end in range(1, len(words))
            if "".join(words[:end]) in golds.keys and words[end] in AUXILIARIES
        ),
        0,
    )
    said = words[begin:]
    taken_back = golds.own(said, NEGATIONS | CHANGING - {"than"}) or not (HEDGES | {"and"}).isdisjoint(said)
    return bool(begin) and "or" in golds.asked and not taken_back


def _golds(words: Sequence[str], news: Sequence[int], golds: Golds) -> Iterator[tuple[int, int]]:
    """Yield where gold answers stand that take in all of the news, the shortest first."""
    for begin in range(news[0], max(-1, news[0] - MAX_WIDER), -1):
        for end in range(news[-1] + 1, min(len(words), news[-1] + MAX_WIDER) + 1):
            spelled = "".join(words[begin:end])
            if spelled in golds.keys or spelled in golds.orders:
                yield begin, end


def _is_light(word: str, golds: Golds) -> bool:
    if not golds.asked:
        return word in INTRODUCING
    if word in golds.asked or word == "than" or (word in LIGHT and word not in NOT_AROUND):
        return True
    return not echo(word).isdisjoint(golds.asked)


def _says_it(one: Sentence, golds: Golds) -> bool:
    """Return whether nothing around the gold answer makes something else of it."""
    return not (
        _is_changed(one, golds)
        or _is_longer_name(one, golds)
        or _is_led(one, golds)
        or _has_possession(one, golds)
        or _is_relation(one, golds)
    )


def _is_changed(one: Sentence, golds: Golds) -> bool:
    """Return whether the answer denies or doubts, or a word such as "before" or "with" precedes the gold answer."""
    if any(not one.begin <= at < one.end for at in golds.own(one.words, NEGATIONS | HEDGES)):
        return True
    if one.spelled in golds.orders and one.before == "between":
        return False
    joined = one.end < len(one.words) and one.words[one.end] == "and"
    return joined or (bool(one.before) and _changes(one, golds))


def _changes(one: Sentence, golds: Golds) -> bool:
    """Return whether the word before the gold answer makes something else of it."""
    if one.is_amount and one.before in BOUNDS | APPROXIMATE:
        return one.before not in golds.asked
    if one.begin - 1 in golds.own(one.words[: one.begin + 1], CHANGING):
        return True
    return one.before not in AROUND | LIGHT_RUN_TOGETHER and echo(one.before).isdisjoint(golds.asked)


def _is_longer_name(one: Sentence, golds: Golds) -> bool:
    """Return whether the gold answer is a part of a name: a word beside it has a capital that no sentence gives it.

    What the question asks for may be a part of the name or not: "which river" is the Garonne or the Garonne River.
    """
    if one.is_amount:
        return False
    behind, before = one.beside(one.end - 1, one.end), one.beside(one.begin - 1, one.begin)
    goes_on = behind not in AROUND and echo(behind).isdisjoint(golds.wanted)
    began = before not in lexicon.TITLES and echo(before).isdisjoint(golds.wanted)
    return (bool(behind) and goes_on) or (bool(before) and began and (before not in AROUND or one.begin > 1))


def _is_led(one: Sentence, golds: Golds) -> bool:
    """Return whether a pronoun or a preposition is all that precedes the gold answer, and the question asks for no place or time."""
    if one.begin != 1 or one.is_amount or one.before not in PREPOSITIONS | PRONOUNS:
        return False
    if one.tokens[0].written.endswith("'s"):  # "It's"
        return False
    return one.before in PRONOUNS or not (
        (one.before == "by" and golds.asked & ASKS_WHO)
        or golds.asked & ASKS_WHERE
        or any((one.before, which) in golds.pairs for which in ASKING)
    )


def _has_possession(one: Sentence, golds: Golds) -> bool:
    """Return whether the answer is about something of the gold answer, and the question does not ask whose: "Ann's mother"."""
    if (
        one.end == len(one.words)
        or not one.tokens[one.end - 1].written.endswith("'s")
        or "whose" in golds.asked
    ):
        return False
    return not any(gold[-1].written.endswith("'s") for gold in golds.read if key(gold) == one.spelled)


def _is_relation(one: Sentence, golds: Golds) -> bool:
    """Return whether the gold answer is what another is a relative of, or the like, and the question does not ask of whom."""
    if one.begin < 2 or one.before != "of" or "whose" in golds.asked:
        return False
    related = one.words[one.begin - 2]
    if one.tokens[one.begin - 2].written[:1].isupper() or related in SORTS:
        return False
    if not echo(related).isdisjoint(golds.wanted):
        return False
    asked_of = any(("of", which) in golds.pairs for which in (*ASKING, ""))
    return not asked_of and (related in KIN or (related, "of") in golds.pairs)
