"""What can go wrong between a caller and the service.

    ServiceError
    ├── CallError                 refuses the whole call
    │   ├── MalformedJson         400
    │   ├── MalformedEncoding     400
    │   ├── MalformedHeader       400
    │   ├── MalformedUrl          400
    │   ├── Unauthenticated       401
    │   ├── Forbidden             403
    │   ├── ForeignSite           403
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
    │   ├── StepConflict          409
    │   ├── AttemptSuperseded     409
    │   ├── GroupClosed           409
    │   ├── GroupFull             409
    │   ├── BodyTooLarge          413
    │   ├── UnsupportedMediaType  415
    │   ├── UnsupportedEncoding   415
    │   ├── InvalidRequest        422
    │   ├── NoReward              422
    │   ├── QuotaExceeded         429
    │   ├── JudgeBudget           429
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
    │   ├── BackendUnavailable    503
    │   ├── JudgeBusy             503
    │   └── DeadlineExceeded      504
    └── GroupError                refuses one group of a call, the others are answered
        ├── EmptyGroup
        ├── DuplicateRolloutId
        ├── UnknownGroupDataset, UnknownGroupQuestion
        ├── InconsistentFacts
        ├── LimitExceeded
        └── SignalConflict
    RefusedToStart
    ├── UnsafeStore
    ├── BadLedger
    ├── BadProfile
    └── BadBackends

What the policy did wrong is none of these: it is outcome `error`, and scored. Each class has a stable `type`
(RFC 9457) and docs/errors.md a heading for it. Messages never echo a rollout.
"""

from collections.abc import Iterator
from math import ceil
from typing import ClassVar

from reward_service.core.types import RolloutStatus

URN = "urn:reward-service:"


