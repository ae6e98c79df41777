"""Which language a name is written in: what the question declares, else its script and the question's own text. Never the policy's."""

import re
from collections import Counter
from types import MappingProxyType

from entity_index.types import Question

SCRIPTS = MappingProxyType(
    {
        "ru": re.compile("[\u0400-\u04ff]"),
        "el": re.compile("[\u0370-\u03ff]"),
        "hy": re.compile("[\u0530-\u058f]"),
        "he": re.compile("[\u0590-\u05ff]"),
        "ar": re.compile("[\u0600-\u06ff]"),
        "hi": re.compile("[\u0900-\u097f]"),
        "ko": re.compile("[\u1100-\u11ff\uac00-\ud7a3]"),
        "ja": re.compile("[\u3040-\u30ff]"),
        "zh": re.compile("[\u3400-\u9fff]"),
    }
)
"""The language that a script is read as where nothing else is known, in the order in which they are asked."""
SHARED = MappingProxyType(
    {
        "uk": "ru",
        "sr": "ru",
        "bg": "ru",
        "be": "ru",
        "mk": "ru",
        "fa": "ar",
        "ur": "ar",
        "ne": "hi",
        "mr": "hi",
    }
)
"""Languages that share the script of another."""
UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
LATIN = "en"
# Words that tell languages in Latin script apart; those that several of them share speak for each.
TELLING = MappingProxyType(
    {
        "en": "the a an of and in is are was were who what which where when how did does for by with from that i",
        "fr": "le la les des du une est qui que quel quelle dans où a",
        "es": "el la los las del una es que quién qué cuál dónde por",
        "it": "il lo gli della una è che chi quale dove di",
        "pt": "o os um uma do é que qual quem onde em",
        "nl": "de het een van is wie wat waar welke werd",
        "de": "der die das und ist wer was wo wann welche welchem welchen welcher welches wurde war von dem den ein eine hat "
        "wie viele in im am auf für mit sind gibt es haben nicht",
        "fi": "kuka mikä missä milloin joka jonka oli olivat kuinka minä jossa että",
        "hu": "ki mi hol mikor melyik az és volt hány amely aki hogy egy",
        "tr": "kim ne nerede nedir hangi ve bir bu olan kaç için hangisi kimdir",
        "pl": "kto co gdzie kiedy który która które jest był była w z i się na",
        "cs": "kdo co kde kdy který která které je byl byla v ve se na",
        "sv": "vem vad var när vilken vilket och är som den det ett",
        "ro": "cine ce unde când care este și a fost în din",
        "lt": "kas kur kada kuris kuri yra buvo ir",
    }
)
_TELLING = {
    word: [code for code, words in TELLING.items() if word in words.split()]
    for words in TELLING.values()
    for word in words.split()
}
LEAST_TELLING = 2


def primary(tag: str) -> str:
    """Return the language of a BCP 47 tag without script and region.

    >>> primary("zh-Hant-TW")
    'zh'
    """
    return re.split("[-_]", tag)[0].lower()


def script_of(text: str) -> str:
    """Return the language that the script of a text is read as; Latin, and what has no letters, is English."""
    if text.isascii():
        return LATIN
    return next((code for code, pattern in SCRIPTS.items() if pattern.search(text)), LATIN)


def of_text(text: str) -> str:
    """Return the language of a question, by its script and by words that tell languages in one script apart."""
    script = script_of(text)
    if script == "ru":
        return "uk" if UKRAINIAN.search(text) else "ru"
    if script != LATIN:
        return script
    # Each word once, or two "a" would make English Romanian; of languages with as many, the first to appear.
    words = dict.fromkeys(re.findall(r"\w+", text.lower()))
    votes = Counter(code for word in words for code in _TELLING.get(word, ()))
    code, count = max(votes.items(), key=lambda vote: vote[1], default=(LATIN, 0))
    return code if count >= LEAST_TELLING else LATIN


def of_question(question: Question) -> str:
    """Return the language that a question declares, else that of its text."""
    return primary(question.language) if question.language else of_text(question.text)


def of_name(name: str, asked: str) -> str:
    """Return the language of a name: that of the question, `asked`, where it has the name's script, else the name's own."""
    script = script_of(name)
    return asked if _script(asked) == script or {asked, script} == {"ja", "zh"} else of_text(name)


def _script(code: str) -> str:
    return code if code in SCRIPTS else SHARED.get(code, LATIN)
