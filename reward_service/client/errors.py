"""What a call raises.

ClientError
├── Refused      the service answered no: the same call would be refused again
└── Unreachable  no usable answer before the deadline
"""


class ClientError(Exception):
    """Base of everything the client raises."""


class Refused(ClientError):
    """The service refused the call, or one group of it."""

    def __init__(self, title: str, *, status: int, type: str = "", detail: str = "") -> None:  # noqa: A002  # RFC 9457's word
        super().__init__(f"{status} {title} {detail}".strip())
        self.status = status
        """HTTP status; 200 where one group was refused and the others were answered."""
        self.type = type
        """Stable name of the problem, `urn:reward-service:...`; empty where something before the service refused."""
        self.detail = detail


class Unreachable(ClientError):
    """The deadline is over, and the last try was not answered, or answered with "later"."""
