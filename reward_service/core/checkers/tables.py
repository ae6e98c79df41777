"""Facts about language that reading an answer needs, as tables.

They are open-ended. What is missing leaves two spellings of one answer apart; nothing here brings different ones together.
"""

from fractions import Fraction

from entity_index.spelling import folded
from reward_service.core.matching import lexicon, numerals


def _word(text: str) -> str:
    return folded(text).replace(" ", "")


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_word, text.split()))


SIMPLE = (*range(20), *range(20, 100, 10))  # what has a word of its own
CARDINALS = {numerals.words_of(number): number for number in SIMPLE}
ORDINALS = {numerals.ordinal_words(number): number for number in SIMPLE[1:]}
SCALES = {"dozen": 12, "hundred": 100, "lakh": 10**5, "crore": 10**7, **lexicon.SCALES}
SHORT_SCALES = {"mn": 10**6, "mln": 10**6, "bn": 10**9, "tn": 10**12}
# No "billion" of other languages: in most of them it is 10**12.
SCALES_ELSEWHERE = dict.fromkeys(_words("тысяча тысячи тысяч тыс tausend"), 10**3)
SCALES_ELSEWHERE |= dict.fromkeys(
    _words(
        """миллион миллиона миллионов млн millionen millions millón millones milione milioni milhão milhões"""
    ),
    10**6,
)
SCALES_ELSEWHERE |= dict.fromkeys(
    _words(
        """миллиард миллиарда миллиардов млрд milliarde milliarden milliard milliards miliardo miliardi"""
    ),
    10**9,
)
# Behind digits; Korean writes the same powers.
MYRIADS = {**lexicon.HAN_GROUPS, "만": 10**4, "억": 10**8}
# After an amount of money only: elsewhere "m" is a metre and "k" a name.
MONEY_SCALES = {"k": 1000, "m": 10**6, "b": 10**9}
PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip
NEGATIVE = frozenset({"minus", "negative"})

MONTHS = {
    _word(name): month
    for month, names in enumerate(
        zip(lexicon.MONTHS, lexicon.SHORT_MONTHS, lexicon.MONTHS_ELSEWHERE, strict=True), 1
    )
    for name in " ".join(names).split()
}
MONTHS |= {
    _word(name): month
    for names in (
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    )
    for month, name in enumerate(names.split(), 1)
}
WEEKDAYS = _words("""monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
    montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche
    lunes martes miercoles jueves viernes sabado domingo""")
ARTICLES_OF_DATES = frozenset({"le", "el", "il", "den", "am"})
ERAS = frozenset({"ad", "ce"})
SEASONS = _words("spring summer autumn fall winter")
YEAR_WORDS = frozenset({"года", "год", "г", "року", "р"})

MONEY = {
    "$": "$", "usd": "$", "dollar": "$", "dollars": "$", "€": "€", "eur": "€", "euro": "€", "euros": "€",
    "£": "£", "gbp": "£", "¥": "¥", "jpy": "¥", "yen": "¥", "₹": "₹", "inr": "₹", "rs": "₹", "rupee": "₹", "rupees": "₹",
    "us$": "$", "a$": "aud", "au$": "aud", "aud": "aud", "c$": "cad", "ca$": "cad", "cad": "cad", "hk$": "hkd", "hkd": "hkd",
    "nz$": "nzd", "nzd": "nzd", "s$": "sgd", "sgd": "sgd", "nt$": "twd", "r$": "brl", "brl": "brl", "mx$": "mxn", "mxn": "mxn",
    "₩": "₩", "krw": "₩", "₽": "₽", "rouble": "₽", "roubles": "₽", "ruble": "₽", "rubles": "₽",
    "cny": "cny", "rmb": "cny", "yuan": "cny", "chf": "chf", "¢": "¢", "cent": "¢", "cents": "¢",
}  # fmt: skip
MONEY |= {
    _word(name): sign
    for sign, names in {
        "$": "美元 доллар доллара долларов dólar dólares dollari",
        "€": "欧元 евро",
        "£": "英镑",
        "¥": "円 日元",
        "₽": "рубль рубля рублей",
        "₩": "원",
        "cny": "元 人民币",
    }.items()
    for name in names.split()
}
MONEY_IN_TWO_WORDS = {
    (first, currency): sign
    for first, sign, *currencies in (
        row.split()
        for row in (
            "american $ dollar dollars", "canadian cad dollar dollars", "australian aud dollar dollars", "singapore sgd dollar dollars",
            "british £ pound pounds", "pound £ sterling", "pounds £ sterling", "swiss chf franc francs", "japanese ¥ yen",
            "indian ₹ rupee rupees", "chinese cny yuan", "brazilian brl real reais", "russian ₽ rouble roubles ruble rubles",
        )
    )
    for currency in currencies
}  # fmt: skip
PERCENT = frozenset({"%", "percent", "pct", "процентов", "процента", "процент", "prozent"})
PER_CENT = frozenset(
    {("per", "cent"), ("pour", "cent"), ("por", "ciento"), ("por", "cento"), ("per", "cento")}
)

