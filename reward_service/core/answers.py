r"""What an answer says once its wrapping is off: end tokens, `\boxed{...}` and phrases such as "The answer is".

Agents are trained on different templates, and each leaves its own wrapping around the same answer. Reading it off is
pure and knows neither transcripts nor gold answers, so that parsers and checkers share one definition.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

# Markers of chat templates (<|im_end|>, <｜end▁of▁sentence｜>) and of tokenizers (</s>, <eos>), at the end of a text.
LONGEST_TOKEN = 48
END_TOKEN = re.compile(
    r"(?:<[|｜][^<>|｜]{1,40}[|｜]>|</?s>|<(?:eos|pad|end_of_turn|end_of_text|endoftext)>|\[(?:EOS|PAD)\])\Z",
    re.IGNORECASE,
)
# Such a marker may also stand before an answer: <|begin_of_box|>, <|im_sep|>.
FIRST_TOKENS = re.compile(r"(?:<[|｜][^<>|｜]{1,40}[|｜]>\s{0,9}){0,9}")
BOX = re.compile(r"\\f?box(?:ed)?\s{0,9}\{")
FRACTION = re.compile(r"\\[dt]?frac\s{0,9}(?:\{([^{}]*)\}|(\d))\s{0,9}(?:\{([^{}]*)\}|(\d))")
# Commands that only set type: what they enclose stays.
SETS_TYPE = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt)?|math(?:bf|it|rm|sf|tt)|mbox|operatorname|left|right)\b\*?"
)
# What stands between marks of TeX and nothing else: $...$, \\(...\\).
DELIMITED = re.compile(r"\s*(?:\$\$?|\\[(\[])(?P<inner>(?:[^$\\]|\\[^)\]])*)(?:\$\$?|\\[)\]])\s*\.?\s*")
SYMBOLS = {
    "times": "×", "cdot": "·", "pi": "π", "circ": "°", "degree": "°", "infty": "∞", "approx": "≈", "sqrt": "√", "pm": "±", "leq": "≤", "geq": "≥",
}  # fmt: skip
SYMBOL = re.compile(rf"\\({'|'.join(SYMBOLS)})(?![A-Za-z])")
ESCAPED = re.compile(r"\\([%$&#_{}])")
SPACING = re.compile(r"\\[,;:! ]|\\q?quad\b|~")

LEAD_INS = (
    r"(?:(?:so|thus|hence|therefore|in conclusion|in short|finally|no|wait|actually"
    r"|(?:based on|according to|given|after|from)\b[^.,:;!?\n]{1,120},)\s{0,4},?\s{0,4})?"
)
# Gaps are bounded, so that a text of blanks is read in linear time.
# "The answer is" as English and the other languages of the data sets say it; each takes a colon or a verb.
ENGLISH = (
    r"(?:(?:the|my|our)\s{1,4})?(?:(?:final|exact|correct|short|right)[\s_]{1,4}){0,3}(?:answer|ans\b\.?(?=\s{0,4}[:：=]))"
    r"(?:\s{1,4}to\s{1,4}(?:the|this|your)\s{1,4}question)?(?:\s{0,4}(?:[:：=→]|[-=]>|-{1,2}\s|[–—]\s|(?:is|(?:should|must|would)\s{1,4}be)\b\s{0,4}[:：]?))"
)
PHRASES = (
    ENGLISH,
    r"(?:die\s{1,4})?(?:endgültige\s{1,4}|richtige\s{1,4})?antwort(?:\s{0,4}[:：]|\s{1,4}(?:ist|lautet)\b\s{0,4}:?)",
    r"(?:la\s{1,4})?réponse(?:\s{1,4}(?:finale|correcte))?(?:\s{0,4}[:：]|\s{1,4}est\b\s{0,4}:?)",
    r"(?:la\s{1,4})?respuesta(?:\s{1,4}(?:final|correcta))?(?:\s{0,4}[:：]|\s{1,4}es\b\s{0,4}:?)",
    r"(?:la\s{1,4})?risposta(?:\s{1,4}(?:finale|corretta))?(?:\s{0,4}[:：]|\s{1,4}è\s{0,4}:?)",
    r"(?:a\s{1,4})?resposta(?:\s{1,4}(?:final|correta))?(?:\s{0,4}[:：]|\s{1,4}é\s{0,4}:?)",
    r"(?:окончательный\s{1,4}|правильный\s{1,4})?ответ(?:\s{0,4}[:：]|\s{0,4}[-–—]\s)",
    r"(?:最终|最終|正确|正確)?的?答案(?:\s{0,4}[:：]|\s{0,4}(?:是|为|為)[:：]?)",
    r"(?:最終的な)?(?:答え|回答|解答)(?:\s{0,4}[:：]|は[、:：]?)",
    r"(?:최종\s{0,4})?(?:정답|답변|답)(?:\s{0,4}[:：]|[은이]\s{0,4}[:：]?)",
    r"(?:الإجابة|الجواب)(?:\s{0,4}[:：]|\s{1,4}هي\s|\s{1,4}هو\s)",
)
# At the start of a line or of a sentence, perhaps as a heading or in bold type.
STATED = re.compile(
    rf"(?:^|[.!?。！？]\s{{0,4}})[ \t#>*_]{{0,8}}{LEAD_INS}(?:{'|'.join(PHRASES)})[ \t*_]{{0,8}}",
    re.IGNORECASE | re.MULTILINE,
)
HEADED = re.compile(
    r"^[#*_ \t]{0,12}(?:(?:final|exact|correct|short|right)[ \t]{1,4}){0,3}answer[ \t:*_]{0,8}$",
    re.IGNORECASE | re.MULTILINE,
)
HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)
OBJECT = re.compile(r"\{\s{0,9}\"")
JSON_KEYS = ("answer", "final_answer", "Answer")


def without_end_tokens(text: str) -> str:
    """Return a text without white space around it and without the end tokens after it.

    >>> without_end_tokens("Paris<|im_end|></s>")
    'Paris'
    """
    end = len(text)
    while end:
        if text[end - 1].isspace():
            end -= 1
        elif found := END_TOKEN.search(text, max(0, end - LONGEST_TOKEN), end):
            end = found.start()
        else:
            break
    return text[:end].lstrip()


def boxed(text: str) -> str | None:
    r"""Return what the last `\boxed{...}` of a text holds, braces balanced; None where there is none or it stays open.

    >>> boxed(r"So $\boxed{\text{Paris}}$.")
    'Paris'
    """
    *_, last = (None, *BOX.finditer(text))
    if last is None:
        return None
    depth = 1
    for found in re.finditer(r"[{}]", text[last.end() :]):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return without_type(text[last.end() : last.end() + found.start()])
    return None


def without_type(text: str) -> str:
    r"""Return TeX as plain text: `\text{20\%}` is `20%`, `\frac{1}{2}` is `1/2`; the dollar of `\$5` stays."""
    delimited = DELIMITED.fullmatch(text)
    inner = delimited["inner"] if delimited else text
    fractions = FRACTION.sub(r"\1\2/\3\4", inner)
    plain = SPACING.sub(" ", SYMBOL.sub(lambda found: SYMBOLS[found[1]], SETS_TYPE.sub("", fractions)))
    bare = re.sub(r"(?<!\\)[{}]", "", plain).replace("^°", "°")
    return ESCAPED.sub(r"\1", bare.strip())


def is_typeset(text: str) -> bool:
    """Return whether a text has commands of TeX, or stands between its marks."""
    return "\\" in text or "{,}" in text or (text[:1] == "$" and DELIMITED.fullmatch(text) is not None)


def stated(text: str) -> str | None:
    """Return what follows the last "Answer:" or "The answer is" of a text: the rest of its line, else what comes below.

    Where the text ends with a JSON object that has the key `answer`, as some prompts ask for, that is the answer.
    None where no such phrase opens a line or a sentence, or nothing follows it.

    >>> stated("I looked it up. The answer is Paris.")
    'Paris.'
    """
    if text.rstrip("` \n").endswith("}") and (held := _in_json(text)) is not None:
        return held
    *_, last = (None, *STATED.finditer(text), *HEADED.finditer(text))
    if last is None:
        return None
    line, _, below = text[last.end() :].partition("\n")
    return (line if line.strip() else HEADING.split(below, maxsplit=1)[0]).strip() or None


def _in_json(text: str) -> str | None:
    """Return the answer in the JSON object that ends a text, perhaps in a fence; None where there is none."""
    opening = OBJECT.search(text)
    try:
        held = json.loads(text[opening.start() :].rstrip("` \n")) if opening else None
    except (ValueError, RecursionError):
        return None
    answer = next((held[key] for key in JSON_KEYS if key in held), None) if isinstance(held, dict) else None
    return answer if isinstance(answer, str) or answer is None else json.dumps(answer, ensure_ascii=False)


ANSWER = "answer"
KINDS: Mapping[str, Callable[[str], str | None]] = MappingProxyType({"boxed": boxed, "phrase": stated})
ANSWER_KINDS = (ANSWER, *KINDS)
"""Where an answer may be: between the dialect's marks or in the last text, in a box, after a phrase that states it."""


def found(text: str, kinds: Collection[str]) -> str | None:
    """Return the answer that some notation encloses; None where none of the kinds is there."""
    readings = (read(text) for kind, read in KINDS.items() if kind in kinds)
    return next((answer for answer in readings if answer is not None), None)


def unwrap(text: str, kinds: Collection[str] = ANSWER_KINDS) -> str:
    r"""Return an answer without its wrapping: special tokens around it, then the last box, else the phrase that states it.

    Args:
        text: the answer as it was given.
        kinds: which wrappings to take off, of `ANSWER_KINDS`; with `answer` alone the text stays as it is but for blanks.

    >>> unwrap(r"The answer is $\boxed{\text{Paris}}$.<|endoftext|>")
    'Paris'
    >>> unwrap("**Answer:** Paris")
    'Paris'
    """
    if KINDS.keys().isdisjoint(kinds):
        return text.strip()
    bare = without_end_tokens(text)
    bare = bare[FIRST_TOKENS.match(bare).end() :]  # type: ignore[union-attr]  # it matches everywhere
    held = found(bare, kinds)
    return bare if held is None else held
