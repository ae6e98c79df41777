"""Settings: one class, read from the environment (`REWARD_SERVICE_...`).

The string under a field explains how to choose its value. docs/settings.md is generated from this class.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reward_service.core.profiles import DEFAULT_PROFILE

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """How this process runs. What it computes is determined by the profile."""

    model_config = SettingsConfigDict(
        env_prefix="REWARD_SERVICE_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. On loopback, keys are optional; on any other address the service refuses to start without `keys`."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 picks a free port."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names, separated by commas, by which callers may address a service without keys beside those of loopback: a proxy
    on the same machine that passes its own name on, or a name that a container uses. Other names are refused, because
    any web page can have a name that leads to 127.0.0.1."""

    index: Path | None = None
    """Folder of the embedded entity index. Without an index, the service scores only questions that are sent inline."""

    keys: Path | None = None
    """File of API keys, created with `reward-service key`. It is reloaded when it changes, so keys can be rotated without a restart."""
    index_url: SecretStr | None = None
    """Redis of an index shared by several processes, instead of `index`: redis://, rediss://, unix://,
    redis+sentinel://host:port,host:port/service/db or redis+cluster://host:port,host:port, with `#prefix` if the keys do not
    start with `entity-index`. Scoring only needs a user that may run MGET and HGETALL."""

    index_timeout_s: float = Field(1.0, gt=0)
    """Timeout of one command to the index. If Redis stalls, a request is refused after about twice this time, or at its
    deadline."""

    index_follow_s: float = Field(1.0, ge=0)
    """Longest delay until a newly activated version is noticed. The index is polled once in this time for each data set in use."""

    index_cached_questions: int = Field(20_000, ge=0)
    """Number of questions cached in memory, about 3 KB each. Choose more than a step needs; a whole small data set is better."""

    index_threads: int = Field(4, ge=1)
    """Number of concurrent look-ups in the index. Each costs Redis 0.1 ms, so more threads only help over a slow network."""

    profiles: Path | None = None
    """Folder of your own profiles, one `NAME.yaml` each, read at start in addition to the shipped ones. docs/profiles.md lists the keys."""

    plugins: Annotated[tuple[str, ...], NoDecode] = ()
    """Signals that installed packages give to your own profiles, by name, separated by commas: entry points of the group
    `reward_service.signals`. They run inside the service, so name only packages that you trust; docs/extending.md shows one."""

    default_profile: str = DEFAULT_PROFILE
    """Profile of calls that name none. Trainers should name their profile, so that an upgrade cannot change their rewards."""

    max_body_bytes: int = Field(64 * MEBIBYTE, ge=1024)
    """Largest request body as sent. 64 MiB hold 512 rollouts of 128 KiB; a request may need about six times its size in memory."""

    max_decoded_bytes: int = Field(64 * MEBIBYTE, ge=1024)
    """Largest request body after decompression of gzip or zstd. Decompression stops there, so a zip bomb is never unpacked."""

    max_stream_bytes: int = Field(16 * 1024 * MEBIBYTE, ge=1024)
    """Largest stream of groups after decompression. Each group may have up to `max_body_bytes`."""

    max_blank_lines: int = Field(1000, ge=0)
    """Maximum number of blank lines in a stream. Writers that put one between groups need one per group."""

    max_json_depth: int = Field(64, ge=8, le=190)
    """Deepest nesting of a JSON body. Tool calls with parsed arguments rarely need 15 levels; the decoder itself stops at 200."""

    max_json_values: int = Field(500_000, ge=1000)
    """Maximum number of values in a JSON body: items of lists, and names and values in objects. A rollout of 100 messages has about
    500. While a body is decoded nothing else runs: the default takes up to a quarter of a second."""

    max_headers: int = Field(100, ge=10)
    """Maximum number of header fields in a request. Proxies add about ten."""

    max_header_bytes: int = Field(64 * 1024, ge=1024)
    """Maximum size of a request's headers and URL together. Proxies accept 8 to 32 KiB."""

    max_requests: int = Field(64, ge=1)
    """Maximum number of requests in flight; further ones wait in the queue. They share the CPU, so a higher limit only slows all of them down."""

    max_inflight_bytes: int = Field(512 * MEBIBYTE, ge=1024)
    """Maximum number of body bytes in flight; with `max_requests`, it bounds memory. Set it to a sixth of the memory the process may use, less 256 MiB."""

    max_requests_per_key: int = Field(48, ge=1)
    """Maximum number of requests in flight per API key. Keep it below `max_requests`, so that no key can use all of them."""

    max_inflight_bytes_per_key: int = Field(384 * MEBIBYTE, ge=1024)
    """Maximum number of body bytes in flight per API key."""

    max_requests_per_run: int = Field(48, ge=1)
    """Maximum number of requests in flight per run of an API key, if the path or `X-Run-Id` names the run before the body is read."""

    max_inflight_bytes_per_run: int = Field(384 * MEBIBYTE, ge=1024)
    """Maximum number of body bytes in flight per run of an API key."""

    max_queue: int = Field(8192, ge=0)
    """Maximum number of requests waiting in the queue; one more is refused with 503, or with 429 if its key or run is over its own limit.
    Trainers send a whole batch at once. With 0, nothing waits."""

    max_queue_bytes: int = Field(512 * MEBIBYTE, ge=0)
    """Maximum number of body bytes waiting in the queue, counted by what the headers declare. Waiting bodies are not read, so the queue uses far less memory."""

    max_queue_s: float = Field(30, ge=0)
    """Longest time in the queue for a caller that does not send `X-Request-Timeout-Ms`."""

    max_compat_queue_s: float = Field(60, ge=0)
    """The same for calls in trainers' own protocols, whose callers wait longer: slime 120 s, OpenRLHF 180 s."""

    header_timeout_s: float = Field(10, gt=0)
    """Timeout for receiving a request's headers, from its first byte or, on a new connection, from the time it was opened."""

    body_timeout_s: float = Field(30, gt=0)
    """Timeout for receiving a request body or, on a stream, its next chunk. 64 MiB need 6 s at 100 Mbit/s."""

    request_timeout_s: float = Field(120, gt=0)
    """Time limit of a request; a caller may shorten it with `X-Request-Timeout-Ms`. Keep it below the trainer's own timeout."""

    keep_alive_s: int = Field(75, ge=1)
    """How long an idle connection stays open, and how long a reply may stay unread before its connection is cut. Choose longer than the idle
    timeout of any proxy or client that pools connections to the service."""

    drain_delay_s: float = Field(3, ge=0)
    """After SIGTERM: how long readiness fails while calls are still accepted, so that load balancers notice."""

    drain_timeout_s: int = Field(30, ge=1)
    """After `drain_delay_s`: how long calls in flight may take to finish. The sum of both must be less than the pod's grace period."""

    threads: int = Field(1, ge=1)
    """Threads for groups above `inline_bytes`. Scoring is Python code and holds the interpreter lock, so more threads gain little: add pods instead."""

    ledger: Path | None = None
    """File that records every published reward, as digests and integers. If not set, nothing is recorded."""

    ledger_max_bytes: int = Field(1024 * MEBIBYTE, ge=MEBIBYTE)
    """Maximum size of the ledger; beyond it, the older half is deleted. A group of 16 takes about 6 kB."""

    ledger_key: Path | None = None
    """File with a secret of at least 32 bytes. The ledger's lines are then sealed with it, so that forged lines are
    detected by those who have the key. Without it the ledger detects accidents only."""

    canary_interval_s: float = Field(60, gt=0)
    """Interval at which the golden groups are scored. Scoring them takes a few milliseconds."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """At `info`, one line per request; at `debug`, health checks too."""

    otel: bool = False
    """Send traces and metrics with OpenTelemetry. Configure the exporter with the usual `OTEL_*` variables; requires the extra `otel`."""

    max_groups: int = Field(1024, ge=1)
    """Maximum number of groups in one call. A training step of 64 questions fits in one call; larger calls only delay the response."""

    max_call_rollouts: int = Field(16_384, ge=1)
    """Maximum number of rollouts in all groups of one call together. The default fits 256 questions with 64 rollouts each."""

    max_rollouts: int = Field(512, ge=1)
    """Maximum number of rollouts in one group. Group sizes in published runs are 4 to 64."""

    max_rollout_chars: int = Field(8_000_000, ge=1)
    """Maximum number of characters in one rollout. A rollout of 128k tokens has about half a million."""

    max_steps: int = Field(100_000, ge=1)
    """Maximum number of steps in one rollout; in messages, every value in a list or an object counts. Long agentic rollouts have a few thousand."""

    max_signals: int = Field(64, ge=0, le=1000)
    """Maximum number of signals sent with one rollout. A reward has a handful of terms."""

    max_entities: int = Field(1000, ge=1)
    """Maximum number of entities in a question, of spellings of one entity, and of answers. Published data sets have 2 to 30 entities per question."""

    max_question_chars: int = Field(1_000_000, ge=1)
    """Maximum number of characters in a question, its answers and its entities together. Published ones have a few hundred."""

    max_mention_names: int = Field(200_000, ge=0)
    """Maximum number of distinct entity names of a data set kept in memory (about 1 KB each) for profiles with a precision
    floor. For a larger data set, the floor is off and rollouts get the flag `precision_unchecked`."""

    max_ingest_bytes: int = Field(16 * 1024 * MEBIBYTE, ge=1024)
    """Largest data set that may be sent in one body; the body is kept on disk while the data set is built. A million questions are about 1 GB."""

    inline_bytes: int = Field(64 * 1024, ge=0)
    """Groups with more text than this are scored in a thread, so that health checks are still answered."""

    state_url: SecretStr | None = None
    """Redis that stores runs and groups: redis://, rediss://, unix://, redis+sentinel://host:port,host:port/service/db or
    redis+cluster://host:port,host:port. If not set, they live in this process's memory and end with it. Redis must run with
    `maxmemory-policy noeviction`; an index may be in another Redis, where eviction is harmless."""

    state_prefix: str = Field("reward-service", pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    """Prefix of every key. Separate services that share a Redis need different prefixes."""

    state_timeout_s: float = Field(2.0, gt=0)
    """Timeout of one Redis command. If Redis stalls, a call is refused after about twice this time, or at its deadline."""

    backends: Path | None = None
    """YAML file that says where the language models are served that profiles ask (docs/judges.md). It is read at start.
    Without it, profiles that need a judge are refused when they ask."""

    judge_cache_url: SecretStr | None = None
    """Redis in which replicas share the answers of judges, with the same URLs as `state_url`. It may evict: use another Redis than
    that of `state_url`. If not set, each process keeps its own."""

    judge_cache_ttl_s: float = Field(604_800.0, ge=1)
    """How long an answer is kept in `judge_cache_url`. Equal asks get equal answers for as long, so choose longer than a training run."""

    judge_cached_answers: int = Field(10_000, ge=1)
    """Number of answers kept in memory, about 0.5 KB each. Without `judge_cache_url` it should be more than a step asks for."""

    judge_run_calls: int | None = Field(None, ge=1)
    """Maximum number of requests to judges for one run; a call that would exceed it is refused with 429. If not set, there is no limit."""

    judge_run_tokens: int | None = Field(None, ge=1)
    """Maximum number of judges' tokens for one run, prompts and replies together. If not set, there is no limit."""

    judge_canary_interval_s: float = Field(900.0, ge=0)
    """Interval at which every judge is asked about 24 answers whose verdicts are known; 0 turns it off."""

    judge_readiness: Literal["ignored", "reached", "agreeing"] = "ignored"
    """Whether backends decide about readiness: `reached` gives the process no traffic while one of them does not answer, `agreeing`
    also while a judge differs from the known verdicts. Leave it at `ignored` if other profiles should be served meanwhile."""

    processes: int = Field(1, ge=1)
    """Number of processes that serve the same runs, on all machines together. More than one requires `state_url`."""

    max_wait_s: float = Field(25.0, ge=0)
    """Longest long poll. Proxies often cut a silent connection after 30 s; clients simply repeat the call."""

    max_waiting: int = Field(32_768, ge=0)
    """Maximum number of requests that wait at the same time. Further ones return immediately with the current state; nothing is lost."""

    max_open_groups: int = Field(100_000, ge=1)
    """Maximum number of open groups per run; a run can ask for fewer. It bounds what an abandoned trainer can leave behind."""

    max_runs: int = Field(1000, ge=1)
    """Maximum number of runs in use per process; one more is refused with 429 until another one is deleted or expires. The process checks
    each of them once a second."""

    max_runs_per_owner: int = Field(500, ge=1)
    """Maximum number of runs in use per process and owner of API keys. Keep it below `max_runs`, so that no owner can use all of them."""

    max_deadline_s: float = Field(86_400.0, gt=0)
    """Longest deadline that a run may declare. Agentic rollouts of one group can end hours apart."""

    group_ttl_s: float = Field(21_600.0, gt=0)
    """How long a closed group answers replays, and how long an open group is kept under the policy `wait`. Choose longer
    than a trainer takes to recover from a crash."""

    engine_grace_s: float = Field(3600.0, ge=0)
    """How long after its deadline an open group that another engine has measured is left to replicas of that engine;
    then it expires without rewards. Longer than an upgrade takes, shorter than `group_ttl_s`."""

    run_ttl_s: float = Field(604_800.0, gt=0)
    """How long a run is kept after its last rollout. Choose longer than a training run may pause."""

    @field_validator("allowed_hosts", "plugins", mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        return (
            [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
        )

    @model_validator(mode="after")
    def _one_index(self) -> Self:
        if self.index is not None and self.index_url is not None:
            raise ValueError("index and index_url cannot both be set")
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
Every setting is an environment variable; `reward-service serve` also accepts the most common ones as options.
`GET /v1/info` shows the effective values.
This page is generated from `reward_service/serve/config.py` by `reward-service settings`; a test keeps it up to date.
"""
