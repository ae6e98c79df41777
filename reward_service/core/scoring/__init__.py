"""The two functions that everything else is built from.

    measure(rollout, question, profile)  -> RolloutFacts     text in; integers, outcome, signals, evidence out
        plan(rollouts, question, profile)    -> MeasurePlan         its first half: what the text decides, and what a judge has to be asked
        conclude(plan, answers)              -> RolloutFacts its second half, once the answers are there
    reward(facts of one group, profile)  -> GroupResult      numbers in; rewards and advantages out

    engine     the versions of everything that a number depends on
    measuring  from text to facts
    checks     what facts must hold
    members    which members of a group count
    results    results put together
    rewarding  from facts to rewards and advantages
    alone      a rollout whose group is not there, or not whole

Whole groups, groups that arrive one rollout at a time, re-scored logs and audits are all these two composed. They know
no network, clock, log or framework, and import into a trainer's own process.
"""

from reward_service.core.scoring.alone import evaluate, pending, reward_alone
from reward_service.core.scoring.checks import check_facts
from reward_service.core.scoring.engine import ENGINE_DIGEST, VERSIONS
from reward_service.core.scoring.measuring import (
    DEGRADED,
    UNCOVERED,
    MeasurePlan,
    conclude,
    measure,
    measure_group,
    plan,
)
from reward_service.core.scoring.results import unpaid
from reward_service.core.scoring.rewarding import reward, reward_batch

__all__ = [
    "DEGRADED",
    "ENGINE_DIGEST",
    "UNCOVERED",
    "VERSIONS",
    "MeasurePlan",
    "check_facts",
    "conclude",
    "evaluate",
    "measure",
    "measure_group",
    "pending",
    "plan",
    "reward",
    "reward_alone",
    "reward_batch",
    "unpaid",
]
