"""Frozen values as plain data and back, field by field, so that a field is named once: where it is defined."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
Convert = Callable[[Any], Any]


class _Writer(NamedTuple):
    """How the values of a class are taken apart."""

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    conversions: tuple[tuple[str, Convert], ...]


def plain(value: Any, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the fields of a dataclass by name, in order; mappings become dicts and tuples lists.

    Args:
        value: an instance of a dataclass with at least two fields.
        without: names of fields to leave out.
    """
    writer = _writer(type(value), without)  # type: ignore[arg-type]  # classes are hashable
    written = dict(zip(writer.names, writer.values(value), strict=True))
    for name, convert in writer.conversions:
        written[name] = convert(written[name])
    return written


def built(cls: type[T], document: Mapping[str, Any]) -> T:
    """Return an instance of a dataclass from plain data: the inverse of `plain`. Fields that are left out have their defaults.

    Raises:
        TypeError: an unknown field, or one without a default is left out.
        ValueError: a string that is not in its enumeration.
    """
    readers = _readers(cls)  # type: ignore[arg-type]  # classes are hashable
    return cls(
        **{name: readers[name](value) if name in readers else value for name, value in document.items()}
    )


@cache
def field_names(cls: type, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in order."""
    return tuple(field.name for field in fields(cls) if field.name not in without)


def required_fields(cls: type) -> list[str]:
    """Return the names of a dataclass's fields that have no default, in order."""
    return [one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING]


@cache
def _writer(cls: type, without: frozenset[str]) -> _Writer:
    names = field_names(cls, without)
    hints = get_type_hints(cls)
    conversions = tuple((name, convert) for name in names if (convert := _plainly(hints[name])))
    return _Writer(names, attrgetter(*names), conversions)


@cache
def _readers(cls: type) -> dict[str, Convert]:
    return {name: reader for name, hint in get_type_hints(cls).items() if (reader := _reader(hint))}


def _plainly(hint: Any) -> Convert | None:
    """Return what writes values of a type that contains others, or is a dataclass; None for all other types."""
    if isinstance(hint, type) and is_dataclass(hint):
        return plain
    return _of_contents(hint, list, _plainly)


def _reader(hint: Any) -> Convert | None:
    """Return what reads values of a type; None for a type that is read as it is written."""
    if isinstance(hint, type) and is_dataclass(hint):
        return _built_as(hint)
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and issubclass(kind, StrEnum)]
    return _member_of(kinds[0]) if kinds else _of_contents(hint, tuple, _reader)


def _of_contents(
    hint: Any, sequence: type[list[Any]] | type[tuple[Any, ...]], of: Callable[[Any], Convert | None]
) -> Convert | None:
    """Return what makes a dict of a mapping and a sequence of a tuple, and does so with what they contain."""
    kind = next((one for one in (hint, *get_args(hint)) if get_origin(one) in (tuple, Mapping)), None)
    if kind is None:
        return None
    if get_origin(kind) is tuple:
        return _unless_none(_sequence(sequence, of(get_args(kind)[0])))
    convert = _mapping(of(get_args(kind)[1]))
    return convert if kind is hint else _if_mapping(convert)


def _sequence(sequence: type[list[Any]] | type[tuple[Any, ...]], of: Convert | None) -> Convert:
    return sequence if of is None else lambda value: sequence(map(of, value))


def _mapping(of: Convert | None) -> Convert:
    return dict if of is None else lambda value: {key: of(item) for key, item in value.items()}


def _if_mapping(convert: Convert) -> Convert:
    return lambda value: convert(value) if isinstance(value, Mapping) else value


def _unless_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _built_as(cls: type) -> Convert:
    """Return what reads a dataclass; a value that is read already stays as it is."""
    return lambda value: value if isinstance(value, cls) else built(cls, value)


def _member_of(kind: type[StrEnum]) -> Convert:
    return lambda value: None if value is None else kind(value)
