"""The pages of the service: a rollout explained, and a run at this moment."""

import json

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.api.keys import generate
from reward_service.serve.config import Settings
from tests.browser.conftest import wait_for
from tests.browser.test_views import sound
from tests.builders import EXAMPLE
from tests.conftest import serving

RECORD = {
    "question": {
        "text": "Who?",
        "answers": ["Met Office"],
        "entities": [{"name": "Zanderheim"}, {"name": "Quillock"}],
    },
    "messages": [
        {"role": "assistant", "content": "<think>Perhaps Quillock.</think><answer>No idea</answer>"}
    ],
}


@pytest.fixture(scope="module")
def service(sample_index):
    with serving(create_app(Settings(index=sample_index))) as base:
        yield base


@pytest.fixture
def box(look, service):
    watched = look(service + "/ui/")
    wait_for(watched.page, "document.querySelectorAll('#profile option').length > 3")
    return watched


def explain(page, pasted, **fields):
    for name, value in fields.items():
        page.locator(f"#{name}").evaluate("(field, value) => { field.value = value }", value)
    page.fill("#rollout", pasted if isinstance(pasted, str) else json.dumps(pasted))
    page.get_by_role("button", name="Explain", exact=True).click()
    page.wait_for_selector("#result .sum, #result .problem")
    return page.locator("#result").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_page_is_accessible_before_and_after(look, service, width, scheme):
    watched = look(service + "/ui/", width=width, scheme=scheme)
    sound(watched)
    watched.page.get_by_role("button", name="Fill in an example").click()
    watched.page.keyboard.press("Control+Enter")
    watched.page.wait_for_selector("#result .sum")

    sound(watched)
    assert watched.page.locator("#result .sum").is_visible()


def test_a_record_brings_its_question_and_its_reward_is_a_sum(box):
    said = explain(box.page, RECORD, group_max="2", profile="egrpo-paper")

    assert "egrpo-paper: 0.15 (entity_match) = 0.15" in said
    assert "R = [correct] + 0.3 · group_max(entity_match) [wrong]" in said
    assert "Quillock: earns credit: the name Quillock" in said


def test_a_reward_that_does_not_depend_on_the_group_is_shown_without_it(box):
    correct = {**RECORD, "outcome": "correct"}

    assert "egrpo: 1" in explain(box.page, correct)
    assert "depends on the group's best count" in explain(box.page, RECORD)


def test_the_lines_of_a_group_are_scored_together(box):
    lines = "\n".join(
        json.dumps({**RECORD, "rollout_id": str(n), "outcome": outcome})
        for n, outcome in enumerate(("wrong", "correct"))
    )

    said = explain(box.page, lines, profile="egrpo-paper", second="grpo")

    assert box.page.locator("#result .strip .cell").all_inner_texts() == ["✗ 0.3", "✓ 1"]
    assert "egrpo-paper: 0.3 (entity_match) = 0.3, advantage -0.707" in said
    assert "grpo: 0" in said
    box.page.locator("#result .strip .cell").nth(1).click()
    wait_for(box.page, "document.querySelector('#result .sum').textContent.includes('1 (base)')")


def test_a_question_of_the_index_and_the_services_own_reply_are_read(box, service):
    first = explain(
        box.page,
        "<think>Robert FitzRoy</think><answer>x</answer>",
        dataset="sample",
        question_id="first-forecast",
    )
    reply = {"segments": [{"kind": "thought", "text": "Robert FitzRoy"}, {"kind": "answer", "text": "x"}]}

    assert "1 of 4: Robert FitzRoy" in first
    assert "1 of 4: Robert FitzRoy" in explain(
        box.page, reply, dataset="sample", question_id="first-forecast"
    )


def test_a_trainers_line_is_read(box):
    line = {
        "input": "user\nWho?",
        "output": "<think>Zanderheim</think><answer>x</answer>",
        "gts": {"target": ["x"]},
        "entities": ["Zanderheim"],
    }

    assert "correct" in explain(box.page, line)


