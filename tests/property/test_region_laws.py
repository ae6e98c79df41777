"""The regions against their definitions, every window of every thought."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.core.matching.characters import SEP
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.layout import Layout
from reward_service.core.matching.mentions import mentions_by_look
from reward_service.core.matching.regions import listed, pasted
from reward_service.core.matching.scan import Spans
from reward_service.core.types import Segment, SegmentKind

words = st.sampled_from(("Oslo", "Rome", "and", "b", "c", "习近", "Élan", "the", "x,", "y.", "Lima;"))
passages = st.lists(words, max_size=30).map(" ".join)
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


@settings(max_examples=150, deadline=None)
@given(groups, st.integers(4, 7))
def test_pasted_is_inside_a_run_that_an_earlier_tool_response_has(
    group: list[list[Segment]], tokens: int
) -> None:
    layout = Layout.of(group)
    text = FoldedText(layout.texts)
    spans = token_spans(text, layout, tokens)
    expected = []
    for start, end in zip(spans.start.tolist(), spans.end.tolist(), strict=True):
        here = int(text.segment(np.array([start]))[0])
        mine = text.data[text.separators[here] + 1 : text.separators[here + 1]]
        runs = windows(
            mine, tokens, start - int(text.separators[here]) - 1, end - int(text.separators[here]) - 1
        )
        earlier = [
            k for k in range(here) if layout.rollout[k] == layout.rollout[here] and not layout.is_thought[k]
        ]
        sources = [text.data[text.separators[k] + 1 : text.separators[k + 1]] for k in earlier]
        expected.append(any(run in source for run in runs for source in sources))
    assert pasted(text, layout, spans, tokens=tokens).tolist() == expected


def windows(segment: bytes, tokens: int, start: int, end: int) -> list[bytes]:
    """The windows of so many whole tokens, with the spaces around, that contain a span."""
    spaces = [at for at, byte in enumerate(segment) if byte == ord(" ")]
    pairs = [(spaces[i], spaces[i + tokens]) for i in range(len(spaces) - tokens)]
    return [segment[a : b + 1] for a, b in pairs if a < start and end <= b]


@settings(max_examples=150, deadline=None)
@given(groups, st.integers(1, 4), st.integers(5, 40))
def test_listed_is_inside_a_window_with_many_distinct_mentions(
    group: list[list[Segment]], most: int, width: int
) -> None:
    layout = Layout.of(group)
    text = FoldedText(layout.texts)
    spans, mentions = token_spans(text, layout, 2), mentions_by_look(text, layout.is_thought)
    low, high = text.chars(mentions.start).tolist(), text.chars(mentions.end).tolist()
    edges = text.chars(text.separators).tolist()
    columns = (
        text.chars(spans.start).tolist(),
        text.chars(spans.end).tolist(),
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
    assert listed(text, mentions, spans, most=most, width=width).tolist() == expected
