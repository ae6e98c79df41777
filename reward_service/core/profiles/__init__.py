"""Profiles: the immutable configuration of measuring and rewarding, one YAML file each, known by a digest.

The digest covers what a profile computes: canonical JSON of every field that differs from its default, and a schema
number, so that a new field with a default does not break old pins. Name and prose are not part of it.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

import yaml

from reward_service.core.advantages import ESTIMATORS
from reward_service.core.answers import ANSWER, ANSWER_KINDS
from reward_service.core.checkers import CHECKERS
from reward_service.core.matching import MatchSpec
from reward_service.core.rewards.compose import ENTITY_MATCH, GATES, NORMALIZERS
from reward_service.core.trajectory import GRAMMARS
from reward_service.core.types import Estimator, RewardSpec

SCHEMA = 1
DEFAULT_PROFILE = "egrpo"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """How text becomes facts."""

    grammar: str = "balanced"
    """Format rules for text input, a name in `reward_service.core.trajectory.GRAMMARS`."""
    checker: str = "exact_match"
    """How an answer is compared with the gold answers, a name in `reward_service.core.checkers.CHECKERS`."""
    threshold: float = 0.8
    """Word F1 from which the checker `f1` calls an answer correct, in [0, 1]."""
    answer_from: tuple[str, ...] = (ANSWER,)
    """Where an answer may stand, names in `reward_service.core.answers.ANSWER_KINDS`; `answer` is the dialect's marks or the last text."""
    answer_tools: tuple[str, ...] = ()
    """Tools whose call is the answer, by name."""
    answer_may_be_cut: bool = False
    """An answer that the end of the text has cut is whole: a stop string has eaten its closing mark."""
    matching: MatchSpec = field(default_factory=MatchSpec)
    """How entities are found in thoughts."""


@dataclass(frozen=True)
class Profile:
    """One profile."""

    name: str
    about: str = ""
    """One sentence for people."""
    measure: MeasureSpec = field(default_factory=MeasureSpec)
    reward: RewardSpec = field(default_factory=RewardSpec)
    estimator: Estimator = field(default_factory=Estimator)
    """Used where a call or a run names none."""

    @cached_property
    def digest(self) -> str:
        """`sha256:` and the hash of what the profile computes."""
        computed = {"schema": SCHEMA, **_differences(self)}
        computed.pop("name")
        computed.pop("about", None)
        canonical = json.dumps(computed, sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _differences(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults, nested ones likewise."""
    found = {}
    for spec in fields(value):
        default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
        if (own := getattr(value, spec.name)) != default:
            found[spec.name] = _plain(own)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _differences(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _build(cls: type[T], mapping: Any, where: str) -> T:
    """Make a spec from parsed YAML; unknown keys are refused with their path."""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{where} must be a mapping, got {type(mapping).__name__}")
    hints = get_type_hints(cls)
    if unknown := sorted(set(mapping) - set(hints)):
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    return cls(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in mapping.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    item = next(iter(get_args(hint)), None)
    if isinstance(value, list):
        return tuple(_value(item, one, f"{where}[{n}]") for n, one in enumerate(value))
    allowed = (int, float) if hint is float else get_args(hint) or hint
    if not isinstance(value, allowed) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"{where} must be {getattr(hint, '__name__', hint)}, got {value!r}")
    return float(value) if hint is float else value


def _check(profile: Profile) -> None:
    """Refuse names that stand in no table."""
    chosen: list[tuple[str, str, Collection[str]]] = [
        ("measure.grammar", profile.measure.grammar, GRAMMARS),
        ("measure.checker", profile.measure.checker, CHECKERS),
        ("estimator.type", profile.estimator.type, ESTIMATORS),
    ]
    chosen += [("measure.answer_from", kind, ANSWER_KINDS) for kind in profile.measure.answer_from]
    for n, term in enumerate(profile.reward.terms):
        where = f"reward.terms[{n}]"
        chosen.append((f"{where}.signal", term.signal, (ENTITY_MATCH,)))
        chosen += [(f"{where}.normalize", term.normalize, NORMALIZERS), (f"{where}.when", term.when, GATES)]
    for where, name, table in chosen:
        if name not in table:
            raise ValueError(f"{profile.name}.{where} must be one of {', '.join(table)}, got {name!r}")
    if len({term.signal for term in profile.reward.terms}) < len(profile.reward.terms):
        raise ValueError(f"{profile.name}.reward.terms name a signal twice")


def parse_profile(text: str) -> Profile:
    """Read a profile from YAML.

    Raises:
        ValueError: not YAML, unknown keys, wrong types, or names that stand in no table; with the path.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from None
    profile = _build(Profile, document, "profile")
    _check(profile)
    return profile


@cache
def shipped() -> Mapping[str, Profile]:
    """Return the profiles that come with the package, by name, sorted."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".yaml")]
    profiles = [parse_profile(file.read_text(encoding="utf-8")) for file in files]
    return MappingProxyType({profile.name: profile for profile in sorted(profiles, key=lambda p: p.name)})
