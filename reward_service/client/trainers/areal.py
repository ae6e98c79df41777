"""AReaL: a rollout workflow whose episodes are rewarded as groups.

    # my_workflow.py, for workflow="my_workflow.EgrpoWorkflow"
    from areal.workflow.multi_turn import MultiTurnWorkflow
    from reward_service.client.trainers.areal import rewarded

    EgrpoWorkflow = rewarded(MultiTurnWorkflow, url="http://reward-service:8000", profile="egrpo")

The wrapped workflow runs the episode, and its reward is replaced. AReaL starts the episodes of a prompt together and passes
the same data to all of them: they are the group. Rules:

- the author of each token is determined from the loss mask;
- AReaL or a column marks episodes of evaluation: each is rewarded by its outcome;
- the step is the version of the weights when the group is complete; the option `total_steps` says how many there are;
- "no reward" is None: AReaL leaves the episode out; one that should stay out of the loss gets a loss mask of zeros;
- it is a workflow, not a reward function: those run in a small pool of processes, which a waiting group would block, and a
  timeout there becomes 0.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from reward_service.client.calls import OnError
from reward_service.client.gathering import Gatherings
from reward_service.client.groups import RolloutReward
from reward_service.client.options import Options
from reward_service.client.spans import Tokenizer, messages_of, own_tokens, spans_of
from reward_service.client.whole import pay
from reward_service.core.types import AS_USUAL, Reading, Rollout, StopReason


def rewarded(workflow: type, **options: Any) -> type:
    """Return a workflow class that runs episodes like another one and gets their rewards from the service.

    Args:
        workflow: what runs an episode; it has a `tokenizer` and returns tensors.
        options: those of `Options`; with `on_error="mask"`, errors become rejected episodes.
    """
    on_error: OnError = options.pop("on_error", "raise")
    given = Options.read(options)

    class RewardedWorkflow(workflow):  # type: ignore[misc]  # the class is the caller's
        """Runs, gathers, asks for rewards."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.gatherings = Gatherings()

        async def arun_episode(self, engine: Any, data: Mapping[str, Any]) -> Any:
            """Run one episode of a group."""
            gathering = self.gatherings.of(data)
            place = gathering.join()
            await asyncio.sleep(0)  # all episodes of the prompt take their places before the first one ends

            async def score(ended: Sequence[Rollout]) -> list[RolloutReward]:
                training = False if is_evaluation() else None
                [paid] = await pay(given, [(data, ended)], on_error, training=training, step=step_of(engine))
                return paid

            try:
                episode = await super().arun_episode(engine, data)
                rollout = rollout_of(str(place), episode, self.tokenizer, given.reading)
            except BaseException as error:
                gathering.fail(error)
                raise
            finally:
                self.gatherings.drop(data)
            return paid_episode(episode, await gathering.end(place, rollout, score))

    return RewardedWorkflow


def is_evaluation() -> bool:
    """Return whether AReaL, where it runs here, says that this episode is one of evaluation."""
    context = sys.modules.get("areal.infra.workflow_context")
    return context is not None and bool(context.get().is_eval)


def step_of(engine: Any) -> int | None:
    """Return how often the weights that an engine samples from have been updated, which AReaL does once a step."""
    version = getattr(engine, "get_version", None)
    return None if version is None else int(version())


def rollout_of(
    rollout_id: str, episode: Mapping[str, Any] | None, tokenizer: Tokenizer, reading: Reading = AS_USUAL
) -> Rollout:
    """Read an episode: the tokens of its loss mask are the policy's. One that the workflow rejected has no reward.

    Raises:
        TypeError: the episode holds no tensors.
    """
    if episode is None:
        return Rollout(rollout_id, messages_of([], tokenizer), stop_reason=StopReason.ABORTED)
    if "input_ids" not in episode:
        raise TypeError(
            "the workflow must return tensors: episodes in the form of interactions are not supported"
        )
    [tokens], [mask] = episode["input_ids"].tolist(), episode["loss_mask"].tolist()
    spans = list(spans_of(tokens, mask))
    return Rollout(rollout_id, messages_of(spans, tokenizer, reading), length=own_tokens(spans))


def paid_episode(episode: dict[str, Any] | None, paid: RolloutReward) -> dict[str, Any] | None:
    """Return an episode with its reward replaced, or None where there is none."""
    if episode is None or paid.reward is None:
        return None
    episode["rewards"][...] = paid.reward
    if not paid.in_loss:
        episode["loss_mask"][...] = 0
    return episode
