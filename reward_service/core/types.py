"""The values that travel between the parts of the service.

They are frozen, know no wire format and carry no behaviour beyond trivial derivations. Words are those of docs/glossary.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias


def _no_counts() -> Mapping[str, int]:
    return MappingProxyType({})


def _no_signals() -> Mapping[str, float]:
    return MappingProxyType({})


Row: TypeAlias = tuple[float | None, ...]
"""One number per turn of a rollout; None where the turn has none."""


def _nothing_measured() -> Mapping[str, float | None]:
    return MappingProxyType({})


def _no_turn_signals() -> Mapping[str, Row]:
    return MappingProxyType({})


class Outcome(StrEnum):
    """What became of a rollout; the three branches of E-GRPO's reward (arXiv:2510.24694, Eq. 5)."""

    CORRECT = "correct"
    WRONG = "wrong"
    ERROR = "error"


VERDICTS: Mapping[str, Outcome] = MappingProxyType(
    {
        name: outcome
        for outcome, names in {
            Outcome.CORRECT: "correct true yes 1 1.0 c",
            Outcome.WRONG: "wrong incorrect false no 0 0.0 i n",
            Outcome.ERROR: "error",
        }.items()
        for name in names.split()
    }
)
"""What trainers and judges call an outcome, in lower case; Inspect writes C, I and N."""


class StopReason(StrEnum):
    """Why sampling ended."""

    COMPLETED = "completed"
    MAX_TOKENS = "max_tokens"
    MAX_TURNS = "max_turns"
    ABORTED = "aborted"


STOP_REASONS: Mapping[str, StopReason] = MappingProxyType(
    {
        name: reason
        for reason, names in {
            StopReason.COMPLETED: "completed stop eos end_turn tool_calls stop_sequence tool_use function_call finished done env_done",
            StopReason.MAX_TOKENS: (
                "max_tokens length max_output_tokens model_length truncated prompt_too_long "
                "max_response_length_exceeded max_prompt_length_exceeded"
            ),
            StopReason.MAX_TURNS: (
                "max_turns max_steps max_iterations turn_limit max_turns_reached max_turns_exceeded"
            ),
            StopReason.ABORTED: "aborted abort content_filter cancelled canceled",
        }.items()
        for name in names.split()
    }
)
"""Every trainer's and API's word for why sampling ended."""


class RolloutStatus(StrEnum):
    """Whether a rollout has a reward, and if not, why. The reward is null unless the status is `scored`."""

    PENDING = "pending"
    SCORED = "scored"
    INVALID_ROLLOUT = "invalid_rollout"
    ABORTED = "aborted"
    UNKNOWN_QUESTION = "unknown_question"
    SIGNAL_MISSING = "signal_missing"
    SIGNAL_FAILED = "signal_failed"
    JUDGE_FAILED = "judge_failed"
    BACKEND_FAILED = "backend_failed"
    TOO_COSTLY = "too_costly"
    TIMEOUT = "timeout"
    GROUP_FAILED = "group_failed"


class GroupStatus(StrEnum):
    """How far a group has come."""

    OPEN = "open"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    EXPIRED = "expired"


class SegmentKind(StrEnum):
    """Who wrote a piece of a rollout, and as what. Only thoughts are searched for entities."""

    THOUGHT = "thought"
    TOOL_CALL = "tool_call"
    TOOL_RESPONSE = "tool_response"
    ANSWER = "answer"


class Segment(NamedTuple):
    """One piece of a rollout, in order; a named tuple, as a call of a megabyte has a thousand."""

    kind: SegmentKind
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the caller says about how the policy's own text is to be read."""

    dialect: str | None = None
    """A name in `reward_service.core.trajectory.DIALECTS`; None is `tagged`."""
    thought_open: bool | None = None
    """The prompt ends inside a thought, so the text begins there; None is what the dialect says."""
    responses_in_policy_turn: bool | None = None
    """The environment writes tool responses into the policy's own turn; None is what the dialect says."""


AS_USUAL = Reading()


@dataclass(frozen=True, slots=True)
class Defaults:
    """How rollouts are read that do not say so themselves."""

    format: str = "plain"
    """The container of text."""
    reading: Reading = AS_USUAL


@dataclass(frozen=True, slots=True)
class Text:
    """A rollout as one string, `<think>...</think><tool_call>...`."""

    text: str
    format: str = "tagged"
    """Its container, or the short form of a dialect: a name in `reward_service.core.trajectory.FORMATS`."""
    reading: Reading = AS_USUAL


