"""The calls, one function each, as conversations: what is asked, what is made of the answer, and nothing of sockets."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from reward_service.client import wire
from reward_service.client.errors import ClientError
from reward_service.client.exchange import Conversation, Reply, Request, Terms, persist
from reward_service.client.values import Group, GroupRewards, masked_group

log = logging.getLogger("reward_service.client")

FIRST_REFUSED = 400
OnError = Literal["raise", "mask"]
"""`raise`: a reward that cannot be had is an exception. `mask`: it is None, with a reason, and a line in the log."""


def _answered(request: Request, terms: Terms, *, until: float | None = None) -> Conversation[dict[str, Any]]:
    """Send a request and return the document that comes back.

    Raises:
        Refused: the service said no.
        Unreachable: it said nothing in time.
    """
    deadline = terms.now() + terms.patience.deadline_s if until is None else until
    reply: Reply = yield from persist(request, terms, until=deadline)
    if reply.status >= FIRST_REFUSED:
        raise wire.problem(reply.status, reply.body)
    return wire.decode(reply.body) if reply.body else {}


def score_groups(
    groups: Sequence[Group], options: Mapping[str, Any], terms: Terms, *, on_error: OnError
) -> Conversation[list[GroupRewards]]:
    """Score whole groups; one result a group, in order. `options` are the other fields of the body."""
    body = wire.encode({**options, "groups": [wire.group_in(group) for group in groups]})
    try:
        reply = yield from _answered(Request("POST", "/v1/groups/score", body), terms)
        return _groups(reply, on_error)
    except ClientError as error:
        if on_error == "raise":
            raise
        return [masked_group(group, _noted(error)) for group in groups]


def match(groups: Sequence[Group], options: Mapping[str, Any], terms: Terms) -> Conversation[dict[str, Any]]:
    """Measure rollouts; the reply as it stands, for `rewards`."""
    body = wire.encode({**options, "groups": [wire.group_in(group) for group in groups]})
    return (yield from _answered(Request("POST", "/v1/match", body), terms))


def rewards(
    facts: Mapping[str, Any], options: Mapping[str, Any], terms: Terms
) -> Conversation[list[GroupRewards]]:
    """Reward the facts that `match` returned."""
    body = wire.encode({**facts, **{key: value for key, value in options.items() if value is not None}})
    reply = yield from _answered(Request("POST", "/v1/rewards", body), terms)
    return _groups(reply, "raise")


def info(terms: Terms) -> Conversation[dict[str, Any]]:
    """Ask what runs there."""
    return (yield from _answered(Request("GET", "/v1/info"), terms))


def _groups(reply: Mapping[str, Any], on_error: OnError) -> list[GroupRewards]:
    """Read the groups of a reply.

    Raises:
        Refused: one of them was, and errors are raised.
    """
    refused = wire.first_refusal(reply["groups"])
    if refused and on_error == "raise":
        raise refused
    if refused:
        _noted(refused)
    return [wire.group_out(group) for group in reply["groups"]]


def _noted(error: ClientError) -> str:
    """Say in the trainer's log that rewards are missing, and return why."""
    log.warning("no reward: %s", error)
    return str(error)
