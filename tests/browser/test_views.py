"""The views of `reward-service view` and the report, as a reader meets them."""

import subprocess
import sys

import httpx
import pytest

from tests.browser.conftest import viewing, wait_for
from tests.browser.rollouts import rollouts, write_rollouts

VIEWS = {"run": "/", "groups": "/groups", "rollout": "/groups/0/0", "dataset": "/dataset"}
SMOKE = [(1440, "light"), (390, "dark")]
REST = [(1440, "dark"), (390, "light")]


def sound(watched):
    """Check a page: accessible, and no wider than the window."""
    assert watched.violations() == []
    assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("width", "scheme"), SMOKE)
@pytest.mark.parametrize("path", VIEWS.values(), ids=VIEWS)
def test_every_view_is_accessible_and_fits(look, views, path, width, scheme):
    sound(look(views + path, width=width, scheme=scheme))


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), REST)
@pytest.mark.parametrize(
    "path",
    [
        *VIEWS.values(),
        "/groups?filter=never",
        "/groups?text=nothing+like+it",
        "/groups/2/0",
        "/groups/1/1",
        "/groups/999/0",
    ],
)
def test_every_state_is_accessible_and_fits(look, views, path, width, scheme):
    sound(look(views + path, width=width, scheme=scheme, expects_errors="999" in path))


@pytest.mark.parametrize(
    ("path", "marked"),
    [("/groups/1/0", "北京大学"), ("/groups/1/1", "جامعة القاهرة"), ("/groups/1/2", "Łódź")],
)
def test_marks_are_on_the_right_characters_in_every_script(look, views, path, marked):
    page = look(views + path).page

    credited = page.locator("mark.credited").evaluate("mark => mark.firstChild.textContent")

    assert credited == marked


def test_text_never_becomes_markup(look, views):
    page = look(views + "/groups/2/0").page

    assert page.evaluate("window.evil") is None
    assert page.locator("main img, main script").count() == 0
    assert "<img src=x onerror" in page.locator(".segments").inner_text()


def test_every_mark_has_its_reason_in_words(look, views):
    page = look(views + "/groups/0/0").page

    reasons = page.locator("mark.mark .why").all_text_contents()

    assert " (HMS Beagle: earns credit: the name HMS Beagle)" in reasons
    assert " (HMS Beagle: read in a tool response, not said)" in reasons


def test_keys_go_through_rollouts_and_marks(look, views):
    page = look(views + "/groups/0/0").page

    page.keyboard.press("j")
    page.wait_for_url("**/groups/0/1")
    page.keyboard.press("k")
    page.wait_for_url("**/groups/0/0")
    page.keyboard.press("n")
    first = page.evaluate("location.hash")
    page.keyboard.press("n")

    assert first.startswith("#g0-r0-s0-")
    assert page.evaluate("location.hash") != first
    assert page.locator("mark.current").count() == 1


def test_a_permalink_opens_the_folded_text_it_points_into(look, views):
    page = look(views + "/groups/0/0#g0-r0-s2-0").page

    wait_for(page, "document.querySelector('details.long').open")
    assert page.locator("#g0-r0-s2-0").is_visible()


def test_the_url_has_the_state_of_the_groups(look, views):
    page = look(views + "/groups").page

    page.select_option("select[name=filter]", "unreached")
    page.wait_for_url("**filter=unreached**")
    wait_for(page, "document.querySelectorAll('table.groups tbody tr').length < 12")
    rows = page.locator("table.groups tbody tr").count()
    page.reload()
    assert page.locator("table.groups tbody tr").count() == rows
    page.fill("#text", "mixed-2")
    page.wait_for_url("**text=mixed-2**")
    wait_for(page, "document.querySelectorAll('table.groups tbody tr').length == 1")
    page.go_back()
    wait_for(page, f"document.querySelectorAll('table.groups tbody tr').length == {rows}")


def test_a_point_leads_to_the_groups_of_its_step(look, views):
    page = look(views + "/").page

    page.locator("figure summary").first.click()
    page.locator("figure table a").first.click()

    page.wait_for_url("**/groups?step=1")
    assert page.locator("table.groups tbody tr").count() == 4


def test_a_profile_pays_the_whole_group_again(look, views):
    page = look(views + "/groups/0/1").page

    page.select_option("select[name=profile]", "grpo-equal")
    page.get_by_role("button", name="Score the group again").click()

    page.wait_for_url("**profile=grpo-equal")
    assert page.locator(".strip .cell").nth(1).inner_text().startswith("✗")


def test_the_keyboard_alone_reaches_a_rollout(look, views):
    page = look(views + "/groups").page

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.cells .cell')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/groups/*/*")


def test_the_views_answer_to_names_of_loopback_alone(views):
    assert httpx.get(views, headers={"Host": "evil.example"}).status_code == 400
    assert httpx.get(views).status_code == 200


def test_a_page_says_that_its_file_has_changed(look, tmp_path):
    path = write_rollouts(tmp_path / "rollouts.jsonl")
    with viewing(tmp_path, [path], follows=True) as base:
        page = look(base).page
        write_rollouts(path, list(rollouts())[:16])

        page.get_by_text("The files have changed: show").click()
        wait_for(page, "document.querySelector('.tiles dd').textContent.startsWith('16 ')")


def test_the_report_needs_no_network(look, tmp_path):
    report = tmp_path / "report.html"
    command = [sys.executable, "-m", "reward_service", "report", write_rollouts(tmp_path / "rollouts.jsonl")]
    subprocess.run([*command, "--out", report], check=True, capture_output=True)

    watched = look(report.as_uri())
    page = watched.page

    sound(watched)
    assert "ground truth and rollout text" in page.locator(".warning").inner_text()
    page.locator("#all-groups a.cell").first.click()
    assert page.evaluate("location.hash") == "#g0-r0"
    assert page.evaluate("window.evil") is None


@pytest.mark.long
def test_a_long_rollout_is_shown_and_says_what_it_leaves_out(look, tmp_path):
    turns = "".join(
        f"<think>Turn {n} HMS Beagle</think><tool_call>q</tool_call><tool_response>{'page ' * 15_900}</tool_response>"
        for n in range(100)
    )
    line = {**next(rollouts()), "text": turns + "<answer>no</answer>"}
    with viewing(tmp_path, [write_rollouts(tmp_path / "long.jsonl", [line])]) as base:
        watched = look(base + "/groups/0/0")

        assert len(line["text"]) > 7_900_000
        assert "more characters are not shown" in watched.page.locator(".segments").inner_text()
        assert watched.page.locator(".outline li").count() == 301
