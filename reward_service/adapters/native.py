"""The service's own wire format: requests.

The models are strict: unknown fields, numbers for booleans and infinities are refused with their path. They are the
OpenAPI schema too, so the strings under the fields are written for callers.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from entity_index.packed import unpack
from entity_index.types import CHECKER_KINDS, Criterion, Entity, Question
from reward_service.adapters.document import MAX_DEPTH, MAX_VALUES, document
from reward_service.adapters.lenient import from_string, without_nulls
from reward_service.adapters.names import OneOf
from reward_service.adapters.shapes import ReadAs
from reward_service.core.advantages import (
    BATCH_ESTIMATORS,
    ESTIMATORS,
    PRESETS,
    check_estimator,
    check_one_group,
    overridden,
)
from reward_service.core.matching import REASONS
from reward_service.core.signals import SIGNALS
from reward_service.core.trajectory import (
    DEFAULT_DIALECT,
    DIALECTS,
    FORMATS,
    MESSAGES,
    PLAIN,
    SHORT_FORMS,
    tool_call_text,
)
from reward_service.core.types import (
    STOP_REASONS,
    Defaults,
    Estimator,
    Judgement,
    Messages,
    Outcome,
    PartialPolicy,
    Reading,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    Row,
    Segment,
    SegmentKind,
    Steps,
    Text,
    Unreadable,
)
from reward_service.serve import errors
from reward_service.serve.scorer import GroupCall
from reward_service.serve.truth import QuestionRef

MAX_PROBLEMS = 20
# Readable in logs and safe in keys: no control characters, and short.
Id = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, StringConstraints(max_length=1024)]
"""A name that is not used as a key, so it may contain any character."""
Remark = Annotated[str, StringConstraints(max_length=16_384)]
"""What a program says, and nothing here reads: the reason of a failure."""
# No number that a caller sends can overflow a computation: integers fit into 32 bits, and sums of squared signals into a float.
MOST = 2**31 - 1
Count = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Signal = Annotated[FiniteFloat, Field(ge=-1e9, le=1e9)]
MOST_SIGNALS = 1000
MOST_RUBRICS = 256
Signals = Annotated[dict[Id, Signal], Field(max_length=MOST_SIGNALS)]
TurnSignals = Annotated[dict[Id, list[Signal | None]], Field(max_length=MOST_SIGNALS)]
Progress = Annotated[FiniteFloat, Field(ge=0, le=1)]
FormatName = Annotated[str, OneOf((*FORMATS, MESSAGES))]
DialectName = Annotated[str, OneOf(DIALECTS)]
CheckerKind = Annotated[str, OneOf(CHECKER_KINDS)]
Language = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
OutcomeName = Annotated[str, OneOf(Outcome)]
StopReasonName = Annotated[
    str, OneOf(STOP_REASONS), BeforeValidator(lambda name: name.lower() if isinstance(name, str) else name)
]
ReasonName = Annotated[str, OneOf(REASONS)]
MeasuredStatus = Annotated[
    str, OneOf(status for status in RolloutStatus if status is not RolloutStatus.PENDING)
]


def empty(kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """Return an empty list or object as the default of a field, each time a new one; a literal would be copied deeply each time."""
    return Field(default_factory=kind, json_schema_extra={"default": kind()})


class Wire(BaseModel):
    """Base of all request models."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _forgive_nulls(cls, value: Any) -> Any:
        return without_nulls(value)


class EntityIn(Wire):
    """A ground-truth entity."""

    name: str
    """Name of the entity."""
    aliases: list[str] = empty(list)
    """Other spellings that also count. `egrpo-paper` ignores them. Null means none."""
    id: Name | None = None
    """Your own id; not returned."""
    type: Name | None = None
    """Your own type; not returned."""


class CriterionIn(Wire):
    """A statement that a judge checks an answer against."""

    statement: Annotated[str, StringConstraints(min_length=1)]
    """What holds of a good answer, or of a bad one if the weight is negative. `carr-judged` needs placeholders such as `<E0>`."""
    weight: Signal = 1.0
    """How much it counts; negative for a fault."""


