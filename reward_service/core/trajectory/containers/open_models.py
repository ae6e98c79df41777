"""Chat templates of more open models, one row each; what the policy writes between its marks is the dialect's to read.

| template | turns | dialect |
|---|---|---|
| `granite` | `<|start_of_role|>role<|end_of_role|>` … `<|end_of_text|>` | |
| `phi` (Phi-4-mini) | `<|role|>` … `<|end|>` | |
| `nemotron` (Nano) | `<SPECIAL_11>Role`, `<extra_id_1>Role` | |
| `cohere` (Command A, R) | `<|START_OF_TURN_TOKEN|><|ROLE_TOKEN|>` … `<|END_OF_TURN_TOKEN|>` | |
| `hunyuan` | `<｜hy_Role｜>`, or `<|extra_4|>`, `<|extra_0|>` | |
| `minimax` (M2) | `]~b]role` … `[e~[` | `minimax` |
| `seed_oss` | `<seed:bos>role` … `<seed:eos>` | `qwen3_coder` |
"""

from collections.abc import Mapping
from types import MappingProxyType

from reward_service.core.trajectory.calls import json_call, named_call
from reward_service.core.trajectory.containers.messages.parts import call_part
from reward_service.core.trajectory.containers.template import Region, Template
from reward_service.core.trajectory.values import Author, Call

PROMPT, TOOL = Author.PROMPT, Author.TOOL

GRANITE = Template(
    regions=(
        Region(
            r"\|start_of_role\|>(?!assistant\b)(?P<role>[^<{\s]*)[^<]*<\|end_of_role\|>",
            (r"<\|end_of_text\|>",),
        ),
    ),
    starts=r"\|start_of_role\|>assistant[^<]*<\|end_of_role\|>",
    ends=r"\|end_of_text\|>",
)
_PHI_ENDS = r"<\|end\|>"
PHI = Template(
    regions=(
        Region(r"\|(?:tool_response|tool)\|>\n?", (_PHI_ENDS,), author=TOOL),
        Region(r"\|(?P<role>system|user)\|>\n?", (_PHI_ENDS,)),
    ),
    starts=r"\|assistant\|>\n?",
    ends=r"\|end\|>|\|endoftext\|>",
)
_NEMOTRON = r"(?:SPECIAL_1[01]|extra_id_[01])>"
NEMOTRON = Template(
    regions=(
        Region(
            _NEMOTRON + r"(?!Assistant\b)(?P<role>\w*)[ \t]{0,9}\n?",
            (r"<(?:SPECIAL_1[012]|extra_id_[01])>",),
            leaves=True,
        ),
    ),
    starts=_NEMOTRON + r"Assistant[ \t]{0,9}\n?",
    ends=r"SPECIAL_12>",
)


def _cohere_call(text: str) -> Call:
    """Read a JSON object with `tool_name` and `parameters`."""
    return call_part(text).call or Call(None, text, sound=False)


_TURN, _END = r"\|START_OF_TURN_TOKEN\|><\|", r"<\|END_OF_TURN_TOKEN\|>"
COHERE = Template(
    regions=(
        Region(
            rf"{_TURN}SYSTEM_TOKEN\|>(?=\s{{0,9}}<\|START_TOOL_RESULT\|>|<results>)", (_END,), author=TOOL
        ),
        Region(rf"{_TURN}(?:SYSTEM|USER)_TOKEN\|>", (_END,), author=PROMPT),
    ),
    starts=rf"{_TURN}CHATBOT_TOKEN\|>",
    ends=r"\|END_OF_TURN_TOKEN\|>",
    read_call=_cohere_call,
)


def _hunyuan_call(text: str) -> Call:
    """Read a name and its arguments in a fence."""
    name, fence, fenced = text.partition("```json")
    return named_call(name.strip(), fenced.rstrip("` \n")) if fence else json_call(text)


_HUNYUAN_STARTS = r"(?:｜hy_Assistant｜>|\|extra_0\|>)"
HUNYUAN = Template(
    regions=(
        Region(r"(?:｜hy_User｜>|\|startoftext\|>)", (f"<{_HUNYUAN_STARTS}",), leaves=True, author=PROMPT),
    ),
    starts=_HUNYUAN_STARTS,
    ends=r"(?:｜hy_place▁holder▁no▁2｜>|\|eos\|>)",
    read_call=_hunyuan_call,
)
MINIMAX_TURNS = Template(
    regions=(Region(r"\]~b\](?!ai\b)(?P<role>\w*)[^\n\[]*\n?", (r"\[e~\[",)),),
    starts=r"\]~b\]ai[^\n\[]*\n?",
    ends=r"\[e~\[",
    lead="",
    dialect="minimax",
)
SEED_OSS = Template(
    regions=(Region(r"seed:bos>(?!assistant\b)(?P<role>\w*)[ \t]{0,9}\n?", (r"<seed:eos>",)),),
    starts=r"seed:bos>assistant[ \t]{0,9}\n?",
    ends=r"seed:eos>",
    dialect="qwen3_coder",
)

OPEN_MODELS: Mapping[str, Template] = MappingProxyType(
    {
        "granite": GRANITE,
        "phi": PHI,
        "nemotron": NEMOTRON,
        "cohere": COHERE,
        "hunyuan": HUNYUAN,
        "minimax": MINIMAX_TURNS,
        "seed_oss": SEED_OSS,
    }
)
"""The templates by the names of their containers."""
