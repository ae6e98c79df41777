"""rLLM: an advantage estimator that sees whole groups, and an evaluator for the outcomes.

    from rllm.trainer.algorithms.advantage import register_rllm_adv_estimator
    from reward_service.client.trainers.rllm import egrpo_estimator, outcome_evaluator

    register_rllm_adv_estimator("other")(egrpo_estimator(url=..., profile="egrpo"))
    # rllm.algorithm.adv_estimator: other, the name rLLM gives to all estimators that are not its own

rLLM takes advantages from outside: the service's go to every step of a trajectory, by the estimator of the profile or the
one named, or to each step its turn's, where the profile has a rule for turns. A trajectory without a reward, and one that
should stay out of the loss, gets advantage 0: it teaches nothing. A step is one answer of the model, so steps are turns.
rLLM calls both functions without awaiting them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reward_service.client.calls import OnError
from reward_service.client.groups import RolloutReward
from reward_service.client.options import Options
from reward_service.client.placing import advantages_of
from reward_service.client.whole import Row, blocking, evaluate, reward_of, train
from reward_service.core.types import AS_USUAL, Messages, Reading, Rollout

log = logging.getLogger("reward_service.client")

Numbers = list[list[float]]


def egrpo_estimator(
    *, estimator: str | Mapping[str, Any] | None = None, **options: Any
) -> Callable[..., tuple[Numbers, Numbers]]:
    """Return an estimator with rLLM's canonical signature.

    Args:
        estimator: overrides the profile's, as the API takes it.
        options: those of `Options`; with `on_error="mask"`, errors become advantages of 0.
    """
    on_error: OnError = options.pop("on_error", "raise")
    given = Options.read(options)

    def egrpo(
        rewards: Sequence[Sequence[float]],  # noqa: ARG001  # what evaluators said of each trajectory
        algorithm_config: Any,  # noqa: ARG001  # the estimator is the service's
        *,
        traj_groups: Sequence[Any],
        **_: object,
    ) -> tuple[Numbers, Numbers]:
        groups = [
            (row_of(group.trajectories[0].task), _rollouts(group, given.reading)) for group in traj_groups
        ]
        scored = blocking(train(given, groups, on_error, estimator=estimator))
        for group, paid in zip(traj_groups, scored, strict=True):
            for trajectory, one in zip(group.trajectories, paid.rollouts, strict=True):
                _place(trajectory, one)
        advantages = [[_advantage(one) for one in group.rollouts] for group in scored]
        return advantages, [[one.reward or 0.0 for one in group.rollouts] for group in scored]

    egrpo.writes_step_advantages = True  # type: ignore[attr-defined]  # rLLM's own word: keep what stands on the steps
    return egrpo


def outcome_evaluator(**options: Any) -> Any:
    """Return an evaluator, for training and validation: 1 for a correct episode, 0 for another.

    Args:
        options: those of `Options`.
    """
    given = Options.read(options)

    class OutcomeEvaluator:
        """What rLLM's engine asks after each episode."""

        def evaluate(self, task: Any, episode: Any) -> Any:
            """Score an episode by its last trajectory.

            Raises:
                NoReward: there is no reward.
                ClientError: the service is unreachable or refuses the call.
            """
            from rllm.eval.types import EvalOutput, Signal  # noqa: PLC0415  # only in rLLM

            rollout = Rollout("0", messages_of(episode.trajectories[-1], given.reading))
            [paid] = blocking(evaluate(given, [(row_of(task), rollout)]))
            reward = reward_of(paid)
            match_rate = Signal(name="match_rate", value=paid.match_rate or 0.0)
            return EvalOutput(reward=reward, is_correct=reward == 1.0, signals=[match_rate])

    return OutcomeEvaluator()


def row_of(task: Any) -> Row:
    """Return the row of data a task was made of."""
    row: Row = getattr(task, "metadata", task)
    return row


def messages_of(trajectory: Any, reading: Reading = AS_USUAL) -> Messages:
    """Return a trajectory as one conversation: of each step, what the steps before it did not hold yet.

    The first step's messages but the last are the prompt, unless a tool answers among them.
    """
    told = tuple(_conversation(step.chat_completions for step in trajectory.steps))
    before = list(trajectory.steps[0].chat_completions[:-1]) if trajectory.steps else []
    has_tools = any(one.get("role") == "tool" for one in before)
    return Messages(told, 0 if has_tools else len(before), reading)


def _conversation(steps: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
    before: list[Mapping[str, Any]] = []
    for messages in steps:
        is_longer = list(messages[: len(before)]) == before
        # Where the step starts over, everything but its last message was put there by the environment.
        yield from messages[len(before) :] if is_longer else messages[-1:]
        before = list(messages)


def _rollouts(group: Any, reading: Reading) -> list[Rollout]:
    return [
        Rollout(str(n), messages_of(one, reading), length=_length(one))
        for n, one in enumerate(group.trajectories)
    ]


def _length(trajectory: Any) -> int | None:
    """Return how many tokens the policy wrote; None where a step does not hold them."""
    of_steps: list[Any] = [getattr(step, "response_ids", None) for step in trajectory.steps]
    return sum(map(len, of_steps)) if of_steps and all(of_steps) else None


def _place(trajectory: Any, paid: RolloutReward) -> None:
    """Put an advantage on each step: per token where its tokens are known. A version without this word overwrites it."""
    steps = trajectory.steps
    values = advantages_of(paid, len(steps)) if paid.in_loss else [0.0] * len(steps)
    for step, advantage in zip(steps, values, strict=True):
        tokens = getattr(step, "response_ids", None)
        step.advantage = [advantage] * len(tokens) if tokens else advantage


def _advantage(paid: RolloutReward) -> float:
    """Return the advantage of a whole trajectory."""
    if paid.advantage is None:
        log.warning("no advantage: %s %s", paid.status, paid.detail or "")
        return 0.0
    weight = 1.0 if paid.weight is None else paid.weight
    return weight * paid.advantage if paid.in_loss else 0.0
