"""Text formats over HTTP."""

import json
import re

import httpx
import pytest

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


def test_a_dialect_is_read_in_messages_too(post):
    messages = [
        {"role": "assistant", "content": "<think>Quillock</think><search>Zanderheim</search>"},
        {"role": "user", "content": "<information>Zanderheim</information>"},
        {"role": "assistant", "content": "<answer>x</answer>"},
    ]

    _, reply = scored(post, messages=messages, dialect="search_r1")

    (one,) = reply["groups"][0]["rollouts"]
    assert (one["outcome"], one["matched"], one["flags"]) == ("correct", 1, [])


def test_a_call_says_how_its_rollouts_are_read_and_a_rollout_says_it_better(post):
    body = example(profile="egrpo", dialect="search_r1")
    calling = "<think>Quillock <search>Zanderheim</search></think><answer>x</answer>"
    body["groups"][0]["rollouts"] = [
        {"rollout_id": "0", "text": "<refine>Quillock</refine><answer>x</answer>", "dialect": "autorefine"},
        {"rollout_id": "1", "text": calling},
        {"rollout_id": "2", "text": calling, "format": "tagged"},
    ]

    _, reply = post("/v1/groups/score", body)

    rollouts = reply["groups"][0]["rollouts"]
    assert [one["matched"] for one in rollouts] == [1, 1, 1]
    assert ["foreign_markup" in one["flags"] for one in rollouts] == [False, False, True]


def test_a_short_form_beside_another_dialect_is_refused_for_a_call(post):
    status, problem = post("/v1/groups/score", example(format="react", dialect="tagged"))

    assert (status, problem["type"]) == (422, "urn:reward-service:invalid-request")


def test_what_stood_before_the_completion_earns_nothing(post):
    prompt = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Zanderheim, say."}]
    messages = [
        *prompt,
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": "<think>Quillock</think>x"},
    ]

    counts = [
        scored(post, **rollout)[1]["groups"][0]["rollouts"][0]["matched"]
        for rollout in (
            {"messages": messages},
            {"messages": messages, "prompt_messages": 2},
            {"messages": messages[3:], "prompt": messages[:3]},
        )
    ]

    assert counts == [2, 1, 1]


def test_a_prompt_that_opens_the_thought_says_where_the_text_begins(post):
    _, reply = scored(post, text="Quillock <tool_call>q</tool_call>", prompt="Who?<think>")

    assert reply["groups"][0]["rollouts"][0]["matched"] == 1


def test_messages_may_come_as_json(post):
    text = json.dumps([{"role": "assistant", "reasoning": "Quillock", "content": "x"}])

    _, reply = scored(post, messages=text)

    assert reply["groups"][0]["rollouts"][0]["matched"] == 1


def test_a_group_without_any_thought_is_flagged_and_counted(server, post):
    def counted():
        page = httpx.get(f"{server}/metrics").text
        return float(re.search(r"groups_without_thoughts_total (\d\S*)", page)[1])

    before = counted()
    _, reply = scored(post, text="<musing>Quillock</musing><answer>x</answer>")

    assert reply["groups"][0]["flags"] == ["no_thoughts"]
    assert counted() == before + 1
