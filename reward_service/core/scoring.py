"""The two functions everything here is made of.

    measure(rollout, question, profile)  -> RolloutFacts     text in; integers, outcome, signals, evidence out
        plan(rollouts, question, profile)    -> MeasurePlan         its first half: what the text decides, and what a judge has to be asked
        conclude(plan, answers)              -> RolloutFacts its second half, once the answers are there
    reward(facts of one group, profile)  -> GroupResult      numbers in; rewards and advantages out

Whole groups, groups that arrive one rollout at a time, re-scored logs and audits are all these two composed. They know
no network, clock, log or framework, and import into a trainer's own process.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from math import isfinite
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from entity_index.folding import FOLD_VERSION, UNICODE_VERSION
from entity_index.types import Question
from reward_service.core.advantages import BATCH_ESTIMATORS, advantages, needs_of
from reward_service.core.advantages.batch import BatchRollout
from reward_service.core.checkers import CHECKERS, CHECKERS_VERSION
from reward_service.core.fields import field_names
from reward_service.core.filters import Place, weights
from reward_service.core.judging import JUDGE_VERSION
from reward_service.core.judging.asks import Ask, FailureReason, Unanswered
from reward_service.core.judging.cascade import decide
from reward_service.core.judging.conclusions import Concluded, concluded
from reward_service.core.judging.conclusions import pending as pending_asks
from reward_service.core.judging.kinds import (
    SAMPLES,
    SUPPORT,
    Answers,
    Case,
    cited_pages,
    kind_name,
    kind_of,
    retrieved_text,
    thoughts_of,
)
from reward_service.core.judging.presented import presented
from reward_service.core.judging.replies import CORRECT, NOT_ATTEMPTED
from reward_service.core.matching import (
    MATCHER_VERSION,
    STEMMERS_VERSION,
    UNMATCHABLE,
    CompiledQuestion,
    GroupText,
    Matching,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.core.measured import (
    MEASURED_VERSION,
    Measurable,
    Plugin,
    PluginFailed,
    measured,
    measured_turns,
    plugged,
    shown_in,
)
from reward_service.core.paying import Paid, credit, pay
from reward_service.core.profiles import Profile
from reward_service.core.rewards import REWARD_VERSION
from reward_service.core.rewards.compose import BASE, needs_group, needs_progress, total
from reward_service.core.rewards.maps import weight_at
from reward_service.core.rewards.outcome import Verdict, judge
from reward_service.core.signals import Cell, Share, lacks
from reward_service.core.signals.by_turn import turn_defect
from reward_service.core.signals.entity_match import (
    group_max,
    match_rate,
    normalized_match_rate,
    precision,
)
from reward_service.core.trajectory import (
    NO_THOUGHTS,
    PARSER_VERSION,
    AnswerRules,
    Parsed,
    UnparsableRollout,
    parse,
)
from reward_service.core.trajectory.turns import named_by_turn, turns_of
from reward_service.core.types import (
    Estimator,
    Evidence,
    GroupResult,
    GroupStatus,
    Outcome,
    PartialPolicy,
    RewardSpec,
    Rollout,
    RolloutFacts,
    RolloutResult,
    RolloutStatus,
    Row,
    SegmentKind,
    StopReason,
    Unreadable,
)

# Bumped when golden results change; the Unicode version comes with the interpreter.
VERSIONS: dict[str, int | str] = {
    "fold": FOLD_VERSION,
    "unicode": UNICODE_VERSION,
    "matcher": MATCHER_VERSION,
    "stemmers": STEMMERS_VERSION,
    "parser": PARSER_VERSION,
    "checkers": CHECKERS_VERSION,
    "judge": JUDGE_VERSION,
    "signals": MEASURED_VERSION,
    "formulas": REWARD_VERSION,
}
ENGINE_DIGEST = "sha256:" + hashlib.sha256(json.dumps(VERSIONS, sort_keys=True).encode()).hexdigest()

NO_ENTITIES = "no_entities"
NO_RUBRICS = "the question has no rubrics"
UNCOVERED = "judged_uncovered"
"""A judge calls an answer right in which no gold answer occurs: seldom true, and what an answer that fools a judge looks like."""
DEGRADED = "degraded_score"
"""A model ran out of memory and scored in smaller batches: the last bits may differ from those of an equal rollout."""
NO_ANSWERS: Answers = MappingProxyType({})
UNSERVED = Unanswered(FailureReason.UNSERVED)
NO_PLUGINS: Mapping[str, Plugin] = MappingProxyType({})
NOWHERE: Place = ("", "")
# What a result takes over from the facts as it is.
SHARED = [name for name in field_names(RolloutResult) if name in field_names(RolloutFacts)]
_shared = attrgetter(*SHARED)


def measure(rollout: Rollout, question: Question, profile: Profile, *, explain: bool = False) -> RolloutFacts:
    """Measure one rollout: which entities its thoughts name, and how it ended.

    Args:
        rollout: the rollout as it was recorded.
        question: its ground truth.
        profile: how to measure.
        explain: also return segments and the span of each match.

    Returns:
        The facts, with a status other than `scored` where the record is broken, aborted, too costly or undecidable.
    """
    return measure_group([rollout], question, profile, explain=explain)[0]


def measure_group(
    rollouts: Sequence[Rollout],
    question: Question,
    profile: Profile,
    *,
    explain: bool = False,
    names: MentionNames | None = None,
    plugins: Mapping[str, Plugin] = NO_PLUGINS,
) -> list[RolloutFacts]:
    """Measure the rollouts of one question in one pass; the result of each is that of `measure` alone.

    Args:
        rollouts: the rollouts as they were recorded.
        question: their ground truth.
        profile: how to measure.
        explain: also return segments and the span of each match.
        names: the names of the question's data set, for profiles with a precision floor; None leaves the floor off.
        plugins: by the name of the signal that each gives; those that the profile pins are asked.
    """
    planned = plan(rollouts, question, profile, explain=explain, names=names, plugins=plugins)
    return conclude(planned, NO_ANSWERS)


class Planned(NamedTuple):
    """One rollout, measured as far as its text decides."""

    facts: RolloutFacts
    case: Case | None = None
    """What a judge is asked about it; None: nothing."""
    needs_verdict: bool = False
    """Whether a judge decides the outcome."""


class MeasurePlan(NamedTuple):
    """The rollouts of one question, measured as far as their text decides. It holds no rollout's text but what is asked about."""

    profile: Profile
    rollouts: tuple[Planned, ...]

    def pending(self, answers: Answers) -> dict[str, Ask]:
        """Return what has to be asked next, by key; equal asks are one. Empty once `conclude` knows everything."""
        cases = (one.case for one in self.rollouts if one.case is not None)
        return {ask.key: ask for case in cases for ask in pending_asks(case, answers)}


