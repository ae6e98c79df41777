"""The two functions everything here is made of.

    measure(rollout, question, profile)  -> RolloutFacts     text in; integers, outcome, signals, evidence out
        plan(rollouts, question, profile)    -> Plan         its first half: what the text decides, and what a judge has to be asked
        conclude(plan, answers)              -> RolloutFacts its second half, once the answers are there
    reward(facts of one group, profile)  -> GroupResult      numbers in; rewards and advantages out

Whole groups, groups that arrive one rollout at a time, re-scored logs and audits are all these two composed. They know
no network, clock, log or framework, and import into a trainer's own process.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from entity_index.folding import FOLD_VERSION, UNICODE_VERSION
from entity_index.types import Question
from reward_service.core.advantages import ESTIMATORS, advantages
from reward_service.core.checkers import CHECKERS, CHECKERS_VERSION
from reward_service.core.fields import field_names
from reward_service.core.filters import weights
from reward_service.core.judging import JUDGE_VERSION
from reward_service.core.judging.asks import Ask, Reason, Unanswered
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
    Matching,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.core.profiles import Profile
from reward_service.core.rewards import REWARD_VERSION
from reward_service.core.rewards.compose import components, needs_group, needs_progress, total
from reward_service.core.rewards.outcome import Verdict, judge
from reward_service.core.signals import Cell, Share, lacks
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
UNSERVED = Unanswered(Reason.UNSERVED)
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
) -> list[RolloutFacts]:
    """Measure the rollouts of one question in one pass; the result of each is that of `measure` alone.

    Args:
        rollouts: the rollouts as they were recorded.
        question: their ground truth.
        profile: how to measure.
        explain: also return segments and the span of each match.
        names: the names of the question's data set, for profiles with a precision floor; None leaves the floor off.
    """
    return conclude(plan(rollouts, question, profile, explain=explain, names=names), NO_ANSWERS)


class Planned(NamedTuple):
    """One rollout, measured as far as its text decides."""

    facts: RolloutFacts
    case: Case | None = None
    """What a judge is asked about it; None: nothing."""
    needs_verdict: bool = False
    """Whether a judge decides the outcome."""


class Plan(NamedTuple):
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
) -> Plan:
    """Measure the rollouts of one question as far as their text decides; the arguments are those of `measure_group`."""
    compiled = compile_question(question, profile.measure.matching)
    parsed = [_parse(rollout, profile) for rollout in rollouts]
    searched = [one for one in parsed if isinstance(one, Parsed)]
    matchings = iter(match_group([one.segments for one in searched], compiled, explain=explain, names=names))
    planned = [
        _planned(rollout, one, next(matchings), question, profile=profile, explain=explain)
        if isinstance(one, Parsed)
        else Planned(_unmeasured(rollout, one, compiled))
        for rollout, one in zip(rollouts, parsed, strict=True)
    ]
    return Plan(profile, tuple(planned))


def conclude(planned: Plan, answers: Answers) -> list[RolloutFacts]:
    """Return the facts of planned rollouts, one a rollout, in order.

    Args:
        planned: the rollouts.
        answers: by key, of what `Plan.pending` asks; a rollout with an ask that has no answer is `judge_failed`.
    """
    return [_concluded(one, planned.profile, answers) for one in planned.rollouts]


def _planned(
    rollout: Rollout,
    parsed: Parsed,
    matching: Matching,
    question: Question,
    *,
    profile: Profile,
    explain: bool,
) -> Planned:
    verdict = _judge(rollout, parsed, question, profile)
    facts = _facts(rollout, parsed, matching, verdict, explain=explain)
    judged = profile.judged_signals
    facts = _required(facts, [name for name in profile.sent_signals if name not in judged])
    if not profile.asks or not _votes(facts):
        return Planned(facts)
    return _asked(facts, parsed, question, profile, needs_verdict=verdict.is_open)


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
            detail=f"{case.askers[0].name}: {Reason.UNSERVED}",
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
    rollout: Rollout, parsed: Parsed, matching: Matching, verdict: Verdict, *, explain: bool
) -> RolloutFacts:
    decided = verdict.outcome is not None or verdict.is_open
    status = RolloutStatus.SCORED if decided else RolloutStatus.INVALID_ROLLOUT
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
        length=rollout.length,
        tree=rollout.tree,
        flags=(*parsed.flags, *matching.flags, *verdict.flags),
        detail=verdict.detail,
        evidence=_evidence(parsed, matching) if explain else None,
    )


def _evidence(parsed: Parsed, matching: Matching) -> Evidence:
    return Evidence(parsed.segments, matching.matches, matching.uncredited_matches, matching.near_misses)


def reward(
    facts: Sequence[RolloutFacts],
    profile: Profile,
    *,
    estimator: Estimator | None = None,
    partial: PartialPolicy | None = None,
    missing: int = 0,
    progress: float | None = None,
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

    Returns:
        One result a rollout, in the same order.

    Raises:
        ValueError: an empty group, facts about different questions, counts out of range, or no progress where it is needed.
    """
    _check(facts)
    estimator = estimator or profile.estimator
    facts = _comparable(_with_signals(facts, profile.sent_signals), estimator)
    scored = [one for one in facts if _votes(one)]
    status = (partial or PartialPolicy()).settle(len(scored), len(facts) + missing)
    if status is GroupStatus.FAILED:
        return unpaid(facts)
    best = group_max(one.matched or 0 for one in scored)
    parts = _components(facts, profile, progress=progress)
    paid = [total(part) if part else None for part in parts]
    numbers = zip(
        paid,
        advantages(paid, estimator, facts=facts),
        weights(profile.filters, paid, facts),
        _if_all_counted(facts, profile, paid, progress),
        strict=True,
    )
    return GroupResult(
        status=status,
        entities=facts[0].entities,
        group_max=best,
        rollouts=tuple(
            _result(one, part, best=best, numbers=of_one)
            for one, part, of_one in zip(facts, parts, numbers, strict=True)
        ),
        flags=_group_flags(facts),
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
    _check([one])
    if best is not None and (one.matched or 0) > best:
        raise ValueError(f"group_max must be at least the rollout's own count {one.matched}, got {best}")
    if best is None or needs_group(profile.reward) or needs_progress(profile.reward):
        status = RolloutStatus.PENDING if one.status is RolloutStatus.SCORED else one.status
        return replace(_result(one, {}, best=0), status=status)
    [one] = _with_signals([one], profile.sent_signals)
    [parts] = _components([one], profile, tops={"entity_match": Share(best, one.entities)})
    return _result(one, parts, best=best, numbers=_alone(parts))


def _alone(parts: Mapping[str, float]) -> tuple[float | None, ...]:
    return total(parts) if parts else None, None, None, None


def evaluate(one: RolloutFacts, profile: Profile) -> RolloutResult:
    """Say what one rollout is worth outside of training: 1 if correct, else 0, whatever the profile pays for outcomes.

    Trainers validate through the same hook as they train, often with groups of another size; a reward that depends on
    the best of the group could not be compared between checkpoints.
    """
    _check([one])
    if one.status is RolloutStatus.SIGNAL_MISSING:
        one = replace(one, status=RolloutStatus.SCORED, detail=None)  # the outcome needs no signal
    plain = replace(profile, reward=RewardSpec())
    [parts] = _components([one], plain)
    result = _result(one, parts, best=0, numbers=_alone(parts))
    return replace(result, normalized_match_rate=None, in_baseline=False, in_loss=False)


def pending(facts: Sequence[RolloutFacts], profile: Profile) -> GroupResult:
    """Return what can be said of a group that still waits for members: everything but what depends on them."""
    _check(facts)
    return GroupResult(
        status=GroupStatus.OPEN,
        entities=facts[0].entities,
        group_max=None,
        rollouts=tuple(reward_alone(one, profile, best=None) for one in facts),
        flags=_group_flags(facts),
    )


def _check(facts: Sequence[RolloutFacts]) -> None:
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


def _votes(one: RolloutFacts) -> bool:
    """Whether a rollout counts in its group's statistics, and is rewarded."""
    return one.status is RolloutStatus.SCORED


def _with_signals(facts: Sequence[RolloutFacts], wanted: Sequence[str]) -> list[RolloutFacts]:
    """Mark a rollout as unscored if it lacks a signal that the profile uses: without that term, the reward would be a different one."""
    return [_required(one, wanted) for one in facts] if wanted else list(facts)


def _required(one: RolloutFacts, signals: Sequence[str]) -> RolloutFacts:
    missing = [name for name in signals if lacks(one, name)]
    if not missing or not _votes(one):
        return one
    detail = f"the profile needs the signal {missing[0]}, which the rollout does not have"
    return replace(one, status=RolloutStatus.SIGNAL_MISSING, detail=detail)


def _comparable(facts: Sequence[RolloutFacts], estimator: Estimator) -> Sequence[RolloutFacts]:
    """Mark a rollout as unscored if it lacks a field that the estimator compares rollouts by."""
    needs = ESTIMATORS[estimator.type].needs
    return [_with_field(one, needs, estimator.type) for one in facts] if needs else facts


def _with_field(one: RolloutFacts, needs: Sequence[str], estimator: str) -> RolloutFacts:
    missing = [name for name in needs if getattr(one, name) is None]
    if not missing or not _votes(one):
        return one
    detail = f"the estimator {estimator} needs the rollout's {missing[0]}, which was not sent"
    return replace(one, status=RolloutStatus.SIGNAL_MISSING, detail=detail)


def _components(
    facts: Sequence[RolloutFacts],
    profile: Profile,
    *,
    progress: float | None = None,
    tops: Mapping[str, Cell] = MappingProxyType({}),
) -> list[dict[str, float]]:
    """Return the parts of each reward; none where a rollout is unscored, which has no vote either."""
    votes = [one for one in facts if _votes(one)]
    parts = iter(components(profile.reward, votes, progress=progress, tops=tops))
    return [next(parts) if _votes(one) else {} for one in facts]


def _if_all_counted(
    facts: Sequence[RolloutFacts], profile: Profile, paid: list[float | None], progress: float | None
) -> list[float | None]:
    """Return the rewards the group would get if uncredited spans counted: the price of the guards, beside what is paid."""
    if not any(one.uncredited for one in facts):
        return paid
    counted = [_all_counted(one) if one.uncredited else one for one in facts]
    return [total(part) if part else None for part in _components(counted, profile, progress=progress)]


def _all_counted(one: RolloutFacts) -> RolloutFacts:
    return replace(one, matched=(one.matched or 0) + sum(one.uncredited.values()))


def _result(
    one: RolloutFacts,
    parts: Mapping[str, float],
    *,
    best: int,
    numbers: Sequence[float | None] = (None, None, None, None),
) -> RolloutResult:
    """Put a rollout's result together; without parts it is not paid.

    Args:
        one: its facts.
        parts: of its reward.
        best: the group's largest `matched`.
        numbers: reward, advantage, weight, and the reward if uncredited spans counted.
    """
    reward, advantage, weight, with_uncredited = numbers
    rate, normalized = _rates(one, best if parts else None)
    return RolloutResult(
        **dict(zip(SHARED, _shared(one), strict=True)),
        reward=reward,
        advantage=advantage,
        weight=weight,
        match_rate=rate,
        normalized_match_rate=normalized,
        precision=precision((one.matched or 0) + one.uncredited.get("precision", 0), one.mentions),
        reward_with_uncredited=with_uncredited,
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
    """Return a group nobody is paid in; the members that could have been are named apart from those that failed it."""
    rollouts = [_result(one, {}, best=0) for one in facts]
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
