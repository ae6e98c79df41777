"""Dialects: which marks of the policy's own text are thought, call, response and answer.

One row a dialect; a new one is a row here and, where marks are not enough, a module beside this one.

- `table`: what a row says
- `tagged`, `search`, `tokens`, `xml`: rows whose dialect is marks
- `react`, `smolagents`: dialects of labels
"""

from collections.abc import Mapping
from types import MappingProxyType

from reward_service.core.trajectory.dialects.react import REACT
from reward_service.core.trajectory.dialects.search import (
    ASEARCHER,
    AUTOREFINE,
    RESEARCH,
    SEARCH_R1,
    STEPSEARCH,
)
from reward_service.core.trajectory.dialects.smolagents import SMOLAGENTS
from reward_service.core.trajectory.dialects.table import PROMPT, Dialect
from reward_service.core.trajectory.dialects.tagged import DEEPDIVE, TAGGED, TONGYI
from reward_service.core.trajectory.dialects.tokens import R1_SEARCHER, RETOOL, SEARCH_O1
from reward_service.core.trajectory.dialects.xml import MCP, MINIMAX, QWEN3_CODER

__all__ = ["DEFAULT_DIALECT", "DIALECTS", "PROMPT", "Dialect"]

DEFAULT_DIALECT = "tagged"
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "tagged": TAGGED,
        "search_r1": SEARCH_R1,
        "stepsearch": STEPSEARCH,
        "autorefine": AUTOREFINE,
        "research": RESEARCH,
        "asearcher": ASEARCHER,
        "deepdive": DEEPDIVE,
        "r1_searcher": R1_SEARCHER,
        "search_o1": SEARCH_O1,
        "retool": RETOOL,
        "mcp": MCP,
        "qwen3_coder": QWEN3_CODER,
        "minimax": MINIMAX,
        "tongyi": TONGYI,
        "smolagents": SMOLAGENTS,
        "react": REACT,
    }
)