def plan(
    rollouts: Sequence[Rollout],
    question: Question,
    profile: Profile,
    *,
    explain: bool = False,
    names: MentionNames | None = None,
    plugins: Mapping[str, Plugin] = NO_PLUGINS,
) -> MeasurePlan:
    """Measure the rollouts of one question as far as their text decides; the arguments are those of `measure_group`."""
    compiled = compile_question(question, profile.measure.matching)
    parsed = [_parse(rollout, profile) for rollout in rollouts]
    searched = [one for one in parsed if isinstance(one, Parsed)]
    read = GroupText([one.segments for one in searched], profile.measure.matching.max_chars)
    matchings = match_group(read, compiled, explain=explain, names=names)
    shown = shown_in(read, question, (*profile.measured_signals, *profile.measured_turn_signals))
    measurable = map(Measurable, searched, matchings, repeat(question), shown)
    asked = {pin.signal: plugins[pin.signal] for pin in profile.plugins if pin.signal in plugins}
    planned = [
        _planned(rollout, next(measurable), profile, plugins=asked, explain=explain)
        if isinstance(one, Parsed)
        else Planned(_unmeasured(rollout, one, compiled))
        for rollout, one in zip(rollouts, parsed, strict=True)
    ]
    return MeasurePlan(profile, tuple(planned))