class ServiceError(Exception):
    """Base class of all refusals by the service."""

    slug: ClassVar[str]
    """Stable name of the problem; `type` on the wire is the URN built from it."""
    title: ClassVar[str]
    """One sentence that states the problem and never varies."""

    def __init__(self, detail: str, *, path: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path
        """JSON Pointer (RFC 6901) into the request body; None if no single place is at fault."""

    @property
    def type(self) -> str:
        """The problem type on the wire."""
        return URN + self.slug

    @property
    def sentence(self) -> str:
        """Title and detail as one sentence, without a full stop."""
        title = self.title.removesuffix(".")
        return title if self.detail.casefold() == title.casefold() else f"{title} ({self.detail})"


class CallError(ServiceError):
    """The whole call is refused."""

    status_hint: ClassVar[int]
    retry_after_s: int | None = None
    """Sent as Retry-After if the same call may succeed later."""
    closes: bool = False
    """The body may be unread, so the connection cannot carry another call."""
    headers: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Additional header lines that the response must have; a name may occur twice."""


class MalformedJson(CallError):
    """The body is not JSON, has duplicate keys, NaN, infinities or lone surrogates, or is nested too deeply."""

    slug, title, status_hint = "malformed-json", "The body is not acceptable JSON.", 400


class MalformedEncoding(CallError):
    """The compressed body is damaged, truncated, or followed by other data."""

    slug, title, status_hint = "malformed-encoding", "The body does not match its Content-Encoding.", 400
    closes = True


class MalformedHeader(CallError):
    """A request header is invalid, or two headers contradict each other."""

    slug, title, status_hint = "malformed-header", "A request header is invalid.", 400
    closes = True


class MalformedUrl(CallError):
    """Percent-encoded bytes that are not UTF-8: read as text, different ids would become the same one."""

    slug, title, status_hint = "malformed-url", "The URL is not UTF-8.", 400
    closes = True


class Unauthenticated(CallError):
    """The API key is missing, unknown, or no longer valid."""

    slug, title, status_hint = "unauthenticated", "A valid API key is required.", 401
    closes = True
    # Two lines: many clients read one line as one challenge, and would know only the first.
    headers = (
        ("WWW-Authenticate", 'Bearer realm="reward-service"'),
        ("WWW-Authenticate", 'Basic realm="reward-service", charset="UTF-8"'),
    )


class Forbidden(CallError):
    """The API key is valid but lacks the scope this call requires."""

    slug, title, status_hint = "forbidden", "The API key does not allow this call.", 403
    closes = True


class ForeignSite(CallError):
    """A web page of another site sent the call, or it is addressed to a name that the service is not known by."""

    slug, title, status_hint = "foreign-site", "The call comes from another site.", 403
    closes = True


class UnknownProfile(CallError):
    """No profile has the requested name; the detail lists the available profiles."""

    slug, title, status_hint = "unknown-profile", "There is no such profile.", 404


class UnknownDataset(CallError):
    """The index has no data set, or no version of the data set, with that name."""

    slug, title, status_hint = "unknown-dataset", "The index has no such data set or version.", 404


class UnknownQuestion(CallError):
    """No question in the data set has the requested id."""

    slug, title, status_hint = "unknown-question", "The data set has no such question.", 404


class SlowBody(CallError):
    """The request body did not arrive within the time limit."""

    slug, title, status_hint = "slow-body", "The body did not arrive in time.", 408
    closes = True


class ProfileMismatch(CallError):
    """The run or the facts pin a profile of that name with another digest: its file has changed."""

    slug, title, status_hint = "profile-mismatch", "The profile's digest differs from the one given.", 409


class UnknownRun(CallError):
    """The run was never declared, has been deleted, or was lost together with the stored state."""

    slug, title, status_hint = "unknown-run", "There is no such run.", 404


class UnknownGroup(CallError):
    """No rollout of the group has arrived, or the group is no longer kept."""

    slug, title, status_hint = "unknown-group", "The run has no such group.", 404


class RunConflict(CallError):
    """A run can be declared only once, and this declaration differs from the first."""

    slug, title, status_hint = "run-conflict", "The run was declared with different values.", 409


class RolloutConflict(CallError):
    """A different rollout with the same id is already stored; the first one counts."""

    slug, title, status_hint = "rollout-conflict", "A different rollout has this id.", 409


class QuestionConflict(CallError):
    """All members of a group must answer the same question."""

    slug, title, status_hint = "question-conflict", "The group belongs to a different question.", 409


class StepConflict(CallError):
    """All members of a group must be of the same step of the training."""

    slug, title, status_hint = "step-conflict", "The group belongs to a different step.", 409


class AttemptSuperseded(CallError):
    """The group has been restarted with a higher attempt number."""

    slug, title, status_hint = "attempt-superseded", "A higher attempt has replaced this one.", 409


class GroupClosed(CallError):
    """The rollout arrived after its group was closed; published numbers never change."""

    slug, title, status_hint = "group-closed", "The group no longer accepts rollouts.", 409


class GroupFull(CallError):
    """The group already has as many rollouts as the run declares."""

    slug, title, status_hint = "group-full", "The group already has all its rollouts.", 409


class VersionConflict(CallError):
    """Versions are immutable, and a version of this name already exists with different content."""

    slug, title, status_hint = "version-conflict", "The version exists with different content.", 409


class BodyTooLarge(CallError):
    """The request body has more bytes, or more JSON values, than the limit allows."""

    slug, title, status_hint = "body-too-large", "The body is larger than the limit.", 413
    closes = True


class UnsupportedMediaType(CallError):
    """The Content-Type is not the one this call requires."""

    slug, title, status_hint = "unsupported-media-type", "The body has an unsupported Content-Type.", 415
    closes = True


class UnsupportedEncoding(CallError):
    """The Content-Encoding is not gzip, zstd or identity, or there is more than one."""

    slug, title, status_hint = "unsupported-encoding", "The Content-Encoding is not supported.", 415
    closes = True
    headers = (("Accept-Encoding", "gzip, zstd"),)


class InvalidRequest(CallError):
    """The body or a parameter does not match the schema."""

    slug, title, status_hint = "invalid-request", "The request does not match the schema.", 422

    def __init__(
        self, detail: str, *, path: str | None = None, problems: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail, path=path)
        self.problems = problems
        """(JSON Pointer, message) of each mismatch, at most twenty."""


class NoReward(CallError):
    """The rollout cannot be scored, and the trainer's protocol has no other way to report it."""

    slug, title, status_hint = "no-reward", "The rollout has no reward.", 422


class QuotaExceeded(CallError):
    """The caller or the run is over its quota of requests in flight or open groups; others are still served."""

    slug, title, status_hint = "quota-exceeded", "You have too many requests in flight or groups open.", 429
    retry_after_s = 1
    closes = True


class JudgeBudget(CallError):
    """The run has used the calls or tokens of judges that it may use; calls that need no further judgement are still served."""

    slug, title, status_hint = "judge-budget", "The run's budget for judges is spent.", 429


class TooManyHeaders(CallError):
    """The request has more header fields, or more bytes of headers, than the limit allows."""

    slug, title, status_hint = "too-many-headers", "The request has too many header fields.", 431
    closes = True


class CorruptState(CallError):
    """The stored state of a run or a group cannot be read."""

    slug, title, status_hint = "corrupt-state", "The stored state is damaged.", 500


class EngineMismatch(CallError):
    """The facts come from another engine version; this resolves itself when a rolling upgrade completes."""

    slug, title, status_hint = "engine-mismatch", "The facts were measured by another engine version.", 503
    retry_after_s = 5


class IngestBusy(CallError):
    """Another data set is being ingested; one at a time leaves the CPU to scoring."""

    slug, title, status_hint = "ingest-busy", "Another data set is being ingested.", 503
    retry_after_s = 30


class IndexUnavailable(CallError):
    """The index cannot be read, or its content is damaged."""

    slug, title, status_hint = "index-unavailable", "The entity index cannot be read.", 503
    retry_after_s = 5


class OverCapacity(CallError):
    """The process has as many requests or bytes in flight as it can hold."""

    slug, title, status_hint = "over-capacity", "The service is at capacity.", 503
    retry_after_s = 1
    closes = True


class NotReady(CallError):
    """The process should not receive traffic now; the detail gives the reason."""

    slug, title, status_hint = "not-ready", "The service is not ready.", 503
    retry_after_s = 5


class LedgerUnavailable(CallError):
    """The ledger cannot be written, and no reward is published without a record in it."""

    slug, title, status_hint = "ledger-unavailable", "The ledger cannot be written.", 503
    retry_after_s = 5


class BackendUnavailable(CallError):
    """A judge that the call needs cannot be reached, or has stopped answering; nothing of the call was done. Other profiles are served."""

    slug, title, status_hint = "backend-unavailable", "A judge that the call needs is unavailable.", 503
    retry_after_s = 5

    def __init__(self, detail: str, *, retry_after_s: float | None) -> None:
        super().__init__(detail)
        if retry_after_s is not None:
            self.retry_after_s = max(1, ceil(retry_after_s))


class JudgeBusy(CallError):
    """The judge has not answered within the caller's time. It goes on: the same call finds its answer later."""

    slug, title, status_hint = "judge-busy", "The judge has not answered in time.", 503
    retry_after_s = 1


class DeadlineExceeded(CallError):
    """The caller's time limit or the service's own has passed; `stage` names where the time was spent."""

    slug, title, status_hint = "deadline-exceeded", "The response was not ready in time.", 504
    closes = True

    def __init__(self, detail: str, *, stage: str) -> None:
        super().__init__(detail)
        self.stage = stage
        """A name in `reward_service.serve.timings.STAGES`."""


class StateUnavailable(CallError):
    """The store of runs and groups does not answer, or cannot be trusted to keep its data."""

    slug, title, status_hint = "state-unavailable", "The store of runs and groups is unavailable.", 503
    retry_after_s = 1


class StateLost(CallError):
    """The store lost a rollout that was waiting; sending it again repairs its group."""

    slug, title, status_hint = "state-lost", "The rollout has to be sent again.", 503
    retry_after_s = 1


class GroupError(ServiceError):
    """One group is refused; its rollouts get no rewards."""


class EmptyGroup(GroupError):
    """A group needs at least one rollout."""

    slug, title = "empty-group", "The group has no rollouts."


class DuplicateRolloutId(GroupError):
    """Rollout ids must be unique within a group."""

    slug, title = "duplicate-rollout-id", "Two rollouts of the group have the same id."


class UnknownGroupDataset(GroupError):
    """The group names a data set that is not in the index."""

    slug, title = "unknown-dataset", UnknownDataset.title


class UnknownGroupQuestion(GroupError):
    """The group names a question that is not in its data set."""

    slug, title = "unknown-question", UnknownQuestion.title


def refused_status(error: GroupError) -> RolloutStatus:
    """Return the status of the rollouts of a refused group."""
    unknown = isinstance(error, UnknownGroupDataset | UnknownGroupQuestion)
    return RolloutStatus.UNKNOWN_QUESTION if unknown else RolloutStatus.GROUP_FAILED


class InconsistentFacts(GroupError):
    """No measurement could have produced these facts."""

    slug, title = "inconsistent-facts", "The facts of the group contradict each other."


class LimitExceeded(GroupError):
    """The group has more rollouts, entities, aliases or characters than a limit of the service allows."""

    slug, title = "limit-exceeded", "The group exceeds a limit of the service."


class SignalConflict(GroupError):
    """A rollout has its own value of a signal that the profile gets from a judge or a model of the service."""

    slug, title = "signal-conflict", "A rollout sends a signal that the service provides itself."


class RefusedToStart(Exception):
    """The settings contradict each other or would put callers at risk, so the service does not start."""


class UnsafeStore(RefusedToStart):
    """The store cannot be relied on to assemble groups."""


class BadLedger(RefusedToStart):
    """The file of the ledger, or of its key, cannot be gone on with."""


class BadProfile(RefusedToStart):
    """A file does not contain a usable profile."""


class BadBackends(RefusedToStart):
    """The backends file cannot be used."""


class BadPlugin(RefusedToStart):
    """A plug-in that the settings name cannot be used."""


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
Errors are returned as `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
`type` is `{URN}` followed by a name below; it is stable, so programs can branch on it.
Quote `request_id` when you report a problem. `path`, if present, is a JSON Pointer into the body, and `errors` lists up to twenty places that do not match the schema.
A problem never repeats the request's content, except the names of fields and parameters.
This page is generated from `reward_service/serve/errors.py` by `reward-service errors`; a test keeps it up to date.

Retry 408, 429, 503, 504 and broken connections, after `Retry-After` if it is sent; retrying does not change the result of any other error, nor of `judge-budget`.
Every call is safe to repeat: the same input gives the same rewards.

## Errors of a call
The whole call is refused.
"""
BETWEEN = """
## Errors of a group
One group of a call is refused; the call returns 200 and the other groups are scored.
The refused group has status `failed`, its rollouts have no rewards, and its `error` is one of these.
"""
TAIL = """
## Others
| name | status | meaning |
|---|---|---|
| `not-found` | 404 | There is no such path. |
| `method-not-allowed` | 405 | The path does not support this method; `Allow` lists those it does. |
| `internal-error` | 500 | A bug in the service. The log has the traceback under the request id. |

The HTTP server below the application sends three responses without a problem body: 400 for bytes that are not HTTP, 408 for headers that do not arrive, and 431 for headers that do not end.
"""
