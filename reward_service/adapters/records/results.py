"""What became of the rollouts of a file: one line a rollout, with the receipt of what it was computed from."""

from typing import Any, TypeAlias

from typing_extensions import TypedDict

from reward_service.adapters.records.groups import Grouped
from reward_service.adapters.records.lines import Recipe
from reward_service.adapters.replies import profile_out, scored_out
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.core.trajectory import DEFAULT_DIALECT
from reward_service.serve.scorer import Scored


class ReaderOut(TypedDict):
    """How a file was read."""

    name: str
    format: str
    dialect: str


RecordOut: TypeAlias = dict[str, Any]
"""The result of one line: its rollout's and its group's, and the receipt of what it was computed from."""


def reader_out(how: Recipe) -> ReaderOut:
    """Say how a file was read."""
    return {
        "name": how.name,
        "format": how.defaults.format,
        "dialect": how.defaults.reading.dialect or DEFAULT_DIALECT,
    }


def records_out(scored: Scored, grouped: Grouped, how: Recipe, profile: Profile) -> list[RecordOut]:
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
