"""Chat after a decoder has dropped its special tokens, as verl's plain reward functions get it: roles alone on their lines.

Between marks of a page, as `<tool_response>` and `</tool_response>`, no line is a role. It begins inside the assistant's turn that the prompt
has opened, unless a role comes first. Where a template writes roles without a line of their own, they end up glued to the
text (`…}ipython`, `….assistant`, `assistantfinal…`); then the author of each part can no longer be told.
"""

import re

from reward_service.core.trajectory.roles import role_of
from reward_service.core.trajectory.values import FOREIGN_MARKUP, Author, Part, Transcript, Turn

# Each alternative begins with one of two characters, which are found fast.
_ROLE_OR_RESPONSE = re.compile(
    r"\n(?P<role>system|user|assistant|tool)[ \t\r]{0,9}(?=\n|\Z)|<(?P<page>tool_response|information|documents|result)>"
    r"|</(?P<end>tool_response|information|documents|result)>"
)
# A role's word behind a sentence and before an empty line. Other words end in it too ("superuser"), so behind a letter only
# the two count that hardly any word ends in.
_ENDS_A_SENTENCE = r"[.!?})\]>\"'”:;,…]"
_GLUED = re.compile(
    "\n\n(?:"
    + "|".join(
        rf"(?<={before}{role}\n\n)"
        for before, roles in (
            (_ENDS_A_SENTENCE, ("assistant", "ipython", "user", "tool", "system")),
            (r"\w", ("assistant", "ipython")),
        )
        for role in roles
    )
    + ")"
)
_GLUED_CHANNELS = ("assistantanalysis", "assistantcommentary", "assistantfinal")


def role_lines(text: str) -> Transcript:
    """Cut chat whose roles stand on lines of their own into turns."""
    turns: list[tuple[str, str]] = []
    role, at, page = "assistant", 1, None
    text = f"\n{text}"  # the first line is like any other
    for mark in _ROLE_OR_RESPONSE.finditer(text):
        if page:
            page = None if mark["end"] == page else page
        elif mark["page"]:
            page = mark["page"]
        elif mark["role"]:
            turns.append((role, text[at : mark.start()]))
            role, at = mark["role"], mark.end() + 1
    turns.append((role, text[at:]))
    return _transcript(turns if len(turns) == 1 or turns[0][1].strip() else turns[1:])


def _is_glued(said: str) -> bool:
    if _GLUED.search(said):
        return True
    return "assistant" in said and any(glued in said for glued in _GLUED_CHANNELS)


def _transcript(turns: list[tuple[str, str]]) -> Transcript:
    told = tuple(Turn(role_of(role).author, (Part(None, said),)) for role, said in turns)
    lost = any(_is_glued(said) for role, said in turns if role_of(role).author is Author.POLICY)
    return Transcript(told, frozenset({FOREIGN_MARKUP} if lost else ()), roles_lost=lost)
