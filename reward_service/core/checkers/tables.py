"""Facts about language that reading an answer needs, as tables.

They are open-ended. What is missing leaves two spellings of one answer apart; nothing here brings different ones together.
"""

from fractions import Fraction

from entity_index.spelling import folded


def _word(text: str) -> str:
    return folded(text).replace(" ", "")


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_word, text.split()))


def _numbered(text: str, start: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.split(), start)}


CARDINALS = {
    **_numbered("zero one two three four five six seven eight nine ten eleven twelve", 0),
    **_numbered("thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 13),
    **{word: 10 * tens for word, tens in _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2).items()},
}  # fmt: skip
ORDINALS = {
    **_numbered("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth", 1),
    **_numbered("thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth", 13),
    **{word: 10 * tens for word, tens in _numbered(
        "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth", 2).items()},
}  # fmt: skip
SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "lakh": 10**5, "million": 10**6, "crore": 10**7,
    "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
SHORT_SCALES = {"mn": 10**6, "mln": 10**6, "bn": 10**9, "tn": 10**12}
# After an amount of money only: elsewhere "m" is a metre and "k" a name.
MONEY_SCALES = {"k": 1000, "m": 10**6, "b": 10**9}
PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip
NEGATIVE = frozenset({"minus", "negative"})

_MONTH_NAMES = """
january jan januar janvier enero gennaio janeiro januari января январь ocak styczen stycznia
february feb februar fevrier febrero febbraio fevereiro februari февраля февраль subat luty lutego
march mar marz maerz mars marzo marco maart марта март mart marzec marca
april apr avril abril aprile апреля апрель nisan kwiecien kwietnia
may mai mayo maggio maio mei мая май mayis maj maja
june jun juni juin junio giugno junho июня июнь haziran czerwiec czerwca
july jul juli juillet julio luglio julho июля июль temmuz lipiec lipca
august aug aout agosto augustus augusti августа август agustos sierpien sierpnia
september sept sep septembre septiembre settembre setembro сентября сентябрь eylul wrzesien wrzesnia
october oct oktober octobre octubre ottobre outubro октября октябрь ekim pazdziernik pazdziernika
november nov novembre noviembre novembro ноября ноябрь kasim listopad listopada
december dec dezember decembre diciembre dicembre dezembro desember декабря декабрь aralik grudzien grudnia
"""
MONTHS = {
    _word(name): month
    for month, line in enumerate(_MONTH_NAMES.strip().splitlines(), 1)
    for name in line.split()
}
WEEKDAYS = _words("""monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
    montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche
    lunes martes miercoles jueves viernes sabado domingo""")
ERAS = frozenset({"ad", "ce"})

MONEY = {
    "$": "$", "usd": "$", "dollar": "$", "dollars": "$", "€": "€", "eur": "€", "euro": "€", "euros": "€",
    "£": "£", "gbp": "£", "¥": "¥", "jpy": "¥", "yen": "¥", "₹": "₹", "inr": "₹", "rs": "₹", "rupee": "₹", "rupees": "₹",
    "₩": "₩", "krw": "₩", "₽": "₽", "rouble": "₽", "roubles": "₽", "ruble": "₽", "rubles": "₽",
    "cny": "cny", "rmb": "cny", "yuan": "cny", "chf": "chf", "¢": "¢", "cent": "¢", "cents": "¢",
}  # fmt: skip
PERCENT = frozenset({"%", "percent", "pct", "процентов", "процента", "prozent"})

