"""verl 0.9: the numbers of `reward_service.summary` in the training log, whatever it is written to.

    VERL_USE_EXTERNAL_MODULES=reward_service.client.trainers.verl_log

verl imports that module in every process. It adds the numbers to each step that `verl.utils.tracking.Tracking` logs: those of
as many groups as a step has prompts, the latest that the service has closed in the run. The options are those of the reward
manager. A step whose numbers cannot be obtained is logged without them.
"""

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote

from reward_service.client.errors import ClientError
from reward_service.client.options import Options
from reward_service.client.sync import Client

STEP = "training/global_step"
MOST_GROUPS = 1024
"""The service keeps no more."""
LOG = logging.getLogger(__name__)


def numbers_of_step(config: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of the latest groups, as many as a step has; none if the service cannot be asked.

    Args:
        config: verl's configuration.
    """
    options = Options.read(dict(config["reward"]["custom_reward_function"]["reward_kwargs"]))
    groups = min(int(config["data"]["train_batch_size"]), MOST_GROUPS)
    path = f"/v1/runs/{quote(options.run_id, safe='')}/summary?groups={groups}"
    try:
        with Client(
            options.url,
            api_key=options.api_key,
            api_key_file=options.api_key_file,
            patience=options.patience,
        ) as client:
            numbers: dict[str, float] = client.call("GET", path)["numbers"]
    except ClientError as error:
        LOG.warning("the step is logged without the numbers of the reward service: %s", error)
        return {}
    return numbers


def with_numbers(tracking: type[Any]) -> type[Any]:
    """Make verl's `Tracking` log the numbers with each training step; returns the same class."""
    begin: Callable[..., None] = tracking.__init__
    log: Callable[..., None] = tracking.log

    @wraps(begin)
    def begun(self: Any, *given: Any, config: Mapping[str, Any] | None = None, **more: Any) -> None:
        self.reward_service_config = config
        begin(self, *given, config=config, **more)

    @wraps(log)
    def logged(self: Any, data: Mapping[str, Any], *given: Any, **more: Any) -> None:
        config = self.reward_service_config
        numbers = numbers_of_step(config) if config is not None and STEP in data else {}
        log(self, {**numbers, **data}, *given, **more)

    tracking.__init__, tracking.log = begun, logged
    return tracking


def install() -> None:
    """Do it in this process, if verl is installed."""
    try:
        from verl.utils.tracking import Tracking  # noqa: PLC0415  # only in verl
    except ModuleNotFoundError:
        return
    with_numbers(Tracking)


install()
