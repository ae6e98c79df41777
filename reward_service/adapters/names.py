"""Names on the wire that are the keys of a table: the table is the only list of them."""

from collections.abc import Iterable
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class OneOf:
    """Restricts a string field to the given names, in the model and as an enumeration in OpenAPI.

    Use it as `Annotated[str, OneOf(TABLE)]`, with a mapping, an enumeration or any other collection of strings.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = [str(name) for name in names]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of a literal with these names."""
        return core_schema.literal_schema(self.names)
