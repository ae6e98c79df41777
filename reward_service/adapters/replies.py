"""The service's own wire format: replies.

Shapes are typed dictionaries: what the code builds is what OpenAPI documents, and nothing is validated twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar, cast

from pydantic_core import to_json
from typing_extensions import TypedDict

from entity_index.types import Question
from reward_service.adapters.native import ErrorOut, FactsGroupIn, IndexOut
from reward_service.adapters.shapes import WrittenAs
from reward_service.core.fields import plain
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.core.types import (
    Estimator,
    Evidence,
    GroupResult,
    GroupStatus,
    IndexVersion,
    Match,
    NearMiss,
    RolloutFacts,
    RolloutResult,
    RolloutStatus,
)
from reward_service.serve.errors import GroupError, refused_status
from reward_service.serve.ledger import Terms
from reward_service.serve.scorer import Measured, Scored
from reward_service.serve.truth import Truth


class ProfileOut(TypedDict):
    """The profile that was used."""

    name: str
    digest: str


class EstimatorOut(TypedDict):
    """The estimator that computed the advantages."""

    type: str
    ddof: int
    epsilon: float
    floor: float | str | None


class MatchOut(TypedDict):
    """Where an entity was found."""

    entity: str
    channel: str
    form: str
    distance: int
    segment: int
    start: int
    end: int
    text: str


class UncreditedMatchOut(MatchOut):
    """Where an entity was found that earns nothing there."""

    reason: str
    """`pasted`, `listed`, `ungrounded` or `precision`."""


class NearMissOut(TypedDict):
    """The passage that came closest to an entity that was not found."""

    entity: str
    form: str
    similarity: float
    segment: int
    start: int
    end: int
    text: str


class EvidenceOut(TypedDict):
    """Where entities were found or almost found; empty unless the call asks to explain."""

    matches: list[MatchOut]
    uncredited_matches: list[UncreditedMatchOut]
    near_misses: list[NearMissOut]


class SegmentOut(TypedDict):
    """One segment of a rollout."""

    kind: str
    text: str


class TurnOut(TypedDict):
    """One turn of a rollout."""

    segments: list[int]
    """Positions of its segments."""
    entities: list[str]
    """Names of the entities that it names and that earn credit."""


NOT_WRITTEN = frozenset({"evidence"})
RolloutOut = Annotated[
    dict[str, Any], WrittenAs("RolloutOut", RolloutResult, without=NOT_WRITTEN, beside=EvidenceOut)
]
"""The reward of one rollout and how it came about."""
OF_THE_GROUP = frozenset({"entities", "evidence"})
FactsOut = Annotated[
    dict[str, Any], WrittenAs("FactsOut", RolloutFacts, without=OF_THE_GROUP, beside=EvidenceOut)
]
"""The measurements of one rollout: numbers, and text only if the call asks to explain."""


class GroupOut(TypedDict):
    """One group with its rewards."""

    run_id: str
    group_id: str
    question_id: str | None
    status: str
    entities: int
    group_max: int | None
    index: IndexOut | None
    masked: list[str] | None
    """Names of the entities that earn nothing. Null for a question of the index if the key lacks the scope `explain`."""
    unmatchable: list[str] | None
    """Names of the entities that cannot be searched for. Null in the same case."""
    flags: list[str]
    error: ErrorOut | None
    rollouts: list[RolloutOut]


class ScoreOut(TypedDict):
    """Reply of `POST /v1/groups/score` and `POST /v1/rewards`."""

    profile: ProfileOut
    engine: str
    estimator: EstimatorOut
    progress: float | None
    """Share of the training that is done, as the call says."""
    groups: list[GroupOut]


class FactsGroupOut(TypedDict):
    """The facts of a group's rollouts."""

    run_id: str
    group_id: str
    question_id: str | None
    index: IndexOut | None
    entities: int
    masked: list[str] | None
    """Names of the entities that earn nothing. Null for a question of the index if the key lacks the scope `explain`."""
    unmatchable: list[str] | None
    """Names of the entities that cannot be searched for. Null in the same case."""
    error: ErrorOut | None
    rollouts: list[FactsOut]


class FactsReply(TypedDict):
    """Reply of `POST /v1/match`; valid unchanged as a body of `POST /v1/rewards`."""

    profile: ProfileOut
    engine: str
    groups: list[FactsGroupOut]


class ExplainOut(TypedDict):
    """Reply of `POST /v1/rollouts/explain`."""

    profile: ProfileOut
    engine: str
    question_id: str | None
    index: IndexOut | None
    entities: list[str]
    masked: list[str]
    unmatchable: list[str]
    rollout: RolloutOut
    segments: list[SegmentOut]
    turns: list[TurnOut]


