"""The service's own wire format: requests.

The models are strict: unknown fields, numbers for booleans and infinities are refused with their path. They are the
OpenAPI schema too, so the strings under the fields are written for callers.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, TypeVar

import jiter
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    model_validator,
)
from typing_extensions import TypedDict

from entity_index.types import Entity, Question
from reward_service.adapters.names import OneOf
from reward_service.adapters.shapes import ReadAs
from reward_service.core.advantages import ESTIMATORS, PRESETS, check_estimator, check_one_group, overridden
from reward_service.core.trajectory import FORMATS, tool_call_text
from reward_service.core.types import (
    Estimator,
    Messages,
    Outcome,
    PartialPolicy,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Text,
)
from reward_service.serve import errors
from reward_service.serve.scorer import GroupCall
from reward_service.serve.truth import QuestionRef

MAX_PROBLEMS = 20
# Readable in logs and safe in keys: no control characters, and short.
Id = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
Progress = Annotated[FiniteFloat, Field(ge=0, le=1)]
FormatName = Annotated[str, OneOf(FORMATS)]
OutcomeName = Annotated[str, OneOf(Outcome)]
StopReasonName = Annotated[str, OneOf(StopReason)]
MeasuredStatus = Annotated[
    str, OneOf(status for status in RolloutStatus if status is not RolloutStatus.PENDING)
]


class Wire(BaseModel):
    """Base of all request models."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


class EntityIn(Wire):
    """A ground-truth entity."""

    name: str
    """Name of the entity."""
    aliases: list[str] = []
    """Other spellings that also count. `egrpo-paper` ignores them."""
    id: str | None = None
    """Your own id; not returned."""
    type: str | None = None
    """Your own type; not returned."""


class QuestionIn(Wire):
    """A question with its ground truth, sent inline."""

    text: str = ""
    """The question as the agent saw it."""
    answers: list[str] = []
    """Gold answers, each of them correct. Required for rollouts without an `outcome`."""
    entities: list[EntityIn] = []
    """Ground-truth entities that the agent should find."""

    def to_domain(self) -> Question:
        """Return the question as a domain value."""
        entities = tuple(Entity(e.name, tuple(e.aliases), e.id, e.type) for e in self.entities)
        return Question(self.text, tuple(self.answers), entities)


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
    arguments: str | dict[str, Any] = ""
    """The arguments, either as the model wrote them or parsed."""

    def to_domain(self) -> Segment:
        """Return the step as a segment."""
        return Segment(SegmentKind.TOOL_CALL, tool_call_text(self.name, self.arguments))


Step = Annotated[TextStep | ToolCallStep, Field(discriminator="type")]


class RolloutIn(Wire):
    """One recorded rollout, with exactly one of `messages`, `text` and `steps`."""

    rollout_id: Id
    """Unique within its group."""
    messages: list[Any] | None = None
    """OpenAI chat messages. If the list cannot be read, the rollout gets the status `invalid_rollout` and no reward."""
    text: str | None = None
    """The rollout as one string, without the prompt, in the format named by `format`."""
    format: FormatName = "tagged"
    """Format of `text`. `tagged`: `<think>…</think><tool_call>…</tool_call><tool_response>…</tool_response>…
    <answer>…</answer>`. `search_r1`: `<search>` and `<information>` instead. `r1_searcher`: `<|begin_of_query|>` and
    `<|begin_of_documents|>` inside `<think>`. `react`: `Thought:`, `Action:`, `Observation:`, `Final Answer:`. `chatml`:
    chat messages with `<|im_start|>` and `<|im_end|>`. `role_lines`: the same after special tokens were dropped."""
    steps: list[Step] | None = None
    """The rollout already split into steps."""
    outcome: OutcomeName | None = None
    """Your own verdict; `error` means a format error. If omitted, the profile's checker judges the answer."""
    stop_reason: StopReasonName | None = None
    """Why sampling ended. `max_tokens` and `max_turns` are errors excluded from the loss; `aborted` is not scored."""
    signals: dict[str, FiniteFloat] = {}
    """Values that you measured yourself, by name, for profiles that use them."""
    length: Annotated[int, Field(ge=1)] | None = None
    """Number of tokens that the policy wrote, for estimators that use it (`opo`). It is never measured here."""
    tree: str | None = None
    """Name of the tree whose leaf the rollout is, for `tree_grpo`."""

    @model_validator(mode="after")
    def _one_source(self) -> "RolloutIn":
        if sum(source is not None for source in (self.messages, self.text, self.steps)) != 1:
            raise ValueError("give exactly one of messages, text and steps")
        if self.text is None and "format" in self.model_fields_set:
            raise ValueError("format can only be given with text")
        return self

    def to_domain(self) -> Rollout:
        """Return the rollout as a domain value."""
        return Rollout(
            self.rollout_id,
            self._source(),
            outcome=Outcome(self.outcome) if self.outcome else None,
            stop_reason=StopReason(self.stop_reason) if self.stop_reason else None,
            signals=self.signals,
            length=self.length,
            tree=self.tree,
        )

    def _source(self) -> Text | Messages | Steps:
        if self.text is not None:
            return Text(self.text, self.format)
        if self.messages is not None:
            return Messages(tuple(self.messages))
        return Steps(tuple(step.to_domain() for step in self.steps or ()))


