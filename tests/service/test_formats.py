"""Text formats over HTTP."""

import pytest

from reward_service.core.trajectory import FORMATS
from tests.builders import example
from tests.written import Story, chatml, r1_searcher, react_plain, role_lines, search_r1, tagged

STORY = Story([("Who?", "film", "Zanderheim")], "Perhaps Quillock.", "nobody")
WAYS = [tagged, search_r1, r1_searcher, react_plain, chatml, role_lines]


def scored(post, **rollout):
    body = example(profile="egrpo")
    body["groups"][0]["rollouts"] = [{"rollout_id": "0", **rollout}]
    return post("/v1/groups/score", body)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_format_is_named_beside_the_text(post, way):
    source = way(STORY)

    _, reply = scored(post, text=source.text, format=source.format)

    (one,) = reply["groups"][0]["rollouts"]
    assert (one["outcome"], one["matched"], one["reward"]) == ("wrong", 1, 0.3)


def test_every_format_is_tried_here():
    assert {way(STORY).format for way in WAYS} == set(FORMATS)


@pytest.mark.parametrize(
    "rollout",
    [
        {"text": "x", "format": "markdown"},
        {"messages": [], "format": "chatml"},
        {"steps": [], "format": "tagged"},
        {"text": "x", "format": None},
    ],
)
def test_a_format_nobody_knows_or_without_text_is_refused(post, rollout):
    status, problem = scored(post, **rollout)

    assert (status, problem["type"]) == (422, "urn:reward-service:invalid-request")
