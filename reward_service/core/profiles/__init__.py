"""Profiles: the immutable configuration of measuring and rewarding, one YAML file each, known by a digest.

The digest covers what a profile computes: canonical JSON of every field that differs from its default, and a schema
number, so that a new field with a default does not break old pins. Name and prose are not part of it.
"""

import hashlib
import json
import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from importlib import resources
from math import inf, isfinite
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from yaml import MarkedYAMLError
from yaml.constructor import ConstructorError

from reward_service.core.advantages import ESTIMATORS, check_estimator
from reward_service.core.checkers import CHECKERS
from reward_service.core.matching import MatchSpec
from reward_service.core.names import is_name
from reward_service.core.rewards.compose import NORMALIZERS, WHEN
from reward_service.core.trajectory import GRAMMARS
from reward_service.core.types import Estimator, RewardSpec

SCHEMA = 1
# A signal that is not measured here is sent with the rollout, under any name that is readable in JSON and in a log.
SIGNAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
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
    """Make a spec from parsed YAML; unknown and missing keys are refused with their path."""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{where} must be a mapping, got {type(mapping).__name__}")
    hints = get_type_hints(cls)
    if unknown := sorted(map(str, mapping.keys() - hints.keys())):
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    if missing := sorted(_required(cls) - mapping.keys()):
        raise ValueError(f"{where} is missing keys: {', '.join(missing)}")
    given = {key: _value(hints[key], value, f"{where}.{key}") for key, value in mapping.items()}
    try:
        return cls(**given)
    except ValueError as error:  # a spec that checks its own ranges names the field first
        raise ValueError(f"{where}.{error}") from None


def _required(cls: Any) -> set[str]:
    """Return the fields of a dataclass that have no default."""
    return {spec.name for spec in fields(cls) if spec.default is MISSING and spec.default_factory is MISSING}


def _value(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return _build(hint, value, where)
    if get_origin(hint) is not tuple:
        return _scalar(get_args(hint) or (hint,), value, where)
    if not isinstance(value, list):
        raise ValueError(f"{where} must be a list, got {value!r}")
    return tuple(_value(get_args(hint)[0], one, f"{where}[{n}]") for n, one in enumerate(value))


def _scalar(kinds: tuple[type, ...], value: Any, where: str) -> Any:
    number = float(value) if type(value) is int and float in kinds else value
    if type(number) not in kinds:
        names = " or ".join("null" if kind is NoneType else kind.__name__ for kind in kinds)
        raise ValueError(f"{where} must be {names}, got {value!r}")
    if isinstance(number, float) and not isfinite(number):
        raise ValueError(f"{where} must be finite, got {value!r}")
    return number


def _check(profile: Profile) -> None:
    """Refuse names that are in no table, and signals that share a name."""
    for where, name, table in _chosen(profile):
        if name not in table:
            raise ValueError(f"{profile.name}.{where} must be one of {', '.join(table)}, got {name!r}")
    signals = [term.signal for term in profile.reward.terms]
    for n, name in enumerate(signals):
        if not SIGNAL_NAME.fullmatch(name):
            pattern = SIGNAL_NAME.pattern
            raise ValueError(f"{profile.name}.reward.terms[{n}].signal must match {pattern}, got {name!r}")
    if len(set(signals)) < len(signals):
        raise ValueError(f"{profile.name}.reward.terms must name each signal only once")


def _chosen(profile: Profile) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield where a profile names an entry of a table, the name, and the table."""
    yield "measure.grammar", profile.measure.grammar, GRAMMARS
    yield "measure.checker", profile.measure.checker, CHECKERS
    yield "estimator.type", profile.estimator.type, ESTIMATORS
    for n, term in enumerate(profile.reward.terms):
        yield f"reward.terms[{n}].normalize", term.normalize, NORMALIZERS
        yield f"reward.terms[{n}].when", term.when, WHEN


def _check_values(profile: Profile) -> None:
    """Refuse a name that no id may have, and numbers outside their range."""
    if not is_name(profile.name):
        raise ValueError(
            "profile.name must be 1 to 256 characters without control characters, / or \\, and not end in .yaml "
            f"or .yml, got {profile.name!r}"
        )
    ranges = [
        ("measure.threshold", profile.measure.threshold, 0, 1),
        ("estimator.ddof", profile.estimator.ddof, 0, 1),
        ("estimator.epsilon", profile.estimator.epsilon, 0, inf),
    ]
    for where, number, low, high in ranges:
        if not low <= number <= high:
            raise ValueError(f"profile.{where} must be in [{low}, {high}], got {number}")


def _check_estimator(profile: Profile) -> None:
    try:
        check_estimator(profile.estimator)
    except ValueError as error:
        raise ValueError(f"profile.estimator.{error}") from None


class _Loader(yaml.SafeLoader):
    """YAML in which a key is given once, and 1e-6 is a number as in YAML 1.2."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # the base class's signature
        names = [str(key.value) for key, _ in node.value]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ConstructorError(
                problem=f"repeated keys: {', '.join(repeated)}", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def _load(text: str) -> Any:
    """Read YAML.

    Raises:
        ValueError: it is none; in one line, with the place.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a safe loader
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"invalid YAML: {error.problem}{place}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"invalid YAML: {' '.join(str(error).split())}") from None


def parse_profile(text: str) -> Profile:
    """Read a profile from YAML.

    Raises:
        ValueError: invalid YAML, unknown, missing or repeated keys, wrong types, numbers out of range, or names that are
            in no table; with the path.
    """
    profile = _build(Profile, _load(text), "profile")
    _check(profile)
    _check_values(profile)
    _check_estimator(profile)
    return profile


def as_yaml(profile: Profile) -> str:
    """Return a profile as YAML with every key written out: `parse_profile` reads the same profile from it."""
    return yaml.safe_dump(asdict(profile), sort_keys=False, allow_unicode=True, width=120)


@cache
def shipped() -> Mapping[str, Profile]:
    """Return the profiles that come with the package, by name, sorted."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".yaml")]
    profiles = [parse_profile(file.read_text(encoding="utf-8")) for file in files]
    return MappingProxyType({profile.name: profile for profile in sorted(profiles, key=lambda p: p.name)})
