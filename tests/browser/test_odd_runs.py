"""Runs that are nearly empty, failed, hostile or judged, and readers without scripts."""

import json
import subprocess
import sys
from itertools import product

import httpx
import pytest

from reward_service.serve.config import Settings
from tests.browser.conftest import viewing
from tests.browser.rollouts import EVIL, write_rollouts
from tests.browser.test_views import VIEWS, sound
from tests.redis_server import free_port, until

TURNED = "\u202etxet\u2066"
LONG = 1_000_000


def line(**more):
    return {
        "group_id": "g",
        "rollout_id": "0",
        "question": "Who?",
        "answers": ["Robert FitzRoy"],
        "entities": ["HMS Beagle"],
        "text": "<think>HMS Beagle</think><answer>no</answer>",
        **more,
    }


def hostile(step, n):
    thought = f"{EVIL} {TURNED} \x00 \ud800 Quillock " + ("word " * (LONG // 5) if step == n == 0 else "")
    return line(
        group_id=f"{step} {EVIL} {TURNED}",
        rollout_id=f"{n} {EVIL}",
        step=f"{step} {EVIL} \x00",
        question=f"{EVIL} {TURNED} \x00",
        answers=[EVIL, "\x00"],
        entities=["Quillock", f"Zanderheim {EVIL}", f"{TURNED} name", "\x00 nul"],
        note=f"{EVIL} \x00 \ud800",
        text=f"<think>{thought}</think><tool_call>{EVIL}</tool_call>"
        f"<tool_response>{TURNED} {EVIL} \x00</tool_response><answer>{EVIL}</answer>",
    )


RUNS = {
    "one rollout": [line()],
    "no reward": [
        *(line(rollout_id=str(n), outcome_error=f"my judge fell over {EVIL}") for n in range(3)),
        *(line(group_id=f"h{n}", step=n, stop_reason="abort") for n in range(2)),
    ],
    "hostile": [hostile(step, n) for step in range(2) for n in range(2)],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Base URLs of the views of all odd runs, one after the other."""
    opened = []

    def serve(name):
        folder = tmp_path_factory.mktemp("odd")
        context = viewing(folder, [write_rollouts(folder / "rollouts.jsonl", RUNS[name])])
        opened.append(context)
        return context.__enter__()

    bases = {name: serve(name) for name in RUNS}
    yield bases
    for context in opened:
        context.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("hostile", 390),
        *(
            pytest.param(*one, marks=pytest.mark.long)
            for one in product(RUNS, (1440, 390))
            if one != ("hostile", 390)
        ),
    ],
)
def test_every_view_of_an_odd_run_is_accessible_and_fits(look, served, name, width):
    watched = look(served[name], width=width)
    for path in VIEWS.values():
        watched.page.goto(served[name] + path)
        sound(watched)

    assert watched.page.evaluate("window.evil") is None
    assert watched.page.locator("main img, main script").count() == 0


def test_rewards_that_are_missing_are_dashes_with_their_reasons(look, served):
    page = look(served["no reward"]).page

    assert "my judge fell over" in page.locator("main").inner_text()
    assert page.locator(".tiles dd").nth(1).inner_text() == "0 %"
    page.goto(served["no reward"] + "/groups/0/0")
    assert page.locator(".sum").inner_text().startswith("no reward: judge_failed")


def test_a_text_that_turns_around_leaves_what_follows_it_alone(look, served):
    page = look(served["hostile"] + "/groups/0/0").page

    for text in ("header code", "header bdi", ".strip .cell", ".names .mark"):
        found = page.locator(text).first
        assert found.evaluate("one => getComputedStyle(one).unicodeBidi") == "isolate", text


def test_without_scripts_every_view_shows_its_numbers_and_its_forms_work(look, views):
    page = look(views, scripts=False).page
    assert page.locator(".tiles dd").first.inner_text().startswith("48 ")

    page.goto(views + "/groups")
    page.select_option("select[name=filter]", "unreached")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**filter=unreached**")
    page.locator(".cells .cell").first.click()
    page.wait_for_url("**/groups/*/*")
    assert page.locator(".segments p").first.is_visible()


@pytest.mark.long
def test_a_report_of_hostile_text_runs_none_of_it(look, tmp_path):
    path, report = write_rollouts(tmp_path / "r.jsonl", RUNS["hostile"]), tmp_path / "report.html"
    command = [sys.executable, "-m", "reward_service", "report", path, "--out", report]
    subprocess.run(command, check=True, capture_output=True)

    watched = look(report.as_uri(), width=390)

    sound(watched)
    assert watched.page.evaluate("window.evil") is None


@pytest.mark.long
def test_a_comparison_is_a_file_that_needs_no_network(look, tmp_path):
    path, page = write_rollouts(tmp_path / "r.jsonl"), tmp_path / "compare.html"
    command = [sys.executable, "-m", "reward_service", "compare", path, "--out", page]
    subprocess.run(
        [*command, "--profile", "grpo-equal", "--profile", "egrpo"], check=True, capture_output=True
    )

    watched = look(page.as_uri(), width=390)

    sound(watched)
    said = watched.page.locator("main").inner_text()
    assert "egrpo instead of grpo-equal:" in said
    assert "groups that gain a signal" in said


@pytest.fixture
def judge(tmp_path):
    """The backends file of a judge in a process of its own."""
    port, backends = free_port(), tmp_path / "backends.yaml"
    url = f"http://127.0.0.1:{port}/v1"
    backends.write_text(json.dumps([{"name": "stub", "serves": ["judge"], "url": url}]))
    stub = subprocess.Popen([sys.executable, "-m", "reward_service.cli.stub_judge", "--port", str(port)])
    try:
        until(lambda: answers(f"{url}/models"), "the judge answers")
        yield backends
    finally:
        stub.terminate()
        stub.wait()


def answers(url):
    try:
        return httpx.get(url).is_success
    except httpx.ConnectError:
        return False


def test_a_judges_verdicts_and_cost_are_shown_by_step(look, judge, tmp_path):
    rows = [
        line(
            group_id=f"g{step}",
            rollout_id=str(n),
            step=step,
            text=f"<think>x</think><answer>{answer}</answer>",
        )
        for step in range(2)
        for n, answer in enumerate((f"It was Robert FitzRoy, {step}", f"Charles Darwin, {step}"))
    ]
    paths = [write_rollouts(tmp_path / "judged.jsonl", rows)]
    settings = Settings(backends=judge)
    with viewing(tmp_path, paths, profiles=["egrpo-judged"], settings=settings) as views:
        watched = look(views)
        sound(watched)
        titles = watched.page.locator("figcaption").all_inner_texts()
        watched.page.goto(views + "/groups/0/1")
        said = watched.page.locator(".facts").first.inner_text()

    assert [title.split("\n")[0] for title in titles][-2:] == ["Judge", "Answers of judges per rollout"]
    assert "judge, answer" in said
    assert "incorrect" in said