def conclude(planned: MeasurePlan, answers: Answers) -> list[RolloutFacts]:
    """Return the facts of planned rollouts, one a rollout, in order.

    Args:
        planned: the rollouts.
        answers: by key, of what `MeasurePlan.pending` asks; a rollout with an ask that has no answer is `judge_failed`.
    """
    return [_concluded(one, planned.profile, answers) for one in planned.rollouts]


def _planned(
    rollout: Rollout, one: Measurable, profile: Profile, *, plugins: Mapping[str, Plugin], explain: bool
) -> Planned:
    verdict = _judge(rollout, one.parsed, one.question, profile)
    facts = _facts(rollout, one, verdict, profile, explain=explain)
    if plugins:
        facts = _with_plugins(facts, one, plugins)
    [facts] = _with_signals([facts], profile, later=profile.judged_signals)
    if not profile.asks or not _votes(facts):
        return Planned(facts)
    return _asked(facts, one.parsed, one.question, profile, needs_verdict=verdict.is_open)


def _asked(
    facts: RolloutFacts, parsed: Parsed, question: Question, profile: Profile, *, needs_verdict: bool
) -> Planned:
    """Return what a judge is asked about a rollout that can be scored."""
    said = presented(parsed.answer or "")
    if facts.outcome is Outcome.ERROR or not said:
        nothing = dict.fromkeys(profile.judged_signals, 0.0)
        return Planned(replace(facts, signals={**facts.signals, **nothing}) if nothing else facts)
    askers = (*(profile.outcome_askers if needs_verdict else ()), *profile.signal_askers)
    if any(kind_of(one).needs_rubrics for one in askers) and not question.rubrics:
        return Planned(replace(facts, status=RolloutStatus.SIGNAL_MISSING, detail=NO_RUBRICS))
    kinds = {kind_name(one) for one in askers}
    case = Case(
        question,
        askers,
        said,
        thoughts_of(_texts(parsed, SegmentKind.THOUGHT)) if "thoughts" in kinds else (),
        cited_pages(parsed.answer or "", _texts(parsed, SegmentKind.TOOL_RESPONSE))
        if SUPPORT in kinds
        else "",
        retrieved_text(_texts(parsed, SegmentKind.TOOL_RESPONSE)) if SAMPLES in kinds else "",
    )
    return Planned(facts, case if askers else None, needs_verdict)


def _texts(parsed: Parsed, kind: SegmentKind) -> list[str]:
    return [segment.text for segment in parsed.segments if segment.kind is kind]


def _concluded(planned: Planned, profile: Profile, answers: Answers) -> RolloutFacts:
    facts, case = planned.facts, planned.case
    if case is None:
        return facts
    if pending_asks(case, answers):
        return replace(
            facts,
            status=kind_of(case.askers[0]).failed,
            outcome=None,
            detail=f"{case.askers[0].name}: {FailureReason.UNSERVED}",
        )
    said = concluded(case, answers)
    facts = replace(facts, signals={**facts.signals, **said.numbers}, judgements=said.judgements)
    if said.failed is not None:
        return replace(facts, status=said.status, outcome=None, detail=said.failed)
    if said.degraded:
        facts = replace(facts, flags=(*facts.flags, DEGRADED))
    return _with_verdict(facts, case, said, profile) if planned.needs_verdict else facts


def _with_verdict(facts: RolloutFacts, case: Case, said: Concluded, profile: Profile) -> RolloutFacts:
    if said.label != CORRECT:
        flags = (NOT_ATTEMPTED,) if said.label == NOT_ATTEMPTED else ()
        return replace(facts, outcome=Outcome.WRONG, flags=(*facts.flags, *flags))
    covered = CHECKERS["cover"](case.answer, case.question, profile.measure.threshold)
    flags = () if covered else (UNCOVERED,)
    return replace(facts, outcome=Outcome.CORRECT, flags=(*facts.flags, *flags))


def _with_plugins(facts: RolloutFacts, one: Measurable, plugins: Mapping[str, Plugin]) -> RolloutFacts:
    """Add the numbers of plug-ins to the facts of a scored rollout; if one fails, the rollout is not scored."""
    if not _votes(facts):
        return facts
    try:
        return replace(facts, measured={**facts.measured, **plugged(one, plugins)})
    except PluginFailed as failed:
        return replace(facts, status=RolloutStatus.SIGNAL_FAILED, detail=str(failed))


