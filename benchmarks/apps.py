"""Servers to compare the service with, each in a process of its own.

python -m benchmarks.apps noop|naive PORT
"""

import sys
import unicodedata
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel
from rapidfuzz import fuzz

noop = FastAPI()
naive = FastAPI()


@noop.post("/v1/groups/score")
async def read_only(request: Request) -> dict[str, int]:
    """Read the body and do nothing with it: what no service over HTTP can be cheaper than."""
    return {"bytes": len(await request.body())}


class NaiveMessage(BaseModel):
    """Its message."""

    role: str
    content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class NaiveRollout(BaseModel):
    """Its rollout."""

    rollout_id: str
    outcome: str | None = None
    messages: list[NaiveMessage]


class NaiveGroup(BaseModel):
    """Its group."""

    group_id: str
    question: dict[str, Any]
    rollouts: list[NaiveRollout]


class NaiveCall(BaseModel):
    """Its call."""

    profile: str
    groups: list[NaiveGroup]


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


@naive.post("/v1/groups/score")
async def score_naively(call: NaiveCall) -> dict[str, Any]:
    """Score as one would on the first afternoon: body as parameter, fold by character, partial_ratio for each entity."""
    results = []
    for group in call.groups:
        names = [
            [plain(spelling) for spelling in (entity["name"], *entity["aliases"])]
            for entity in group.question["entities"]
        ]
        matched = []
        for rollout in group.rollouts:
            thoughts = plain("\n".join(m.content or "" for m in rollout.messages if m.role == "assistant"))
            matched.append(
                sum(any(fuzz.partial_ratio(one, thoughts) >= 90 for one in spellings) for spellings in names)
            )
        best = max(matched) or 1
        results.append({"group_id": group.group_id, "rewards": [0.3 * count / best for count in matched]})
    return {"groups": results}


if __name__ == "__main__":
    uvicorn.run(
        {"noop": noop, "naive": naive}[sys.argv[1]],
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="warning",
    )
