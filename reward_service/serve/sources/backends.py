"""The backends file: where models are served, with which key, and how much may be asked.

A YAML list, read at start. Profiles name a role or a model; this file says which server answers for it, so a judge moves
without a change of any digest. Nothing in it comes from a request.
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from reward_service.serve.errors import BadBackends

INSIDE = ("localhost", ".localhost", ".local", ".internal", ".svc", ".cluster.local", ".test")
"""Ends of host names that lead nowhere outside of a cluster or a machine."""


class Flavour(BaseModel):
    """What a kind of server understands beyond plain chat completions."""

    model_config = ConfigDict(frozen=True)

    structured: bool
    """Whether it holds a reply to a JSON schema."""
    seeded: bool
    """Whether it takes a seed."""


FLAVOURS: Mapping[str, Flavour] = MappingProxyType(
    {
        "vllm": Flavour(structured=True, seeded=True),
        "sglang": Flavour(structured=True, seeded=True),
        "plain": Flavour(structured=False, seeded=False),
    }
)
Name = Annotated[str, Field(min_length=1, max_length=256)]


class Backend(BaseModel):
    """One server."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
    """Name in metrics and logs."""
    serves: dict[Name, Name] | list[Name]
    """The roles or models that profiles ask for, each with the model's name at the server; a list if the names are the same."""
    url: str
    """Base URL of an OpenAI-compatible API, such as `http://judge:8000/v1`."""
    flavour: Literal["vllm", "sglang", "plain"] = "plain"
    """Kind of server: `vllm` and `sglang` hold replies to a schema; `plain` is any other."""
    key_file: Path | None = None
    """File with the API key."""
    key_env: str | None = None
    """Environment variable with the API key."""
    egress: Literal["allowed"] | None = None
    """Required if the host is not visibly inside the cluster: questions and answers then leave it."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Longest time for one ask with all its retries, from the moment it is sent."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Most requests at the same time, per process."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Most requests a minute, of all processes together."""
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Most tokens a minute, estimated before and corrected after each reply, of all processes together."""
    _key: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_reachable_safely(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url must start with http:// or https:// and name a host")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ValueError("url must not contain a user, a password, a query or a fragment")
        if not self.is_inside and self.egress is None:
            raise ValueError(f"{parts.hostname} may be outside of the cluster: say egress: allowed")
        if self.key_file is not None and self.key_env is not None:
            raise ValueError("give key_file or key_env, not both")
        if not self.is_inside and parts.scheme == "http" and (self.key_file or self.key_env):
            raise ValueError("a key must not leave the cluster unencrypted: use https")
        return self

    @property
    def host(self) -> str:
        """Host of the URL."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_inside(self) -> bool:
        """Whether the host visibly is on this machine or inside the cluster."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return "." not in self.host or self.host.endswith(INSIDE)
        return address.is_private

    @property
    def names(self) -> Mapping[str, str]:
        """The model's name at the server, by role."""
        return self.serves if isinstance(self.serves, dict) else {name: name for name in self.serves}

    @property
    def key(self) -> SecretStr | None:
        """The API key; None if the server needs none."""
        return self._key

    def with_key(self, environment: Mapping[str, str]) -> Self:
        """Return the backend with its key read.

        Raises:
            ValueError: the file or the variable has none.
        """
        if self.key_file is not None:
            secret = _line_of(self.key_file)
        elif self.key_env is not None:
            secret = environment.get(self.key_env, "").strip()
        else:
            return self
        if not secret:
            raise ValueError(f"{self.name}: there is no key in {self.key_file or self.key_env}")
        self._key = SecretStr(secret)
        return self


def _line_of(path: Path) -> str:
    """Return the content of a file with a secret.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"the key file {path} cannot be read") from None


_LIST: TypeAdapter[list[Backend]] = TypeAdapter(list[Backend])


def parse(text: str, *, environment: Mapping[str, str]) -> tuple[Backend, ...]:
    """Read a backends file.

    Raises:
        ValueError: it is not a list of backends, a role is served twice, or a key is missing. No message has a key.
    """
    try:
        document: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError("it is not valid YAML") from None
    try:
        backends = _LIST.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from None
    _check_unique([one.name for one in backends], "two backends are called")
    _check_unique([role for one in backends for role in one.names], "two backends serve")
    return tuple(one.with_key(environment) for one in backends)


def _check_unique(names: Sequence[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} {name!r}")


def load(path: Path) -> tuple[Backend, ...]:
    """Return the backends of a file.

    Raises:
        BadBackends: it cannot be used; with the path of the file, and of the key that is wrong.
        OSError: it cannot be read.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), environment=os.environ)
    except ValueError as error:
        raise BadBackends(f"{path}: {error}") from None