def _parse(rollout: Rollout, profile: Profile) -> Parsed | tuple[RolloutStatus, str]:
    """Read a rollout, or say why there is nothing to measure."""
    if rollout.stop_reason is StopReason.ABORTED:
        return RolloutStatus.ABORTED, "sampling was aborted"
    if isinstance(rollout.source, Unreadable):
        return RolloutStatus.INVALID_ROLLOUT, rollout.source.why
    if rollout.outcome_error is not None:
        return RolloutStatus.JUDGE_FAILED, rollout.outcome_error
    spec = profile.measure
    try:
        rules = AnswerRules(spec.answer_from, spec.answer_tools, spec.answer_may_be_cut)
        return parse(rollout.source, spec.grammar, rules)
    except UnparsableRollout as error:
        return RolloutStatus.INVALID_ROLLOUT, str(error)


def _unmeasured(rollout: Rollout, why: tuple[RolloutStatus, str], compiled: CompiledQuestion) -> RolloutFacts:
    status, detail = why
    return RolloutFacts(
        rollout.rollout_id,
        status,
        entities=compiled.entities,
        signals=rollout.signals,
        length=rollout.length,
        tree=rollout.tree,
        turn_signals=rollout.turn_signals,
        anchor=rollout.anchor,
        detail=detail,
    )


def _judge(rollout: Rollout, parsed: Parsed, question: Question, profile: Profile) -> Verdict:
    return judge(
        stop_reason=rollout.stop_reason,
        format_error=parsed.format_error,
        supplied=rollout.outcome,
        answer=parsed.answer,
        decide=partial(_decide, question=question, profile=profile) if question.answers else None,
    )


def _decide(answer: str, *, question: Question, profile: Profile) -> Verdict:
    """Return what strings say of an answer."""
    spec = profile.measure
    if profile.judge is None or spec.cascade is None:
        is_correct = CHECKERS[spec.checker](answer, question, spec.threshold)
        return Verdict(Outcome.CORRECT if is_correct else Outcome.WRONG)
    decision = decide(answer, question, spec.cascade, threshold=spec.threshold, asker=profile.judge)
    if decision.is_correct is None:
        return Verdict(None, is_open=True)
    flags = (decision.flag,) if decision.flag else ()
    return Verdict(Outcome.CORRECT if decision.is_correct else Outcome.WRONG, flags=flags)


def _facts(
    rollout: Rollout, one: Measurable, verdict: Verdict, profile: Profile, *, explain: bool
) -> RolloutFacts:
    parsed, matching, _, _ = one
    decided = verdict.outcome is not None or verdict.is_open
    status = RolloutStatus.SCORED if decided else RolloutStatus.INVALID_ROLLOUT
    turns = turns_of(parsed.segments)
    return RolloutFacts(
        rollout_id=rollout.rollout_id,
        status=RolloutStatus.TOO_COSTLY if matching.too_costly else status,
        outcome=verdict.outcome,
        matched=None if matching.too_costly else matching.matched,
        entities=matching.entities,
        uncredited=matching.uncredited,
        grounded=matching.grounded,
        mentions=matching.mentions,
        overlength=verdict.overlength,
        signals=rollout.signals,
        measured=measured(one, profile.measured_signals),
        length=rollout.length,
        tree=rollout.tree,
        turns=turns,
        entity_named=() if matching.too_costly else named_by_turn(turns, matching.named),
        turn_signals={**measured_turns(one, profile.measured_turn_signals), **rollout.turn_signals},
        anchor=rollout.anchor,
        flags=(*parsed.flags, *matching.flags, *verdict.flags),
        detail=verdict.detail,
        evidence=_evidence(parsed, matching) if explain else None,
    )


def _evidence(parsed: Parsed, matching: Matching) -> Evidence:
    return Evidence(
        parsed.segments,
        matching.matches,
        matching.uncredited_matches,
        matching.reasons,
        matching.near_misses,
    )


class _Call(NamedTuple):
    """What the groups of a call have in common."""

    profile: Profile
    estimator: Estimator
    partial: PartialPolicy
    progress: float | None