class QuestionIn(Wire):
    """A question with its ground truth, sent inline."""

    text: str = ""
    """The question as the agent saw it."""
    answers: list[str] = empty(list)
    """Gold answers, each of them correct. Required for rollouts without an `outcome`. A string that is itself a list, in JSON
    or Python notation or joined by `<|answer_split|>`, is read as that list; blank ones are left out. Null means none."""
    entities: list[EntityIn] = empty(list)
    """Ground-truth entities that the agent should find. Null means none."""
    checker: CheckerKind | None = None
    """Kind of the answer, which decides how it is compared if the profile's checker is `equal`, `cover` or `cover_either`.
    With `list`, `answers` are the items: all of them are required, in any order."""
    language: Language | None = None
    """Language of the question and its names, BCP 47. If it is null, their script and the question's text decide."""
    rubrics: Annotated[list[CriterionIn], Field(max_length=MOST_RUBRICS)] = empty(list)
    """Criteria for profiles that ask a judge about them. Null means none."""

    def to_domain(self) -> Question:
        """Return the question as a domain value."""
        entities = tuple(Entity(e.name, tuple(e.aliases), e.id, e.type) for e in self.entities)
        return Question(
            self.text,
            tuple(filter(str.strip, unpack(self.answers))),
            entities,
            checker=self.checker,
            language=self.language,
            rubrics=tuple(Criterion(one.statement, one.weight) for one in self.rubrics),
        )


class TextStep(Wire):
    """A thought, a tool's response, or the answer."""

    type: Literal["thought", "tool_response", "answer"]
    text: str

    def to_domain(self) -> Segment:
        """Return the step as a segment."""
        return Segment(SegmentKind(self.type), self.text)


class ToolCallStep(Wire):
    """A tool call."""

    type: Literal["tool_call"]
    name: str | None = None
    """The tool's name; null if the model's call names none."""
    arguments: Any = ""
    """The arguments, either as the model wrote them or parsed: any JSON."""

    def to_domain(self) -> Segment:
        """Return the step as a segment."""
        return Segment(SegmentKind.TOOL_CALL, tool_call_text(self.name, self.arguments))


Step = Annotated[TextStep | ToolCallStep, Field(discriminator="type")]


AS_SENT = Defaults()


