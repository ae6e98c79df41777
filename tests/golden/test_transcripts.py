"""Rollouts as real systems record them, sent as their callers send them, against what a careful reader says they hold.

All ask the same question. Its entities are named in thoughts, in calls, on pages and in the prompt; only the thoughts earn.
`expected` lists kind and text of each piece: of a thought the whole text, or with `…` what it holds; of others what they hold.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from reward_service.adapters.native import QuestionIn, RolloutIn
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure
from reward_service.core.types import SegmentKind

LINES = (Path(__file__).parent / "cases" / "transcripts.jsonl").read_text(encoding="utf-8").splitlines()
SAMPLES = [json.loads(line) for line in LINES]
ENTITIES = ("Ashdown", "Corvane", "Millmere", "Westmark", "Pellworth", "Stonegate")
QUESTION = QuestionIn.model_validate(
    {
        "text": "In which town was the architect of the tower born?",
        "answers": ["Larkhill"],
        "entities": [{"name": name} for name in ENTITIES],
    }
).to_domain()


def test_every_sample_has_its_own_name():
    assert max(Counter(sample["id"] for sample in SAMPLES).values()) == 1


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_a_recording_is_read_as_a_careful_reader_would(sample):
    rollout = RolloutIn.model_validate({"rollout_id": "0", **sample["rollout"]}).to_domain()
    facts = measure(rollout, QUESTION, shipped()[sample["profile"]], explain=True)

    segments, expected = facts.evidence.segments, sample["expected"]
    assert [one.kind for one in segments] == [kind for kind, _ in expected]
    assert [text for text, (_, one) in zip(segments, expected, strict=True) if not holds(text, one)] == []
    named = {QUESTION.entities[match.entity].name for match in facts.evidence.matches}
    thoughts = " ".join(text for kind, text in expected if kind == SegmentKind.THOUGHT)
    assert named == {name for name in ENTITIES if name in thoughts}
    assert (facts.detail or "").removeprefix("format: ") == (sample["error"] or "")
    assert facts.outcome == sample["outcome"]
    assert facts.flags == tuple(sample.get("flags", facts.flags))


def holds(segment, text):
    """Whether a piece says what it should."""
    if segment.kind is SegmentKind.THOUGHT and text and not text.endswith("…"):
        return segment.text.strip() == text
    return text.removesuffix("…") in segment.text