@dataclass(frozen=True, slots=True)
class Messages:
    """A rollout as objects of any system: chat messages, API items, events, steps; not yet looked at."""

    messages: tuple[Any, ...]
    prompt_messages: int = 0
    """How many of them, from the first, are the prompt."""
    reading: Reading = AS_USUAL


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A rollout whose record has a defect of its own."""

    why: str


@dataclass(frozen=True, slots=True)
class Steps:
    """A rollout already cut into segments by the caller."""

    segments: tuple[Segment, ...]


class RolloutView(NamedTuple):
    """What a plug-in is given of one rollout."""

    segments: tuple[Segment, ...]
    """Who wrote what, in order."""
    answer: str | None
    """The final answer without the notation around it; None if there is none."""
    question: str
    """Text of the question."""
    answers: tuple[str, ...]
    """Its gold answers."""
    entities: tuple[str, ...]
    """Names of its ground-truth entities."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One recorded rollout of the policy."""

    rollout_id: str
    source: Text | Messages | Steps | Unreadable
    outcome: Outcome | None = None
    """The trainer's own verdict; None leaves it to the profile's checker."""
    outcome_error: str | None = None
    """Why the trainer's own judge could not reach a verdict; the rollout then has no reward."""
    stop_reason: StopReason | None = None
    """None where the trainer did not say."""
    signals: Mapping[str, float] = field(default_factory=_no_signals)
    """Numbers the trainer measured itself, by name."""
    length: int | None = None
    """Tokens that the policy wrote, at least 1; None where the trainer did not say."""
    tree: str | None = None
    """The tree whose leaf it is, for rollouts that share a beginning."""
    turn_signals: Mapping[str, Row] = field(default_factory=_no_turn_signals)
    """Numbers the trainer measured itself, by name, one per turn."""
    anchor: tuple[str, ...] = ()
    """The state that each turn began in, one name per turn; empty where the trainer did not say."""


class Match(NamedTuple):
    """Where an entity was found: the evidence behind one unit of credit."""

    entity: int
    """Position in the question's entities."""
    channel: str
    """`exact` (the name), `alias`, `expanded` (middle names), `inflected` or `fuzzy`."""
    form: str
    """The spelling that was looked for."""
    distance: int
    """Edit distance between the folded form and the folded span; 0 where it is exact or an alias."""
    segment: int
    """Position in the rollout's segments."""
    start: int
    end: int
    """Half-open span in that segment's text, in characters."""


