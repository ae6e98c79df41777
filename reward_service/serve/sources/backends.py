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
SCORING = ("tei", "vllm-scores", "sglang-scores")
"""Flavours of servers that score texts and write none."""
Name = Annotated[str, Field(min_length=1, max_length=256)]


STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class TorchModel(BaseModel):
    """A model in a folder: `config.json`, a tokenizer, and weights as safetensors."""

    model_config = STRICT

    folder: Path
    """The folder. Nothing in it is executed, and nothing is downloaded."""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Of the folder, as `reward-service worker-digest FOLDER` prints it. Another folder is refused."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """`auto` is a GPU if there is one."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the weights. Scores of another one are other scores."""
    buckets: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (32, 64, 128, 256, 512)
    """Lengths in tokens that texts are padded to. Longer texts than the last are refused; nothing is cut."""
    rows: Annotated[int, Field(ge=1, le=4096)] = 8
    """Most texts that are computed together. 8 on a CPU; more on a GPU."""
    max_batch_tokens: Annotated[int, Field(ge=1)] = 16_384
    """Most tokens that are computed together, with padding."""
    max_queue_tokens: Annotated[int, Field(ge=1)] = 1_048_576
    """Most tokens that wait; further texts are refused."""
    fixed_shapes: bool = True
    """Pad each batch to the full shape of its bucket, so that a score does not depend on what is computed with it. Without it,
    half-empty batches are faster, and the last bits differ."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads of one computation on a CPU; by default torch decides."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError("buckets must rise")
        if self.buckets[-1] > self.max_batch_tokens:
            raise ValueError(
                "max_batch_tokens must be at least the last bucket: longer texts could never be computed"
            )
        return self


class Backend(BaseModel):
    """One server, or one model in this process."""

    model_config = STRICT

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
    """Name in metrics and logs."""
    serves: dict[Name, Name] | list[Name]
    """The roles or models that profiles ask for, each with the model's name at the server; a list if the names are the same."""
    url: str | None = None
    """Base URL of an OpenAI-compatible API, such as `http://judge:8000/v1`; of a server that scores texts, without `/v1`."""
    flavour: Literal["vllm", "sglang", "plain", "tei", "vllm-scores", "sglang-scores"] = "plain"
    """Kind of server: `vllm` and `sglang` hold replies to a schema; `plain` is any other that writes. These score texts:
    `tei` (text-embeddings-inference, and `reward-service worker`), `vllm-scores`, `sglang-scores`."""
    labels: tuple[Name, ...] = ()
    """Names of the scores in the order of the model, for `vllm-scores` and `sglang-scores`, which do not name them."""
    torch: TorchModel | None = None
    """A model that scores texts, in this process, instead of a `url`."""
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
    def _is_one_place(self) -> Self:
        if (self.url is None) == (self.torch is None):
            raise ValueError("give either url or torch")
        if self.torch is not None and len(set(self.names.values())) != 1:
            raise ValueError("a folder holds one model: all that it serves must be one name")
        return self

    @model_validator(mode="after")
    def _is_reachable_safely(self) -> Self:
        if self.url is None:
            return self
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
        """Host of the URL; empty for a model in this process."""
        return urlsplit(self.url or "").hostname or ""

    @property
    def scores(self) -> bool:
        """Whether it scores texts and writes none."""
        return self.torch is not None or self.flavour in SCORING

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
