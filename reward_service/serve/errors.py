"""What can go wrong between a caller and the service.

    ServiceError
    ├── CallError                 refuses the whole call
    │   ├── MalformedJson         400
    │   ├── MalformedEncoding     400
    │   ├── MalformedHeader       400
    │   ├── Unauthenticated       401
    │   ├── Forbidden             403
    │   ├── UnknownProfile        404
    │   ├── UnknownDataset        404
    │   ├── UnknownQuestion       404
    │   ├── UnknownRun            404
    │   ├── UnknownGroup          404
    │   ├── SlowBody              408
    │   ├── ProfileMismatch       409
    │   ├── VersionConflict       409
    │   ├── RunConflict           409
    │   ├── RolloutConflict       409
    │   ├── QuestionConflict      409
    │   ├── AttemptSuperseded     409
    │   ├── GroupClosed           409
    │   ├── GroupFull             409
    │   ├── BodyTooLarge          413
    │   ├── UnsupportedMediaType  415
    │   ├── UnsupportedEncoding   415
    │   ├── InvalidRequest        422
    │   ├── NoReward              422
    │   ├── QuotaExceeded         429
    │   ├── TooManyHeaders        431
    │   ├── CorruptState          500
    │   ├── EngineMismatch        503
    │   ├── IndexUnavailable      503
    │   ├── IngestBusy            503
    │   ├── StateUnavailable      503
    │   ├── StateLost             503
    │   ├── OverCapacity          503
    │   ├── NotReady              503
    │   ├── LedgerUnavailable     503
    │   └── DeadlineExceeded      504
    └── GroupError                refuses one group of a call, the others are answered
        ├── EmptyGroup
        ├── DuplicateRolloutId
        ├── UnknownGroupDataset, UnknownGroupQuestion
        ├── UnusableEntity
        ├── InconsistentFacts
        └── LimitExceeded
    RefusedToStart
    └── UnsafeStore

What the policy did wrong is none of these: it is outcome `error`, and scored. Each class has a stable `type`
(RFC 9457) and docs/errors.md a heading for it. Messages never echo a rollout.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from reward_service.core.types import RolloutStatus

URN = "urn:reward-service:"


class ServiceError(Exception):
    """Base of everything the service refuses."""

    slug: ClassVar[str]
    """Stable name of the problem; `type` on the wire is the URN made of it."""
    title: ClassVar[str]
    """What went wrong, in one sentence that never varies."""

    def __init__(self, detail: str, *, path: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path
        """JSON Pointer (RFC 6901) into the request body; None where no one place is to blame."""

    @property
    def type(self) -> str:
        """The problem type on the wire."""
        return URN + self.slug


class CallError(ServiceError):
    """The whole call is refused."""

    status_hint: ClassVar[int]
    retry_after_s: ClassVar[int | None] = None
    """Sent as Retry-After where the same call may succeed later."""
    closes: ClassVar[bool] = False
    """The body may be unread, so the connection cannot carry another call."""
    headers: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """More headers the answer must have."""


class MalformedJson(CallError):
    """Not JSON, or JSON with duplicate keys, NaN, infinities or lone surrogates, or nested too deep."""

    slug, title, status_hint = "malformed-json", "The body is not acceptable JSON.", 400


class MalformedEncoding(CallError):
    """A compressed body that is damaged, cut off, or followed by something else."""

    slug, title, status_hint = "malformed-encoding", "The body is not what its Content-Encoding says.", 400
    closes = True


class MalformedHeader(CallError):
    """A header that has no meaning here, or two that contradict each other."""

    slug, title, status_hint = "malformed-header", "A header of the request cannot be used.", 400
    closes = True


class Unauthenticated(CallError):
    """No API key, or one that is not known or no longer valid."""

    slug, title, status_hint = "unauthenticated", "A valid API key is needed.", 401
    closes = True
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer, Basic realm="reward-service", charset="UTF-8"'})


class Forbidden(CallError):
    """The API key is valid and has not the scope the call needs."""

    slug, title, status_hint = "forbidden", "The API key does not allow this call.", 403
    closes = True


class UnknownProfile(CallError):
    """No profile of that name."""

    slug, title, status_hint = "unknown-profile", "There is no such profile.", 404


class UnknownDataset(CallError):
    """No data set, or no version of it, of that name."""

    slug, title, status_hint = "unknown-dataset", "There is no such data set or version in the index.", 404


class UnknownQuestion(CallError):
    """The data set has no such question."""

    slug, title, status_hint = "unknown-question", "The data set has no such question.", 404


class SlowBody(CallError):
    """The body did not arrive in time."""

    slug, title, status_hint = "slow-body", "The body did not arrive in time.", 408
    closes = True


class ProfileMismatch(CallError):
    """Facts measured under a profile of the same name and another digest."""

    slug, title, status_hint = "profile-mismatch", "The profile of that name has another digest here.", 409


class UnknownRun(CallError):
    """The run was never declared, has been deleted, or was lost with the state it stood in."""

    slug, title, status_hint = "unknown-run", "There is no such run.", 404


class UnknownGroup(CallError):
    """No rollout of the group has come, or it is kept no longer."""

    slug, title, status_hint = "unknown-group", "The run has no such group.", 404


class RunConflict(CallError):
    """A run is declared once; this declaration differs from the first."""

    slug, title, status_hint = "run-conflict", "The run was declared with other values.", 409


class RolloutConflict(CallError):
    """Another rollout came under the same id."""

    slug, title, status_hint = "rollout-conflict", "Another rollout has this id.", 409


class QuestionConflict(CallError):
    """The members of a group answer one question."""

    slug, title, status_hint = "question-conflict", "The group is about another question.", 409


class AttemptSuperseded(CallError):
    """The group has been started afresh under a higher attempt."""

    slug, title, status_hint = "attempt-superseded", "The group is at another attempt.", 409


class GroupClosed(CallError):
    """The rollout came after its group was closed; published numbers never change."""

    slug, title, status_hint = "group-closed", "The group no longer takes rollouts.", 409


class GroupFull(CallError):
    """One rollout more than the run declares for a group."""

    slug, title, status_hint = "group-full", "The group has all its rollouts.", 409


class VersionConflict(CallError):
    """A version never changes: its name is taken by other content."""

    slug, title, status_hint = "version-conflict", "The version holds other content.", 409


class BodyTooLarge(CallError):
    """More bytes than the limit."""

    slug, title, status_hint = "body-too-large", "The body is larger than the limit.", 413
    closes = True


class UnsupportedMediaType(CallError):
    """The body is not declared as JSON."""

    slug, title, status_hint = "unsupported-media-type", "The body must be application/json.", 415
    closes = True


class UnsupportedEncoding(CallError):
    """A Content-Encoding other than gzip, zstd and identity, or several."""

    slug, title, status_hint = "unsupported-encoding", "The Content-Encoding is not known here.", 415
    closes = True
    headers = MappingProxyType({"Accept-Encoding": "gzip, zstd"})


class InvalidRequest(CallError):
    """JSON that does not fit the schema."""

    slug, title, status_hint = "invalid-request", "The body does not fit the schema.", 422

    def __init__(
        self, detail: str, *, path: str | None = None, problems: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail, path=path)
        self.problems = problems
        """(JSON Pointer, message) of each misfit, the first twenty."""


class NoReward(CallError):
    """A rollout that cannot be scored, in a protocol that has no other way to say so."""

    slug, title, status_hint = "no-reward", "There is no reward for this rollout.", 422


class QuotaExceeded(CallError):
    """The caller, or the run, has more in flight or more groups open than its share; others are served."""

    slug, title, status_hint = "quota-exceeded", "Too much of yours is in flight.", 429
    retry_after_s = 1
    closes = True


class TooManyHeaders(CallError):
    """More header fields than the limit."""

    slug, title, status_hint = "too-many-headers", "The request has too many header fields.", 431
    closes = True


class CorruptState(CallError):
    """What is stored about a run or a group cannot be read."""

    slug, title, status_hint = "corrupt-state", "The stored state is damaged.", 500


class EngineMismatch(CallError):
    """Facts measured by another engine version; a rolling upgrade ends this."""

    slug, title, status_hint = "engine-mismatch", "The facts were measured by another engine.", 503
    retry_after_s = 5


class IngestBusy(CallError):
    """Another data set is being taken in; one at a time leaves the processor to scoring."""

    slug, title, status_hint = "ingest-busy", "Another data set is being taken in.", 503
    retry_after_s = 30


class IndexUnavailable(CallError):
    """The index cannot be read, or what it holds is damaged."""

    slug, title, status_hint = "index-unavailable", "The entity index cannot be read.", 503
    retry_after_s = 5


class OverCapacity(CallError):
    """The process has as much in flight as it can hold."""

    slug, title, status_hint = "over-capacity", "The service is at capacity.", 503
    retry_after_s = 1
    closes = True


class NotReady(CallError):
    """The process should get no traffic now; the detail says what is missing."""

    slug, title, status_hint = "not-ready", "The service is not ready.", 503
    retry_after_s = 5


class LedgerUnavailable(CallError):
    """The ledger cannot be written, and no reward is published without a record."""

    slug, title, status_hint = "ledger-unavailable", "The ledger cannot be written.", 503
    retry_after_s = 5


class DeadlineExceeded(CallError):
    """The time the caller gave, or the service's own limit, is over; `stage` says what it was spent on."""

    slug, title, status_hint = "deadline-exceeded", "The answer was not ready in time.", 504
    closes = True

    def __init__(self, detail: str, *, stage: str) -> None:
        super().__init__(detail)
        self.stage = stage
        """A name in `reward_service.serve.timings.STAGES`."""


