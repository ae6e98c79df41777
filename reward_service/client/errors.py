"""Exceptions raised by calls.

ClientError
├── Refused      the service refused the call: the same call would be refused again
└── Unreachable  no usable answer before the deadline
"""


class ClientError(Exception):
    """Base class of all exceptions raised by the client."""


class Refused(ClientError):
    """The service refused the call, or one group of it."""

    def __init__(self, title: str, *, status: int, type: str = "", detail: str = "") -> None:  # noqa: A002  # RFC 9457's word
        super().__init__(f"{status} {title} {detail}".strip())
        self.status = status
        """HTTP status; 200 if one group was refused and the others were scored."""
        self.type = type
        """Stable name of the problem, `urn:reward-service:...`; empty if the call was refused before it reached the service."""
        self.detail = detail


class Unreachable(ClientError):
    """The deadline has passed, and the last try got no response, or one that asks to retry later."""
