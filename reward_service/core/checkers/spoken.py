"""Numbers as languages other than English say them: "veintiuno", "quatre-vingt-quinze", "einundzwanzig", "сорок два".

A language is a row: its numbers from 0 on that have words of their own, the tens after them, what joins tens and ones, the
hundreds, and a thousand. Everything up to 999,999 follows from it. Words are compared as folding spells them and run together, so
that it does not matter where a language puts its blanks and hyphens.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from entity_index.spelling import folded
from reward_service.core.checkers.tables import (
    CARDINALS,
    MONEY,
    PERCENT,
    RULING,
    RULING_NAMES,
    SCALES,
    SCALES_ELSEWHERE,
    UNITS,
)
from reward_service.core.checkers.tokens import Token


class Speech(NamedTuple):
    """How a language says its numbers; alternatives are joined by a slash."""

    small: str
    """From 0 on, as far as numbers have words of their own."""
    tens: str
    """The multiples of ten that follow, up to 90."""
    joint: str
    """How {tens} and {ones} are joined."""
    hundreds: str
    """One word that ones precede, or those for 100, 200, and so on."""
    thousands: str


SPEECHES = (
    Speech(
        "null ein/eins/eine zwei drei vier fünf/fuenf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
        "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
        "{ones}und{tens}", "hundert", "tausend",
    ),
    Speech(
        "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien",
        "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
        "{ones}en{tens}", "honderd", "duizend",
    ),
    Speech(
        """zéro un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf""",
        """vingt trente quarante cinquante soixante septante/soixante-dix huitante/quatre-vingt/quatre-vingts nonante/quatre-vingt-dix""",
        "{tens}{ones}/{tens}et{ones}", "cent/cents", "mille",
    ),
    Speech(
        """cero un/uno/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho
        diecinueve veinte veintiún/veintiuno/veintiuna veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve""",
        "treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        "{tens}y{ones}",
        """cien/ciento doscientos/doscientas trescientos/trescientas cuatrocientos/cuatrocientas quinientos/quinientas seiscientos/seiscientas
        setecientos/setecientas ochocientos/ochocientas novecientos/novecientas""",
        "mil",
    ),
    Speech(
        """zero um/uma dois/duas três quatro cinco seis sete oito nove dez onze doze treze quatorze/catorze quinze dezesseis/dezasseis
        dezessete/dezassete dezoito dezenove/dezanove""",
        "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
        "{tens}e{ones}",
        """cem/cento duzentos/duzentas trezentos/trezentas quatrocentos/quatrocentas quinhentos/quinhentas seiscentos/seiscentas
        setecentos/setecentas oitocentos/oitocentas novecentos/novecentas""",
        "mil",
    ),
    Speech(
        """zero un/uno/una due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette
        diciotto diciannove""",
        "venti/vent trenta/trent quaranta/quarant cinquanta/cinquant sessanta/sessant settanta/settant ottanta/ottant novanta/novant",
        "{tens}{ones}", "cento", "mille/mila",
    ),
    Speech(
        """ноль/нуль один/одна/одно два/две три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать
        пятнадцать шестнадцать семнадцать восемнадцать девятнадцать""",
        "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
        "{tens}{ones}", "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот", "тысяча/тысячи/тысяч",
    ),
    Speech(
        """zero jeden/jedna dwa/dwie trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście
        szesnaście siedemnaście osiemnaście dziewiętnaście""",
        """dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt""",
        "{tens}{ones}", "sto dwieście trzysta czterysta pięćset sześćset siedemset osiemset dziewięćset", "tysiąc/tysiące/tysięcy",
    ),
    Speech(
        "noll en/ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton",
        "tjugo trettio fyrtio femtio sextio sjuttio åttio nittio",
        "{tens}{ones}", "hundra", "tusen",
    ),
    Speech(
        "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
        "on yirmi otuz kırk elli altmış yetmiş seksen doksan",
        "{tens}{ones}", "yüz", "bin",
    ),
)  # fmt: skip
NOT_ALONE = frozenset(
    "un une ein eine een en ett um uma una uno bir on once elf due cent sex bin tio tre fem elli null zero nul".split()  # noqa: SIM905
)
"""Words that are articles or mean something else in another language; they count before a scale or a unit, or in a longer number."""
MOST_WORDS = 8
MOST_LETTERS = 64
COUNTED = frozenset((*SCALES, *SCALES_ELSEWHERE, *UNITS, *PERCENT, *MONEY))


class Tongue(NamedTuple):
    """A language's numbers, spelled as they are compared."""

    below_100: dict[str, int]
    hundreds: dict[str, int]
    thousands: tuple[str, ...]
    joints: tuple[str, ...]

    def number(self, run: str) -> int | None:
        """Return the number that these words are, up to 999,999; None where they are none."""
        for thousand in self.thousands:
            many, said, over = run.partition(thousand)
            above, below = self._below_2000(many, 1), self._below_2000(over, 0)
            if said and above is not None and below is not None:
                return above * 1000 + below
        return self._below_2000(run, None)

    def _below_2000(self, run: str, nothing: int | None) -> int | None:
        if not run:
            return nothing
        if (own := self._below_100(run)) is not None:
            return own
        for hundred, value in self.hundreds.items():
            if run == hundred:
                return value
            if run.startswith(hundred) and (over := self._below_100(run[len(hundred) :])) is not None:
                return value + over
        return None

    def _below_100(self, run: str) -> int | None:
        bare = next((run[len(joint) :] for joint in self.joints if run.startswith(joint)), run)
        return self.below_100.get(run, self.below_100.get(bare))


