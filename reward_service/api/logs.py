"""Logs as JSON, one object a line. Only names of fields and numbers are composed here; no text of a rollout comes near.

Loggers pass their fields as `extra={"fields": {...}}`; the message is the event's name.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object.

    Of an exception it keeps the type and the places it passed, not the message: that may quote the request.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line |= describe(record.exc_info[1])
        return _ENCODER.encode(line)


def describe(error: BaseException) -> dict[str, object]:
    """Return an exception's type and trace, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": type(error).__qualname__,
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def configure(level: str) -> None:
    """Send every log of this process to stderr as JSON.

    Where a record was made, and in which thread and process, is on no line, so it is not found out:
    https://docs.python.org/3/howto/logging.html#optimization.
    """
    logging._srcfile = None  # noqa: SLF001  # as that page has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True  # ours is one line a request, and quotes no path