def test_a_failed_call_clears_the_old_result_and_says_why(look, service):
    page = look(service + "/ui/", expects_errors=True).page
    wait_for(page, "document.querySelectorAll('#profile option').length > 3")
    explain(page, RECORD)

    said = explain(page, "<think>x</think>", dataset="nothing", question_id="q")

    assert "no such data set" in said
    assert page.locator("#result .sum").count() == 0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 502, "body": "<html>bad gateway</html>"}, "The service answered 502."),
        ({"status": 503, "body": ""}, "The service answered 503."),
        (None, "The service does not answer."),
    ],
)
def test_what_stands_between_may_fail(look, service, answer, why):
    page = look(service + "/ui/", expects_errors=True).page
    wait_for(page, "document.querySelectorAll('#profile option').length > 3")
    page.route(
        "**/v1/rollouts/explain", lambda route: route.fulfill(**answer) if answer else route.abort("timedout")
    )

    assert why in explain(page, RECORD)


def test_text_of_a_rollout_is_text(box):
    evil = '<img src=x onerror="window.evil=1">'

    said = explain(
        box.page,
        {**RECORD, "messages": [{"role": "assistant", "content": f"<think>{evil} Quillock</think>"}]},
    )

    assert evil in said
    assert box.page.evaluate("window.evil") is None


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    token, lines = generate("reader", ["score", "explain"])
    keys = tmp_path_factory.mktemp("keys") / "keys.toml"
    keys.write_text(lines, encoding="utf-8")
    with serving(create_app(Settings(keys=keys))) as base:
        yield base, token


def test_with_keys_the_page_asks_for_one_and_keeps_it_for_the_session(look, locked):
    base, token = locked
    page = look(base + "/ui/", expects_errors=True).page
    page.wait_for_selector("#result .problem")

    page.fill("#key", token)
    page.locator("#key").dispatch_event("change")
    wait_for(page, "document.querySelectorAll('#profile option').length > 3")

    assert "egrpo: 1" in explain(page, {**RECORD, "outcome": "correct"})
    page.reload()
    assert page.input_value("#key") == token


def test_the_page_of_a_run_shows_its_numbers_and_with_keys_asks_for_one(look, locked):
    base, token = locked
    page = look(base + "/ui/runs/r", expects_errors=True).page
    page.wait_for_selector("#problem:visible")
    send(page, base, token)

    page.fill("#key", token)
    page.get_by_role("button", name="Use").click()

    page.wait_for_selector("#summary table")
    assert page.locator("#problem").is_hidden()
    assert "egrpo/reward" in page.locator("#summary").inner_text()


@pytest.fixture(scope="module")
def running(service):
    """Address of the page of a run that has closed some groups."""
    run = {"profile": "egrpo", "group_size": 1, "deadline_s": 60}
    assert httpx.put(f"{service}/v1/runs/many", json=run).is_success
    for n in range(4):
        path = f"{service}/v1/runs/many/groups/{n}/rollouts/0"
        assert httpx.put(path, json={**RECORD, "outcome": "correct" if n % 2 else "wrong"}).is_success
    return f"{service}/ui/runs/many"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_page_of_a_run_is_accessible_and_fits(look, running, width, scheme):
    watched = look(running, width=width, scheme=scheme)
    watched.page.wait_for_selector("#summary figure")

    sound(watched)
    assert watched.page.locator("figure").count() > 3


@pytest.mark.long
def test_the_page_of_an_unknown_run_says_so_and_is_accessible(look, service):
    watched = look(service + "/ui/runs/nothing", expects_errors=True)
    watched.page.wait_for_selector("#problem:visible")

    sound(watched)
    assert "There is no such run. Declare it first" in watched.page.locator("#problem").inner_text()


def test_the_field_for_the_key_stays_within_its_box_on_a_phone(look, service):
    page = look(service + "/ui/runs/nothing", width=390, expects_errors=True).page

    [box, key] = [page.locator(one).bounding_box() for one in ("#with-key", "#key")]
    assert key["x"] + key["width"] < box["x"] + box["width"]


def send(page, base, token):
    """Declare a run of one group and complete the group."""
    headers = {"Authorization": f"Bearer {token}"}
    run = {"profile": "egrpo-paper", "group_size": 1, "deadline_s": 60}
    assert page.request.put(f"{base}/v1/runs/r", data=run, headers=headers).ok
    group = EXAMPLE["groups"][0]
    rollout = group["rollouts"][0]
    path = f"{base}/v1/runs/r/groups/g/rollouts/{rollout['rollout_id']}"
    assert page.request.put(path, data=rollout | {"question": group["question"]}, headers=headers).ok