RULING = {
    _word(ordinal): number
    for _, ordinals in (*lexicon.RULERS.values(), *lexicon.QUEENS.values())
    for number, ordinal in enumerate(ordinals.split(), 1)
} | {
    _word(ordinal): number
    for ordinals in (
        "Premier Second Troisième Quatrième Cinquième Sixième Septième Huitième Neuvième Dixième",
        "Primero Segundo Tercero Quarto Quinto",
    )
    for number, ordinal in enumerate(ordinals.split(), 1)
}
"""What follows the names of rulers instead of a numeral."""
RULING_NAMES = {
    _word(name): _word(names.split()[0])
    for names in """Louis Ludwig Luis Luigi Luís Lodewijk Ludvig Людовик
    Henry Heinrich Henri Enrique Enrico Henrique Hendrik Henrik Генрих
    Charles Karl Carlos Carlo Karel Карл
    Philip Philipp Philippe Felipe Filippo Filipe Filips Филипп
    John Johannes Johann Juan Giovanni João Иоанн
    James Jakob Jacques Jaime Giacomo Jacobo Яков
    William Wilhelm Guillaume Guillermo Guglielmo Willem Вильгельм
    Frederick Friedrich Frédéric Federico Frederik Фридрих
    George Georg Georges Jorge Giorgio Георг
    Peter Pierre Pedro Pietro Pyotr Пётр
    Paul Pablo Paolo Paulus Paulo Павел
    Catherine Katharina Catalina Caterina Catarina Yekaterina Ekaterina Екатерина
    Elizabeth Elisabeth Élisabeth Elisabetta Елизавета
    Francis Franz François Francisco Francesco Франциск Франц
    Ferdinand Fernando Ferdinando Fernão Фердинанд
    Alexander Alexandre Alejandro Alessandro Aleksandr Александр
    Nicholas Nikolaus Nicolas Nicolás Niccolò Nikolai Nicolau Николай
    Gregory Gregor Grégoire Gregorio Gregório Gregorius Григорий
    Benedict Benedikt Benoît Benedicto Benedetto Bento Бенедикт
    Pius Pie Pío Pio Пий
    Clement Clemens Clément Clemente Климент
    Innocent Innozenz Inocencio Innocenzo Иннокентий
    Leo Léon León Leone Leão Лев
    Margaret Margarethe Margrethe Margarita Marguerite Маргрете
    Mary Maria Marie María Мария
    Gustav Gustaf Gustavus Gustave Gustavo Густав
    Leopold Léopold Leopoldo Леопольд
    Maximilian Maximilien Maximiliano Massimiliano Максимилиан
    Napoleon Napoléon Napoleón Napoleone Наполеон""".splitlines()
    for name in names.split()
}
"""A ruler's name in other languages -> in English. They count before a numeral alone: elsewhere Karl and Charles are two names."""