class ReadingIn(BaseModel):
    """How the policy's own text is read."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    format: FormatName | None = None
    """Container of `text`, which determines the author of each part. `plain`: one string that includes tool responses; only the dialect's
    marks tell them apart. `chatml`, `llama3`, `glm`, `deepseek`, `kimi`, `harmony`, `gemma`, `mistral`: a chat template with its
    special tokens. `role_lines`: chat without its special tokens. `tagged` (the default), `search_r1`, `r1_searcher`, `react`:
    short for `plain` with that dialect. Lists are always `messages`."""
    dialect: DialectName | None = None
    """Marks of the policy's own text for thoughts, calls, responses and answers, also in messages. `tagged`, the default:
    `<think>`, `<tool_call>`, `<tool_response>`, `<answer>`. docs/transcripts.md lists the dialect of each system."""
    thought_open: bool | None = None
    """Whether the prompt ends inside a thought (`<think>`), so that the policy's text begins there. By default, the dialect
    decides."""
    responses_in_policy_turn: bool | None = None
    """Whether the environment writes tool responses into the policy's own messages. With `false`, text between response marks
    in them was written by the policy and does not ground anything. By default, the dialect decides."""

    @model_validator(mode="after")
    def _one_dialect(self) -> Self:
        meant = SHORT_FORMS.get(self.format or "")
        if meant and self.dialect not in {None, meant}:
            raise ValueError(f"format {self.format} is short for the dialect {meant}, but dialect is another")
        return self

    def defaults(self, otherwise: Defaults | None = None) -> Defaults:
        """Return how to read; settings that are not given here are taken from `otherwise`."""
        other = otherwise or AS_SENT
        own = (self.format, self.dialect, self.thought_open, self.responses_in_policy_turn)
        if own == (None, None, None, None):
            return other
        said = Reading(
            self.dialect or SHORT_FORMS.get(self.format or "") or other.reading.dialect,
            other.reading.thought_open if self.thought_open is None else self.thought_open,
            other.reading.responses_in_policy_turn
            if self.responses_in_policy_turn is None
            else self.responses_in_policy_turn,
        )
        return Defaults(PLAIN if self.format in SHORT_FORMS else self.format or other.format, said)


class RolloutIn(ReadingIn, Wire):
    """One recorded rollout, with exactly one of `messages`, `text` and `steps`. A defect makes it `invalid_rollout`."""

    rollout_id: Id
    """Unique within its group."""
    messages: Annotated[list[Any] | dict[str, Any] | None, BeforeValidator(from_string)] = None
    """The rollout as objects: messages of OpenAI, Anthropic, Gemini, LangChain, ShareGPT, Inspect; Responses items; events of
    OpenHands; steps of smolagents or ATIF. They are told apart by their keys. May also be sent as a JSON string."""
    text: str | None = None
    """The rollout as one string, without the prompt, in the container named by `format`."""
    steps: list[Step] | None = None
    """The rollout already split into steps."""
    prompt: str | list[Any] | None = None
    """The text or messages before the completion. It earns and grounds nothing; if it ends with `<think>`, the completion
    begins inside a thought. A completion that repeats it is read without it."""
    prompt_messages: Annotated[int, Field(ge=0)] = 0
    """Number of leading `messages` that are the prompt. Few-shot examples and earlier conversations earn nothing."""
    outcome: OutcomeName | None = None
    """Your own verdict; `error` means a format error. If omitted, the profile's checker judges the answer."""
    outcome_error: Annotated[Remark, StringConstraints(min_length=1)] | None = None
    """The reason why your own judge reached no verdict; the rollout is `judge_failed` and has no reward. Cannot be combined
    with `outcome`."""
    stop_reason: StopReasonName | None = None
    """Why sampling ended, in the words of any trainer or API. `max_tokens` (`length`) and `max_turns` are errors excluded from
    the loss; `aborted` (`abort`) is not scored."""
    signals: Signals = empty(dict)
    """Values that you measured yourself, by name, for profiles that use them. A value of a name that is measured from the text
    counts instead of the measured one; those of counted names (`entity_match`, `entity_f`, `length`) are refused."""
    length: Positive | None = None
    """Number of tokens that the policy wrote, for estimators that use it (`opo`). It is never measured here."""
    tree: Name | None = None
    """Name of the tree whose leaf the rollout is, for `tree_grpo`."""
    turn_signals: TurnSignals = empty(dict)
    """Values that you measured yourself, by name, one per turn, null for a turn without one. A turn begins at the policy's
    first segment after a tool response, or at the start, and includes the responses that follow; the last is the answer turn."""
    anchor: list[Name] = empty(list)
    """Name of the state that each turn began in, one per turn, for profiles that compare turns of the same state."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.messages, self.text, self.steps)) != 1:
            raise ValueError("give exactly one of messages, text and steps")
        if self.format not in ({None, MESSAGES} if self.text is None else {None, *FORMATS}):
            source = "messages or steps" if self.text is None else "text"
            raise ValueError(f"format {self.format} cannot be given with {source}")
        if self.steps is not None and self.dialect is not None:
            raise ValueError("dialect cannot be given with steps, which are already split")
        if self.messages is None and self.prompt_messages:
            raise ValueError("prompt_messages can only be given with messages")
        if counted := sorted(SIGNALS.keys() & self.signals.keys()):
            raise ValueError(f"{counted[0]} cannot be sent in signals: it is counted from the rollout")
        if self.outcome is not None and self.outcome_error is not None:
            raise ValueError("outcome and outcome_error cannot be given together")
        return self

    def to_domain(self, defaults: Defaults | None = None) -> Rollout:
        """Return the rollout as a domain value; what it does not say about its reading is as the call says."""
        return Rollout(
            self.rollout_id,
            self._source(self.defaults(defaults)),
            outcome=Outcome(self.outcome) if self.outcome else None,
            outcome_error=self.outcome_error,
            stop_reason=STOP_REASONS[self.stop_reason] if self.stop_reason else None,
            signals=self.signals,
            length=self.length,
            tree=self.tree,
            turn_signals={name: tuple(row) for name, row in self.turn_signals.items()},
            anchor=tuple(self.anchor),
        )

    def _source(self, how: Defaults) -> Text | Messages | Steps | Unreadable:
        if self.steps is not None:
            return Steps(tuple(step.to_domain() for step in self.steps))
        opened = isinstance(self.prompt, str) and self.prompt.rstrip().endswith("<think>")
        reading = as_usual(
            replace(how.reading, thought_open=True)
            if opened and how.reading.thought_open is None
            else how.reading
        )
        if self.text is not None:
            before = self.prompt if isinstance(self.prompt, str) else ""
            return text_source(self.text.removeprefix(before), how.format, reading)
        messages = self.messages if isinstance(self.messages, list) else [self.messages]
        return Messages(tuple(messages), self.prompt_messages or self._repeated(messages), reading)

    def _repeated(self, messages: list[Any]) -> int:
        """Return how many messages repeat the prompt."""
        before = self.prompt if isinstance(self.prompt, list) else []
        return len(before) if messages[: len(before)] == before else 0


class DefectiveRollout(RolloutIn):
    """A rollout that cannot be read, in place of what was sent."""

    why: str

    def _source(self, _how: Defaults) -> Unreadable:
        return Unreadable(self.why)


def as_usual(reading: Reading) -> Reading:
    """Return a reading whose default dialect is not named: two ways to say the same are one value."""
    return replace(reading, dialect=None) if reading.dialect == DEFAULT_DIALECT else reading


def text_source(text: str, container: str, reading: Reading) -> Text:
    """Return text in a container as a domain value; `plain` by its dialect's short form, where it has one."""
    dialect = reading.dialect or DEFAULT_DIALECT
    if container in {PLAIN, MESSAGES} and dialect in SHORT_FORMS:
        return Text(text, dialect, replace(reading, dialect=None))
    return Text(text, PLAIN if container == MESSAGES else container, reading)


