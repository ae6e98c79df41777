"""The client: what a trainer imports to get rewards over HTTP. It needs nothing of the service but its URL.

    from reward_service import Client, Group, Rollout, Text

    with Client("http://127.0.0.1:8000") as client:
        [group] = client.score_groups([Group("g1", "q1", rollouts, dataset="mine")], profile="egrpo")
        group.rewards  # one a rollout, in order; None where there is none

- `groups`: what is sent and what comes back, as frozen values
- `errors`: what a call raises
- `wire`: values <-> JSON
- `exchange`: one request, repeated as long as that is safe and there is time
- `calls`: the calls, one function each, without a socket
- `sync`, `aio`: the same calls for threads and for an event loop

`summary` turns scored groups into the numbers that a trainer logs.
"""

from reward_service.client.aio import AsyncClient
from reward_service.client.errors import ClientError, Refused, Unreachable
from reward_service.client.exchange import Patience
from reward_service.client.groups import Group, GroupRewards, Member, RolloutReward, Run
from reward_service.client.sync import Client
from reward_service.core.summary import summary
from reward_service.core.types import (
    Messages,
    Outcome,
    Rollout,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Text,
)

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "Group",
    "GroupRewards",
    "Member",
    "Messages",
    "Outcome",
    "Patience",
    "Refused",
    "Rollout",
    "RolloutReward",
    "Run",
    "Segment",
    "SegmentKind",
    "Steps",
    "StopReason",
    "Text",
    "Unreachable",
    "summary",
]
