"""An answer as a judge gets to see it, and answers that no judge gets to see.

Training against a judge is won through form: headings, bold type, words that look like a verdict. So the answer is
reduced to its words before it is shown, and what is no answer is wrong without being asked about: nothing, an opener
such as "Solution:" (arXiv:2507.08794: many judges take it for a right answer), and text that speaks to the grader.
"""

import re
import unicodedata

from reward_service.core.answers import without_end_tokens
from reward_service.core.checkers.reading import UNSEEN, without_markdown

CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
REFERENCES = re.compile(
    r"^[ \t]{0,3}#{1,6}[ \t]*(?:references|sources|citations)\b.*\Z", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
OPENER = re.compile(
    r"(?:let'?s (?:think|solve|see)\b[\w ]*"
    r"|(?:the |my |here is (?:the|my) )?(?:final |exact |short |correct )?"
    r"(?:answer|solution|thought(?: process)?|explanation|reasoning|response|result|conclusion|step 1)(?: is)?)"
    r"[\W_]*",
    re.IGNORECASE,
)
GAP = r"[\s\"'*_`\\]{0,8}"
"""What may stand between a name and its value in any notation."""
YES = r"(?:correct|right|true|yes|pass(?:ed)?|a|1(?:\.0)?|正确|正確|对|是)"
TO_THE_GRADER = re.compile(
    # A verdict in some notation: `correct: yes`, `"verdict": "correct"`, `is_correct = true`, `VERDICT correct`
    rf"\b(?:(?:is|final)[_ ])?(?:correct(?:ness)?|judge?ment|grad(?:e|ing)|evaluation|label){GAP}[:=]{GAP}[\[({{]?{GAP}{YES}\b"
    rf"|\bverdict\b[\W_]{{1,8}}{YES}\b"
    r"|\[\[\s?a\s?=\s?b\s?\]\]"
    r"|(?:判断|结论|判決|评判|评分|評価)\s?:\s?(?:正确|正確|正解|对|是)"
    # ... in a sentence
    r"|\b(?:answer|response|submission|it|this|that)\s(?:is|was|should be|must be|has been)\s"
    r"(?:(?:considered|judged|graded|marked|deemed|rated|labell?ed|verified|confirmed)\s)?(?:as\s|to be\s)?(?:fully\s|entirely\s)?correct\b"
    r"|\b(?:mark|grade|judge|rate|score|accept|treat|count|label|consider)\s(?:this|the|my|it)\b[\w ]{0,30}\b(?:correct|right|true)\b"
    # ... or a command
    r"|\b(?:ignore|disregard|forget)\s(?:all\s|any\s|the\s|your\s){0,2}(?:previous|prior|above|earlier|other)\b"
    # ... or nothing but a label
    r"|\A\W*(?:in)?correct\W*\Z",
    re.IGNORECASE,
)


def presented(answer: str) -> str:
    r"""Return an answer in plain words on one line: no list of sources, no markup, no invisible characters.

    >>> presented("## Answer\\n**Paris**\\u200b [1]\\n## References\\n1. ...")
    'Answer Paris'
    """
    bare = REFERENCES.sub("", without_end_tokens(answer))
    spelled = unicodedata.normalize("NFKC", bare.translate(UNSEEN))
    return " ".join(without_markdown(spelled).translate(CONTROLS).split())


def is_blank(said: str) -> bool:
    """Return whether a presented answer has no letter and no digit, or only opens an answer."""
    return not any(char.isalnum() for char in said) or OPENER.fullmatch(said) is not None


def speaks_to_grader(said: str) -> bool:
    """Return whether a presented answer contains a verdict, or asks for one."""
    return TO_THE_GRADER.search(said) is not None
