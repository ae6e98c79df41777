"""Valid names of profiles, and how a name is distinguished from the path of a file."""

import re

FILE_ENDINGS = (".yaml", ".yml")
# As long as any other id and without control characters. Without separators and endings a name is never taken for a path.
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,256}")


def is_path(text: str) -> bool:
    """Return whether a text is the path of a file: it contains a separator or ends in `.yaml` or `.yml`."""
    return "/" in text or "\\" in text or text.endswith(FILE_ENDINGS)


def is_name(text: str) -> bool:
    """Return whether a profile may have this name."""
    return _NAME.fullmatch(text) is not None and not is_path(text)
