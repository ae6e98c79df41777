"""The wire formats of trainers that call a URL: OpenRLHF, slime, NeMo Gym, CaRR.

Each converts a request body into callers and their results into a reply. What a trainer cannot put into its body goes
into the URL's query.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from entity_index.types import Question
from reward_service.adapters.native import (
    FormatName,
    Id,
    Name,
    Positive,
    QuestionIn,
    ReadingIn,
    Wire,
    as_usual,
    invalid,
    text_source,
)
from reward_service.core.profiles import Profile
from reward_service.core.types import (
    STOP_REASONS,
    VERDICTS,
    Messages,
    Outcome,
    Rollout,
    RolloutResult,
    RolloutStatus,
    StopReason,
    Text,
    progress_at,
)
from reward_service.serve.anonymous import Caller, Paid, Unpaid
from reward_service.serve.truth import QuestionRef


class CompatQuery(ReadingIn):
    """Query of all compat calls: settings that the trainer's body does not contain."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    group_size: Positive
    """Number of rollouts that the trainer samples per prompt."""
    run: Id
    """Your id of the training run, which these protocols do not carry. Rollouts of different runs, or of API keys with
    different owners, are never grouped together. Give every training its own: two that share one score each other's
    rollouts."""
    profile: Name | None = None
    """Name of the profile; defaults to the service's default profile."""
    dataset: Name | None = None
    """Data set of questions referred to by id."""
    deadline_s: Annotated[FiniteFloat, Field(gt=0, le=86_400)] = 100.0
    """Seconds a group waits for its rollouts. Keep it below the trainer's timeout: slime 120 s, OpenRLHF 180 s."""
    format: FormatName = "chatml"
    """Container of the rollout text, or the short form of a dialect, as a rollout's `format`."""
    step: Annotated[int, Field(ge=0)] | None = None
    """Step of the training, for profiles whose weights depend on its progress; rollouts of different steps are never grouped
    together."""
    total_steps: Positive | None = None
    """Number of steps of the whole training. Progress is step / total_steps, at most 1."""
    train_split: Name = "train"
    """Value of `split` in training rows; rows of any other split are scored individually, by their outcome."""
    reward_key: Name | None = None
    """slime: return an object that has the reward under this name; use the value of `--reward-key`."""

    @model_validator(mode="before")
    @classmethod
    def _names_its_run(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "run" not in given:
            raise ValueError(
                "name the training with run=... : without it, rollouts of two trainings could meet"
            )
        return given

    @property
    def progress(self) -> float | None:
        """Share of the training that is done, in [0, 1]; None if the URL does not say."""
        return progress_at(self.step, self.total_steps)

    def text(self, said: str) -> Text:
        """Return text as the query says it is written."""
        how = self.defaults()
        return text_source(said, how.format, how.reading)

    def messages(self, record: Sequence[Any]) -> Messages:
        """Return a record of objects, whose own text is as the query says."""
        return Messages(tuple(record), reading=as_usual(self.defaults().reading))


VERDICT = ("outcome", "outcome_error")
"""Columns that hand over the trainer's own verdict."""


class Unpayable(ValueError):
    """A rollout that cannot be scored as it was sent; the message says why."""


def columns_of(label: Any) -> dict[str, Any]:
    """Read a label, the one column these protocols have: an object with columns, its JSON, or the question's id.

    Raises:
        Unpayable: it is neither.
    """
    try:
        columns = json.loads(label or "") if isinstance(label, str | None) else label
    except (ValueError, RecursionError):
        columns = None
    if isinstance(columns, dict):
        return columns
    if label is not None and (isinstance(label, bool) or not isinstance(label, str | int)):
        raise Unpayable("a label is the question's id, or an object with question_id or question")
    return {"question_id": label}


def verdict_of(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says of the outcome: the trainer's own verdict, or why its judge reached none.

    Raises:
        Unpayable: it says both, or something that is no verdict.
    """
    said, failed = columns.get("outcome"), columns.get("outcome_error")
    if failed is not None:
        if said is not None:
            raise Unpayable("outcome and outcome_error cannot be given together")
        return {"outcome_error": str(failed) or "the trainer's judge failed"}
    outcome = None if said is None else VERDICTS.get(str(said).strip().lower())
    if said is not None and outcome is None:
        raise Unpayable("outcome must be one of correct, wrong, error, true, false, 1, 0")
    return {"outcome": outcome}


def question_of(columns: Mapping[str, Any], query: CompatQuery) -> Question | QuestionRef:
    """Return the question of a row.

    Raises:
        Unpayable: it names none.
    """
    named = columns.get("question", columns.get("question_id"))
    if isinstance(named, Mapping):
        try:
            return QuestionIn.model_validate(named).to_domain()
        except ValidationError as error:
            why = f"the ground truth does not match the schema of `question`: {invalid(error).detail}"
            raise Unpayable(why) from None
    dataset = columns.get("dataset", query.dataset)
    if named is None or not isinstance(dataset, str):
        raise Unpayable("give the question as question_id and the data set, or send it as question")
    return QuestionRef(dataset, str(named))


def _caller(
    source: Text | Messages,
    columns: Mapping[str, Any],
    query: CompatQuery,
    *,
    profile: Profile,
    meets: tuple[str, ...] = (),
    **more: Any,
) -> Caller:
    stop_reason = more.pop("stop_reason", None)
    return Caller(
        Rollout("0", source, stop_reason=stop_reason, **verdict_of(columns)),
        question_of(columns, query),
        profile,
        meets=(query.run, *meets),
        run=query.run,
        is_evaluation=columns.get("split", query.train_split) != query.train_split,
        progress=query.progress,
        **more,
    )


class OpenRlhfIn(Wire):
    """Body posted by OpenRLHF: lists of equal length, with one element since 0.9.1, with a share of a batch before."""

    query: list[str]
    """Prompt and response, including special tokens."""
    prompts: list[str]
    labels: list[Any]
    """The question's id, or an object `{"question_id", "split", "outcome", "outcome_error"}`, as it is or as JSON; `question`,
    the ground truth itself, can replace `question_id`."""

    @model_validator(mode="after")
    def _one_of_each(self) -> "OpenRlhfIn":
        if not len(self.query) == len(self.prompts) == len(self.labels):
            raise ValueError("query, prompts and labels must have the same length")
        return self

    def callers(self, query: CompatQuery, profile: Profile) -> list[Caller | Unpayable]:
        """Return the rollouts to be rewarded, or for each why it cannot be."""
        rows = zip(self.query, self.prompts, self.labels, strict=True)
        return [_openrlhf(said, prompt, label, query=query, profile=profile) for said, prompt, label in rows]


def _openrlhf(
    said: str, prompt: str, label: Any, *, query: CompatQuery, profile: Profile
) -> Caller | Unpayable:
    if not said.startswith(prompt):
        return Unpayable("the query does not start with the prompt: it was truncated to fit")
    try:
        source, columns = query.text(said.removeprefix(prompt)), columns_of(label)
        return _caller(source, columns, query, profile=profile, meets=(prompt, _key(columns)))
    except Unpayable as why:
        return why


def _key(columns: Mapping[str, Any]) -> str:
    """Return what tells prompts' labels apart; a verdict is one rollout's own."""
    shared = {name: one for name, one in columns.items() if name not in VERDICT}
    return json.dumps(shared, sort_keys=True)


def openrlhf_out(paid: Sequence[Paid], group_size: int) -> dict[str, Any]:
    """Answer OpenRLHF: always lists, and numbers only. It dies of a missing reward, so there is none.

    What could not be scored is 0 with `reward_valid` 0, and a score so low that the mean of its prompt's scores is below
    0: dynamic filtering, where it is on, drops the prompt. A batch gets no logs: OpenRLHF before 0.9.1 dies of lists there.
    `reasons`, which it does not look at, says why there is none.
    """
    logs = (
        {name: [_numbers(one)[name] for one in paid] for name in _numbers(NOBODY)} if len(paid) == 1 else {}
    )
    reasons = [one.reason if isinstance(one, Unpaid) else None for one in paid]
    return {
        "rewards": [_reward(one) or 0.0 for one in paid],
        "scores": [-float(group_size) if isinstance(one, Unpaid) else _reward(one) for one in paid],
        "extra_logs": logs,
        **({"reasons": reasons} if any(reasons) else {}),
    }


def _reward(paid: Paid) -> float | None:
    return None if isinstance(paid, Unpaid) else paid.reward


NOBODY = Unpaid(RolloutStatus.PENDING, "")


def _numbers(paid: Paid) -> dict[str, float]:
    """Return what goes beside a reward: always the same names, always numbers."""
    one = paid if isinstance(paid, RolloutResult) else None
    return {
        "reward_valid": float(one is not None),
        "acc": float(one is not None and one.outcome is Outcome.CORRECT),
        "matched": float((one and one.matched) or 0),
        "match_rate": float((one and one.match_rate) or 0),
        "format_error": float(one is not None and one.outcome is Outcome.ERROR),
    }


class SlimeIn(Wire):
    """Body posted by slime's `remote_rm`."""

    prompt: str | list[Any]
    response: str
    label: Any = None
    """The question's id, or an object `{"question_id", "split", "outcome", "outcome_error"}`, as it is or as JSON; `question`,
    the ground truth itself, can replace `question_id`."""

    def caller(self, query: CompatQuery, profile: Profile) -> Caller:
        """Return the rollout to be rewarded.

        Raises:
            Unpayable: it cannot have one.
        """
        prompt = json.dumps(self.prompt, sort_keys=True)
        source, columns = query.text(self.response), columns_of(self.label)
        return _caller(source, columns, query, profile=profile, meets=(prompt, _key(columns)))


def slime_out(paid: RolloutResult, query: CompatQuery) -> float | dict[str, float | None] | None:
    """Answer slime: the body is the reward, or an object that has it."""
    if query.reward_key is None:
        return paid.reward
    return {**_numbers(paid), query.reward_key: paid.reward}


class NemoGymIn(BaseModel):
    """Body that NeMo Gym posts to `/verify`: the row with the rollout as an OpenAI Responses object."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    responses_create_params: Any = None
    response: Any = None

    @property
    def extra(self) -> dict[str, Any]:
        """The row's other columns."""
        return dict(self.model_extra or {})

    def caller(self, query: CompatQuery, profile: Profile) -> Caller:
        """Return the rollout to be rewarded, identified by task and rollout index.

        Raises:
            Unpayable: it cannot have one.
        """
        row = self.extra
        index = row.get("_ng_rollout_index")
        return _caller(
            query.messages(items_of(self.response)),
            row,
            query,
            profile=profile,
            meets=(str(row.get("_ng_task_index")), str(row.get("_ng_group_attempt", 0))),
            name=None if index is None else str(index),
            stop_reason=_why_incomplete(self.response),
        )


def items_of(response: Any) -> list[Mapping[str, Any]]:
    """Return the items of an OpenAI Responses object.

    Raises:
        Unpayable: its output is no list of objects.
    """
    output = response.get("output") if isinstance(response, Mapping) else None
    if not isinstance(output, list) or not all(isinstance(item, Mapping) for item in output):
        raise Unpayable("response.output must be a list of objects")
    return output


def _why_incomplete(response: Any) -> StopReason | None:
    """Return why sampling ended early; None where it did not. What was cut for no known reason counts as too long."""
    if not isinstance(response, Mapping):
        return None
    details, output = response.get("incomplete_details"), response.get("output")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    if isinstance(reason, str) and reason.lower() in STOP_REASONS:
        return STOP_REASONS[reason.lower()]
    last = output[-1] if isinstance(output, list) and output else None
    ends = (response, last) if isinstance(last, Mapping) else (response,)
    return StopReason.MAX_TOKENS if any(one.get("status") == "incomplete" for one in ends) else None


def nemo_gym_out(body: NemoGymIn, paid: Paid) -> dict[str, Any]:
    """Answer NeMo Gym: what came, with a reward and its parts, which add up to it; or with its tag for a failure."""
    named = {"responses_create_params": body.responses_create_params, "response": body.response}
    came = {**named, **body.extra}
    if isinstance(paid, Unpaid):
        failed = {"mask_sample": True, "failure_kind": paid.status, "failure_reason": paid.reason}
        return {**came, "reward": 0.0, "reward_components": {}, **failed}
    numbers = {name: value for name, value in _numbers(paid).items() if name != "reward_valid"}
    valid = {"mask_sample": False, "failure_kind": None, "failure_reason": None}
    return {**came, **numbers, "reward": paid.reward, "reward_components": dict(paid.components), **valid}


class CarrIn(BaseModel):
    """Body that CaRR's fork of slime posts to `/evaluate`."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    history: list[Any]
    label: Any = None
    task_unfinished: bool = False
    remote_env_info: dict[str, Any] = {}

    def caller(self, query: CompatQuery, profile: Profile) -> Caller:
        """Return the rollout to be rewarded.

        Raises:
            Unpayable: it cannot have one.
        """
        row = self._asked() or self.remote_env_info or columns_of(self.label)
        stop_reason = StopReason.MAX_TURNS if self.task_unfinished else None
        return _caller(query.messages(self.history), row, query, profile=profile, stop_reason=stop_reason)

    def _asked(self) -> dict[str, Any]:
        """Return the row of a body that has what CaRR's own server needs: the question, its answer and its statements."""
        row = self.remote_env_info
        asked, statements = row.get("search_forbidden_strs"), row.get("rubrics") or []
        if {"question", "question_id"} & row.keys() or not (isinstance(asked, list) and asked):
            return {}
        rubrics = [{"statement": one} for one in statements] if isinstance(statements, list) else statements
        return {**row, "question": {"text": asked[0], "answers": [self.label], "rubrics": rubrics}}


def carr_out(paid: RolloutResult, profile: Profile, signals: Mapping[str, float]) -> dict[str, Any]:
    """Answer CaRR: the reward, the outcome's and the rubric's part of it, and what decided.

    The rubric's part is the profile's signal of that name, or the share of entities where it has none.
    """
    rubric = signals.get("rubric", paid.match_rate or 0.0)
    models = sorted({one.model for one in paid.judgements})
    by = {"judge": models or None, "checker": profile.measure.checker}
    outcome = float(paid.outcome is Outcome.CORRECT)
    return {
        "reward": paid.reward,
        "outcome_reward": outcome,
        "rubric_reward": rubric,
        "rubric_scores": {},
        **by,
    }