class StateUnavailable(CallError):
    """The store of runs and groups does not answer, or cannot be trusted to keep what it is given."""

    slug, title, status_hint = "state-unavailable", "The group state cannot be reached.", 503
    retry_after_s = 1


class StateLost(CallError):
    """A rollout that was waiting is in the store no longer; sending it again repairs its group."""

    slug, title, status_hint = "state-lost", "The rollout has to be sent again.", 503
    retry_after_s = 1


class GroupError(ServiceError):
    """One group is refused; its rollouts get no reward."""


class EmptyGroup(GroupError):
    """A group without rollouts."""

    slug, title = "empty-group", "The group has no rollouts."


class DuplicateRolloutId(GroupError):
    """Two rollouts of a group share an id."""

    slug, title = "duplicate-rollout-id", "Two rollouts of the group have the same id."


class UnknownGroupDataset(GroupError):
    """The group names a data set the index does not hold."""

    slug, title = "unknown-dataset", UnknownDataset.title


class UnknownGroupQuestion(GroupError):
    """The group names a question its data set does not hold."""

    slug, title = "unknown-question", UnknownQuestion.title


def refused_status(error: GroupError) -> RolloutStatus:
    """Return the status of the rollouts of a refused group."""
    unknown = isinstance(error, UnknownGroupDataset | UnknownGroupQuestion)
    return RolloutStatus.UNKNOWN_QUESTION if unknown else RolloutStatus.GROUP_FAILED