def _ways(row: str) -> list[list[str]]:
    """Return the words of a row, each with its alternatives, as folding spells them."""
    return [[folded(way.replace("-", "")) for way in word.split("/")] for word in row.split()]


def _said_below_100(speech: Speech) -> Iterator[tuple[str, int]]:
    small, tens = _ways(speech.small), _ways(speech.tens)
    yield from ((way, number) for number, ways in enumerate(small) for way in ways)
    for number, ways in enumerate(tens, 10 - len(tens)):
        yield from ((ten, number * 10) for ten in ways)
        # Up to 19: "soixante et onze", "quatre-vingt-dix".
        for one, own in enumerate(small[1:20], 1):
            yield from (
                (said, number * 10 + one) for ten in ways for way in own for said in _joined(speech, ten, way)
            )


def _joined(speech: Speech, ten: str, one: str) -> Iterator[str]:
    for joint in speech.joint.split("/"):
        yield joint.format(tens=ten, ones=one)


def _said_in_hundreds(speech: Speech) -> Iterator[tuple[str, int]]:
    first, *others = _ways(speech.hundreds)
    yield from ((way, 100) for way in first)
    yield from ((way, number * 100) for number, ways in enumerate(others, 2) for way in ways)
    if not others:
        small = enumerate(_ways(speech.small)[1:20], 1)
        yield from (
            (f"{way}{hundred}", number * 100) for number, ways in small for way in ways for hundred in first
        )


def _tongue(speech: Speech) -> Tongue:
    below_100: dict[str, int] = {}
    for said, number in _said_below_100(speech):
        below_100.setdefault(said, number)
    (thousands,) = _ways(speech.thousands)
    joints = tuple(filter(None, speech.joint.format(tens="", ones="").split("/")))
    return Tongue(below_100, dict(_said_in_hundreds(speech)), tuple(thousands), joints)


TONGUES = tuple(map(_tongue, SPEECHES))
LETTERS = 3
OPENINGS = frozenset(
    word[:LETTERS]
    for tongue in TONGUES
    for word in (*tongue.below_100, *tongue.hundreds, *tongue.thousands, *tongue.joints)
)
"""What a word of a number begins with: most words do not, and cost no more than this."""


@lru_cache(maxsize=4096)
def number(run: str) -> int | None:
    """Return the number that words run together are in some language; None where they are none.

    >>> number("einundzwanzig"), number("soixanteetonze"), number("house")
    (21, 71, None)
    """
    if len(run) > MOST_LETTERS:
        return None
    return next((own for tongue in TONGUES if (own := tongue.number(run)) is not None), None)


def elsewhere(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens with a number of another language that they begin with as one number, and rulers' ordinals as numbers.

    It has to be all there is, or stand before a scale, a unit, a currency or a percent sign.
    """
    if not tokens:
        return tokens
    if tokens[0].text[:LETTERS] in OPENINGS and tokens[0].text not in CARDINALS:
        tokens = _opening(tokens)
    return _ruling(tokens) if any(token.text in RULING for token in tokens[1:]) else tokens


def _opening(tokens: Sequence[Token]) -> Sequence[Token]:
    run, found, taken = "", None, 0
    for at, token in enumerate(tokens[:MOST_WORDS], 1):
        if token.text[:LETTERS] not in OPENINGS or token.value is not None:
            break
        run += token.text
        if (own := number(run)) is not None:
            found, taken = own, at
    following = next((token.text for token in tokens[taken:] if token.text), "")
    if found is None or (following and following not in COUNTED):
        return tokens
    if taken == 1 and not following and tokens[0].text in NOT_ALONE:
        return tokens
    return (Token(run, Fraction(found), written=tokens[0].written), *tokens[taken:])


def _ruling(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens with "der Vierzehnte" or "Quatorze" behind the name of a ruler as 14."""
    out: list[Token] = []
    for token in tokens:
        number_ = RULING.get(token.text)
        begin = len(out) - (bool(out) and out[-1].text in ("der", "de"))
        if number_ is not None and begin and out[begin - 1].text in RULING_NAMES:
            out[begin:] = [Token(token.text, Fraction(number_), written=token.written)]
        else:
            out.append(token)
    return out


def ruler(tokens: list[Token]) -> list[Token]:
    """Return the tokens with rulers' names before a numeral in one language: Ludwig XIV, Luis XIV, Louis XIV; in place."""
    for at in range(1, len(tokens)):
        if tokens[at].value is not None:
            before = at - 1 - (tokens[at - 1].text == "the")
            while before >= 0 and (name := RULING_NAMES.get(tokens[before].text)):
                tokens[before] = Token(name, written=tokens[before].written)
                before -= 1
    return tokens
