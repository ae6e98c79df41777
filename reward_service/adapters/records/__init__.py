"""Files of recorded rollouts: which system wrote them, what their lines say, which rollouts form a group, and the results.

- `table`: what a reader says; one module a system beside it
- `fields`, `prompts`: values of a line, and which question a prompt asks
- `lines`: a line and a reader -> rollouts
- `detect`: which reader, container and dialect, from the first rollouts
- `propose`: a `--map` for lines that no reader knows
- `groups`: rollouts -> groups with their ground truth
- `results`: scored groups -> lines
"""

from collections.abc import Mapping
from types import MappingProxyType

from reward_service.adapters.records import (
    asearcher,
    atif,
    conversation,
    deepresearcher,
    inspect,
    native,
    nemo_gym,
    openrlhf,
    r1_searcher,
    rllm,
    search_o1,
    skyrl,
    slime,
    tongyi,
    trl,
    verifiers,
    verl,
)
from reward_service.adapters.records.table import Reader

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "native": native.READER,
        "verl": verl.READER,
        "skyrl": skyrl.READER,
        "slime": slime.READER,
        "verifiers": verifiers.READER,
        "trl": trl.READER,
        "rllm": rllm.READER,
        "nemo_gym": nemo_gym.READER,
        "deepresearcher": deepresearcher.READER,
        "r1_searcher": r1_searcher.READER,
        "search_o1": search_o1.READER,
        "inspect": inspect.READER,
        "atif": atif.READER,
        "asearcher": asearcher.READER,
        "tongyi": tongyi.READER,
        "conversation": conversation.READER,
        "openrlhf": openrlhf.READER,
    }
)
"""By name. The first that knows a line reads it, so the wider ones come last."""
MAPPED = Reader(writes="any other file, by `--map`", keys=(), paths={})
"""Reads what the caller maps, and nothing else."""