def _own_defect(value: Any, read: ValidatorFunctionWrapHandler) -> RolloutIn:
    """Read a rollout; one that has a defect is a value too, so that it does not take others with it."""
    try:
        rollout: RolloutIn = read(value)
    except ValidationError as error:
        try:
            rollout_id = _ID.validate_python(value.get("rollout_id") if isinstance(value, dict) else None)
        except ValidationError:
            raise error from None
        first = error.errors(include_input=False)[0]
        why = f"{_pointer(first['loc'])}: {_message(first)}".removeprefix(": ")
        return DefectiveRollout.model_construct(rollout_id=rollout_id, why=why)
    return rollout


_ID: TypeAdapter[str] = TypeAdapter(Id, config=ConfigDict(strict=True))
RecordedIn = Annotated[RolloutIn, WrapValidator(_own_defect)]
"""A rollout whose defects are its own."""


class Truthful(Wire):
    """A request about one question: its ground truth inline, or a reference into the index."""

    question: QuestionIn | None = None
    """The ground truth, sent inline."""
    dataset: Name | None = None
    """A data set in the index: `name` for its active version, or `name@version`."""
    question_id: Name | None = None
    """The question's id in that data set."""

    @model_validator(mode="after")
    def _one_truth(self) -> "Truthful":
        inline = self.question is not None
        if inline and self.dataset is not None:
            raise ValueError("question and dataset cannot be given together")
        if not inline and (self.dataset is None or self.question_id is None):
            raise ValueError("give either question, or dataset and question_id")
        return self

    def truth(self) -> Question | QuestionRef:
        """Return the ground truth, or where it is stored."""
        if self.question is not None:
            return self.question.to_domain()
        return QuestionRef(self.dataset or "", self.question_id or "")