class _Priced(NamedTuple):
    """A group whose rewards are known."""

    facts: Sequence[RolloutFacts]
    status: GroupStatus
    scored: Sequence[RolloutFacts]
    paid: Paid
    rewards: Sequence[float]
    """R, of the scored rollouts."""
    place: Place


def reward(
    facts: Sequence[RolloutFacts],
    profile: Profile,
    *,
    estimator: Estimator | None = None,
    partial: PartialPolicy | None = None,
    missing: int = 0,
    progress: float | None = None,
    place: Place = NOWHERE,
) -> GroupResult:
    """Pay one group.

    An unscored rollout has no vote in the group's maximum, mean or spread, and no reward. Under the policy `fail` one
    such member fails the group: no reward is invented for anyone. Under `survivors` the scored ones are paid among
    themselves.

    Args:
        facts: of every rollout of the group, at least one, all measured against the same question.
        profile: how to reward.
        estimator: overrides the profile's.
        partial: what an unscored member does to the group; the default fails it.
        missing: how many members never came; they count as unscored ones.
        progress: share of the training that is done, in [0, 1]; None if no weight of the profile depends on it.
        place: ids of the run and the group; filters that draw depend on them.

    Returns:
        One result a rollout, in the same order.

    Raises:
        ValueError: an empty group, facts about different questions, counts out of range, or no progress where it is needed.
            Numbers of turns are checked where the profile pays by turn.
    """
    call = _Call(profile, estimator or profile.estimator, partial or PartialPolicy(), progress)
    group = _priced(facts, call, missing, place)
    if isinstance(group, GroupResult):
        return group
    estimated = advantages(group.rewards, call.estimator, facts=group.scored)
    return _settled(group, call, [one for one in estimated if one is not None])


def reward_batch(
    groups: Sequence[Sequence[RolloutFacts]],
    profile: Profile,
    *,
    estimator: Estimator,
    partial: PartialPolicy | None = None,
    progress: float | None = None,
    places: Sequence[Place] | None = None,
) -> list[GroupResult]:
    """Pay all groups of a training step, with an estimator that compares them with each other.

    Args:
        groups: the facts of every group.
        profile: how to reward.
        estimator: its type is a name in `reward_service.core.advantages.BATCH_ESTIMATORS`.
        partial: what an unscored member does to its group. A group that fails does not vote.
        progress: share of the training that is done, in [0, 1]; None if no weight of the profile depends on it.
        places: ids of the run and the group of each group; filters that draw depend on them.

    Returns:
        One result a group, in the same order.

    Raises:
        ValueError: as `reward`.
    """
    call = _Call(profile, estimator, partial or PartialPolicy(), progress)
    priced = [
        _priced(facts, call, 0, place)
        for facts, place in zip(groups, places or [NOWHERE] * len(groups), strict=True)
    ]
    batch = [group for group in priced if isinstance(group, _Priced)]
    estimated = iter(_over_batch(batch, call) if batch else [])
    return [
        group if isinstance(group, GroupResult) else _settled(group, call, next(estimated))
        for group in priced
    ]


def _over_batch(batch: Sequence[_Priced], call: _Call) -> list[list[float]]:
    """Return the advantages of the scored rollouts of all groups. Terms without weight have no value to standardise."""
    spec = call.profile.reward
    turns = () if spec.turns_stand_apart else spec.turn_terms
    weights = {
        term.name or term.signal: weight_at(term.weight, call.progress) for term in (*spec.terms, *turns)
    }
    factors = {BASE: 1.0, **{name: weight for name, weight in weights.items() if weight}}
    rollouts = [
        [
            BatchRollout(
                reward,
                one.length or 1,
                {name: parts.get(name, 0.0) / factor for name, factor in factors.items()},
            )
            for one, reward, parts in zip(group.scored, group.rewards, group.paid.parts, strict=True)
        ]
        for group in batch
    ]
    return BATCH_ESTIMATORS[call.estimator.type](rollouts, call.estimator, factors)


