"""The regions against their definitions, every window of every thought."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from entity_index.folding import stands_alone
from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.matching.characters import SEP
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.layout import Layout
from reward_service.core.matching.mentions import mentions_by_look
from reward_service.core.matching.regions import listed, pasted
from reward_service.core.matching.scan import Spans
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

EGRPO = shipped()["egrpo"].measure.matching
vocabulary = st.sampled_from(
    ("Oslo", "Rome", "and", "b", "c", "习近", "Élan", "the", "x,", "y.", "Lima;", "京、")
)
passages = st.lists(vocabulary, max_size=30).map(" ".join)
segments = st.builds(Segment, st.sampled_from((SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE)), passages)
groups = st.lists(st.lists(segments, max_size=4), min_size=1, max_size=3)


def token_spans(text: FoldedText, layout: Layout, longest: int) -> Spans:
    """Every run of up to so many tokens in a thought."""
    found = []
    for first in range(len(text.spaces) - 1):
        for last in range(first + 1, min(len(text.spaces), first + longest + 1)):
            start, end = int(text.spaces[first]) + 1, int(text.spaces[last])
            if SEP not in text.data[start:end] and layout.is_thought[text.segment(np.array([start]))[0]]:
                found.append((start, end))
    start, end = np.array(found, dtype=np.int64).reshape(-1, 2).T
    nothing = np.zeros(len(start), dtype=np.int64)
    return Spans(nothing, nothing, nothing, start, end)


@settings(max_examples=60, deadline=None)
@given(groups, st.integers(4, 7))
def test_pasted_is_inside_a_run_that_says_enough_more_than_the_span(
    group: list[list[Segment]], words: int
) -> None:
    layout = Layout.of(group)
    text = FoldedText(layout.texts)
    spans, mentions = token_spans(text, layout, words + 3), mentions_by_look(text, layout.is_thought)
    named = [
        (start, end, key)
        for start, end, key in zip(
            mentions.start.tolist(), mentions.end.tolist(), mentions.key.tolist(), strict=True
        )
    ]
    expected = []
    for start, end in zip(spans.start.tolist(), spans.end.tolist(), strict=True):
        here = int(text.segment(np.array([start]))[0])
        own = worth(text.data[start:end])
        enough = []
        for first, stop in runs(text, layout, here, words):
            things = {key for a, b, key in named if first <= a and b <= stop}
            size = worth(text.data[first:stop])
            around = first <= start and end <= stop
            enough.append(around and size >= own + words and (size >= 2 * words or len(things) >= 3))
        expected.append(any(enough))
    assert pasted(text, layout, mentions, spans, words=words).tolist() == expected


def worth(folded: bytes) -> float:
    """What a stretch of folded text says, in words."""
    return sum(0.5 if stands_alone(token[0]) else 1.0 for token in folded.decode().split())


def runs(text: FoldedText, layout: Layout, here: int, words: int) -> list[tuple[int, int]]:
    """Every stretch of whole tokens of a segment, of which each `words` in a row appear in an earlier tool response."""
    edges = text.separators.tolist()
    earlier = [
        k for k in range(here) if layout.rollout[k] == layout.rollout[here] and not layout.is_thought[k]
    ]
    sources = [text.data[edges[k] + 1 : edges[k + 1]] for k in earlier]
    spaces = [at for at in text.spaces.tolist() if edges[here] < at < edges[here + 1]]
    copied = [
        any(text.data[spaces[i] : spaces[i + words] + 1] in source for source in sources)
        for i in range(len(spaces) - words)
    ]
    return [
        (spaces[i] + 1, spaces[j + words])
        for i in range(len(copied))
        for j in range(i, len(copied))
        if all(copied[i : j + 1])
    ]


@given(st.lists(st.sampled_from(("Oslo", "the", "習", "近", "Rome")), min_size=1, max_size=60).map(" ".join))
def test_a_names_own_length_never_makes_it_pasted(name: str) -> None:
    question = Question("", (), (Entity(name),))
    group = [[Segment(SegmentKind.TOOL_RESPONSE, f"{name}."), Segment(SegmentKind.THOUGHT, f"So {name}.")]]
    (result,) = match_group(group, compile_question(question, replace(EGRPO, listed_mentions=None)))
    assert result.uncredited == {}


@settings(max_examples=150, deadline=None)
@given(groups, st.integers(1, 4), st.integers(3, 25))
def test_listed_is_inside_a_window_with_many_distinct_mentions(
    group: list[list[Segment]], most: int, words: int
) -> None:
    width = 2 * words
    layout = Layout.of(group)
    text = FoldedText(layout.texts)
    spans, mentions = token_spans(text, layout, 2), mentions_by_look(text, layout.is_thought)
    low, high = text.half_words(mentions.start).tolist(), text.half_words(mentions.end).tolist()
    edges = text.half_words(text.separators).tolist()
    columns = (
        text.half_words(spans.start).tolist(),
        text.half_words(spans.end).tolist(),
        text.segment(spans.start).tolist(),
    )
    expected = []
    for start, end, segment in zip(*columns, strict=True):
        begins = range(max(edges[segment], end - width), min(start, edges[segment + 1]) + 1)
        counts = [
            {
                k
                for k, a, b in zip(mentions.key.tolist(), low, high, strict=True)
                if begin <= a and b <= min(begin + width, edges[segment + 1])
            }
            for begin in begins
        ]
        expected.append(any(len(found) > most for found in counts))
    assert listed(text, mentions, spans, most=most, words=words).tolist() == expected
