"""Settings: one class, read from the environment (`REWARD_SERVICE_...`).

The string under a field says how to choose it.
"""

from pathlib import Path

from pydantic import Field
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

    inline_bytes: int = Field(256 * 1024, ge=0)
    """Groups with more text than this are scored in a thread, so that health checks are answered meanwhile."""