def _priced(facts: Sequence[RolloutFacts], call: _Call, missing: int, place: Place) -> _Priced | GroupResult:
    """Return the rewards of a group, or its result if no rollout is paid."""
    check_facts(facts, by_turn=call.profile.reward.is_by_turn)
    facts = _comparable(_with_signals(facts, call.profile), call.estimator)
    scored = [one for one in facts if _votes(one)]
    status = call.partial.settle(len(scored), len(facts) + missing)
    if status is GroupStatus.FAILED:
        return unpaid(facts)
    paid = pay(call.profile.reward, scored, estimator=call.estimator, progress=call.progress)
    return _Priced(facts, status, scored, paid, [total(parts) for parts in paid.parts], place)


def _settled(group: _Priced, call: _Call, estimated: Sequence[float]) -> GroupResult:
    """Return the result of a group with these advantages of its scored rollouts."""
    numbers = map(
        Numbers,
        group.rewards,
        estimated,
        weights(call.profile.filters, group.rewards, group.scored, advantages=estimated, place=group.place),
        _if_all_counted(group, call),
        *_by_turn(group, call, estimated),
    )
    rows = iter(zip(group.paid.parts, numbers, strict=True))
    best = group_max(one.matched or 0 for one in group.scored)
    return GroupResult(
        status=group.status,
        entities=group.facts[0].entities,
        group_max=best,
        rollouts=tuple(
            _result(one, *next(rows), best=best) if _votes(one) else _result(one) for one in group.facts
        ),
        flags=_group_flags(group.facts),
    )


def _by_turn(
    group: _Priced, call: _Call, estimated: Sequence[float]
) -> tuple[Sequence[Row | None], Sequence[tuple[float, ...] | None]]:
    """Return rewards and advantages of turns of the scored rollouts, None where the profile has none."""
    nothing = [None] * len(group.scored)
    if group.paid.turns is None:
        return nothing, nothing
    spec = call.profile.reward
    return group.paid.turns.rewards if spec.pays_turns else nothing, credit(
        spec,
        group.scored,
        group.paid.turns,
        rewards=group.rewards,
        advantages=estimated,
        estimator=call.estimator,
        progress=call.progress,
    )


def reward_alone(one: RolloutFacts, profile: Profile, *, best: int | None) -> RolloutResult:
    """Say what one rollout would be paid; its group is not there, so it has no advantage.

    Args:
        one: facts of the rollout.
        profile: how to reward.
        best: the group's largest `matched`. If it is None, or the reward depends on more than that (other members' signals,
            the progress of training), the rollout is pending, without a reward.

    Raises:
        ValueError: the rollout itself matched more than `best`.
    """
    check_facts([one])
    if best is not None and (one.matched or 0) > best:
        raise ValueError(f"group_max must be at least the rollout's own count {one.matched}, got {best}")
    if best is None or needs_group(profile.reward) or needs_progress(profile.reward):
        status = RolloutStatus.PENDING if one.status is RolloutStatus.SCORED else one.status
        return replace(_result(one), status=status)
    [one] = _with_signals([one], profile)
    tops: dict[str, Cell] = {"entity_match": Share(best, one.entities), "entity_new": float(best)}
    return _alone(one, profile, best=best, tops=tops)


def _alone(
    one: RolloutFacts, profile: Profile, *, best: int, tops: Mapping[str, Cell] = MappingProxyType({})
) -> RolloutResult:
    """Return the result of a rollout without a group."""
    if not _votes(one):
        return _result(one)
    paid = pay(profile.reward, [one], estimator=profile.estimator, tops=tops)
    turns = paid.turns.rewards[0] if paid.turns and profile.reward.pays_turns else None
    numbers = Numbers(total(paid.parts[0]), turn_rewards=turns)
    return _result(one, paid.parts[0], numbers, best=best)


def evaluate(one: RolloutFacts, profile: Profile) -> RolloutResult:
    """Say what one rollout is worth outside of training: 1 if correct, else 0, whatever the profile pays for outcomes.

    Trainers validate through the same hook as they train, often with groups of another size; a reward that depends on
    the best of the group could not be compared between checkpoints.
    """
    check_facts([one])
    if one.status is RolloutStatus.SIGNAL_MISSING:
        one = replace(one, status=RolloutStatus.SCORED, detail=None)  # the outcome needs no signal
    plain = replace(profile, reward=RewardSpec())
    return replace(_alone(one, plain, best=0), normalized_match_rate=None, in_baseline=False, in_loss=False)


