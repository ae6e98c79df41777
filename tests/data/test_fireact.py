"""Real rollouts through HTTP: FireAct on HotpotQA, scored as the paper says."""

import json
from collections import defaultdict
from statistics import fmean

import pytest

# mean match rate of correct and of wrong rollouts, and groups with a non-zero advantage, under each profile
EXPECTED = {"egrpo-paper": (0.6542, 0.4619, 159), "grpo": (0.6542, 0.4619, 106)}


@pytest.fixture(scope="module")
def groups(real_data):
    """All groups, as calls send them."""
    rows: dict[str, list[dict]] = defaultdict(list)
    path = real_data / "trajectories_hotpotqa_fireact" / "trajectories.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["group_id"]].append(row)
    return [group_of(group_id, members) for group_id, members in rows.items()]


def group_of(group_id, members):
    question = {
        "text": members[0]["question"],
        "answers": members[0]["answers"],
        "entities": [{"name": name} for name in members[0]["entities"]],
    }
    rollouts = [
        {
            "rollout_id": row["rollout_id"],
            "steps": row["steps"],
            "outcome": "correct" if row["correct"] else "wrong",
        }
        for row in members
    ]
    return {"group_id": group_id, "question": question, "rollouts": rollouts}


@pytest.mark.parametrize("profile", EXPECTED)
def test_match_rates_and_groups_with_a_signal(post, groups, profile):
    status, reply = post("/v1/groups/score", {"profile": profile, "groups": groups})

    assert status == 200, reply
    rollouts = [one for group in reply["groups"] for one in group["rollouts"]]
    assert {one["status"] for one in rollouts} == {"scored"}
    rates = {
        name: [one["match_rate"] for one in rollouts if one["outcome"] == name]
        for name in ("correct", "wrong")
    }
    with_signal = sum(any(one["advantage"] for one in group["rollouts"]) for group in reply["groups"])
    assert (len(rollouts), len(groups)) == (1042, 355)
    assert (round(fmean(rates["correct"]), 4), round(fmean(rates["wrong"]), 4), with_signal) == EXPECTED[
        profile
    ]


def test_most_wrong_rollouts_never_had_the_answer_on_screen(post, groups):
    """Among rollouts that searched, and questions that do not name their answer themselves."""
    status, reply = post("/v1/match", {"profile": "egrpo", "groups": groups})

    assert status == 200, reply
    seen: dict[str, list[int]] = defaultdict(list)
    for sent, group in zip(groups, reply["groups"], strict=True):
        question = sent["question"]
        if question["answers"][0].lower() in question["text"].lower():
            continue
        for rollout, facts in zip(sent["rollouts"], group["rollouts"], strict=True):
            shown = facts["measured"]["answer_seen"]
            if shown is not None and any(step["type"] == "tool_response" for step in rollout["steps"]):
                seen[facts["outcome"]].append(shown)
    never = {outcome: round(1 - fmean(shown), 3) for outcome, shown in seen.items()}
    assert {outcome: len(shown) for outcome, shown in seen.items()} == {"correct": 189, "wrong": 562}
    assert never == {"correct": 0.032, "wrong": 0.765}
