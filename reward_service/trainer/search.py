"""The search tool: BM25 over a corpus of documents (bm25s)."""

import re
from collections.abc import Sequence

import bm25s

from reward_service.trainer.data import Document

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Cut a text into lower-case words; no stop words, no stemming, so it holds for any language with spaces."""
    return _WORD.findall(text.lower())


class Bm25:
    """Finds the documents that fit a query best."""

    def __init__(self, documents: Sequence[Document], *, top: int) -> None:
        """Index documents; a search returns the best `top` of them. Words of a title count twice.

        Raises:
            ValueError: there are none.
        """
        if not documents:
            raise ValueError("a corpus needs at least one document")
        self._shown = [document.shown for document in documents]
        self._top = min(top, len(documents))
        self._index = bm25s.BM25()
        self._index.index(
            [words(f"{document.title} {document.shown}") for document in documents], show_progress=False
        )

    def __call__(self, query: str) -> list[str]:
        """Return documents, best first; none where no word of the query occurs anywhere."""
        known = [word for word in words(query) if word in self._index.vocab_dict]
        if not known:
            return []
        found, scores = self._index.retrieve([known], k=self._top, show_progress=False)
        best = zip(found[0], scores[0], strict=True)
        return [self._shown[int(place)] for place, score in best if score > 0]