def pending(facts: Sequence[RolloutFacts], profile: Profile) -> GroupResult:
    """Return what can be said of a group that still waits for members: everything but what depends on them."""
    check_facts(facts)
    return GroupResult(
        status=GroupStatus.OPEN,
        entities=facts[0].entities,
        group_max=None,
        rollouts=tuple(reward_alone(one, profile, best=None) for one in facts),
        flags=_group_flags(facts),
    )


def check_facts(facts: Sequence[RolloutFacts], *, by_turn: bool = True) -> None:
    """Refuse facts of a group that contradict each other or themselves.

    Args:
        facts: of every rollout of the group.
        by_turn: whether numbers of turns are looked at, which takes longer than all the rest.

    Raises:
        ValueError: with what was expected and what came.
    """
    if not facts:
        raise ValueError("a group must have at least one rollout")
    if len({one.entities for one in facts}) > 1:
        raise ValueError("all rollouts of a group must be measured against the same entities")
    for one in facts:
        named = (one.matched or 0) + sum(one.uncredited.values())
        if not 0 <= (one.matched or 0) <= named <= one.entities:
            raise ValueError(f"matched and uncredited must add up to at most {one.entities}, got {named}")
        if one.status is RolloutStatus.SCORED and (one.outcome is None or one.matched is None):
            raise ValueError("a scored rollout must have an outcome and a matched count")
        if one.length is not None and one.length < 1:
            raise ValueError(f"length must be at least 1, got {one.length}")
        if one.signals or one.measured:
            _check_finite({"signals": one.signals.values(), "measured": one.measured.values()})
        if by_turn:
            _check_turns(one)
            _check_finite(one.turn_signals)


def _check_turns(one: RolloutFacts) -> None:
    """Refuse entities by turn that contradict the counts."""
    if not one.entity_named:
        return
    named = set(chain.from_iterable(one.entity_named))
    if len(one.entity_named) != len(one.turns):
        raise ValueError(f"entity_named must have one list for each of {len(one.turns)} turns")
    if one.matched is not None and len(named) != one.matched:
        raise ValueError(f"entity_named names {len(named)} entities, but matched is {one.matched}")


def _check_finite(rows: Mapping[str, Iterable[float | None]]) -> None:
    for name, numbers in rows.items():
        if not all(map(isfinite, filter(None, numbers))):  # without 0 and None, which are in order
            raise ValueError(f"{name} must have finite numbers only")


def _votes(one: RolloutFacts) -> bool:
    """Whether a rollout counts in its group's statistics, and is rewarded."""
    return one.status is RolloutStatus.SCORED


def _with_signals(
    facts: Sequence[RolloutFacts], profile: Profile, later: Sequence[str] = ()
) -> list[RolloutFacts]:
    """Mark a rollout as unscored if it lacks a signal that the profile uses: without that term, the reward would be a different one.

    Args:
        facts: of the rollouts.
        profile: how they are rewarded.
        later: signals that a judge is yet to give.
    """
    if not profile.needed_signals and not profile.reward.is_by_turn:
        return list(facts)
    return [_without(one, _lacking(one, profile, later)) if _votes(one) else one for one in facts]


def _lacking(one: RolloutFacts, profile: Profile, later: Sequence[str]) -> str | None:
    """Return what a rollout lacks to be paid; None if nothing."""
    for name in profile.needed_signals:
        if lacks(one, name) and name not in later:
            return f"the profile needs the signal {name}, which the rollout does not have"
    return turn_defect(one, profile.turn_needs) if profile.reward.is_by_turn else None


def _without(one: RolloutFacts, defect: str | None) -> RolloutFacts:
    return one if defect is None else replace(one, status=RolloutStatus.SIGNAL_MISSING, detail=defect)


