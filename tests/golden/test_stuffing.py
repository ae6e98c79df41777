"""A group of one stuffer and seven rollouts that name nothing: what each profile pays."""

import json
import re
from pathlib import Path

import pytest

from entity_index.types import Entity, Question
from reward_service.matching import (
    EGRPO,
    EGRPO_GUARDED,
    EGRPO_PAPER,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.types import Segment, SegmentKind

GOLDEN = json.loads((Path(__file__).parent / "stuffing.json").read_text())
SPECS = {"egrpo": EGRPO, "egrpo-guarded": EGRPO_GUARDED, "egrpo-paper": EGRPO_PAPER}
ALPHA = 0.3


@pytest.mark.parametrize("profile", SPECS)
@pytest.mark.parametrize("stuffer", GOLDEN["stuffers"])
def test_a_stuffer_among_silent_rollouts_is_paid_as_recorded(profile: str, stuffer: str) -> None:
    text = GOLDEN["stuffers"][stuffer]
    question = Question("Which city?", (), tuple(Entity(name) for name in GOLDEN["gold"]))
    page = Segment(SegmentKind.TOOL_RESPONSE, "Capitals of the world: " + "; ".join(GOLDEN["gold"]))
    names = MentionNames(re.findall(r"\b[A-Z][a-z]{3,}\b", GOLDEN["stuffers"]["comma list"]))
    group = [
        [page, Segment(SegmentKind.THOUGHT, text)],
        *[[page, Segment(SegmentKind.THOUGHT, "I do not know.")]] * 7,
    ]
    matched = [
        result.matched
        for result in match_group(group, compile_question(question, SPECS[profile]), names=names)
    ]
    assert matched == [GOLDEN["matched"][profile][stuffer], *[0] * 7]
    assert ALPHA * matched[0] / max(1, *matched) == GOLDEN["reward"][profile][stuffer]
