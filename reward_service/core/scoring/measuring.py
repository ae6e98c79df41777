"""From text to facts: a rollout is parsed, searched, judged by rules, and by a model where the profile asks one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from types import MappingProxyType
from typing import NamedTuple

from entity_index.types import Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.judging.asks import Ask, FailureReason
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
    CompiledQuestion,
    GroupText,
    Matching,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.core.measured import (
    Measurable,
    Plugin,
    PluginFailed,
    measured,
    measured_turns,
    plugged,
    shown_in,
)
from reward_service.core.profiles import Profile
from reward_service.core.rewards.outcome import Verdict, judge
from reward_service.core.scoring.members import votes, with_signals
from reward_service.core.trajectory import AnswerRules, Parsed, UnparsableRollout, parse
from reward_service.core.trajectory.turns import named_by_turn, turns_of
from reward_service.core.types import (
    Evidence,
    Outcome,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    SegmentKind,
    StopReason,
    Unreadable,
)

NO_RUBRICS = "the question has no rubrics"
UNCOVERED = "judged_uncovered"
"""A judge calls an answer right in which no gold answer occurs: seldom true, and what an answer that fools a judge looks like."""
DEGRADED = "degraded_score"
"""A model ran out of memory and scored in smaller batches: the last bits may differ from those of an equal rollout."""
NO_ANSWERS: Answers = MappingProxyType({})
NO_PLUGINS: Mapping[str, Plugin] = MappingProxyType({})


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
    compiled: CompiledQuestion
    """The question as it was searched for."""
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
    spec = profile.measure
    compiled = compile_question(question, spec.matching)
    rules = AnswerRules(spec.answer_from, spec.answer_tools, spec.answer_may_be_cut)
    parsed = [_parse(rollout, spec.grammar, rules) for rollout in rollouts]
    searched = [one for one in parsed if isinstance(one, Parsed)]
    read = GroupText([one.segments for one in searched], spec.matching.max_chars)
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
    return MeasurePlan(profile, compiled, tuple(planned))


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
    [facts] = with_signals([facts], profile, later=profile.judged_signals)
    if not profile.asks or not votes(facts):
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
    if not votes(facts):
        return facts
    try:
        return replace(facts, measured={**facts.measured, **plugged(one, plugins)})
    except PluginFailed as failed:
        return replace(facts, status=RolloutStatus.SIGNAL_FAILED, detail=str(failed))


def _parse(rollout: Rollout, grammar: str, rules: AnswerRules) -> Parsed | tuple[RolloutStatus, str]:
    """Read a rollout, or say why there is nothing to measure."""
    if rollout.stop_reason is StopReason.ABORTED:
        return RolloutStatus.ABORTED, "sampling was aborted"
    if isinstance(rollout.source, Unreadable):
        return RolloutStatus.INVALID_ROLLOUT, rollout.source.why
    if rollout.outcome_error is not None:
        return RolloutStatus.JUDGE_FAILED, rollout.outcome_error
    try:
        return parse(rollout.source, grammar, rules)
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
