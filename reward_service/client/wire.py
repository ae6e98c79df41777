"""Values <-> the JSON of the service's own calls. Fields a newer service adds are ignored."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from math import isfinite
from typing import Any, assert_never

from reward_service.client.errors import Refused
from reward_service.client.groups import Group, GroupRewards, Member, RolloutReward, Run
from reward_service.core.types import (
    Judgement,
    Messages,
    Reading,
    Rollout,
    Segment,
    SegmentKind,
    Steps,
    Text,
    Unreadable,
)

_RESULT_FIELDS = tuple(field.name for field in fields(RolloutReward))


def encode(body: Mapping[str, Any]) -> bytes:
    """Write a body; what is None is left to the service's default."""
    kept = {key: value for key, value in body.items() if value is not None}
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False, default=_plain)
    return text.encode("utf-8", "surrogatepass")


def _plain(value: object) -> object:
    """Return the plain values of an array or scalar of numpy: rows of parquet files come with them.

    Raises:
        TypeError: it is none, and JSON has no place for it.
    """
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def decode(body: bytes) -> dict[str, Any]:
    """Read a reply.

    Raises:
        Refused: it is no JSON object, so it does not come from the service.
    """
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise foreign()
    return document


def foreign() -> Refused:
    """Return the error for a reply that the service would not give."""
    return Refused("The reply does not come from the reward service: check the URL.", status=200)


@contextmanager
def reading_reply() -> Iterator[None]:
    """Turn a reply without the fields that every reply of the service has into an error of the client.

    Raises:
        Refused: something is missing, or is of another kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError):
        raise foreign() from None


def problem(status: int, body: bytes) -> Refused:
    """Return why a call was refused, from its problem+json (RFC 9457) where it has one."""
    try:
        document = decode(body)
    except Refused:
        document = {}
    title = document.get("title", "The call was refused before it reached the service.")
    return Refused(title, status=status, type=document.get("type", ""), detail=document.get("detail", ""))


def rollout_in(rollout: Rollout) -> dict[str, Any]:
    """Write a rollout without its id."""
    body: dict[str, Any] = source_in(rollout.source)
    if rollout.outcome is not None:
        body["outcome"] = rollout.outcome
    if rollout.outcome_error is not None:
        body["outcome_error"] = rollout.outcome_error
    if rollout.stop_reason is not None:
        body["stop_reason"] = rollout.stop_reason
    if rollout.signals:
        body["signals"] = dict(rollout.signals)
    if rollout.length is not None:
        body["length"] = rollout.length
    if rollout.tree is not None:
        body["tree"] = rollout.tree
    if rollout.turn_signals:
        body["turn_signals"] = {name: list(row) for name, row in rollout.turn_signals.items()}
    if rollout.anchor:
        body["anchor"] = list(rollout.anchor)
    return body


def source_in(source: Text | Messages | Steps | Unreadable) -> dict[str, Any]:
    """Write what a rollout says."""
    match source:
        case Text(text, written, reading):
            return {"text": text, "format": written, **reading_in(reading)}
        case Messages(messages, prompt, reading):
            said = {"messages": list(messages), **reading_in(reading)}
            return {**said, "prompt_messages": prompt} if prompt else said
        case Steps(segments):
            return {"steps": [_step_in(segment) for segment in segments]}
        case Unreadable(why):
            raise ValueError(why)
        case _:
            assert_never(source)


def reading_in(reading: Reading) -> dict[str, Any]:
    """Write how a rollout is to be read, as far as it says so."""
    return {key: value for key, value in asdict(reading).items() if value is not None}


def _step_in(segment: Segment) -> dict[str, Any]:
    name = "arguments" if segment.kind is SegmentKind.TOOL_CALL else "text"
    return {"type": segment.kind, name: segment.text}


def truth_in(question: str | Mapping[str, Any]) -> dict[str, Any]:
    """Write a question: its id, or its ground truth."""
    return {"question_id": question} if isinstance(question, str) else {"question": question}


def group_in(group: Group) -> dict[str, Any]:
    """Write a group."""
    dataset = {} if group.dataset is None else {"dataset": group.dataset}
    rollouts = [{"rollout_id": one.rollout_id, **rollout_in(one)} for one in group.rollouts]
    return {
        "run_id": group.run_id,
        "group_id": group.group_id,
        **truth_in(group.question),
        **dataset,
        "rollouts": rollouts,
    }


def member_in(member: Member) -> dict[str, Any]:
    """Write a rollout that comes alone."""
    return {**truth_in(member.question), **rollout_in(member.rollout)}


def run_in(run: Run) -> dict[str, Any]:
    """Write the declaration of a run."""
    return {
        "profile": run.profile,
        "group_size": run.group_size,
        "deadline_s": run.deadline_s,
        "dataset": run.dataset,
        "partial": run.partial,
        "estimator": run.estimator,
        "total_steps": run.total_steps,
    }


def groups_out(reply: Mapping[str, Any], sent: Sequence[tuple[str, Sequence[str]]]) -> list[GroupRewards]:
    """Read the groups of a reply; `sent` are the ids of the groups that were sent, and of their rollouts.

    Raises:
        Refused: they are not the groups that were sent.
    """
    with reading_reply():
        groups = [group_out(group) for group in reply["groups"]]
        if [(one.group_id, [each.rollout_id for each in one.rollouts]) for one in groups] != [
            (group_id, list(rollouts)) for group_id, rollouts in sent
        ]:
            raise foreign()
    return groups


def rollout_out(result: Mapping[str, Any]) -> RolloutReward:
    """Read one rollout's result.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    if any(result[name] is not None and not isfinite(result[name]) for name in ("reward", "advantage")):
        raise ValueError("a reward must be a finite number or null")
    known = {name: result[name] for name in _RESULT_FIELDS if name in result}
    turns = {
        "turns": tuple(map(tuple, result.get("turns", ()))),
        "turn_rewards": _row(result.get("turn_rewards")),
        "turn_advantages": _row(result.get("turn_advantages")),
    }
    lists = {
        "flags": tuple(result.get("flags", ())),
        "judgements": tuple(map(_judgement, result.get("judgements", ()))),
    }
    return RolloutReward(**{**known, **turns, **lists})


def _judgement(one: Mapping[str, Any]) -> Judgement:
    votes = tuple(one.get("votes", ()))
    return Judgement(one["asker"], one["key"], one["value"], one["model"], one["reply"], votes)


def _row(numbers: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if numbers is None else tuple(numbers)


def group_out(group: Mapping[str, Any]) -> GroupRewards:
    """Read one group."""
    return GroupRewards(
        group["run_id"],
        group["group_id"],
        group["status"],
        tuple(rollout_out(one) for one in group["rollouts"]),
        entities=group["entities"],
        group_max=group["group_max"],
        missing=tuple(group.get("missing", ())),
    )


def refusal(group: Mapping[str, Any]) -> Refused | None:
    """Return why one group of an answered call was refused; None where it was not."""
    error = group.get("error")
    if error is None:
        return None
    return Refused(error["title"], status=200, type=error["type"], detail=error["detail"])


def first_refusal(groups: Sequence[Mapping[str, Any]]) -> Refused | None:
    """Return why the first refused group was refused; None where none was."""
    return next((why for group in groups if (why := refusal(group))), None)
