"""Settings: one class, read from the environment (`REWARD_SERVICE_...`).

The string under a field says how to choose it.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from reward_service.profiles import DEFAULT_PROFILE

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """How this process runs; what it computes is the profile's business."""

    model_config = SettingsConfigDict(
        env_prefix="REWARD_SERVICE_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. Stay on loopback unless something in front of the service checks who is calling."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    index: Path | None = None
    """Folder of the embedded entity index. Without one the service scores questions that are sent inline."""

    index_url: SecretStr | None = None
    """Redis of an index that several processes share, in place of `index`: redis://, rediss://, unix://,
    redis+sentinel://host:port,host:port/service/db or redis+cluster://host:port,host:port, with `#prefix` where the keys do not
    begin with `entity-index`. A user that may MGET and HGETALL is enough to score."""

    index_timeout_s: float = Field(1.0, gt=0)
    """How long one command to the index may take. A request that meets a stalled Redis is refused after about twice this long."""

    index_follow_s: float = Field(1.0, ge=0)
    """How long an activation may go unnoticed. Each data set in use is asked for once in this time."""

    index_cached_questions: int = Field(20_000, ge=0)
    """Questions kept in memory, about 3 KB each. More than a step has; a whole small data set is better."""

    index_threads: int = Field(4, ge=1)
    """Look-ups that wait for the index at once. One costs a Redis 0.1 ms; more threads only help over a slow network."""

    default_profile: str = DEFAULT_PROFILE
    """Profile of calls that name none. Trainers should name theirs, so that an upgrade cannot change their rewards."""

    max_body_bytes: int = Field(64 * MEBIBYTE, ge=1024)
    """Largest request body. 64 MiB hold 512 rollouts of 128 KiB; each request may need about six times its size in memory."""

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

    inline_bytes: int = Field(256 * 1024, ge=0)
    """Groups with more text than this are scored in a thread, so that health checks are answered meanwhile."""

    state_url: SecretStr | None = None
    """Redis that keeps runs and groups: redis://, rediss://, unix://, redis+sentinel://host:port,host:port/service/db or
    redis+cluster://host:port,host:port. Without one they live in this process and end with it. It must run with
    `maxmemory-policy noeviction`; an index may stand in another Redis, where evicting is harmless."""

    state_prefix: str = Field("reward-service", pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    """Put before every key. Services that share a Redis and nothing else need different ones."""

    state_timeout_s: float = Field(2.0, gt=0)
    """How long one Redis command may take. A call that meets a stalled Redis is refused after about twice this long."""

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

    run_ttl_s: float = Field(604_800.0, gt=0)
    """How long a run is kept after its last rollout. Longer than a training may pause."""

    @model_validator(mode="after")
    def _one_index(self) -> Self:
        if self.index is not None and self.index_url is not None:
            raise ValueError("index and index_url exclude each other")
        return self
