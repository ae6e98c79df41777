"""Names that link the question and its answer in passages.

For each name c of the passages, with w the relevance of a passage, n the question's names that occur in a passage with c, as
a share of all of them, and a whether a passage has both c and an answer:

    score(c) = Σ w² · (1 + n + a) · l        confidence = score / (score + HALF)

Single words are weaker than names of two (l = 3/4), titles of passages twice as strong. Of a passage, its first `PASSAGE_CHARS`
are read: the work grows with the square of its length. On real search results two thirds of
the first proposals are no title of the gold pages: look them over, or combine sources.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from entity_index.propose.values import Finder, Material, Passage, Proposal, Reason, padded, plainly, quote

HALF = 6.0  # the score that is worth a confidence of one half
TITLE = 2.0
SINGLE_WORD = 0.75
MOST = 20  # proposals a question; the rest is noise
MOST_EVIDENCE = 3
PASSAGE_CHARS = 20_000  # of a passage; a page's lead says what it links


def propose(material: Material) -> Sequence[Proposal]:
    """Return names of the passages, the most telling first."""
    read = [replace(passage, text=passage.text[:PASSAGE_CHARS]) for passage in material.passages]
    passages = [(passage, padded(f"{passage.title}\n{passage.text}")) for passage in read]
    names = {plainly(name): name for name in reversed(list(_named(read, material.find)))}
    found = [
        _proposal(name, plain, passages, material) for plain, name in names.items() if material.allows(name)
    ]
    return sorted(found, key=lambda one: (-one.confidence, one.name))[:MOST]


def _named(passages: Sequence[Passage], find: Finder) -> Iterator[str]:
    yield from (passage.title for passage in passages if passage.title)
    for passage in passages:
        yield from find(passage.text)


def _proposal(name: str, plain: str, passages: Sequence[tuple[Passage, str]], material: Material) -> Proposal:
    inside = [(passage, text) for passage, text in passages if plain in text]
    linked = sum(any(other in text for _, text in inside) for other in material.names)
    answered = any(answer in text for _, text in inside for answer in material.answers)
    links = 1 + linked / max(1, len(material.names)) + answered
    strength = 1.0 if " " in plain.strip() else SINGLE_WORD
    strength *= TITLE if any(plainly(passage.title) == plain for passage, _ in inside if passage.title) else 1
    score = sum(passage.relevance**2 for passage, _ in inside) * links * strength
    return Proposal(
        name, score / (score + HALF), tuple(_evidence(name, passage) for passage, _ in inside[:MOST_EVIDENCE])
    )


def _evidence(name: str, passage: Passage) -> Reason:
    return Reason("documents", passage.title, quote(passage.text, name))
