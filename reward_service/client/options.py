"""What every trainer's adapter has to be told, from a mapping (a trainer's configuration) or from the environment."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Self, TypeVar

from reward_service.client.exchange import Patience
from reward_service.client.groups import Group, Member, Run
from reward_service.client.headers import checked_url
from reward_service.core.types import VERDICTS, Reading, Rollout, progress_at

N = TypeVar("N")
ENV_PREFIX = "REWARD_SERVICE_"
OUTCOME_ERROR = "outcome_error"
TURN_SIGNALS = "turn_signals"
YES = frozenset({"1", "true", "yes"})
FROM_TEXT: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "thought_open": lambda said: said.lower() in YES,
        "deadline_s": float,
        "patience_s": float,
        "total_steps": int,
    }
)
"""How options that are no text are read from environment variables."""


class NoReward(RuntimeError):
    """A reward could not be computed; raised for trainers that represent this by an exception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an adapter calls the service. Each option's environment variable is `REWARD_SERVICE_` and its name in capitals."""

    url: str
    """URL of the service."""
    profile: str
    """Name of the profile. It has no default, so that an upgrade of the service cannot change rewards."""
    run_id: str = "default"
    """Your id of the training run; use a new one for each start from scratch."""
    dataset: str | None = None
    """Data set of questions referred to by id; None if the data contains its ground truth."""
    question_key: str = "question_id"
    """Column with a question's id, or with its ground truth `{"text", "answers", "entities"}`."""
    format: str = "chatml"
    """Container of the text, if the trainer provides text: a format of the API."""
    dialect: str | None = None
    """Marks of the policy's own text, in messages and masked tokens too: a dialect of the API; None means `tagged`."""
    thought_open: bool | None = None
    """Whether the prompt ends inside a thought; None means what the dialect says."""
    deadline_s: float = 900.0
    """Seconds a group waits for its rollouts."""
    patience_s: float = 1200.0
    """Seconds an adapter waits for a reward. Keep it longer than `deadline_s`, so that every group gets its answer."""
    split_key: str | None = "split"
    """Column that distinguishes training rows from validation rows; None if the trainer does not evaluate."""
    train_split: str = "train"
    """Value of that column in training rows."""
    outcome_key: str = "outcome"
    """Column with your own verdict: correct, wrong, error, true, false, 1 or 0. The column `outcome_error` beside it says why
    there is none."""
    signals_key: str = "signals"
    """Column with numbers of your own, by name, for profiles that use them. The column `turn_signals` beside it holds lists,
    one number per turn."""
    total_steps: int | None = None
    """Number of steps of the whole training, at least 1, for profiles whose weights depend on its progress. None takes the
    trainer's, where it says it."""
    api_key: str | None = field(default=None, repr=False)
    """Sent as a bearer token. Trackers store configurations, so prefer the file or the variable REWARD_SERVICE_API_KEY."""
    api_key_file: str | None = None
    """File that contains the key."""

    def __post_init__(self) -> None:
        """Refuse a URL that holds a key, as these options are printed and stored, and a training without steps."""
        checked_url(self.url)
        if self.total_steps is not None and self.total_steps < 1:
            raise ValueError(f"total_steps must be at least 1, got {self.total_steps}")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Read options from a trainer's configuration.

        Raises:
            ValueError: an option is unknown or missing.
        """
        known = {spec.name for spec in fields(cls)}
        if unknown := sorted(given.keys() - known):
            raise ValueError(f"unknown options {unknown}: the options are {sorted(known)}")
        if missing := sorted({"url", "profile"} - given.keys()):
            raise ValueError(f"options {missing} are required")
        return cls(**given)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read options from environment variables.

        Raises:
            ValueError: an option is missing, or not a number although it should be one.
        """
        environment = os.environ if environment is None else environment
        given: dict[str, Any] = {
            spec.name: _from_text(name, environment[name], FROM_TEXT.get(spec.name, str))
            for spec in fields(cls)
            if (name := ENV_PREFIX + spec.name.upper()) in environment
        }
        return cls.read(given)

    @property
    def patience(self) -> Patience:
        """How long a call may take."""
        return Patience(deadline_s=self.patience_s)

    @property
    def reading(self) -> Reading:
        """How the policy's own text is read."""
        return Reading(self.dialect, self.thought_open)

    def run(self, group_size: int, *, run_id: str | None = None) -> Run:
        """Return the run these options speak of."""
        return Run(
            run_id or self.run_id,
            self.profile,
            group_size,
            deadline_s=self.deadline_s,
            dataset=self.dataset,
            total_steps=self.total_steps,
        )

    def with_steps(self, total_steps: int | None) -> Self:
        """Return options with the number of steps that the trainer says, unless they name one; 0 and below say nothing."""
        if self.total_steps is not None or total_steps is None or total_steps < 1:
            return self
        return replace(self, total_steps=int(total_steps))

    def progress(self, step: int | None) -> float | None:
        """Return the share of the training that is done at a step, in [0, 1]; None where it cannot be known."""
        return progress_at(step, self.total_steps)

    def question(self, row: Mapping[str, Any]) -> str | Mapping[str, Any]:
        """Return the question of a row of the data: its id, or its ground truth, which may be packed as JSON.

        Raises:
            KeyError: the row has no such column.
            ValueError: it begins as an object in JSON does, and is none.
        """
        if row.get(self.question_key) is None:
            raise KeyError(
                f"the data needs a column {self.question_key!r} (option question_key), got {sorted(row)}"
            )
        question: str | Mapping[str, Any] = row[self.question_key]
        if isinstance(question, str) and question.startswith("{"):
            return object_of(question, self.question_key)
        return question if isinstance(question, Mapping) else str(question)

    def told(self, row: Mapping[str, Any], rollout: Rollout) -> Rollout:
        """Return a rollout with what its row of the data says of it: a verdict, signals, signals by turn.

        Raises:
            ValueError: a column holds something else.
        """
        signals = _numbers(row.get(self.signals_key), self.signals_key, float, "numbers")
        by_turn = _numbers(row.get(TURN_SIGNALS), TURN_SIGNALS, _row, "lists of numbers")
        if signals or by_turn:
            rollout = replace(rollout, signals=signals, turn_signals=by_turn)
        return self._judged(row, rollout)

    def _judged(self, row: Mapping[str, Any], rollout: Rollout) -> Rollout:
        said, failed = (_unless_missing(row.get(name)) for name in (self.outcome_key, OUTCOME_ERROR))
        if failed is not None:
            return replace(rollout, outcome_error=str(failed) or "the trainer's judge failed")
        if said is None:
            return rollout
        if (outcome := VERDICTS.get(str(said).strip().lower())) is None:
            raise ValueError(f"the column {self.outcome_key!r} holds no verdict: {', '.join(VERDICTS)}")
        return replace(rollout, outcome=outcome)

    def group(self, group_id: str, row: Mapping[str, Any], rollouts: list[Rollout]) -> Group:
        """Return a whole group about the question of a row."""
        question = self.question(row)
        dataset = self.dataset if isinstance(question, str) else None
        return Group(group_id, question, rollouts, dataset=dataset, run_id=self.run_id)

    def member(
        self, group_id: str, row: Mapping[str, Any], rollout: Rollout, *, step: int | None = None
    ) -> Member:
        """Return one rollout about the question of a row, in a step of the training."""
        return Member(group_id, self.question(row), rollout, step=step)


def _from_text(name: str, said: str, read: Callable[[str], object]) -> object:
    try:
        return read(said)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {said!r}") from None


def _unless_missing(value: Any) -> Any:
    """Return a value of a column; None for the NaN that pandas fills a gap with."""
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124  # only NaN differs from itself


def object_of(column: Any, name: str) -> dict[str, Any]:
    """Read a column that holds an object, or its JSON as data sets pack it; an absent one is empty.

    Raises:
        ValueError: it holds something else.
    """
    if isinstance(column, str):
        try:
            column = json.loads(column or "{}")
        except ValueError:
            column = ()
    if column is not None and not isinstance(column, Mapping):
        raise ValueError(f"the column {name!r} holds neither an object nor the JSON of one")
    return dict(column or {})


def _numbers(column: Any, name: str, read: Callable[[Any], N], what: str) -> dict[str, N]:
    """Read a column of numbers by name.

    Raises:
        ValueError: it holds something else.
    """
    said = object_of(column, name)
    try:
        return {str(key): read(value) for key, value in said.items()}
    except (TypeError, ValueError):
        raise ValueError(f"the column {name!r} holds no {what} by name") from None


def _row(values: Any) -> tuple[float | None, ...]:
    return tuple(None if one is None else float(one) for one in values)
