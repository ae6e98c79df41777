"""What became of the rollouts of a file: one line a rollout, with the receipt of what it was computed from."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from reward_service.adapters.native import IndexOut
from reward_service.adapters.records.groups import Grouped
from reward_service.adapters.records.lines import Recipe
from reward_service.adapters.replies import ProfileOut, RolloutOut, profile_out, scored_out
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.core.trajectory import DEFAULT_DIALECT
from reward_service.serve.scorer import Scored


class ReaderOut(TypedDict):
    """How a file was read."""

    name: str
    format: str
    dialect: str


class Record(RolloutOut):
    """What became of one line: the rollout's result and the receipt of what it was computed from."""

    run_id: str
    group_id: str
    question_id: str | None
    step: str | None
    group_status: str
    group_max: int | None
    entities: int
    profile: ProfileOut
    engine: str
    index: IndexOut | None
    reader: ReaderOut
    meta: Mapping[str, Any]


def reader_out(how: Recipe) -> ReaderOut:
    """Say how a file was read."""
    return {
        "name": how.name,
        "format": how.defaults.format,
        "dialect": how.defaults.reading.dialect or DEFAULT_DIALECT,
    }


def records_out(scored: Scored, grouped: Grouped, how: Recipe, profile: Profile) -> list[Record]:
    """Write down one group as records, in the group's order."""
    group = scored_out(scored)
    return [
        {
            "run_id": group["run_id"],
            "group_id": group["group_id"],
            "question_id": group["question_id"],
            "step": line.step,
            "group_status": group["status"],
            "group_max": group["group_max"],
            "entities": group["entities"],
            "profile": profile_out(profile),
            "engine": ENGINE_DIGEST,
            "index": group["index"],
            "reader": reader_out(how),
            "meta": line.meta,
            **rollout,
        }
        for rollout, line in zip(group["rollouts"], grouped.lines, strict=True)
    ]
