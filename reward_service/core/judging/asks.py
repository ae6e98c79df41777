"""An ask and its answer, as values.

An ask is known by a key: the digest of everything that decides the reply. Two rollouts with the same answer to the same
question are one ask, in one call, in the cache and on every replica.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from reward_service.core.judging.templates import templates
from reward_service.core.types import Asker

JUDGE_VERSION = 1
"""Bumped when an ask, the reading of a reply or a rule of votes changes."""

Value: TypeAlias = "str | Mapping[str, bool | float | str | None]"
"""A label, or a value for each label of a list."""
# Part of an asker that says where an answer goes, not what is asked.
NOT_ASKED = frozenset(
    {"name", "after", "abstain", "answer_chars", "max_items", "accept_from", "reject_below", "directions"}
)


class Ask(NamedTuple):
    """One thing to ask a model."""

    key: str
    asker: Asker
    fields: tuple[tuple[str, str], ...]
    """The text of each placeholder of the template."""

    @property
    def said(self) -> dict[str, str]:
        """The fields by name."""
        return dict(self.fields)


class FailureReason(StrEnum):
    """Why an ask has no answer. None of them says anything about the policy."""

    UNPARSABLE = "unparsable"
    """The reply, asked for again, is not of the agreed form."""
    ABSTAIN = "abstain"
    """The votes disagree."""
    REFUSED = "refused"
    """The model would not, or was cut off."""
    TIMEOUT = "timeout"
    """The backend took too long."""
    OVERLOADED = "overloaded"
    """The backend kept asking to be asked later."""
    TRANSPORT = "transport"
    """The backend could not be reached, or answered with something that is no reply of this model."""
    BUSY = "busy"
    """The caller's time is over while the backend still works; the reply will be in the cache."""
    TOO_LONG = "too_long"
    """The text is longer than the model takes. Nothing is cut."""
    UNSERVED = "unserved"
    """No backend serves the model."""


class Unanswered(NamedTuple):
    """An ask without an answer."""

    reason: FailureReason


class Answered(NamedTuple):
    """The answer to an ask."""

    value: Value
    model: str
    """As the server names it."""
    reply: str
    """`sha256:` and the hash of the raw replies; their text is not kept."""
    votes: tuple[str, ...] = ()
    """The labels that were counted, where more than one reply was asked for."""
    degraded: bool = False
    """Whether a model ran out of memory and computed it in a smaller batch, so that its last bits may differ; it is not kept."""


Given: TypeAlias = "Answered | Unanswered"


@lru_cache(maxsize=256)
def asker_digest(asker: Asker) -> str:
    """Return the digest of how something is asked: template, model, sampling and votes."""
    spec = {name: value for name, value in asdict(asker).items() if name not in NOT_ASKED}
    return _digest([JUDGE_VERSION, templates()[asker.template].digest, spec])


def ask_of(asker: Asker, **fields: str) -> Ask:
    """Return an ask with its key."""
    return Ask(_digest([asker_digest(asker), fields]), asker, tuple(fields.items()))


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