def _comparable(facts: Sequence[RolloutFacts], estimator: Estimator) -> Sequence[RolloutFacts]:
    """Mark a rollout as unscored if it lacks a field that the estimator compares rollouts by."""
    needs = needs_of(estimator)
    return [_with_field(one, needs, estimator.type) for one in facts] if needs else facts


def _with_field(one: RolloutFacts, needs: Sequence[str], estimator: str) -> RolloutFacts:
    missing = [name for name in needs if getattr(one, name) is None]
    if not missing or not _votes(one):
        return one
    detail = f"the estimator {estimator} needs the rollout's {missing[0]}, which was not sent"
    return replace(one, status=RolloutStatus.SIGNAL_MISSING, detail=detail)


def _if_all_counted(group: _Priced, call: _Call) -> Sequence[float]:
    """Return the rewards the group would get if uncredited spans counted: the price of the guards, beside what is paid."""
    if not any(one.uncredited for one in group.scored):
        return group.rewards
    counted = [_all_counted(one) if one.uncredited else one for one in group.scored]
    paid = pay(call.profile.reward, counted, estimator=call.estimator, progress=call.progress)
    return [total(parts) for parts in paid.parts]


def _all_counted(one: RolloutFacts) -> RolloutFacts:
    """Return the facts if uncredited spans counted. Which turns they appear in changes no reward: the last is as good as any."""
    more = sum(one.uncredited.values())
    named = one.entity_named and (
        *one.entity_named[:-1],
        (*one.entity_named[-1], *range(-more, 0)),  # positions that no entity has
    )
    return replace(one, matched=(one.matched or 0) + more, entity_named=named)


class Numbers(NamedTuple):
    """The numbers of a rollout's result that depend on its profile."""

    reward: float | None = None
    advantage: float | None = None
    weight: float | None = None
    reward_with_uncredited: float | None = None
    turn_rewards: Row | None = None
    turn_advantages: tuple[float, ...] | None = None


NO_PARTS: Mapping[str, float] = MappingProxyType({})
NO_NUMBERS = Numbers()


def _result(
    one: RolloutFacts,
    parts: Mapping[str, float] = NO_PARTS,
    numbers: Numbers = NO_NUMBERS,
    *,
    best: int = 0,
) -> RolloutResult:
    """Put a rollout's result together; without parts it is not paid.

    Args:
        one: its facts.
        parts: of its reward.
        numbers: its reward and what follows from it.
        best: the group's largest `matched`.
    """
    rate, normalized = _rates(one, best if parts else None)
    return RolloutResult(
        **dict(zip(SHARED, _shared(one), strict=True)),
        **numbers._asdict(),
        match_rate=rate,
        normalized_match_rate=normalized,
        precision=precision((one.matched or 0) + one.uncredited.get("precision", 0), one.mentions),
        in_baseline=bool(parts),
        in_loss=bool(parts) and not one.overlength,
        components=parts,
    )


def _rates(one: RolloutFacts, best: int | None) -> tuple[float | None, float | None]:
    """Return γ, and γ̂ if the group's best is known; None for a rollout that was not searched."""
    if one.matched is None:
        return None, None
    normalized = None if best is None else normalized_match_rate(one.matched, best)
    return match_rate(one.matched, one.entities), normalized


def unpaid(facts: Sequence[RolloutFacts]) -> GroupResult:
    """Return a group without rewards; the members that could have been are named apart from those that failed it."""
    rollouts = [_result(one) for one in facts]
    return GroupResult(
        status=GroupStatus.FAILED,
        entities=facts[0].entities,
        group_max=None,
        rollouts=tuple(
            replace(one, status=RolloutStatus.GROUP_FAILED) if one.status is RolloutStatus.SCORED else one
            for one in rollouts
        ),
        flags=_group_flags(facts),
    )


def _group_flags(facts: Sequence[RolloutFacts]) -> tuple[str, ...]:
    scored = [one for one in facts if _votes(one)]
    holds = {
        NO_ENTITIES: not facts[0].entities,
        UNMATCHABLE: any(UNMATCHABLE in one.flags for one in facts),
        NO_THOUGHTS: bool(scored) and all(NO_THOUGHTS in one.flags for one in scored),
    }
    return tuple(flag for flag, it_holds in holds.items() if it_holds)