class Truthful(Wire):
    """A request about one question: its ground truth inline, or a reference into the index."""

    question: QuestionIn | None = None
    """The ground truth, sent inline."""
    dataset: str | None = None
    """A data set in the index: `name` for its active version, or `name@version`."""
    question_id: str | None = None
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
    rollouts: list[RolloutIn]
    """All rollouts of the group, because rewards are relative to the group's best."""

    def to_domain(self) -> GroupCall:
        """Return the group as a domain value."""
        return GroupCall(
            self.run_id, self.group_id, self.truth(), tuple(r.to_domain() for r in self.rollouts)
        )


class EstimatorIn(Wire):
    """How rewards become advantages."""

    type: Annotated[str, OneOf(ESTIMATORS)] = "grpo"
    ddof: Annotated[int, Field(ge=0, le=1)] = 1
    """Delta degrees of freedom of the standard deviation."""
    epsilon: Annotated[FiniteFloat, Field(ge=0)] = 1e-6
    """Added to the standard deviation; for `maxrl`, to the mean."""
    floor: Annotated[FiniteFloat, Field(ge=0)] | Literal["one_success"] | None = None
    """Least standard deviation to divide by (`grpo`, `tree_grpo`): null for none, a number, or `one_success`, the standard
    deviation of a group of the same size with one success."""

    @model_validator(mode="after")
    def _in_range(self) -> "EstimatorIn":
        check_estimator(Estimator(**self.model_dump()))
        return self

    def named(self) -> dict[str, Any]:
        """Return the fields of the estimator that the call names."""
        return self.model_dump(exclude_unset=True)


PresetName = Annotated[str, OneOf(PRESETS)]


def _fields_of(name: str) -> dict[str, Any]:
    """Return the fields that a name stands for: all of them for a trainer, the type alone for an estimator."""
    return asdict(PRESETS[name]) if name in PRESETS else {"type": name}


def _unnamed(estimator: object) -> object:
    """Put a trainer's estimator in the place of the trainer's name; refuse one that needs the whole batch with a reason."""
    if isinstance(estimator, Mapping):
        check_one_group(str(estimator.get("type")))
    return _fields_of(estimator) if isinstance(estimator, str) and estimator in PRESETS else estimator


NamedEstimator = Annotated[
    EstimatorIn, BeforeValidator(_unnamed, json_schema_input_type=EstimatorIn | PresetName)
]
"""An estimator, given by its parameters or by the name of the trainer that computes advantages this way."""


class PartialIn(Wire):
    """How to treat a group in which a rollout could not be scored."""

    policy: Literal["fail", "survivors"] = "fail"
    """`fail`: the group gets no rewards. `survivors`: the scored rollouts are rewarded as a group of their own."""
    min_scored: Annotated[int, Field(ge=1)] = 1
    """With `survivors`: the minimum number of scored rollouts; with fewer, the group fails."""

    def to_domain(self) -> PartialPolicy:
        """Return the policy as a domain value."""
        return PartialPolicy(self.policy, self.min_scored)


class Profiled(Wire):
    """A request computed with a profile."""

    profile: str | None = None
    """Name of the profile; defaults to the service's default profile. See `/v1/profiles`."""


class Rewarding(Profiled):
    """A request that returns rewards."""

    estimator: NamedEstimator | None = None
    """Overrides the profile's estimator: with the same `type`, fields that you leave out keep the profile's values; another
    type replaces it. A trainer's name selects the estimator which that trainer uses itself."""
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


class ScoreIn(Rewarding):
    """Body of `POST /v1/groups/score`."""

    explain: bool = False
    """Also return where each entity was found."""
    groups: list[GroupIn]
    """Groups are independent: one that cannot be scored does not affect the others."""