class GroupIn(Truthful):
    """The rollouts of one question in one training step."""

    run_id: Id = "default"
    """Your id of the training run; returned unchanged."""
    group_id: Id
    """Your id of this question in this step; returned unchanged."""
    rollouts: list[RecordedIn]
    """All rollouts of the group, because rewards are relative to the group's best."""

    def to_domain(self, defaults: Defaults | None = None) -> GroupCall:
        """Return the group as a domain value."""
        rollouts = tuple(rollout.to_domain(defaults) for rollout in self.rollouts)
        return GroupCall(self.run_id, self.group_id, self.truth(), rollouts)


class EstimatorIn(Wire):
    """How rewards become advantages."""

    type: Annotated[str, OneOf(ESTIMATORS)] = "grpo"
    ddof: Annotated[int, Field(ge=0, le=1)] = 1
    """Delta degrees of freedom of the standard deviation."""
    epsilon: Annotated[FiniteFloat, Field(ge=0)] = 1e-6
    """Added to the standard deviation; for `maxrl`, to the mean."""
    floor: Annotated[FiniteFloat, Field(ge=0)] | Literal["one_success"] | None = None
    """Least standard deviation to divide by (`grpo`, `tree_grpo`): a number, `one_success`, the standard deviation of a group
    of the same size with one success, or null for none, which takes away that of a profile."""

    @model_validator(mode="before")
    @classmethod
    def _forgive_nulls(cls, value: Any) -> Any:
        """Elsewhere null means the default; here it takes the floor of the profile away."""
        return without_nulls(value, but=("floor",))

    @model_validator(mode="after")
    def _in_range(self) -> "EstimatorIn":
        check_estimator(Estimator(**self.model_dump()))
        return self

    def named(self) -> dict[str, Any]:
        """Return the fields of the estimator that the call names."""
        return self.model_dump(exclude_unset=True)


class CallEstimatorIn(EstimatorIn):
    """How the rewards of a call become advantages. An estimator over all groups of a call compares them with each other."""

    type: Annotated[str, OneOf((*ESTIMATORS, *BATCH_ESTIMATORS))] = "grpo"


PresetName = Annotated[str, OneOf(PRESETS)]


def _fields_of(name: str) -> dict[str, Any]:
    """Return the fields that a name stands for: all of them for a trainer, the type alone for an estimator."""
    return asdict(PRESETS[name]) if name in PRESETS else {"type": name}


def _of_one_group(estimator: object) -> object:
    """Refuse an estimator that needs the whole batch, with a reason; else as `_unnamed`."""
    check_one_group(str(estimator.get("type")) if isinstance(estimator, Mapping) else str(estimator))
    return _unnamed(estimator)


def _unnamed(estimator: object) -> object:
    """Put a trainer's estimator in the place of the trainer's name; refuse any other name with what to send instead."""
    if isinstance(estimator, str) and estimator not in PRESETS:
        raise ValueError(f'give an object such as {{"type": "grpo"}}, or one of {", ".join(PRESETS)}')
    return _fields_of(estimator) if isinstance(estimator, str) else estimator


NamedEstimator = Annotated[
    EstimatorIn, BeforeValidator(_of_one_group, json_schema_input_type=EstimatorIn | PresetName)
]
"""An estimator, given by its parameters or by the name of the trainer that computes advantages this way."""
CallEstimator = Annotated[
    CallEstimatorIn, BeforeValidator(_unnamed, json_schema_input_type=CallEstimatorIn | PresetName)
]
"""The same, or one over all groups of a call."""


class PartialIn(Wire):
    """How to treat a group in which a rollout could not be scored."""

    policy: Literal["fail", "survivors"] = "fail"
    """`fail`: the group gets no rewards. `survivors`: the scored rollouts are rewarded as a group of their own."""
    min_scored: Positive = 1
    """With `survivors`: the minimum number of scored rollouts; with fewer, the group fails."""

    def to_domain(self) -> PartialPolicy:
        """Return the policy as a domain value."""
        return PartialPolicy(self.policy, self.min_scored)


class Profiled(Wire):
    """A request computed with a profile."""

    profile: Name | None = None
    """Name of the profile; defaults to the service's default profile. See `/v1/profiles`."""


