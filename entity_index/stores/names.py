"""Names of data sets and versions: safe as a file name on any system and as part of a key."""

import re

from entity_index.errors import InvalidName

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_name(name: str) -> bool:
    """Return whether a data set or version may have this name."""
    return NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return the name of a data set or version.

    Raises:
        InvalidName: it could leave its folder or blur a key.
    """
    if not is_name(name):
        raise InvalidName(
            f"a name must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit, got {name!r}"
        )
    return name