class StreamQuery(BaseModel):
    """Query of `POST /v1/groups/score/stream`; it applies to all groups."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    profile: str | None = None
    """Name of the profile; defaults to the service's default profile."""
    explain: bool = False
    """Also return where each entity was found."""
    estimator: Annotated[str, OneOf([*ESTIMATORS, *PRESETS])] | None = None
    """Overrides the profile's estimator; the profile's own type keeps its parameters. The name of a trainer selects the estimator which that trainer computes itself."""
    policy: Literal["fail", "survivors"] = "fail"
    """How to treat a group with an unscored rollout."""
    min_scored: Annotated[int, Field(ge=1)] = 1
    """With `survivors`: the minimum number of scored rollouts; with fewer, the group fails."""
    progress: Progress | None = None
    """Share of the training that is done, in [0, 1]; required by profiles whose weights depend on it."""

    def estimator_or(self, default: Estimator) -> Estimator:
        """Return the estimator of this call."""
        return overridden(default, _fields_of(self.estimator) if self.estimator else None)


class MatchIn(Profiled):
    """Body of `POST /v1/match`."""

    explain: bool = False
    """Also return where each entity was found."""
    groups: list[GroupIn]
    """Groups of any size; the rollouts of one question may be split over several calls."""


class ExplainIn(Truthful, Profiled):
    """Body of `POST /v1/rollouts/explain`."""

    rollout: RolloutIn
    group_max: Annotated[int, Field(ge=0)] | None = None
    """The best match count of the rollout's group. If given, the reward is computed too; otherwise it is null."""


Count = Annotated[int, Field(ge=0)]
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
            int: Count,
            int | None: Count | None,
            Mapping[str, int]: dict[str, Count],
            Mapping[str, float]: dict[str, FiniteFloat],
            tuple[str, ...]: list[str],
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

    dataset: str
    version: str
    digest: str


class ErrorOut(TypedDict):
    """The reason why a group was refused."""

    type: str
    title: str
    detail: str
    path: str | None


class FactsGroupIn(Wire):
    """The facts of all rollouts of one group."""

    run_id: Id = "default"
    group_id: Id
    question_id: str | None = None
    index: IndexOut | None = None
    """As returned by `POST /v1/match`; returned unchanged."""
    entities: Annotated[int, Field(ge=0)]
    """m: the number of entities that could be matched."""
    masked: list[str] = []
    """As returned by `POST /v1/match`; returned unchanged."""
    error: ErrorOut | None = None
    """As returned by `POST /v1/match`; returned unchanged."""
    rollouts: list[FactsIn]

    def facts(self) -> list[RolloutFacts]:
        """Return the facts as domain values."""
        return [replace(one, entities=self.entities) for one in self.rollouts]


class ProfilePin(Wire):
    """A profile by name and digest; the call is refused if the digest has changed."""

    name: str
    digest: str


class RewardsIn(Rewarding):
    """Body of `POST /v1/rewards`: an unchanged reply of `POST /v1/match`, or facts that you measured yourself."""

    profile: str | ProfilePin | None = None  # type: ignore[assignment]  # wider than in the other calls
    """Name of the profile, or its name and digest."""
    engine: str | None = None
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


MAX_DEPTH = 190  # jiter itself ends at 200


def decode(body: bytes, model: type[M], *, max_depth: int = MAX_DEPTH) -> M:
    """Read a request body.

    Args:
        body: the bytes as they came.
        model: what they should be.
        max_depth: deepest nesting.

    Raises:
        MalformedJson: not JSON, or duplicate keys, NaN, infinities, lone surrogates, too deep.
        InvalidRequest: JSON that does not fit the model; with the path of each misfit and never with its value.
    """
    try:
        document = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise errors.MalformedJson(_position(str(error))) from None
    check_depth(document, max_depth)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from None


def check_depth(document: object, max_depth: int) -> None:
    """Refuse what is nested too deep, level by level, so that nothing that comes later can run out of stack.

    Raises:
        MalformedJson: there are more levels of lists and objects than `max_depth`.
    """
    level: list[Any] = [[document]]
    for _ in range(max_depth + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return
    raise errors.MalformedJson(f"nested deeper than {max_depth} levels")


def _position(message: str) -> str:
    """Keep what a JSON error says about its kind and place, drop the quoted key of a duplicate (it may be private)."""
    return "duplicate key in an object" if message.startswith("Detected duplicate key") else message


def invalid(error: ValidationError) -> errors.InvalidRequest:
    """Say where and why a body does not fit, without echoing it."""
    problems = tuple(
        (_pointer(item["loc"]), item["msg"]) for item in error.errors(include_input=False)[:MAX_PROBLEMS]
    )
    path, message = problems[0]
    return errors.InvalidRequest(f"{message} at {path or 'the top level'}", path=path, problems=problems)


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
