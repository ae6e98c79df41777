"""The calls, one function each, as conversations: what is asked, what is made of the answer, and nothing of sockets."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from reward_service.client import wire
from reward_service.client.errors import ClientError, Refused, Unreachable
from reward_service.client.exchange import Conversation, Pause, Reply, Request, RetryContext, persist
from reward_service.client.groups import Group, GroupRewards, Member, RolloutReward, Run, masked, masked_group

log = logging.getLogger("reward_service.client")

SUCCESS = range(200, 300)
GROUP_FAILED = "group_failed"
UNKNOWN_RUN = "urn:reward-service:unknown-run"
# Longest the service lets a call wait by default; more is cut to its limit.
WAIT_S = 25.0
# With less time left than this, one more try would only be cut off.
LAST_S = 0.1
OnError = Literal["raise", "mask"]
"""`raise`: a reward that cannot be obtained is an exception. `mask`: it is None, with a reason and a line in the log."""


def _answered(
    request: Request, context: RetryContext, *, until: float | None = None
) -> Conversation[dict[str, Any]]:
    """Send a request and return the document that comes back.

    Raises:
        Refused: the service said no.
        Unreachable: it said nothing in time.
    """
    deadline = context.now() + context.patience.deadline_s if until is None else until
    reply: Reply = yield from persist(request, context, until=deadline)
    if reply.status not in SUCCESS:
        raise wire.problem(reply.status, reply.body)
    return wire.decode(reply.body) if reply.body else {}


def score_groups(
    groups: Sequence[Group], options: Mapping[str, Any], context: RetryContext, *, on_error: OnError
) -> Conversation[list[GroupRewards]]:
    """Score whole groups; one result a group, in order. `options` are the other fields of the body."""
    body = wire.encode({**options, "groups": [wire.group_in(group) for group in groups]})
    sent = [(group.group_id, [one.rollout_id for one in group.rollouts]) for group in groups]
    try:
        reply = yield from _answered(Request("POST", "/v1/groups/score", body), context)
        return _groups(reply, sent, on_error)
    except ClientError as error:
        if on_error == "raise":
            raise
        return [masked_group(group, _noted(error)) for group in groups]


def match(
    groups: Sequence[Group], options: Mapping[str, Any], context: RetryContext
) -> Conversation[dict[str, Any]]:
    """Measure rollouts; the reply as it stands, for `rewards`."""
    body = wire.encode({**options, "groups": [wire.group_in(group) for group in groups]})
    return (yield from _answered(Request("POST", "/v1/match", body), context))


def rewards(
    facts: Mapping[str, Any], options: Mapping[str, Any], context: RetryContext
) -> Conversation[list[GroupRewards]]:
    """Reward the facts that `match` returned."""
    body = wire.encode({**facts, **{key: value for key, value in options.items() if value is not None}})
    reply = yield from _answered(Request("POST", "/v1/rewards", body), context)
    sent = [(one["group_id"], [each["rollout_id"] for each in one["rollouts"]]) for one in facts["groups"]]
    return _groups(reply, sent, "raise")


def declare_run(run: Run, context: RetryContext, *, until: float | None = None) -> Conversation[None]:
    """Declare a run; declaring the same again changes nothing."""
    request = Request("PUT", run_path(run.run_id), wire.encode(wire.run_in(run)))
    yield from _answered(request, context, until=until)


def delete_run(run_id: str, context: RetryContext) -> Conversation[None]:
    """Delete a run and all its groups."""
    yield from _answered(Request("DELETE", run_path(run_id)), context)


def put_rollout(
    run: Run, member: Member, context: RetryContext, *, on_error: OnError
) -> Conversation[RolloutReward]:
    """Put one rollout into its group, and wait until the group is closed: its reward, or why there is none."""
    try:
        paid = yield from _put(run, member, context)
    except ClientError as error:
        if on_error == "raise":
            raise
        return masked(member.rollout.rollout_id, _noted(error))
    _told(member.group_id, [paid])
    return paid


def evaluate(
    run: Run, member: Member, context: RetryContext, *, on_error: OnError
) -> Conversation[RolloutReward]:
    """Score one rollout alone and at once, by its outcome."""
    until = context.now() + context.patience.deadline_s
    request = _member_request(run, member, {"purpose": "eval"})
    try:
        reply = yield from _in_run(run, request, context, until=until)
        with wire.reading_reply():
            paid = wire.rollout_out(reply["rollout"])
    except ClientError as error:
        if on_error == "raise":
            raise
        return masked(member.rollout.rollout_id, _noted(error))
    _told(member.group_id, [paid])
    return paid


def read_group(run_id: str, group_id: str, context: RetryContext) -> Conversation[GroupRewards]:
    """Return the current state of a group, with its missing rollouts."""
    reply = yield from _answered(Request("GET", group_path(run_id, group_id)), context)
    with wire.reading_reply():
        return wire.group_out(reply)


def close_group(run_id: str, group_id: str, context: RetryContext) -> Conversation[GroupRewards]:
    """Close a group now, because no more rollouts will come."""
    request = Request("POST", f"{group_path(run_id, group_id)}/close")
    reply = yield from _answered(request, context)
    with wire.reading_reply():
        return wire.group_out(reply)


def run_path(run_id: str) -> str:
    """Return where a run stands."""
    return f"/v1/runs/{quote(run_id, safe='')}"


def group_path(run_id: str, group_id: str) -> str:
    """Return where a group stands."""
    return f"{run_path(run_id)}/groups/{quote(group_id, safe='')}"


def _member_request(run: Run, member: Member, query: Mapping[str, str]) -> Request:
    path = f"{group_path(run.run_id, member.group_id)}/rollouts/{quote(member.rollout.rollout_id, safe='')}"
    step = {} if member.step is None else {"step": str(member.step)}
    return Request(
        "PUT", path, wire.encode(wire.member_in(member)), {"attempt": str(member.attempt), **step, **query}
    )


def _put(run: Run, member: Member, context: RetryContext) -> Conversation[RolloutReward]:
    """Send a rollout again and again until its group is closed; that also repairs a group that a store has lost."""
    until = context.now() + context.patience.deadline_s
    while True:
        sent = context.now()
        wait_s = min(WAIT_S, context.patience.attempt_s / 2, (until - sent) / 2)
        request = _member_request(run, member, {"wait_s": f"{wait_s:.3f}"})
        reply = yield from _in_run(run, request, context, until=until)
        with wire.reading_reply():
            if reply["group_status"] != "open":
                return wire.rollout_out(reply["rollout"])
            missing = len(reply["missing"])
        # Answered early: the service has no room for one more who waits.
        pause_s = context.draw() if context.now() - sent < wait_s / 2 else 0.0
        if context.now() + pause_s + LAST_S >= until:
            raise Unreachable(f"the group is still open: {missing} rollouts have not arrived")
        yield Pause(pause_s)


def _in_run(
    run: Run, request: Request, context: RetryContext, *, until: float
) -> Conversation[dict[str, Any]]:
    """Send a request about a run; where the service does not know the run, declare it and send the request again."""
    try:
        return (yield from _answered(request, context, until=until))
    except Refused as refused:
        if refused.type != UNKNOWN_RUN:
            raise
    yield from declare_run(run, context, until=until)
    return (yield from _answered(request, context, until=until))


def call(
    method: str, path: str, body: Mapping[str, Any] | None, context: RetryContext
) -> Conversation[dict[str, Any]]:
    """Make any call of the API; its reply as it is."""
    request = Request(method, path, None if body is None else wire.encode(body))
    return (yield from _answered(request, context))


def _groups(
    reply: Mapping[str, Any], sent: Sequence[tuple[str, Sequence[str]]], on_error: OnError
) -> list[GroupRewards]:
    """Read the groups of a reply; `sent` are the ids of the groups that were sent, and of their rollouts.

    Raises:
        Refused: they are others, or one of them was refused, and errors are raised.
    """
    groups = wire.groups_out(reply, sent)
    with wire.reading_reply():
        refused = wire.first_refusal(reply["groups"])
    if refused and on_error == "raise":
        raise refused
    if refused:
        _noted(refused)
    for group in groups:
        _told(group.group_id, group.rollouts)
    return groups


def _noted(error: ClientError) -> str:
    """Say in the trainer's log that rewards are missing, and return why."""
    log.warning("no reward: %s", error)
    return str(error)


def _told(group_id: str, paid: Sequence[RolloutReward]) -> None:
    """Say in the trainer's log why rollouts have no reward: a line a group, the causes and not those that fell with them."""
    without = [one for one in paid if one.reward is None]
    causes = [one for one in without if one.status != GROUP_FAILED] or without
    if causes:
        said = "; ".join(
            f"rollout {one.rollout_id} {one.status} {one.detail or ''}".strip() for one in causes
        )
        log.warning("no reward: group %s, %s of %s rollouts: %s", group_id, len(without), len(paid), said)