Unit = tuple[str, Fraction]
UNITS: dict[str, Unit] = {
    name: (measure, Fraction(factor)) for *names, measure, factor in lexicon.UNITS for name in names
}
UNITS |= {
    _word(name): UNITS[unit]
    for unit, names in {
        "m": "м метр метра метров metro metros metri メートル 미터",
        "km": "километр километра километров kilómetro kilómetros chilometro chilometri quilômetro quilômetros キロメートル 킬로미터",
        "kg": "килограмм килограмма килограммов kilogramm キログラム 킬로그램",
        "hour": "час часа часов stunde stunden heure heures hora horas ora ore",
        "minute": "минута минуты минут minuten minuto minutos minuti",
        "day": "день дня дней tag tage jour jours día días giorno giorni dia dias",
        "week": "неделя недели недель woche wochen semaine semaines semana semanas settimana settimane",
        "month": "месяц месяца месяцев monat monate monaten mois mes meses mese mesi mês",
        "second": "секунда секунды секунд sekunde sekunden seconde secondes segundo segundos secondo secondi",
        "year": "лет jahr jahre jahren ans année années año años anno anni ano anos",
    }.items()
    for name in names.split()
}
UNITS |= {
    "wh": ("energy", Fraction(3600)),
    "kwh": ("energy", Fraction(3_600_000)),
    "mwh": ("energy", Fraction(3_600_000_000)),
}
UNITS |= {"mmhg": ("mmhg", Fraction(1))}
UNITS_IN_TWO_WORDS = {
    ("nautical", "mile"): UNITS["nmi"],
    ("nautical", "miles"): UNITS["nmi"],
    ("kilowatt", "hour"): UNITS["kwh"],
    ("kilowatt", "hours"): UNITS["kwh"],
    ("megawatt", "hours"): UNITS["mwh"],
    ("mm", "hg"): UNITS["mmhg"],
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
    "&": "and",
    "mt": "mount",
    "jr": "junior",
    "jnr": "junior",
    "sr": "senior",
    "snr": "senior",
    "bce": "bc",
    "utc": "gmt",
    "π": "pi",
    "√": "sqrt",
    "vs": "versus",
    "년": "年",
    "월": "月",
    "일": "日",
} | (lexicon.SHORT_TITLES)

APPROXIMATE = _words("around about circa ca approximately approx roughly") | {"≈"}
COMPARING = {(word,): "circa" for word in APPROXIMATE} | {
    tuple(phrase.split()): word
    for word, phrases in {
        "over": "over / more than / greater than / >",
        "under": "under / less than / fewer than / <",
        "atleast": "at least / no fewer than / no less than / minimum of / ≥",
        "atmost": "at most / up to / no more than / maximum of / ≤",
        "almost": "almost / nearly / just under / close to",
    }.items()
    for phrase in phrases.split(" / ")
}
"""What stands before a number and makes another of it -> one word for it."""
COMPARING_BEHIND = {
    ("or", "so"): "circa",
    ("or", "thereabouts"): "circa",
    ("or", "more"): "atleast",
    ("+",): "atleast",
    ("or", "less"): "atmost",
    ("or", "fewer"): "atmost",
}
LEADS = APPROXIMATE | _words("by in at from on c for")
NO_COUNTED = _words("men women people children mice geese oxen fish sheep deer")

YES = _words(
    "yes yeah yep true correct absolutely certainly definitely نعم हाँ tak evet はい да ja oui si sim evet 是 是的 对 네 예"
)
NO = _words("no nope false incorrect لا नहीं いいえ нет nein non nao hayir 否 不 不是 아니요 아니오")
# A "no" that answers is followed by a stop or by one of these; "no idea" and "no information" are none.
AFTER_NO = _words("they he she it we i you both neither only the this that these those there")
NEGATIONS = _words("""not no never neither nor none nobody nothing nowhere without isnt arent wasnt werent dont doesnt didnt cant cannot
    couldnt wont wouldnt hasnt havent hadnt unable fail fails failed except instead rather unlike nicht kein keine nie ne pas
    jamais non nunca не нет 不 没 沒""")
# Denials of languages that run words together, as they appear in a clause.
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
CHANGING = _words("""before after until till since over under above below beyond near outside without except against behind beneath between
    more less most least few than almost nearly half other another same up down""")
