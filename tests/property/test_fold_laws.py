import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from entity_index.folding import fold
from reward_service.core.matching.fold import FoldedText
from tests.property.texts import texts


@given(texts)
def test_folding_is_idempotent(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


@given(texts)
def test_folded_text_has_single_spaces_and_none_at_an_end(text: str) -> None:
    folded = fold(text).text
    assert folded == " ".join(folded.split())


@given(st.lists(texts, max_size=4))
@example(["½’s"])  # an apostrophe beside a character that becomes longer
def test_the_fast_fold_is_the_reference_fold(segments: list[str]) -> None:
    parts = "".join(
        f"{folded} \x01 " if folded else "\x01 " for folded in (fold(text).text for text in segments)
    )
    expected = f"\x01 {parts}".removesuffix(" ") if segments else "\x01 \x01"
    assert FoldedText(segments).data.decode() == expected


@given(texts)
def test_the_fast_fold_points_back_like_the_reference(text: str) -> None:
    folded, fast = fold(text), FoldedText([text])
    sizes = [len(char.encode()) for char in folded.text]
    ends = 2 + np.cumsum(np.array(sizes, dtype=np.int64))
    starts, stops = fast.raw_char_spans(ends - sizes, ends) if sizes else ([], [])
    assert [at - 2 for at in starts] == list(folded.offsets)
    assert [at - 3 for at in stops] == list(folded.offsets)
