"""Frozen values as plain data and back, field by field, so that a field is named once: where it is defined."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
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


@cache
def _writer(cls: type, without: frozenset[str]) -> _Writer:
    names = field_names(cls, without)
    hints = get_type_hints(cls)
    conversions = tuple((name, convert) for name in names if (convert := _plainly(hints[name])))
    return _Writer(names, attrgetter(*names), conversions)


def _plainly(hint: Any) -> Convert | None:
    origin = get_origin(hint)
    if not isinstance(origin, type):
        return None
    if issubclass(origin, tuple) and is_dataclass(get_args(hint)[0]):
        return lambda values: [plain(value) for value in values]
    return dict if issubclass(origin, Mapping) else list if issubclass(origin, tuple) else None


@cache
def _readers(cls: type) -> dict[str, Convert]:
    return {name: reader for name, hint in get_type_hints(cls).items() if (reader := _reader(hint))}


def _reader(hint: Any) -> Convert | None:
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return _tuple_of(item) if is_dataclass(item) and isinstance(item, type) else tuple
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and issubclass(kind, StrEnum)]
    return _member_of(kinds[0]) if kinds else None


def _tuple_of(cls: type) -> Convert:
    """Return what reads a list of a dataclass; values that are read already stay as they are."""
    return lambda values: tuple(one if isinstance(one, cls) else built(cls, one) for one in values)


def _member_of(kind: type[StrEnum]) -> Convert:
    return lambda value: None if value is None else kind(value)