class NearMiss(NamedTuple):
    """The passage that came closest to an entity that was not found."""

    entity: int
    """Position in the question's entities."""
    form: str
    """The spelling that was looked for."""
    similarity: float
    """rapidfuzz's partial ratio over folded text, 0-100; it never decides a match."""
    segment: int
    start: int
    end: int
    """Half-open span in that segment's text, in characters."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What `explain` shows beside the counts."""

    segments: tuple[Segment, ...]
    matches: tuple[Match, ...] = ()
    """The best credited evidence of each matched entity."""
    uncredited: tuple[Match, ...] = ()
    """The best evidence of each entity that was named and earns nothing."""
    reasons: tuple[str, ...] = ()
    """Why each of `uncredited` earns nothing: `pasted`, `listed`, `ungrounded` or `precision`."""
    near_misses: tuple[NearMiss, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said about one rollout. It is recorded, so that nothing is asked again to compute a reward."""

    asker: str
    """Name of the profile's asker."""
    key: str
    """Digest of what was asked."""
    value: str | Mapping[str, bool | float]
    """A label, or a value for each label of a list. For a list of names, whether each was given."""
    model: str
    """The model, as its server names it."""
    reply: str
    """`sha256:` and the hash of the raw replies."""
    votes: tuple[str, ...] = ()
    """The labels that were counted, if more than one reply was asked for."""


@dataclass(frozen=True, slots=True)
class RolloutFacts:
    """The measurements of one rollout that its reward is computed from: integers, outcome, signals; no text, no group."""

    rollout_id: str
    status: RolloutStatus = RolloutStatus.SCORED
    outcome: Outcome | None = None
    """Always set if the status is `scored`."""
    matched: int | None = None
    """Distinct ground-truth entities named in thoughts, in [0, entities]; always set if the status is `scored`."""
    entities: int = 0
    """m = |E_q| after masking; the same for every rollout of a question."""
    uncredited: Mapping[str, int] = field(default_factory=_no_counts)
    """Number of entities named but not credited, by reason: `pasted`, `listed`, `ungrounded`, `precision`."""
    grounded: int = 0
    """Number of matched entities that an earlier tool response contains."""
    mentions: int = 0
    """Number of distinct entity-like mentions in thoughts, right or wrong; 0 if not counted."""
    overlength: bool = False
    """Whether a token or turn limit stopped it. If true, it counts in the baseline but is excluded from the loss."""
    signals: Mapping[str, float] = field(default_factory=_no_signals)
    """Numbers sent with the rollout, by name."""
    measured: Mapping[str, float | None] = field(default_factory=_nothing_measured)
    """Numbers measured from the text, by name; null where the question has no such quantity. A number sent under the same name counts instead."""
    length: int | None = None
    """Tokens that the policy wrote, at least 1; sent by the trainer, never measured."""
    tree: str | None = None
    """The tree whose leaf the rollout is, as the trainer names it."""
    turns: tuple[tuple[int, ...], ...] = ()
    """Positions of the segments of each turn; the last one is the answer turn. Empty if they are not known."""
    entity_named: tuple[tuple[int, ...], ...] = ()
    """Positions of the entities that each turn names and that earn credit, ascending; a later turn may name one again."""
    turn_signals: Mapping[str, Row] = field(default_factory=_no_turn_signals)
    """Numbers sent with the rollout, by name, one per turn."""
    anchor: tuple[str, ...] = ()
    """The state that each turn began in, one name per turn, as the trainer names it."""
    flags: tuple[str, ...] = ()
    detail: str | None = None
    """Why the outcome is `error`, or why the rollout is not scored."""
    judgements: tuple[Judgement, ...] = ()
    """What judges said; outcome and signals already contain it."""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class RolloutResult:
    """The reward of one rollout and how it came about. The reward is null unless the status is `scored`."""

    rollout_id: str
    status: RolloutStatus
    outcome: Outcome | None = None
    reward: float | None = None
    advantage: float | None = None
    weight: float | None = None
    """Product of the profile's filters: multiply the advantage by it. 1 if there are none."""
    matched: int | None = None
    """Distinct ground-truth entities named in thoughts, in [0, entities]."""
    match_rate: float | None = None
    """matched / entities, in [0, 1]."""
    normalized_match_rate: float | None = None
    """matched / group_max, in [0, 1]."""
    uncredited: Mapping[str, int] = field(default_factory=_no_counts)
    """Number of entities named but not credited, by reason."""
    grounded: int = 0
    """Number of matched entities that an earlier tool response contains."""
    precision: float | None = None
    """matched / mentions before any precision floor, in [0, 1]. Reported only; it never affects the reward."""
    reward_with_uncredited: float | None = None
    """The reward it would have if uncredited spans counted, for every rollout of the group."""
    in_baseline: bool = False
    """Whether it counts in the group's maximum, mean and spread."""
    in_loss: bool = False
    """Whether the trainer's loss should include it."""
    components: Mapping[str, float] = field(default_factory=_no_signals)
    """The parts of the reward by term; they add up to the reward."""
    measured: Mapping[str, float | None] = field(default_factory=_nothing_measured)
    """Numbers measured from the text, by name; null where the question has no such quantity."""
    turns: tuple[tuple[int, ...], ...] = ()
    """Positions of the segments of each turn; the last one is the answer turn."""
    turn_rewards: Row | None = None
    """Reward of each turn, null for a turn without a number; null if the profile pays nothing by turn."""
    turn_advantages: tuple[float, ...] | None = None
    """Advantage of each turn, for all its tokens; null if the profile has no rule for turns: `advantage` then applies to all tokens."""
    flags: tuple[str, ...] = ()
    detail: str | None = None
    judgements: tuple[Judgement, ...] = ()
    """What judges said; outcome and signals already contain it."""
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The rewards of one group, one result a rollout, in the order the rollouts came."""

    status: GroupStatus
    entities: int
    group_max: int | None
    """Largest `matched` among the scored rollouts; None where no rollout is scored."""
    rollouts: tuple[RolloutResult, ...]
    flags: tuple[str, ...] = ()


class IndexVersion(NamedTuple):
    """Which ground truth was used."""

    dataset: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Estimator:
    """Which advantage estimator, with its parameters."""

    type: str = "grpo"
    """A name in `reward_service.core.advantages.ESTIMATORS`."""
    ddof: int = 1
    """Delta degrees of freedom of the standard deviation, 0 or 1."""
    epsilon: float = 1e-6
    """Added to the standard deviation, >= 0."""
    floor: float | str | None = None
    """Least standard deviation to divide by: none, a number >= 0, or `one_success`, the standard deviation of a group of the same size with one success."""


@dataclass(frozen=True, slots=True)
class PartialPolicy:
    """What happens to a group in which a rollout is missing or could not be scored: both alike."""

    policy: str = "fail"
    """`fail`: no rewards at all. `survivors`: statistics over the scored ones. `wait`: no rewards before all are scored."""
    min_scored: int = 1
    """With `survivors`: fewer scored rollouts than this fail the group, >= 1."""

    def settle(self, scored: int, expected: int) -> GroupStatus:
        """Return what becomes of a group once no more rollouts are expected to be scored."""
        if scored == expected:
            return GroupStatus.COMPLETE
        survives = self.policy == "survivors" and scored >= self.min_scored
        return GroupStatus.PARTIAL if survives else GroupStatus.FAILED


def progress_at(step: int | None, total_steps: int | None) -> float | None:
    """Return the share of the training that is done at a step, in [0, 1]; None where either number is not known."""
    return None if step is None or total_steps is None else min(1.0, step / total_steps)


Knots: TypeAlias = tuple[tuple[float, ...], ...]
"""Points (x, y) of a piecewise linear function, by rising x."""


@dataclass(frozen=True, slots=True)
class StateDifference:
    """What each turn gained: discount · state after it - state before it."""

    at: str
    """When the states were taken, a name in `reward_service.core.rewards.maps.ALIGNMENTS`."""
    discount: float = 1.0
    """In [0, 1]."""
    start: float = 0.0
    """The state before the first turn, with `after`."""


@dataclass(frozen=True, slots=True)
class Map:
    """A function of one number, or of the numbers of all turns. Exactly one of `knots`, `clip` and `difference` is set."""

    knots: Knots | None = None
    """Piecewise linear; a repeated x is a jump, at which the first y holds. Beyond the ends, the y of the end holds."""
    outside: float | None = None
    """The value beyond the ends of `knots`; None keeps the y of the end."""
    clip: tuple[float, ...] | None = None
    """The least and the greatest value."""
    difference: StateDifference | None = None
    """For terms of turns, and the first of their maps."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A comparison that has to hold before a term is paid."""

    signal: str
    """A name in `reward_service.core.signals.SIGNALS`, or of a number sent with each rollout."""
    op: str
    """A name in `reward_service.core.rewards.compose.OPS`."""
    value: float
    by: str = "rollout"
    """A name in `reward_service.core.rewards.compose.PASSED_BY`: `rollout`, itself; `group`, at least one scored rollout of its group."""


@dataclass(frozen=True, slots=True)
class Term:
    """One weighted signal of the reward algebra."""

    signal: str
    """A name in `reward_service.core.signals.SIGNALS`, or of a number sent with each rollout; in a term of turns, the same
    of `TURN_SIGNALS` and `GROUP_TURN_SIGNALS`."""
    weight: float | Knots = 1.0
    """A number, or knots over the progress of training in [0, 1]."""
    normalize: str | tuple[str, ...] = "none"
    """A name in `reward_service.core.rewards.compose.NORMALIZERS`, or several that are applied one after the other."""
    when: str = "completed"
    """A name in `reward_service.core.rewards.compose.WHEN`."""
    name: str = ""
    """Its key in `components`; empty takes the signal's name."""
    map: tuple[Map, ...] = ()
    """Applied to the signal one after the other, before it is normalised."""
    gates: tuple[Gate, ...] = ()
    """All have to hold."""

    @property
    def normalizers(self) -> tuple[str, ...]:
        """Names of its normalisers, in order."""
        return (self.normalize,) if isinstance(self.normalize, str) else self.normalize


@dataclass(frozen=True, slots=True)
class Base:
    """The reward of an outcome before any term."""

    correct: float = 1.0
    wrong: float = 0.0
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnRule:
    """How turns get advantages of their own. Without a rule, the rollout's advantage applies to all of them."""

    combine: str = "none"
    """`return`: of what follows a turn. `add`: to the rollout's advantage. `scale`: of the rollout's advantage."""
    statistics: str = "joint"
    """`return`: `joint` compares returns with the rewards of the group, `separate` standardises turns by themselves."""
    rule: str = ""
    """`add`: empty adds each turn's own reward, or `first`, `anchor`, `lookahead`. `scale`: `bonus`, `share` or `relief`."""
    discount: float = 1.0
    """Of what follows a turn, per turn, in [0, 1]."""
    weight: float | Knots = 1.0
    """Of the turns beside the outcome: a number, or knots over the progress of training."""
    signal: str = ""
    """`scale`: the signal of turns that it reads."""
    unit: float = 0.0
    """`bonus`: the share of the advantage that 1 of the signal is worth."""
    cap: float = 0.0
    """`bonus`: the largest share, in [0, 1)."""
    sharpness: float | None = None
    """`share`: the factor inside the softmax; None divides in proportion to the signal."""
    horizon: int = 1
    """`lookahead`: number of turns that are looked at, at least 1."""
    fill: float = 0.0
    """`lookahead`: weight of the rollout's advantage where the horizon reaches beyond the last search turn."""


@dataclass(frozen=True, slots=True)
class RewardSpec:
    """How facts become rewards."""

    terms: tuple[Term, ...] = ()
    base: Base = field(default_factory=Base)
    turn_terms: tuple[Term, ...] = ()
    """Terms over signals with one number per turn."""
    turns: TurnRule = field(default_factory=TurnRule)

    @property
    def turns_stand_apart(self) -> bool:
        """Whether the turns' part is no part of the reward, and only of their advantages."""
        return self.turns.combine == "add" or self.turns.statistics == "separate"

    @property
    def pays_turns(self) -> bool:
        """Whether turns have rewards."""
        return bool(self.turn_terms) or self.turns.combine == "return"

    @property
    def is_by_turn(self) -> bool:
        """Whether turns have rewards or advantages."""
        return self.pays_turns or self.turns.combine != "none"


@dataclass(frozen=True, slots=True)
class Asker:
    """What a language model is asked about a rollout, and how. Where the model is served is a setting of the service."""

    name: str
    """The name of the signal that it gives, or what `cascade.judge` refers to."""
    template: str
    """A name in `reward_service.core.judging.templates.templates()`; the template says what kind of thing is asked."""
    model: str = "judge"
    """The role, or the name of a model, that a backend of the service serves."""
    temperature: float = 0.0
    """In [0, 2]."""
    max_tokens: int = 512
    """Longest reply, at least 1."""
    votes: int = 1
    """1, or 3: a third reply is asked for only if the first two differ."""
    quorum: str = "majority"
    """`majority` or `unanimous`: which of the votes decide."""
    abstain: str = "fail"
    """If the votes do not decide: `fail` leaves the rollout unscored, `wrong` calls the answer wrong."""
    answer_chars: int = 1000
    """Longest answer, at least 1; a longer one is wrong without being asked about."""
    max_items: int = 8
    """Most criteria, statements or thoughts in one ask, at least 1."""
    after: str = ""
    """The asker whose answer this one needs: `support` the entities, `gain` the samples, a verdict an equivalence that is unsure."""
    label: str = ""
    """Scores of a model: the label whose score counts, in any case; empty for a model with one score."""
    accept_from: float = 0.5
    """`equivalence`: an answer with at least this score is right."""
    reject_below: float | None = None
    """`equivalence`: an answer below it is wrong, and between the two the asker that comes after decides; None is `accept_from`."""
    directions: str = "both"
    """`gain`: `both` takes the larger entailment of the two, `forward` that from a sample to a gold answer."""
    samples: int = 10
    """`samples`: how many answers are drawn, in [1, 64]."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """What decides whether an answer is right: strings where they are sure, a judge for the rest."""

    judge: str
    """Name of the asker that decides what strings do not."""
    accept: str = "equal"
    """A name in `reward_service.core.checkers.CHECKERS`: what it calls right is right."""
    reject: str = "blank"
    """A name in `reward_service.core.judging.cascade.REJECTS`: what it calls wrong is wrong."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A rule that weighs down groups or rollouts with nothing to learn from."""

    type: str
    """A name in `reward_service.core.filters.FILTERS`."""
    of: str = "reward"
    """What it looks at, a name in `reward_service.core.filters.VALUES`."""
    tolerance: float = 1e-6
    """`zero_spread`: a difference up to this is none, >= 0."""
    low: float = 0.0
    """`mean_range`: the mean has to be above it."""
    high: float = 1.0
    """`mean_range`: the mean has to be below it."""
    signal: str = ""
    """`dagrpo`: the number sent with each rollout by which rollouts are told apart."""
    distance: float = 0.0
    """`dagrpo`: how far apart they have to be, above 0."""
    rate: float = 0.0
    """`dppo`: the share of rollouts with a small advantage that is dropped, above 0 and below 1."""