# Names of one unit | what it measures | how many of the base unit it is.
_UNITS = """
m metre metres meter meters 米 公尺 | length | 1
km kms kilometre kilometres kilometer kilometers 公里 千米 км | length | 1000
cm centimetre centimetres centimeter centimeters 厘米 | length | 1/100
mm millimetre millimetres millimeter millimeters 毫米 | length | 1/1000
mi mile miles | length | 1609344/1000
yd yds yard yards | length | 9144/10000
ft foot feet | length | 3048/10000
inch inches | length | 254/10000
nmi | length | 1852
g gram grams gramme grammes 克 | mass | 1
kg kgs kilogram kilograms kilogramme kilogrammes kilo kilos 公斤 千克 кг | mass | 1000
mg milligram milligrams | mass | 1/1000
tonne tonnes | mass | 1000000
lb lbs pound pounds | mass | 45359237/100000
oz ounce ounces | mass | 28349523125/1000000000
ton tons | ton | 1
stone | stone | 1
l litre litres liter liters | volume | 1
ml millilitre millilitres milliliter milliliters | volume | 1/1000
gallon gallons gal | gallon | 1
pint pints | pint | 1
ha hectare hectares | length^2 | 10000
acre acres | length^2 | 40468564224/10000000
sec secs second seconds 秒 | time | 1
min mins minute minutes 分钟 | time | 60
hr hrs hour hours 小时 | time | 3600
day days | time | 86400
week weeks | time | 604800
month months | months | 1
year years yr yrs | months | 12
decade decades | months | 120
century centuries | months | 1200
hz hertz | frequency | 1
khz kilohertz | frequency | 1000
mhz megahertz | frequency | 1000000
ghz gigahertz | frequency | 1000000000
watt watts | power | 1
kw kilowatt kilowatts | power | 1000
mw megawatt megawatts | power | 1000000
volt volts | voltage | 1
kb kilobyte kilobytes | bytes | 1000
mb megabyte megabytes | bytes | 1000000
gb gigabyte gigabytes | bytes | 1000000000
tb terabyte terabytes | bytes | 1000000000000
celsius centigrade | celsius | 1
fahrenheit | fahrenheit | 1
kelvin kelvins | kelvin | 1
° degree degrees | angle | 1
"""
Unit = tuple[str, Fraction]
UNITS: dict[str, Unit] = {
    name: (measure.strip(), Fraction(factor.strip()))
    for names, measure, factor in (line.split("|") for line in _UNITS.strip().splitlines())
    for name in names.split()
}
# Behind a slash or "per" only: "1990s" is no number of seconds.
PER = {**UNITS, "h": UNITS["hour"], "s": UNITS["second"]}
SPEEDS = {"kmh": ("km", "hour"), "kph": ("km", "hour"), "mph": ("mi", "hour"), "kmph": ("km", "hour")}
DEGREES = frozenset({"°", "degree", "degrees"})
OF_HEAT = {
    "c": "celsius",
    "f": "fahrenheit",
    "celsius": "celsius",
    "fahrenheit": "fahrenheit",
    "centigrade": "celsius",
}
POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "平方": 2}
POWERS_BEHIND = {"squared": 2, "cubed": 3}

# One word for one word, whichever of them is written.
SAME_WORD = {
    "&": "and", "mt": "mount", "vs": "versus", "jr": "junior", "jnr": "junior", "sr": "senior", "snr": "senior",
    "mr": "mister", "mrs": "missus", "dr": "doctor", "prof": "professor", "rev": "reverend", "gen": "general",
    "capt": "captain", "sgt": "sergeant", "lt": "lieutenant", "col": "colonel",
}  # fmt: skip

# What may stand before a name without being part of it.
TITLES = _words("""king queen prince princess sir dame lord lady emperor empress tsar czar pope saint st baron baroness count countess duke
    duchess earl viscount marquess president doctor dr mr mrs ms miss professor prof reverend rev general gen admiral
    captain capt colonel col major lieutenant lt sergeant sgt senator governor judge justice cardinal archbishop bishop
    sultan shah maharaja chancellor""")
PARTICLES = _words("van von der den de la le du da di del della dos das bin ibn al el ter ten zu af")
LEADS = _words("by in at from around about on circa approximately roughly")
NO_COUNTED = _words("men women people children mice geese oxen fish sheep deer")

YES = _words("yes yeah yep true correct はい да ja oui si sim evet 是 是的 对 네 예")
NO = _words("no nope false incorrect いいえ нет nein non nao hayir 否 不 不是 아니요 아니오")
# A "no" that answers is followed by a stop or by one of these; "no idea" and "no information" are none.
AFTER_NO = _words("they he she it we i you both neither only the this that these those there")
NEGATIONS = _words("""not no never neither nor none nobody nothing nowhere without isnt arent wasnt werent dont doesnt didnt cant cannot
    couldnt wont wouldnt hasnt havent hadnt unable fail fails failed except instead rather unlike nicht kein keine nie ne pas
    jamais non nunca не нет 不 没 沒""")
# Denials of languages that run words together, as they stand in a clause.
RUN_TOGETHER = tuple(
    map(
        _word,
        [
            "不是",
            "并非",
            "並非",
            "没有",
            "沒有",
            "不在",
            "ではな",
            "ではあり",
            "じゃな",
            "でない",
            "아니",
            "아닙",
            "않",
        ],
    )
)
HEDGES = _words("""or either maybe perhaps possibly probably might could unclear unknown unsure unsurely uncertain guess alternatively oder
    ou или либо 或 或者 もしくは または 또는""")
UNSURE = _words(
    "know find found sure unclear unknown information evidence unable determine idea maybe perhaps"
)
REPORTS = _words("know find found sure determine information evidence mention mentioned")
DOUBTS = _words("perhaps maybe possibly probably guess unclear unsure")
LIGHT_RUN_TOGETHER = _words("是 的 了 在 为 為 は が の を で す に")
