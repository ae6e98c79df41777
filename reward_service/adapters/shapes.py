"""Wire models generated from the domain's dataclasses, so that a new number of facts or results reaches the wire by itself.

The strings under the fields of a dataclass become the descriptions in OpenAPI.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from pydantic import BaseModel, GetCoreSchemaHandler, create_model
from pydantic import Field as Described
from pydantic_core import CoreSchema, core_schema

from reward_service.core.fields import built, field_names
from reward_service.core.types import Outcome, RolloutStatus, Row

# How the domain's types are written as JSON; every other type is written as itself.
WRITTEN: Mapping[Any, Any] = {
    RolloutStatus: str,
    Outcome | None: str | None,
    tuple[str, ...]: list[str],
    Mapping[str, int]: dict[str, int],
    Mapping[str, float]: dict[str, float],
    Mapping[str, float | None]: dict[str, float | None],
    Mapping[str, Row]: dict[str, list[float | None]],
    tuple[tuple[int, ...], ...]: list[list[int]],
    Row | None: list[float | None] | None,
    tuple[float, ...] | None: list[float] | None,
}


def field_docs(cls: type) -> dict[str, str]:
    """Return the strings under the fields of a class, by field."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101  # the source of a class is a class
    return dict(_described(body))


def _described(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield field.target.id, inspect.cleandoc(text.value)


class WrittenAs:
    """Documents a mapping as the JSON that `fields.plain` makes of a dataclass: `Annotated[dict[str, Any], WrittenAs(...)]`."""

    def __init__(self, name: str, of: type, *, without: frozenset[str], beside: type) -> None:
        """Describe a shape.

        Args:
            name: of the schema in OpenAPI.
            of: the dataclass.
            without: fields of it that are not written.
            beside: a typed dictionary with keys that are written beside them.
        """
        hints, docs = get_type_hints(of), field_docs(of)
        written: dict[str, Any] = {
            field: (WRITTEN.get(hints[field], hints[field]), Described(description=docs.get(field)))
            for field in field_names(of, without)
        }
        written |= {key: (hint, ...) for key, hint in get_type_hints(beside).items()}
        self.model = create_model(name, __doc__=of.__doc__, **written)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the shape."""
        return handler.generate_schema(self.model)


class ReadAs:
    """Reads a dataclass from JSON: `Annotated[TheDataclass, ReadAs(...)]`; unknown keys are refused."""

    def __init__(
        self,
        name: str,
        of: type,
        *,
        base: type[BaseModel],
        types: Mapping[Any, Any],
        without: frozenset[str],
        beside: Mapping[str, Any],
    ) -> None:
        """Describe a shape.

        Args:
            name: of the schema in OpenAPI.
            of: the dataclass.
            base: the model to inherit its strictness from.
            types: by field name, or else by the domain's type: the type on the wire.
            without: fields of it that cannot be sent.
            beside: more keys that may be sent and are not read, each a type and a default.
        """
        hints, docs = get_type_hints(of), field_docs(of)
        read: dict[str, Any] = {
            field.name: (
                types.get(field.name, types.get(hints[field.name], hints[field.name])),
                Described(_default(field), description=docs.get(field.name)),
            )
            for field in fields(of)
            if field.name not in without
        }
        self.of, self.names = of, tuple(read)
        self.model = create_model(name, __base__=base, __doc__=of.__doc__, **read, **beside)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the shape, followed by the making of the dataclass."""
        return core_schema.no_info_after_validator_function(self._built, handler.generate_schema(self.model))

    def _built(self, read: BaseModel) -> Any:
        return built(self.of, {name: getattr(read, name) for name in self.names})


def _default(field: Field[Any]) -> Any:
    """Return the default of a field as JSON has it; an ellipsis if it has none."""
    if field.default_factory is MISSING:
        default = ... if field.default is MISSING else field.default
    else:
        default = field.default_factory()
    return dict(default) if isinstance(default, Mapping) else list(default) if default == () else default