class Rewarding(Profiled):
    """A request that returns rewards."""

    estimator: CallEstimator | None = None
    """Overrides the profile's estimator: with the same `type`, fields that you leave out keep the profile's values; another
    type replaces it. A trainer's name selects the estimator which that trainer uses itself. `batch_std`,
    `reinforce_plus_plus_baseline`, `gdpo` and `gdpo_trl` compare all groups of the call: send the whole training step."""
    partial: PartialIn | None = None
    """How to treat a group with an unscored rollout; by default the group fails."""
    progress: Progress | None = None
    """Share of the training that is done, in [0, 1]; required by profiles whose weights depend on it."""

    def estimator_or(self, default: Estimator) -> Estimator:
        """Return the estimator of this call."""
        return overridden(default, self.estimator.named() if self.estimator else None)

    def policy(self) -> PartialPolicy:
        """Return the policy of this call."""
        return self.partial.to_domain() if self.partial else PartialPolicy()


class ScoreIn(ReadingIn, Rewarding):
    """Body of `POST /v1/groups/score`."""

    explain: bool = False
    """Also return where each entity was found."""
    groups: list[GroupIn]
    """Groups are independent: one that cannot be scored does not affect the others."""


def _alone(estimator: object) -> object:
    check_one_group(str(estimator))
    return estimator


class StreamQuery(ReadingIn):
    """Query of `POST /v1/groups/score/stream`; it applies to all groups."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    profile: Name | None = None
    """Name of the profile; defaults to the service's default profile."""
    explain: bool = False
    """Also return where each entity was found."""
    estimator: Annotated[str, OneOf([*ESTIMATORS, *PRESETS]), BeforeValidator(_alone)] | None = None
    """Overrides the profile's estimator; the profile's own type keeps its parameters. The name of a trainer selects the estimator which that trainer computes itself."""
    policy: Literal["fail", "survivors"] = "fail"
    """How to treat a group with an unscored rollout."""
    min_scored: Positive = 1
    """With `survivors`: the minimum number of scored rollouts; with fewer, the group fails."""
    progress: Progress | None = None
    """Share of the training that is done, in [0, 1]; required by profiles whose weights depend on it."""

    def estimator_or(self, default: Estimator) -> Estimator:
        """Return the estimator of this call."""
        return overridden(default, _fields_of(self.estimator) if self.estimator else None)


class MatchIn(ReadingIn, Profiled):
    """Body of `POST /v1/match`."""

    explain: bool = False
    """Also return where each entity was found."""
    groups: list[GroupIn]
    """Groups of any size; the rollouts of one question may be split over several calls."""


class ExplainIn(ReadingIn, Truthful, Profiled):
    """Body of `POST /v1/rollouts/explain`."""

    rollout: RecordedIn
    group_max: Count | None = None
    """The best match count of the rollout's group. If given, the reward is computed too; otherwise it is null."""


JudgementIn = Annotated[
    Judgement,
    ReadAs(
        "JudgementIn",
        Judgement,
        base=Wire,
        types={
            str: Name,
            str | Mapping[str, bool | float]: Name
            | Annotated[dict[Name, bool | Signal], Field(max_length=MOST_RUBRICS)],
            tuple[str, ...]: Annotated[list[Name], Field(max_length=3)],
        },
        without=frozenset(),
        beside={},
    ),
]
"""What a judge said about a rollout, as returned by `POST /v1/match`."""