def profile_out(profile: Profile) -> ProfileOut:
    """Name a profile."""
    return {"name": profile.name, "digest": profile.digest}


def estimator_out(estimator: Estimator) -> EstimatorOut:
    """Name an estimator."""
    return cast("EstimatorOut", asdict(estimator))


def index_out(index: IndexVersion | None) -> IndexOut | None:
    """Name an index version; None for inline questions."""
    return (
        None
        if index is None
        else {"dataset": index.dataset, "version": index.version, "digest": index.digest}
    )


def error_out(error: GroupError) -> ErrorOut:
    """Say why a group was refused."""
    return {"type": error.type, "title": error.title, "detail": error.detail, "path": error.path}


def evidence_out(evidence: Evidence | None, question: Question | None) -> EvidenceOut:
    """Write down where entities were found; empty unless explained."""
    if evidence is None or question is None:
        return {"matches": [], "uncredited_matches": [], "near_misses": []}
    return {
        "matches": [_match_out(match, evidence, question) for match in evidence.matches],
        "uncredited_matches": [
            {**_match_out(match, evidence, question), "reason": reason}
            for match, reason in zip(evidence.uncredited, evidence.reasons, strict=True)
        ],
        "near_misses": [_near_miss_out(miss, evidence, question) for miss in evidence.near_misses],
    }


def _match_out(match: Match, evidence: Evidence, question: Question) -> MatchOut:
    return {
        "entity": question.entities[match.entity].name,
        "channel": match.channel,
        "form": match.form,
        "distance": match.distance,
        "segment": match.segment,
        "start": match.start,
        "end": match.end,
        "text": evidence.segments[match.segment].text[match.start : match.end],
    }


def _near_miss_out(miss: NearMiss, evidence: Evidence, question: Question) -> NearMissOut:
    return {
        "entity": question.entities[miss.entity].name,
        "form": miss.form,
        "similarity": miss.similarity,
        "segment": miss.segment,
        "start": miss.start,
        "end": miss.end,
        "text": evidence.segments[miss.segment].text[miss.start : miss.end],
    }


def rollout_out(result: RolloutResult, question: Question | None = None) -> RolloutOut:
    """Write down one rollout's result."""
    return {**plain(result, without=NOT_WRITTEN), **evidence_out(result.evidence, question)}


def unpaid(rollout_id: str, status: RolloutStatus, detail: str) -> RolloutOut:
    """Write down a rollout of a refused group."""
    return rollout_out(RolloutResult(rollout_id, status, detail=detail))


class Named(TypedDict):
    """What is written of a question, wherever it is written."""

    index: IndexOut | None
    masked: list[str] | None
    unmatchable: list[str] | None


N = TypeVar("N", bound=Named)


def shown(written: N, *, names: bool) -> N:
    """Return what is written of a question, without the names of its entities if it is the index's.

    Args:
        written: of a question.
        names: whether the caller may see the names.
    """
    if names or written["index"] is None:
        return written
    return cast("N", {**cast("dict[str, Any]", written), "masked": None, "unmatchable": None})


def paid_out(
    run_id: str,
    group_id: str,
    question_id: str | None,
    result: GroupResult,
    *,
    question: Question | None = None,
) -> GroupOut:
    """Write down one group with a result; with its evidence, if it has any, where the question is there."""
    return {
        "run_id": run_id,
        "group_id": group_id,
        "question_id": question_id,
        "status": result.status,
        "entities": result.entities,
        "group_max": result.group_max,
        "index": None,
        "masked": [],
        "unmatchable": [],
        "flags": list(result.flags),
        "error": None,
        "rollouts": [rollout_out(one, question) for one in result.rollouts],
    }


def refused_out(
    run_id: str, group_id: str, question_id: str | None, *, rollout_ids: Sequence[str], error: GroupError
) -> GroupOut:
    """Write down a group that was refused: every rollout is named and none is paid."""
    status = refused_status(error)
    return {
        "run_id": run_id,
        "group_id": group_id,
        "question_id": question_id,
        "status": GroupStatus.FAILED,
        "entities": 0,
        "group_max": None,
        "index": None,
        "masked": [],
        "unmatchable": [],
        "flags": [],
        "error": error_out(error),
        "rollouts": [unpaid(rollout_id, status, error.title) for rollout_id in rollout_ids],
    }