class UnusableEntity(GroupError):
    """An entity that would match nothing, or anything."""

    slug, title = "unusable-entity", "An entity of the question cannot be looked for."


class InconsistentFacts(GroupError):
    """Facts that no measurement could have produced."""

    slug, title = "inconsistent-facts", "The facts of the group contradict each other."


class LimitExceeded(GroupError):
    """More than a limit allows."""

    slug, title = "limit-exceeded", "The group is over a limit of the service."


class RefusedToStart(Exception):
    """The settings contradict each other, or would put callers at risk: there is no service to call."""


class UnsafeStore(RefusedToStart):
    """Groups would be assembled on ground that does not hold."""


def catalogue(base: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Yield every concrete error class, in the order of the tree."""
    for cls in base.__subclasses__():
        if "slug" in cls.__dict__:
            yield cls
        yield from catalogue(cls)


def as_markdown() -> str:
    """Return docs/errors.md."""
    refusals = "".join(_section(cls) for cls in catalogue(CallError))
    groups = "".join(_section(cls) for cls in catalogue(GroupError))
    return f"{HEAD}{refusals}{BETWEEN}{groups}{TAIL}"


def _section(cls: type[ServiceError]) -> str:
    status = f"{cls.status_hint}. " if issubclass(cls, CallError) else ""
    retry = cls.retry_after_s if issubclass(cls, CallError) else None
    again = "" if retry is None else f"\nThe same call may succeed later: `Retry-After: {retry}`.\n"
    return f"\n### {cls.slug}\n{status}{cls.title}\n\n{cls.__doc__}\n{again}"


HEAD = f"""\
# Errors
Problems are `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
`type` is `{URN}` and the name below; it is stable, so programs can branch on it.
`request_id` is the id to quote; `path`, where there is one, is a JSON Pointer into the body, and `errors` lists up to twenty places that do not fit the schema.
A problem never repeats what was sent, but for the names of fields and parameters.
This page is generated from `reward_service/serve/errors.py` by `reward-service errors`; a test keeps it in step.

Retry 408, 429, 503 and 504, after `Retry-After` where it is sent, and a connection that breaks; nothing else changes its answer.
Every call is safe to repeat: the same input gives the same rewards.

## Errors of a call
The whole call is refused.
"""
BETWEEN = """
## Errors of a group
One group of a call is refused; the call is answered with 200 and the other groups are scored.
The group has status `failed`, its rollouts have no reward, and its `error` is one of these.
"""
TAIL = """
## Others
| name | status | what it says |
|---|---|---|
| `not-found` | 404 | There is no such path. |
| `method-not-allowed` | 405 | The path has other methods; `Allow` names them. |
| `internal-error` | 500 | A bug. The log has the trace under the request id. |

Two answers come from below the application and have no problem body: 400 for bytes that are not HTTP, and 408 for headers that do not come.
"""
