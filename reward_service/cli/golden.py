"""The golden groups over HTTP: whether a service somewhere else pays to the bit what this package says it should.

Each replica scores them for itself all the time (`canaries`). This goes the way a trainer's call goes, through proxies,
keys and JSON, and is what a cluster runs after an installation.
"""

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from reward_service.api.canaries import PROGRESS, compared, golden, sent_with
from reward_service.cli import health
from reward_service.cli.demo import sample_lines
from reward_service.client.errors import Unreachable
from reward_service.client.exchange import Patience
from reward_service.client.sync import Client
from reward_service.core.profiles import shipped

TIMEOUT_S = 30.0
PAUSE_S = 0.5


class Report(NamedTuple):
    """What came out."""

    groups: int
    """How many were compared, over all profiles."""
    differences: tuple[str, ...]
    """A few words each."""


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a profile's name, and its golden groups as a trainer would send them, questions inline."""
    questions = {line["question_id"]: line for line in map(json.loads, sample_lines("questions.jsonl"))}
    records = list(map(json.loads, sample_lines("rollouts.jsonl")))
    for profile, expected in golden().items():
        if shipped()[profile].asks:
            continue  # the service would ask its judge, whose answers are not known here
        sent = sent_with(shipped()[profile])
        groups = [_group(group_id, records, questions, sent[group_id]) for group_id in expected["groups"]]
        yield profile, {"profile": profile, "progress": PROGRESS, "groups": groups}


def _group(
    group_id: str,
    records: list[dict[str, Any]],
    questions: dict[str, dict[str, Any]],
    sent: list[dict[str, Any]],
) -> dict[str, Any]:
    members = [record for record in records if record["group_id"] == group_id]
    asked = questions[members[0]["question_id"]]
    shared = {"run_id", "group_id", "question_id"}
    return {
        "group_id": group_id,
        "question": {"text": asked["question"], "answers": asked["answers"], "entities": asked["entities"]},
        "rollouts": [
            {k: v for k, v in member.items() if k not in shared} | numbers
            for member, numbers in zip(members, sent, strict=True)
        ],
    }


def compare(url: str, *, key: str | None = None, wait_s: float = 0.0) -> Report:
    """Score the golden groups at a service and compare them, bit for bit.

    Args:
        url: base URL of the service.
        key: API key; None where none is asked for.
        wait_s: how long the service may take to become ready.

    Raises:
        Unreachable: it is not ready, or does not answer.
        Refused: it refuses the call.
    """
    _wait(url, wait_s)
    with Client(url, api_key=key, patience=Patience(deadline_s=TIMEOUT_S)) as client:
        replies = [
            (profile, len(body["groups"]), client.call("POST", "/v1/groups/score", body))
            for profile, body in bodies()
        ]
    found = [words for profile, _, reply in replies for words in _differences(profile, reply)]
    return Report(sum(count for _, count, _ in replies), tuple(found))


def _wait(url: str, wait_s: float) -> None:
    """Return as soon as the service is ready.

    Raises:
        Unreachable: it is not, and the time is over.
    """
    until = time.monotonic() + wait_s
    while not (asked := health.ask(url))[0]:
        if time.monotonic() >= until:
            raise Unreachable(asked[1])
        time.sleep(PAUSE_S)


def _differences(profile: str, reply: dict[str, Any]) -> Iterator[str]:
    wanted = golden()[profile]
    if reply["profile"]["digest"] != wanted["digest"]:
        yield f"profile {profile} has a different digest"
    paid = {group["group_id"]: group for group in reply["groups"]}
    for group_id, numbers in wanted["groups"].items():
        # Text, not numbers: 0.0 and -0.0 are equal and differ in a bit.
        if json.dumps(_numbers(paid.get(group_id), profile)) != json.dumps(numbers):
            yield f"profile {profile} gives the golden group {group_id} different rewards"


def _numbers(group: dict[str, Any] | None, profile: str) -> dict[str, Any] | None:
    """Return what canaries.json keeps of a group."""
    if group is None:
        return None
    columns = {name: [one[name] for one in group["rollouts"]] for name in compared(shipped()[profile])}
    return {"group_max": group["group_max"], **columns}