def scored_out(scored: Scored) -> GroupOut:
    """Write down what became of one group of a call."""
    match scored:
        case Scored(Measured(call, truth=Truth() as truth, error=None), result=GroupResult() as result):
            question_id, question = call.question.question_id, truth.question
            return {
                **paid_out(call.run_id, call.group_id, question_id, result, question=question),
                "index": index_out(truth.index),
                "masked": list(truth.masked),
                "unmatchable": list(truth.unmatchable),
            }
        case Scored(Measured(call, error=GroupError() as error)):
            ids = [rollout.rollout_id for rollout in call.rollouts]
            return refused_out(
                call.run_id, call.group_id, call.question.question_id, rollout_ids=ids, error=error
            )
        case _:
            raise AssertionError("a group is either refused or has a result")


def facts_out(facts: RolloutFacts, question: Question) -> FactsOut:
    """Write down what was measured of one rollout."""
    return {**plain(facts, without=OF_THE_GROUP), **evidence_out(facts.evidence, question)}


def measured_out(measured: Measured) -> FactsGroupOut:
    """Write down what was measured of one group."""
    call = measured.call
    truth = measured.truth or Truth(Question(""))
    return {
        "run_id": call.run_id,
        "group_id": call.group_id,
        "question_id": call.question.question_id,
        "index": index_out(truth.index),
        "entities": measured.facts[0].entities if measured.facts else 0,
        "masked": list(truth.masked),
        "unmatchable": list(truth.unmatchable),
        "error": error_out(measured.error) if measured.error else None,
        "rollouts": [facts_out(one, truth.question) for one in measured.facts or _unmeasured(measured)],
    }


def _unmeasured(measured: Measured) -> list[RolloutFacts]:
    """Return the facts of a refused group: its rollouts are named, and nothing is known of them."""
    if measured.error is None:
        return []
    status = refused_status(measured.error)
    return [
        RolloutFacts(one.rollout_id, status, detail=measured.error.title) for one in measured.call.rollouts
    ]


def facts_reply(measured: Sequence[Measured], profile: Profile, *, names: bool) -> FactsReply:
    """Put measured groups into a reply, with the names of entities of the index if the caller may see them."""
    return {
        "profile": profile_out(profile),
        "engine": ENGINE_DIGEST,
        "groups": [shown(measured_out(one), names=names) for one in measured],
    }


def rewarded_out(group: FactsGroupIn, result: GroupResult | GroupError) -> GroupOut:
    """Write down what became of the facts of one group; what came along with them goes back unchanged."""
    if isinstance(result, GroupError):
        ids = [one.rollout_id for one in group.rollouts]
        return refused_out(group.run_id, group.group_id, group.question_id, rollout_ids=ids, error=result)
    return {
        **paid_out(group.run_id, group.group_id, group.question_id, result),
        "index": group.index,
        "masked": group.masked,
        "unmatchable": group.unmatchable,
        "error": group.error,
    }


def explain_out(truth: Truth, facts: RolloutFacts, result: RolloutResult, profile: Profile) -> ExplainOut:
    """Write down one rollout with all its evidence."""
    segments = facts.evidence.segments if facts.evidence else ()
    return {
        "profile": profile_out(profile),
        "engine": ENGINE_DIGEST,
        "question_id": truth.question.question_id,
        "index": index_out(truth.index),
        "entities": [entity.name for entity in truth.question.entities],
        "masked": list(truth.masked),
        "unmatchable": list(truth.unmatchable),
        "rollout": rollout_out(result, truth.question),
        "segments": [{"kind": segment.kind, "text": segment.text} for segment in segments],
        "turns": _turns_out(facts, truth.question),
    }


def _turns_out(facts: RolloutFacts, question: Question) -> list[TurnOut]:
    """Return which segments and which entities belong to each turn; a rollout that was not searched names none."""
    named = facts.entity_named or ((),) * len(facts.turns)
    return [
        {"segments": list(segments), "entities": [question.entities[entity].name for entity in entities]}
        for segments, entities in zip(facts.turns, named, strict=True)
    ]


def score_out(groups: list[GroupOut], terms: Terms) -> ScoreOut:
    """Put groups into a reply."""
    return {
        "profile": profile_out(terms.profile),
        "engine": ENGINE_DIGEST,
        "estimator": estimator_out(terms.estimator),
        "progress": terms.progress,
        "groups": groups,
    }


def encode(reply: Mapping[str, Any]) -> bytes:
    """Write a reply as JSON. It holds no NaN: rewards are finite or null."""
    return to_json(reply, inf_nan_mode="strings")
