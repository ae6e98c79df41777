"""Passages for questions: those that a row brings along, and those that a corpus has (BM25).

A corpus is read as data sets are: JSON lines, arrays or parquet of {"title", "text"}; `contents` with the title on its first line,
as retrieval corpora for training have it, will do, and so will plain strings.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from entity_index.errors import InvalidRecord, UnreadableInput
from entity_index.propose.values import REMEMBERED, Finder, Passage
from entity_index.readers import fields
from entity_index.readers.containers import values_of

TEXTS = ("text", "paragraph_text", "passage", "snippet", "content", "body")
SENTENCES = ("sentences", "sents")
WORDS = r"(?u)[\u3040-\u30ff\u3400-\u9fff]|\b\w\w+\b"  # scripts without blanks by character


def passages_in(value: object) -> Iterator[Passage]:
    """Yield the passages that a value holds: strings, objects with a title and a text, pairs of a title and sentences.

    HotpotQA's columns are read too: {"title": [...], "sentences": [[...], ...]}.
    """
    match fields.opened(value):
        case str(text) if text.strip():
            yield Passage(text)
        case [str(title), [*sentences]] if sentences and all(isinstance(one, str) for one in sentences):
            yield Passage(" ".join(map(str, sentences)), title)
        case list(items):
            for item in items:
                yield from passages_in(item)
        case {"title": [*titles], "sentences": [*texts]}:
            for title, said in zip(titles, texts, strict=False):
                yield from passages_in([title, said])
        case dict(row):
            yield from _of_object(row)


def _of_object(row: dict[str, object]) -> Iterator[Passage]:
    title = row.get("title")
    text = next((row[name] for name in TEXTS if isinstance(row.get(name), str)), None)
    said = next((row[name] for name in SENTENCES if isinstance(row.get(name), list)), None)
    if isinstance(row.get("contents"), str):
        title, _, text = (
            str(row["contents"]).partition("\n") if title is None else (title, "", row["contents"])
        )
    if text is None and said is not None:
        text = " ".join(one for one in said if isinstance(one, str))  # type: ignore[attr-defined]  # a list
    if text or title:
        yield Passage(str(text or ""), str(title or "").strip('"'))


class Corpus:
    """Documents that can be searched, held in memory."""

    def __init__(self, documents: Iterable[Passage]) -> None:
        """Index documents.

        Raises:
            UnreadableInput: `bm25s` is not installed, or there is nothing that can be searched for.
        """
        try:
            import bm25s  # noqa: PLC0415  # an extra
        except ModuleNotFoundError as error:
            raise UnreadableInput("a corpus needs bm25s: pip install 'reward-service[propose]'") from error
        self._bm25 = bm25s
        self._documents = list(documents)
        tokens = self._tokens(f"{one.title} {one.text}" for one in self._documents)
        if not any(tokens.ids):
            raise UnreadableInput("no passages with words to search for; a row needs a title or a text")
        self._index = bm25s.BM25()
        self._index.index(tokens, show_progress=False)

    def search(self, asked: Sequence[str], most: int) -> list[tuple[Passage, ...]]:
        """Return the passages that fit each text best, with their relevance: the score over that of the best one."""
        most = min(most, len(self._documents))
        found, scores = self._index.retrieve(self._tokens(asked), k=most, show_progress=False)
        return [
            tuple(
                Passage(self._documents[at].text, self._documents[at].title, float(score / ranked[0]))
                for at, score in zip(row, ranked, strict=True)
                if score > 0
            )
            for row, ranked in zip(found.tolist(), scores.tolist(), strict=True)
        ]

    def _tokens(self, texts: Iterable[str]) -> Any:
        return self._bm25.tokenize(list(texts), token_pattern=WORDS, show_progress=False)


def read_corpus(path: Path) -> Corpus:
    """Read a corpus.

    Raises:
        UnreadableInput: the file cannot be read, or holds nothing that can be searched for.
    """
    values = (one.value for one in values_of(path) if not isinstance(one.value, InvalidRecord))
    try:
        return Corpus(passage for value in values for passage in passages_in(value))
    except UnreadableInput as error:
        raise UnreadableInput(f"{path}: {error}") from error


def remembering(find: Finder) -> Finder:
    """Return a finder that remembers what it found in a text: the passages of a corpus come again and again."""
    return lru_cache(REMEMBERED)(lambda text: tuple(find(text)))
