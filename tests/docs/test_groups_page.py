"""What docs/groups.md shows is what happens, and it names every refusal."""

import json
import re
import subprocess
from pathlib import Path

from reward_service.api.documents import POSTED
from reward_service.api.runs import router
from reward_service.serve import errors
from reward_service.serve.groups.stores.urls import connect

PAGE = (Path(__file__).parents[2] / "docs" / "groups.md").read_text(encoding="utf-8")


def test_the_four_calls_return_what_the_page_says(server):
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)

    said = [
        json.loads(
            subprocess.run(
                ["bash", "-c", block.replace("http://127.0.0.1:8000", server)],
                capture_output=True,
                check=True,
            ).stdout
        )
        for block in blocks
    ]

    run, first, last, group = said
    assert run["group_size"] == 2
    assert (first["missing"], first["rollout"]["status"], first["rollout"]["reward"]) == (
        ["1"],
        "pending",
        None,
    )
    assert (last["group_status"], last["rollout"]["reward"]) == ("complete", 0.3)
    assert [one["reward"] for one in group["rollouts"]] == [0.15, 0.3]


def test_every_problem_of_these_calls_is_on_the_page():
    documented = {cls.slug for cls in errors.catalogue(errors.CallError)}
    ours = {
        slug
        for route in router.routes
        for answer in route.responses.values()
        for slug in re.findall(r"`([a-z-]+)`", answer.get("description", ""))
    }
    elsewhere = {cls.slug for cls in POSTED} | {"unknown-profile", "unknown-dataset", "index-unavailable"}

    assert ours <= documented
    for slug in {*ours - elsewhere, "invalid-request"}:
        assert f"`{slug}`" in PAGE, slug


def test_every_call_is_on_the_page():
    for route in router.routes:
        for method in route.methods:
            assert f"`{method} {route.path}`" in PAGE


def test_the_urls_on_the_page_can_be_read():
    for url in re.findall(r"`((?:redis|unix)[^`]*://[^`]+)`", PAGE):
        connect(re.sub(r"\[[^\]]*\]", "", url).replace("host:port", "host:1"), timeout_s=1.0)
