"""Profiles: the immutable configuration of measuring and rewarding, one YAML file each.

- `spec`: a profile as a frozen value, and its digest
- `checks`: what a profile may not say
- `bounds`: between which rewards it can pay
- `formula`: what it pays, on one line
- `described`: what people ask of one before they use it
- `lines`: where in a file an error is

This module reads and writes the files.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib import resources
from math import isfinite
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from yaml import MarkedYAMLError
from yaml.constructor import ConstructorError

from reward_service.core.fields import required_fields
from reward_service.core.profiles.checks import check
from reward_service.core.profiles.lines import line_of
from reward_service.core.profiles.spec import SCHEMA, MeasureSpec, PluginPin, Profile

__all__ = [
    "DEFAULT_PROFILE",
    "SCHEMA",
    "MeasureSpec",
    "PluginPin",
    "Profile",
    "as_yaml",
    "parse_profile",
    "shipped",
]

DEFAULT_PROFILE = "egrpo"
T = TypeVar("T")


def _build(cls: type[T], mapping: Any, where: str) -> T:
    """Make a spec from parsed YAML; unknown and missing keys are refused with their path."""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{where} must be a mapping, got {type(mapping).__name__}")
    hints = get_type_hints(cls)
    if unknown := sorted(map(str, mapping.keys() - hints.keys())):
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    if missing := sorted(set(required_fields(cls)) - mapping.keys()):
        raise ValueError(f"{where} is missing keys: {', '.join(missing)}")
    given = {key: _value(hints[key], value, f"{where}.{key}") for key, value in mapping.items()}
    try:
        return cls(**given)
    except ValueError as error:  # a spec that checks its own ranges names the field first
        raise ValueError(f"{where}.{error}") from None


def _value(hint: Any, value: Any, where: str) -> Any:
    kinds = (hint,) if get_origin(hint) is tuple else get_args(hint) or (hint,)
    spec = next((kind for kind in kinds if is_dataclass(kind)), None)
    if spec is not None and (spec is hint or value is not None):
        return _build(spec, value, where)  # type: ignore[arg-type]  # a class
    items = next((get_args(kind)[0] for kind in kinds if get_origin(kind) is tuple), None)
    if items is None or not isinstance(value, list):
        return _scalar(kinds, value, where)
    return tuple(_value(items, one, f"{where}[{n}]") for n, one in enumerate(value))


def _scalar(kinds: tuple[type, ...], value: Any, where: str) -> Any:
    number = float(value) if type(value) is int and float in kinds else value
    if type(number) not in kinds:
        raise ValueError(f"{where} must be {' or '.join(map(_kind_name, kinds))}, got {value!r}")
    if isinstance(number, float) and not isfinite(number):
        raise ValueError(f"{where} must be finite, got {value!r}")
    return number


def _kind_name(kind: type) -> str:
    named = {NoneType: "null", tuple: "a list"}
    return named.get(get_origin(kind) or kind, kind.__name__)


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
            in no table; with the path and the line.
    """
    document = _load(text)
    try:
        profile = _build(Profile, document, "profile")
        check(profile)
    except ValueError as error:
        raise ValueError(f"{error} (line {line_of(text, str(error))})") from None
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
