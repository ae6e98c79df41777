"""What is known of one request while it is served; at the end it is one log line and a handful of metrics.

It holds ids, counts and seconds, never a text.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fastapi import Request

from entity_index.types import Question
from reward_service.adapters.native import FactsGroupIn
from reward_service.api.keys import ANYONE, Key
from reward_service.api.metrics import Metrics, count_refused, count_results
from reward_service.core.types import GroupResult, RolloutResult, RolloutStatus
from reward_service.serve.errors import Forbidden, GroupError, refused_status
from reward_service.serve.runs.access import Access
from reward_service.serve.scorer import Scored
from reward_service.serve.timings import Timings
from reward_service.serve.truth import QuestionRef


@dataclass(slots=True)
class Record:
    """One request."""

    request_id: str
    method: str
    timings: Timings
    metrics: Metrics
    route: str = "unrouted"
    status: int = 0
    key: Key = ANYONE
    """The API key; `ANYONE` where none was asked for."""
    error: str | None = None
    """Slug of the problem; None: none."""
    body_bytes: int = 0
    groups: int = 0
    rollouts: int = 0
    run_ids: set[str] = field(default_factory=set)
    question_ids: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    """Outcomes of scored rollouts, statuses of the others."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why rollouts that came one by one have no reward; never a word of their text."""

    @property
    def caller(self) -> str | None:
        """Id of the API key; None where none was asked for."""
        return self.key.id or None

    @property
    def access(self) -> Access:
        """Which runs the caller may use."""
        return Access(self.key.owner, every_run=self.key.allows("admin"))

    @property
    def may_see_names(self) -> bool:
        """Whether the caller may see the names of entities of the index."""
        return self.key.allows("explain") or self.key.allows("ingest")

    def check_explain(self, questions: Iterable[Question | QuestionRef | str]) -> None:
        """Refuse to explain questions of the index to callers who may not see the names of their entities.

        Raises:
            Forbidden: one of them is named by its id.
        """
        if not self.may_see_names and any(isinstance(one, QuestionRef | str) for one in questions):
            raise Forbidden("explaining a question of the index needs the scope explain")

    def fields(self) -> dict[str, object]:
        """Return the log line's fields."""
        line: dict[str, object] = {
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "ms": round(self.timings.total_s() * 1000, 3),
            "stages_ms": {name: round(s * 1000, 3) for name, s in self.timings.seconds.items()},
        }
        known = {
            "key": self.caller,
            "error": self.error,
            "body_bytes": self.body_bytes,
            "run_id": _only(self.run_ids),
            "question_id": _only(self.question_ids),
            "groups": self.groups,
            "rollouts": self.rollouts,
            "outcomes": dict(self.outcomes),
            "no_reward": dict(self.reasons),
        }
        return line | {name: value for name, value in known.items() if value}

    def server_timing(self) -> str:
        """Return the value of the `Server-Timing` header: what has been spent when the answer begins, in ms."""
        parts = [f"{name};dur={s * 1000:.3f}" for name, s in self.timings.seconds.items()]
        return ", ".join([*parts, f"total;dur={self.timings.total_s() * 1000:.3f}"])

    def count_scored(self, scored: Iterable[Scored]) -> None:
        """Count groups that were measured and rewarded here."""
        for one in scored:
            call = one.measured.call
            self.run_ids.add(call.run_id)
            if call.question.question_id is not None:
                self.question_ids.add(call.question.question_id)
            if one.result is not None:
                self.count_results([one.result])
            elif one.measured.error is not None:
                self.count_refused(len(call.rollouts), one.measured.error)

    def count_rewarded(
        self, rewarded: Sequence[GroupResult | GroupError], groups: Sequence[FactsGroupIn]
    ) -> None:
        """Count groups whose facts came with the call."""
        for result, group in zip(rewarded, groups, strict=True):
            self.run_ids.add(group.run_id)
            if isinstance(result, GroupError):
                self.count_refused(len(group.rollouts), result)
            else:
                self.count_results([result])

    def count_results(self, results: Iterable[GroupResult]) -> None:
        """Count groups that were rewarded."""
        kept = list(results)
        count_results(self.metrics, kept)
        self.groups += len(kept)
        for result in kept:
            self._note(result.rollouts)

    def note(self, question_id: str | None, rollouts: Sequence[RolloutResult]) -> None:
        """Write down what was answered of one group; the replica that closed it has counted it."""
        if question_id is not None:
            self.question_ids.add(question_id)
        self.groups += 1
        self._note(rollouts)

    def note_unpaid(self, status: RolloutStatus, reason: str) -> None:
        """Write down why a rollout has no reward."""
        self.rollouts += 1
        self.outcomes[status] += 1
        self.reasons[reason] += 1

    def _note(self, rollouts: Sequence[RolloutResult]) -> None:
        self.rollouts += len(rollouts)
        self.outcomes.update(
            one.outcome if one.status is RolloutStatus.SCORED and one.outcome else one.status
            for one in rollouts
        )

    def count_refused(self, rollouts: int, error: GroupError) -> None:
        """Count a group that was refused."""
        status = refused_status(error)
        count_refused(self.metrics, rollouts, status)
        self.groups += 1
        self.rollouts += rollouts
        self.outcomes[status] += rollouts


def _only(ids: set[str]) -> str | None:
    """Return the one id that all groups share; None where they differ."""
    return next(iter(ids)) if len(ids) == 1 else None


def record_of(request: Request) -> Record:
    """Return the record of a request."""
    record: Record = request.state.record
    return record
