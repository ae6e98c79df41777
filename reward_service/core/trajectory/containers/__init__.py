"""Containers: how a record says who wrote what.

One row a container; a new one is a row here and its function or table row in a module beside this one.

- `template`: chat templates as tables of regions
- `native`, `open_models`: the rows for models' own templates
- `harmony`: gpt-oss
- `chat`: chat that has lost its special tokens
- `messages`: records of objects
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from reward_service.core.trajectory.containers.chat import role_lines
from reward_service.core.trajectory.containers.harmony import harmony
from reward_service.core.trajectory.containers.messages import messages
from reward_service.core.trajectory.containers.native import TEMPLATES
from reward_service.core.trajectory.values import Author, Part, Transcript, Turn

__all__ = ["CONTAINERS", "MESSAGES", "PLAIN", "SHORT_FORMS", "messages"]

PLAIN = "plain"
MESSAGES = "messages"


def plain(text: str) -> Transcript:
    """Take one string as the policy's, pages and all: only marks tell them apart."""
    return Transcript((Turn(Author.POLICY, (Part(None, text),)),), has_roles=False)


CONTAINERS: Mapping[str, Callable[[str], Transcript]] = MappingProxyType(
    {
        PLAIN: plain,
        "role_lines": role_lines,
        "harmony": harmony,
        **{name: template.cut for name, template in TEMPLATES.items()},
    }
)
"""Those of one string; records of objects are `messages`."""
SHORT_FORMS: Mapping[str, str] = MappingProxyType(
    {name: name for name in ("tagged", "search_r1", "r1_searcher", "react")}
)
"""Names of a format that mean `plain` and the dialect of the same name."""