"""Words that make something else of what they stand before: "before 1990" is not 1990."""
UNSURE = _words(
    "know find found sure unclear unknown information evidence unable determine idea maybe perhaps"
)
REPORTS = _words("know find found sure determine information evidence mention mentioned")
DOUBTS = _words("perhaps maybe possibly probably guess unclear unsure")
KIN = _words("""mother father parent son daughter child wife husband spouse widow widower brother sister sibling twin uncle
    aunt nephew niece cousin grandfather grandmother grandson granddaughter stepson stepdaughter stepfather stepmother""")
"""Of these, "the mother of Ann" is another person than Ann."""
PREPOSITIONS = _words("in at on of by from as")
PRONOUNS = _words("""it he she they this that these those there its his her their your my our him them which who where
    when""")
AUXILIARIES = _words("is was are were be been being has have had did does do would should must will")
# Right before a gold answer in a sentence that repeats its question, these say nothing.
AROUND = (
    PREPOSITIONS
    | PRONOUNS
    | AUXILIARIES
    | _words("""a an both also so thus therefore hence called named known name located situated term title answer now then just
    still only""")
)
NOT_AROUND = _words("new us may if unless whether like")
"""Words that carry nothing in a thought, and something in an answer: "New Mexico", "US Open", "if it was Nova"."""
BOUNDS = frozenset(["by", "from", "circa"])
"""Before a number or a date they say something else than it, or less."""
SORTS = _words("species kind kinds type types sort sorts name names brand breed breeds")
# The same where the question is not known.
INTRODUCING = _words("it he she they this that these those there is was are were would be in on at")
# The question asks for a place or a time, so that "in Paris" says Paris.
ASKS_WHERE = _words("where when")
ASKS_WHO = _words("who whom")
ASKING = _words("which what whom whose who")

FORMS_OF_VERBS = {
    form: line.split()[0]
    for line in """
    win won winner
    lose lost loser
    die died dying death dead
    born birth birthplace
    write wrote written writer author
    sing sang sung singer
    sink sank sunk
    begin began begun
    take took taken
    make made maker
    come came
    become became
    lead led leader
    build built builder
    buy bought
    sell sold
    leave left
    hold held
    run ran
    fight fought
    rise rose risen
    fall fell fallen
    give gave given
    get got
    meet met
    speak spoke spoken
    choose chose chosen
    fly flew flown
    draw drew drawn
    drive drove driven
    grow grew grown
    know knew known
    wed wedded wedding
    marry married marriage
    bear bore borne
    break broke broken
    bring brought
    catch caught
    teach taught
    think thought
    find found
    swim swam swum
    steal stole stolen
    wear wore worn
    rule ruled ruler
    go went gone
    see saw seen
    eat ate eaten
    beat beaten
    lie lay lain
    mean meant
    send sent
    spend spent
    tell told
    own owned owner
    """.splitlines()
    for form in line.split()
}
"""A form of a verb, or the noun of what it does -> the verb."""
CLASSES_OF = _words("city town village isle island")
"""The city of Kyoto is Kyoto; the capital of Japan is not Japan, and the state of Georgia may be another Georgia than the one asked for."""
DESCRIBING = _words("""actor actress architect artist astronaut astronomer author bassist biologist boxer cartoonist chemist chef choreographer
    comedian composer cricketer dancer designer director drummer economist engineer explorer filmmaker footballer general golfer guitarist
    historian inventor journalist king lawyer mathematician model musician novelist painter philosopher photographer physician physicist
    pianist playwright poet politician president producer queen racer rapper sailor scientist sculptor singer songwriter soprano
    statesman swimmer tenor theologian violinist writer late""")
"""The novelist Ann Bell is Ann Bell; "the film Chicago" is not Chicago, unless the question asks for a film."""
CORRECTIONS = _words("actually but however wait correction sorry alternatively may")
"""Words with which an answer may be taken back."""
NO_ADDED_TITLES = _words("mrs missus lady saint st grand mother father sister brother major count")
"""Titles that make another one of a name, or that begin names: Mrs. John Smith, Grand Central Terminal."""
LIGHT_RUN_TOGETHER = _words("是 的 了 在 为 為 は が の を で す に")
