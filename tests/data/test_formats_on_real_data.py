"""Real rollouts, written in every format, are read as what they are."""

import json

import pytest

from reward_service.core.trajectory import parse
from reward_service.core.types import Messages, SegmentKind, Text
from tests.written import WAYS, Story, chatml_text

THOUGHT, PAGE = SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def story_of(steps):
    """A story, where the steps are turns of thought, call and page, and end with a thought and an answer."""
    kinds = [step["type"] for step in steps]
    if kinds[:-2] != ["thought", "tool_call", "tool_response"] * (len(kinds) // 3) or kinds[-2:] != [
        "thought",
        "answer",
    ]:
        return None
    said = [step.get("text", step.get("arguments")) for step in steps]
    turns = list(zip(said[:-2:3], said[1:-2:3], said[2:-2:3], strict=True))
    return Story(turns, said[-2], said[-1])


@pytest.fixture(scope="module")
def stories(real_data):
    rows = lines(real_data / "trajectories_hotpotqa_fireact" / "trajectories.jsonl")
    return [story for row in rows if (story := story_of(row["steps"]))]


@pytest.fixture(scope="module")
def transcripts(real_data):
    return [
        row["messages"] for row in lines(real_data / "transcripts_webdancer_format" / "sample_traj_60.jsonl")
    ]


def said(parsed, kind):
    return [one.text.strip() for one in parsed.segments if one.kind is kind]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_real_rollouts_are_read_alike_in_every_format(stories, way):
    assert len(stories) > 900
    for story in stories:
        parsed = parse(way(story), "none")
        assert said(parsed, THOUGHT) == [thought.strip() for thought in story.thoughts]
        assert said(parsed, PAGE) == [page.strip() for page in story.pages]
        assert (parsed.answer or "") == story.answer.strip()  # some of these policies answer with nothing


@pytest.mark.parametrize("drop", [False, True], ids=["chatml", "role_lines"])
def test_real_transcripts_are_read_alike_as_messages_and_as_text(transcripts, drop):
    assert len(transcripts) == 60
    for messages in transcripts:
        answered = messages[2:]  # after the system's and the user's part of the prompt
        text = chatml_text(answered)
        if drop:
            text = text.replace("<|im_start|>", "").replace("<|im_end|>", "")

        as_messages = parse(Messages(tuple(answered)), "balanced")
        as_text = parse(Text(text, "role_lines" if drop else "chatml"), "balanced")

        assert said(as_text, THOUGHT) == said(as_messages, THOUGHT) != []
        assert said(as_text, PAGE) == said(as_messages, PAGE) != []
        assert (as_text.answer, as_text.format_error) == (as_messages.answer, as_messages.format_error)
