"""Settings: one class, read from the environment (`REWARD_SERVICE_...`).

The string under a field says how to choose it. docs/settings.md is made of this class.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reward_service.core.profiles import DEFAULT_PROFILE

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """How this process runs; what it computes is the profile's business."""

    model_config = SettingsConfigDict(
        env_prefix="REWARD_SERVICE_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. On loopback no key is asked for; on any other address the service refuses to start without `keys`."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names, separated by commas, by which callers may address a service without keys beside those of loopback: a proxy
    on the same machine that passes its own name on, or a name that a container uses. Other names are refused, because
    any web page can have a name that leads to 127.0.0.1."""

    index: Path | None = None
    """Folder of the embedded entity index. Without one the service scores questions that are sent inline."""

    keys: Path | None = None
    """File of API keys, made by `reward-service key`. It is read again when it changes, so keys rotate without a restart."""
    index_url: SecretStr | None = None
    """Redis of an index that several processes share, in place of `index`: redis://, rediss://, unix://,
    redis+sentinel://host:port,host:port/service/db or redis+cluster://host:port,host:port, with `#prefix` where the keys do not
    begin with `entity-index`. A user that may MGET and HGETALL is enough to score."""

    index_timeout_s: float = Field(1.0, gt=0)
    """How long one command to the index may take. A request that meets a stalled Redis is refused after about twice this long, or at
    its deadline."""

    index_follow_s: float = Field(1.0, ge=0)
    """How long an activation may go unnoticed. Each data set in use is asked for once in this time."""

    index_cached_questions: int = Field(20_000, ge=0)
    """Questions kept in memory, about 3 KB each. More than a step has; a whole small data set is better."""

    index_threads: int = Field(4, ge=1)
    """Look-ups that wait for the index at once. One costs a Redis 0.1 ms; more threads only help over a slow network."""

    profiles: Path | None = None
    """Folder of your own profiles, `NAME.yaml` each, read at start beside the shipped ones. docs/profiles.md lists the keys."""

    default_profile: str = DEFAULT_PROFILE
    """Profile of calls that name none. Trainers should name theirs, so that an upgrade cannot change their rewards."""

    max_body_bytes: int = Field(64 * MEBIBYTE, ge=1024)
    """Largest request body as it is sent. 64 MiB hold 512 rollouts of 128 KiB; a request may need about six times its size in memory."""

    max_decoded_bytes: int = Field(64 * MEBIBYTE, ge=1024)
    """Largest body after gzip or zstd is undone; the rest of a bomb is never unpacked."""

    max_json_depth: int = Field(64, ge=8, le=190)
    """Deepest nesting of a JSON body. Tool calls with parsed arguments rarely need 15; the decoder itself ends at 200."""

    max_headers: int = Field(100, ge=10)
    """Most header fields of a request. Proxies add about ten."""

    max_requests: int = Field(64, ge=1)
    """Most requests in flight; one more is refused with 503. They wait for the same CPU, so more only makes all of them slower."""

    max_inflight_bytes: int = Field(512 * MEBIBYTE, ge=1024)
    """Most bytes of bodies in flight, with `max_requests` the bound on memory. A sixth of the memory the process may have."""

    max_requests_per_key: int = Field(48, ge=1)
    """Most requests in flight for one API key; one more is refused with 429. Below `max_requests`, so that no key can take all."""

    max_inflight_bytes_per_key: int = Field(384 * MEBIBYTE, ge=1024)
    """Most bytes in flight for one API key."""

    max_requests_per_run: int = Field(48, ge=1)
    """Most requests in flight for one run, where path or `X-Run-Id` name it before the body is read."""

    max_inflight_bytes_per_run: int = Field(384 * MEBIBYTE, ge=1024)
    """Most bytes in flight for one run."""

    header_timeout_s: float = Field(10, gt=0)
    """Longest wait for the end of a request's headers, from its first byte or, on a new connection, from its opening."""

    body_timeout_s: float = Field(30, gt=0)
    """Longest wait for the end of a body; on a stream, for its next piece. 64 MiB need 6 s at 100 Mbit/s."""

    request_timeout_s: float = Field(120, gt=0)
    """Longest a request may take; a caller may shorten it with `X-Request-Timeout-Ms`. Keep it below the trainer's own timeout."""

    keep_alive_s: int = Field(75, ge=1)
    """How long an idle connection stays open. Longer than the idle time of whatever pools connections to the service."""

    drain_delay_s: float = Field(3, ge=0)
    """After SIGTERM: how long readiness says no while calls are still taken, so that load balancers notice."""

    drain_timeout_s: int = Field(30, ge=1)
    """After that: how long calls in flight may take to finish. With `drain_delay_s` less than the pod's grace period."""

    threads: int = Field(1, ge=1)
    """Threads for groups above `inline_bytes`. Scoring is Python and holds the interpreter, so more threads gain little: add pods."""

    ledger: Path | None = None
    """File to record every published reward in, as digests and integers. Without one nothing is recorded."""

    ledger_max_bytes: int = Field(1024 * MEBIBYTE, ge=MEBIBYTE)
    """Most bytes of ledger kept; beyond, the older half goes. A group of 16 takes about 6 kB."""

    ledger_key: Path | None = None
    """File with a secret of at least 32 bytes. The ledger's lines are then sealed with it, so that a forged line shows to
    those who have the key; without one the ledger shows accidents, and no forgery."""

    canary_interval_s: float = Field(60, gt=0)
    """How often the golden groups are scored. They take some milliseconds."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """At `info` one line a request; at `debug` health checks too."""

    otel: bool = False
    """Send traces and metrics by OpenTelemetry; the exporter is configured by the usual `OTEL_*` variables, and needs the extra `otel`."""

    max_groups: int = Field(1024, ge=1)
    """Most groups in one call. A training step of 64 questions fits in one call; more only delays the first answer."""

    max_rollouts: int = Field(512, ge=1)
    """Most rollouts in one group. Group sizes in published runs are 4 to 64."""

    max_rollout_chars: int = Field(8_000_000, ge=1)
    """Most characters in one rollout. A rollout of 128k tokens has about half a million."""

    max_entities: int = Field(1000, ge=1)
    """Most entities, and most spellings of one entity, in a question. Published data sets have 2 to 30 entities."""

    max_mention_names: int = Field(200_000, ge=0)
    """Most distinct entity names of a data set that are held in memory (about 1 KB each) for profiles with a precision
    floor. For a larger data set the floor is off and rollouts carry the flag `precision_unchecked`."""

    max_ingest_bytes: int = Field(16 * 1024 * MEBIBYTE, ge=1024)
    """Largest data set that may be sent in one body, which is kept on disk while it is built. A million questions are about 1 GB."""

    inline_bytes: int = Field(64 * 1024, ge=0)
    """Groups with more text than this are scored in a thread, so that health checks are answered meanwhile."""

    state_url: SecretStr | None = None
    """Redis that keeps runs and groups: redis://, rediss://, unix://, redis+sentinel://host:port,host:port/service/db or
    redis+cluster://host:port,host:port. Without one they live in this process and end with it. It must run with
    `maxmemory-policy noeviction`; an index may stand in another Redis, where evicting is harmless."""

    state_prefix: str = Field("reward-service", pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    """Put before every key. Services that share a Redis and nothing else need different ones."""

    state_timeout_s: float = Field(2.0, gt=0)
    """How long one Redis command may take. A call that meets a stalled Redis is refused after about twice this long, or at its
    deadline."""

    processes: int = Field(1, ge=1)
    """How many processes answer for the same runs, on all machines together. More than one needs `state_url`."""

    max_wait_s: float = Field(25.0, ge=0)
    """Longest long poll. Proxies often cut a silent connection after 30 s; clients simply ask again."""

    max_waiting: int = Field(32_768, ge=0)
    """Most requests that wait at once. Those above it are answered at once with what there is, and nothing is lost."""

    max_open_groups: int = Field(100_000, ge=1)
    """Most open groups of one run; a run can ask for fewer. It bounds what a forgotten trainer can leave behind."""

    max_deadline_s: float = Field(86_400.0, gt=0)
    """Longest deadline a run may ask for. Agentic rollouts of one group can end hours apart."""

    group_ttl_s: float = Field(21_600.0, gt=0)
    """How long a closed group answers replays, and an open one lives under the policy `wait`. Longer than a trainer takes
    to come back after a crash."""

    engine_grace_s: float = Field(3600.0, ge=0)
    """How long after its deadline an open group that another engine has measured is left to replicas of that engine;
    then it expires without rewards. Longer than an upgrade takes, shorter than `group_ttl_s`."""

    run_ttl_s: float = Field(604_800.0, gt=0)
    """How long a run is kept after its last rollout. Longer than a training may pause."""

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        return (
            [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
        )

    @model_validator(mode="after")
    def _one_index(self) -> Self:
        if self.index is not None and self.index_url is not None:
            raise ValueError("index and index_url exclude each other")
        return self


_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


def shown(settings: Settings) -> dict[str, Any]:
    """Return the effective settings for people: secrets are masked, in URLs too."""
    return {name: _masked(value) for name, value in settings.model_dump(mode="json").items()}


def _masked(value: Any) -> Any:
    return _USER_INFO.sub("***@", value) if isinstance(value, str) else value


def as_markdown() -> str:
    """Return docs/settings.md."""
    return HEAD + "".join(_section(name) for name in Settings.model_fields)


def _section(name: str) -> str:
    spec = Settings.model_fields[name]
    default = "none" if spec.default is None else f"`{spec.default}`"
    return f"\n## {name}\n`REWARD_SERVICE_{name.upper()}`, default {default}.\n{spec.description}\n"


HEAD = """\
# Settings
Every setting is an environment variable; `reward-service serve` takes the most common ones as options too.
`GET /v1/info` shows the values in effect.
This page is generated from `reward_service/serve/config.py` by `reward-service settings`; a test keeps it in step.
"""
