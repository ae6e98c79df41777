"""Entity-aware group rewards (E-GRPO) for training LLM search agents.

The public names are importable from here; where they are defined may change. They are loaded on first use, so that
importing the package costs nothing and the base install is enough. docs/python.md says what each is.
"""

from importlib import import_module

__version__ = "0.1.0"

# A public name -> the module that defines it; `__init__.pyi` says the same to type checkers.
_DEFINED_IN = {
    "AsyncClient": "reward_service.client.aio",
    "Client": "reward_service.client.sync",
    "ClientError": "reward_service.client.errors",
    "Entity": "entity_index.types",
    "Estimator": "reward_service.core.types",
    "Evidence": "reward_service.core.types",
    "Group": "reward_service.client.groups",
    "GroupResult": "reward_service.core.types",
    "GroupRewards": "reward_service.client.groups",
    "GroupStatus": "reward_service.core.types",
    "Match": "reward_service.core.types",
    "Member": "reward_service.client.groups",
    "Messages": "reward_service.core.types",
    "NearMiss": "reward_service.core.types",
    "Outcome": "reward_service.core.types",
    "PartialPolicy": "reward_service.core.types",
    "Patience": "reward_service.client.exchange",
    "Profile": "reward_service.core.profiles.spec",
    "Question": "entity_index.types",
    "Refused": "reward_service.client.errors",
    "Rollout": "reward_service.core.types",
    "RolloutFacts": "reward_service.core.types",
    "RolloutResult": "reward_service.core.types",
    "RolloutReward": "reward_service.client.groups",
    "RolloutStatus": "reward_service.core.types",
    "RolloutView": "reward_service.core.types",
    "Run": "reward_service.client.groups",
    "Segment": "reward_service.core.types",
    "SegmentKind": "reward_service.core.types",
    "Steps": "reward_service.core.types",
    "StopReason": "reward_service.core.types",
    "Text": "reward_service.core.types",
    "Unreachable": "reward_service.client.errors",
    "measure": "reward_service.core.scoring.measuring",
    "measure_group": "reward_service.core.scoring.measuring",
    "parse_profile": "reward_service.core.profiles",
    "reward": "reward_service.core.scoring.rewarding",
    "shipped": "reward_service.core.profiles",
    "summary": "reward_service.core.summary",
}

__all__ = list(_DEFINED_IN)


def __getattr__(name: str) -> object:
    """Load a public name on its first use (PEP 562)."""
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_DEFINED_IN[name]), name)
    return value


def __dir__() -> list[str]:
    """List what there is, loaded or not."""
    return sorted({*globals(), *__all__})