FactsIn = Annotated[
    RolloutFacts,
    ReadAs(
        "FactsIn",
        RolloutFacts,
        base=Wire,
        types={
            "rollout_id": Id,
            RolloutStatus: MeasuredStatus,
            Outcome | None: OutcomeName | None,
            str | None: Remark | None,
            int: Count,
            int | None: Count | None,
            Mapping[str, int]: dict[ReasonName, Count],
            Mapping[str, float]: Signals,
            Mapping[str, float | None]: Annotated[dict[Id, Signal | None], Field(max_length=MOST_SIGNALS)],
            Mapping[str, Row]: TurnSignals,
            tuple[tuple[int, ...], ...]: list[list[Count]],
            "anchor": list[Name],
            tuple[str, ...]: Annotated[list[Name], Field(max_length=64)],
            tuple[Judgement, ...]: Annotated[list[JudgementIn], Field(max_length=MOST_RUBRICS)],
        },
        without=frozenset({"entities", "evidence"}),
        beside={
            name: (list[dict[str, Any]], []) for name in ("matches", "uncredited_matches", "near_misses")
        },
    ),
]
"""The measurements of one rollout, as returned by `POST /v1/match`; evidence is accepted but not used."""


class IndexOut(TypedDict):
    """The data set and version that the ground truth was read from."""

    dataset: Name
    version: Name
    digest: Name


class ErrorOut(TypedDict):
    """The reason why a group was refused."""

    type: Name
    title: Name
    detail: Remark
    path: Remark | None


class FactsGroupIn(Wire):
    """The facts of all rollouts of one group."""

    run_id: Id = "default"
    group_id: Id
    question_id: Name | None = None
    index: IndexOut | None = None
    """As returned by `POST /v1/match`; returned unchanged."""
    entities: Count
    """m: the number of entities that could be matched."""
    masked: list[str] | None = None
    """As returned by `POST /v1/match`; returned unchanged."""
    unmatchable: list[str] | None = None
    """As returned by `POST /v1/match`; returned unchanged."""
    error: ErrorOut | None = None
    """As returned by `POST /v1/match`; returned unchanged."""
    rollouts: list[FactsIn]

    def facts(self) -> list[RolloutFacts]:
        """Return the facts as domain values."""
        return [replace(one, entities=self.entities) for one in self.rollouts]


class ProfilePin(Wire):
    """A profile by name and digest; the call is refused if the digest has changed."""

    name: Name
    digest: Name


class RewardsIn(Rewarding):
    """Body of `POST /v1/rewards`: an unchanged reply of `POST /v1/match`, or facts that you measured yourself."""

    profile: Name | ProfilePin | None = None  # type: ignore[assignment]  # wider than in the other calls
    """Name of the profile, or its name and digest."""
    engine: Name | None = None
    """As returned by `POST /v1/match`. Facts from another engine are refused with 503 until an upgrade is complete."""
    groups: list[FactsGroupIn]

    def pin(self) -> tuple[str | None, str | None]:
        """Return name and digest of the profile, None where not given."""
        return (
            (self.profile.name, self.profile.digest)
            if isinstance(self.profile, ProfilePin)
            else (self.profile, None)
        )


M = TypeVar("M", bound=BaseModel)


def decode(body: bytes, model: type[M], *, max_depth: int = MAX_DEPTH, max_values: int = MAX_VALUES) -> M:
    """Read a request body.

    Args:
        body: the bytes as they came.
        model: what they should be.
        max_depth: deepest nesting.
        max_values: most values, in all lists and objects together.

    Raises:
        BodyTooLarge: more values than that.
        MalformedJson: not JSON, or duplicate keys, NaN, infinities, lone surrogates in an id, too deep.
        InvalidRequest: JSON that does not fit the model; with the path of each misfit and never with its value.
    """
    read = document(body, max_depth=max_depth, max_values=max_values)
    try:
        return model.model_validate(read)
    except ValidationError as error:
        raise invalid(error) from None


NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dataclass_type", "dict_type"})


def invalid(error: ValidationError) -> errors.InvalidRequest:
    """Say where and why a body does not fit, without echoing it."""
    problems = tuple(
        (_pointer(item["loc"]), _message(item)) for item in error.errors(include_input=False)[:MAX_PROBLEMS]
    )
    path, message = problems[0]
    return errors.InvalidRequest(f"{message} at {path or 'the top level'}", path=path, problems=problems)


def _message(item: ErrorDetails) -> str:
    """Return what is wrong in one place; the names of classes of this package say nothing to a caller."""
    return "Input should be an object" if item["type"] in NO_OBJECT else item["msg"]


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
