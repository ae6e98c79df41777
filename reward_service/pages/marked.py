"""Text with marks as pieces, so that a template writes each as text and none as markup.

Spans are half-open and count characters (code points), as matching does. Marks may overlap; the stronger kind keeps its place.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "credited": "earns credit",
        "uncredited": "named, earns nothing",
        "masked": "appears in the question or the answer: earns nothing",
        "again": "named again: an entity counts once",
        "elsewhere": "not in a thought: only thoughts count",
        "read": "read in a tool response, not said",
        "near": "close, but not a match",
    }
)
"""What a mark says of a span, the strongest first."""
_STRENGTH = {kind: n for n, kind in enumerate(KINDS)}


class TextMark(NamedTuple):
    """A span of a segment, and why it is marked."""

    start: int
    end: int
    kind: str
    """A name in `KINDS`."""
    entity: str
    why: str
    """The reason in words."""


class Piece(NamedTuple):
    """A stretch of text with at most one mark."""

    text: str
    mark: TextMark | None = None


def pieces(text: str, marks: Iterable[TextMark]) -> list[Piece]:
    """Cut a text at its marks.

    >>> [piece.text for piece in pieces("abcdef", [TextMark(2, 4, "credited", "e", "")])]
    ['ab', 'cd', 'ef']
    """
    cut: list[Piece] = []
    at = 0
    for mark in apart(marks):
        cut += [Piece(text[at : mark.start])] if mark.start > at else []
        cut.append(Piece(text[mark.start : mark.end], mark))
        at = mark.end
    return [*cut, Piece(text[at:])] if at < len(text) else cut


def apart(marks: Iterable[TextMark]) -> list[TextMark]:
    """Return marks that do not overlap, in the order of the text: the stronger kind is kept, then the longer span."""
    kept: list[TextMark] = []
    for mark in sorted(marks, key=lambda one: (_STRENGTH[one.kind], one.start - one.end, one.start)):
        at = bisect_left(kept, mark.start, key=lambda one: one.start)
        free_before = at == 0 or kept[at - 1].end <= mark.start
        free_after = at == len(kept) or mark.end <= kept[at].start
        if mark.start < mark.end and free_before and free_after:
            kept.insert(at, mark)
    return kept
