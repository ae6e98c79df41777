"""The chat templates that are told apart by their special tokens, one row each.

| template | turns | calls | tool responses |
|---|---|---|---|
| `chatml` (Qwen, Hermes, Phi-4) | `<|im_start|>role` … `<|im_end|>` | as the dialect marks them | role tool, or marked in a user's turn |
| `llama3` | `<|start_header_id|>role<|end_header_id|>` … `<|eot_id|>` | `<|python_tag|>`, `<function=name>{…}`, or JSON that ends the turn | role ipython |
| `glm` | `<|role|>` | as the dialect marks them | role observation |
| `deepseek` | `<｜User｜>`, `<｜Assistant｜>` | `<｜tool▁calls▁begin｜>` | `<｜tool▁output▁begin｜>` |
| `kimi` | `<|im_role|>name<|im_middle|>` … `<|im_end|>` | `<|tool_calls_section_begin|>` | any other name of `im_system` |
| `gemma` | `<start_of_turn>role` … `<end_of_turn>`, `<|turn>role` … `<turn|>` | `<start_function_call>`, `<|tool_call>`, a fence `tool_code` | `<start_function_response>`, `<|tool_response>`, a fence `tool_output` |
| `mistral` | `[INST]` … `[/INST]`, `</s>` | `[TOOL_CALLS]` | `[TOOL_RESULTS]` |
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from types import MappingProxyType

from reward_service.core.trajectory.calls import (
    between,
    glm_call,
    json_call,
    json_text,
    json_values,
    named_call,
    parsed,
    python_calls,
    starts_with_json,
    xml_call,
)
from reward_service.core.trajectory.containers.messages.parts import call_part
from reward_service.core.trajectory.containers.open_models import OPEN_MODELS
from reward_service.core.trajectory.containers.template import Region, Template
from reward_service.core.trajectory.roles import Speaker, role_of
from reward_service.core.trajectory.values import Author, Block, Call, Part
from reward_service.core.types import SegmentKind

POLICY, TOOL, PROMPT = Author.POLICY, Author.TOOL, Author.PROMPT
CALL, RESPONSE, THOUGHT = SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.THOUGHT

CHATML = Template(
    regions=(
        Region(
            r"\|im_start\|>(?!assistant\b)\s{0,9}(?P<role>[\w-]*)(?:<\|im_sep\|>|[^\n<]*\n?)",
            (r"<\|im_end\|>",),
        ),
    ),
    starts=r"\|im_start\|>assistant(?:<\|im_sep\|>|[^\n<]*\n?)",
    ends=r"\|im_end\|>",
)


def _python_tag(text: str) -> list[Call]:
    if text.lstrip().startswith("{"):
        return [one.call for one in _json_calls(text) if one.call] or [Call(None, text, sound=False)]
    return list(python_calls(text)) or [Call("python", {"code": text})]


def _json_calls(text: str) -> list[Part]:
    """Return the calls of a text that is JSON objects and nothing else; none where one of them lacks a name or arguments."""
    calls = [call_part(one) for one in json_values(text)]
    is_whole = all(one.call and one.call.name and one.call.arguments is not None for one in calls)
    return calls if is_whole else []


# A JSON object from the start of a line, or right behind a mark.
_OBJECT = re.compile(r"(?:\n|\A|(?<=>))\{(?=\s{0,9}\")")


def _json_ending(text: str) -> tuple[int, list[Part]]:
    """Return where the JSON calls begin that end a text, and the calls."""
    start, calls = len(text), list[Part]()
    for opening in reversed(list(_OBJECT.finditer(text))):
        before = _json_calls(text[opening.start() : start])
        if not before:
            break
        start = opening.start()
        calls += reversed(before)
    return start, calls[::-1]


def _llama_function(text: str) -> list[Call]:
    """Read `name>{…}`, as it is between `<function=` and its end."""
    name, _, arguments = text.partition(">")
    return [named_call(name.strip(), arguments)]


# A list of calls as Python writes them, from the start of a line, or behind prose on the last one.
_PYTHONIC = re.compile(r"^\[(?=[A-Za-z_][\w.]{0,63}\()", re.MULTILINE)
_PYTHONIC_BEHIND_PROSE = re.compile(r"(?<!\w)\[(?=[A-Za-z_][\w.]{0,63}\(\s{0,9}\w{1,64}\s{0,9}=)")


def _listed(text: str) -> int | None:
    """Return where the list of calls begins that ends a text; None where none does."""
    end = text.rstrip()
    if not end.endswith(")]"):
        return None
    lines = [mark.start() for mark in _PYTHONIC.finditer(text)]
    behind = _PYTHONIC_BEHIND_PROSE.search(text, end.rfind("\n") + 1)
    return lines[-1] if lines else behind.start() if behind else None


# How such a call begins that has not come to its end: with the key that JSON calls have first, or with a named argument.
_BEGUN = re.compile(
    r"(?:\n|\A|(?<=>))(?:\{\s{0,9}\"(?:name|type|function)\"\s{0,9}:|\[[A-Za-z_][\w.]{0,63}\(\s{0,9}\w{1,64}\s{0,9}=)"
)


def _begun(text: str) -> int:
    """Return where a call begins that ends a text before its own end; the text's length where none does."""
    openings = [opening.start() for opening in _BEGUN.finditer(text)]
    return openings[-1] if openings and _is_cut(text[openings[-1] :].strip()) else len(text)


def _is_cut(call: str) -> bool:
    """Return whether a call lacks its end: a list a parenthesis or its bracket, an object what makes it JSON."""
    if call.startswith("["):
        return call.count("(") > call.count(")") or call.endswith(")")
    return not starts_with_json(call)


def _llama_prose(text: str) -> list[Part]:
    """Take the call that ends a turn out of its prose: JSON, or a list as Python writes it; one that is cut cannot be read."""
    listed = _listed(text)
    if listed is not None:
        said = text[listed:].strip()
        calls = list(python_calls(said)) or [Call("python", {"code": said})]
        return [Part(None, text[:listed]), *(Part(CALL, said, call) for call in calls)]
    start, found = _json_ending(text)
    if not found and (start := _begun(text)) < len(text):
        found = [Part(CALL, text[start:].strip(), Call(None, text[start:], sound=False))]
    return [Part(None, text[:start]), *found]


LLAMA3 = Template(
    regions=(
        Region(
            r"\|(?:start_header_id|header_start)\|>(?!assistant<)(?P<role>[^<]*)<\|(?:end_header_id|header_end)\|>\n*",
            (r"<\|(?:eot_id|eom_id|eot|eom)\|>",),
        ),
        Region(r"function=(?=[^>\s]{1,256}>\s{0,9}\{)", (r"</function>",), kind=CALL, read=_llama_function),
        Region(
            r"\|python_start\|>",
            (r"<\|python_end\|>", r"<\|(?:eot|eom)\|>"),
            kind=CALL,
            read=_python_tag,
        ),
        Region(
            r"\|python_tag\|>",
            (r"<\|(?:eot_id|eom_id|eot|eom|start_header_id|header_start|python_tag)\|>",),
            leaves=True,
            kind=CALL,
            read=_python_tag,
        ),
    ),
    starts=r"\|(?:start_header_id|header_start)\|>assistant<\|(?:end_header_id|header_end)\|>\n*",
    ends=r"\|(?:eot_id|eom_id|eot|eom|end_of_text)\|>",
    finish=_llama_prose,
)
GLM = Template(
    regions=(Region(r"\|(?P<role>system|user|observation)\|>\n?", (r"<\|assistant\|>",), leaves=True),),
    starts=r"\|assistant\|>\n?",
    ends=r"\|endoftext\|>",
    read_call=glm_call,
)


def _deepseek(words: str) -> str:
    """Spell a token of DeepSeek's, whose bars and blanks are often replaced by plain ones."""
    return "[｜|]" + words.replace(" ", "[▁_ ]") + "[｜|]>"


_DEEPSEEK_CALL = re.compile(f"<{_deepseek('tool call begin')}|<{_deepseek('tool call end')}")
_DEEPSEEK_SEP = re.compile(f"<{_deepseek('tool sep')}")


def _deepseek_calls(text: str) -> list[Call]:
    written = [one for one in _DEEPSEEK_CALL.split(text) if one.strip()]
    return [_deepseek_call(one) for one in written] or [Call(None, text, sound=False)]


def _deepseek_call(text: str) -> Call:
    """Read `name<sep>{…}`, or the older `function<sep>name` with the arguments in a fence."""
    first, *others = _DEEPSEEK_SEP.split(text, maxsplit=1)
    rest = "".join(others)
    name, fence, fenced = rest.partition("```json")
    return named_call(name.strip(), fenced.rstrip("` \n")) if fence else named_call(first.strip(), rest)


_DSML = re.compile(r"[｜|]DSML[｜|]")


def _dsml_calls(text: str) -> list[Call]:
    """Read `<｜DSML｜invoke name="NAME">` with its parameters, one call or several."""
    calls = [xml_call(f"<invoke{one}") for one in between(_DSML.sub("", text), "<invoke", "</invoke>")]
    return calls or [Call(None, text, sound=False)]


DEEPSEEK = Template(
    regions=(
        Region(_deepseek("User"), (f"<{_deepseek('Assistant')}",), leaves=True, author=PROMPT),
        Region(
            _deepseek("tool output begin"), (f"<{_deepseek('tool output end')}",), author=TOOL, resumes=True
        ),
        Region(
            _deepseek("tool calls begin"),
            (f"<{_deepseek('tool calls end')}", f"<{_deepseek('end of sentence')}"),
            leaves=True,
            kind=CALL,
            read=_deepseek_calls,
        ),
        Region(
            r"[｜|]DSML[｜|](?:function_calls|tool_calls)>",
            (r"</[｜|]DSML[｜|](?:function_calls|tool_calls)>",),
            kind=CALL,
            read=_dsml_calls,
        ),
        Region(
            r"function_results>",
            (r"</function_results>",),
            author=TOOL,
            resumes=True,
            several=lambda text: between(text, "<result>", "</result>"),
        ),
    ),
    starts="|".join(
        map(_deepseek, ("Assistant", "tool calls end", "tool outputs begin", "tool outputs end"))
    ),
    ends=_deepseek("end of sentence"),
)


def _kimi_calls(text: str) -> list[Call]:
    """Read `functions.name:0` with JSON arguments."""
    written = [
        one.partition("<|tool_call_argument_begin|>")
        for one in between(text, "<|tool_call_begin|>", "<|tool_call_end|>")
    ]
    calls = [
        named_call(name.strip().partition(":")[0].removeprefix("functions."), rest)
        for name, _, rest in written
    ]
    return calls or [Call(None, text, sound=False)]


def _kimi_role(name: str) -> Speaker:
    """Return the role of `user`, or of what `im_system` calls itself: any name but the prompt's is a tool's."""
    known = role_of(name)
    is_prompt = known.author is PROMPT or name.startswith(("tool_declare", "user"))
    return Speaker(PROMPT) if is_prompt else Speaker(TOOL)


KIMI = Template(
    regions=(
        Region(r"\|im_system\|>(?P<role>[^<]*)<\|im_middle\|>", (r"<\|im_end\|>",)),
        Region(r"\|im_user\|>[^<]*<\|im_middle\|>", (r"<\|im_end\|>",), author=PROMPT),
        Region(
            r"\|tool_calls?_section_begin\|>",
            (r"<\|tool_calls?_section_end\|>", r"<\|im_end\|>"),
            leaves=True,
            kind=CALL,
            read=_kimi_calls,
        ),
    ),
    starts=r"\|im_assistant\|>[^<]*<\|im_middle\|>|\|tool_calls?_section_end\|>",
    ends=r"\|im_end\|>",
    roles=_kimi_role,
)

_GEMMA_CALL = re.compile(r"\s*(?:call:)?([\w.:-]{1,256})\s*(\{.*)", re.DOTALL)
_GEMMA_ARGUMENT = re.compile(
    r"\b(\w{1,64}):(?:<escape>(.*?)<escape>|<\|\"\|>(.*?)<\|\"\|>|([^,{}]+))", re.DOTALL
)


def _gemma_call(text: str) -> list[Call]:
    """Read `call:name{key:<escape>value<escape>}`."""
    said = _GEMMA_CALL.match(text)
    if said is None:
        return list(python_calls(text)) or [Call(None, text, sound=False)]
    arguments = {one[1]: one[2] or one[3] or one[4] or "" for one in _GEMMA_ARGUMENT.finditer(said[2])}
    return [Call(said[1], arguments)]


_FENCE = re.compile(r"```tool_code\b(.*?)(?:```|\Z)", re.DOTALL)


def _gemma_prose(text: str) -> list[Part]:
    """Return prose and the calls between its fences, in order, as Gemma 3 is taught to write them."""
    parts: list[Part] = []
    at = 0
    for fence in _FENCE.finditer(text):
        calls = [Part(CALL, fence[1].strip(), call) for call in _gemma_call(fence[1])]
        parts += [Part(None, text[at : fence.start()]), *calls]
        at = fence.end()
    return [*parts, Part(None, text[at:])]


GEMMA = Template(
    regions=(
        Region(
            r"start_of_turn>user\r?\n```tool_output\r?\n?",
            (r"```\s*<end_of_turn>", r"<end_of_turn>"),
            author=TOOL,
        ),
        Region(r"start_of_turn>(?!model\b)(?P<role>[^\n<]*)\n?", (r"<end_of_turn>",)),
        Region(r"\|turn>(?!model\b)(?P<role>[^\n<]*)\n?", (r"<turn\|>",)),
        Region(r"start_function_call>", (r"<end_function_call>",), kind=CALL, read=_gemma_call),
        Region(r"\|tool_call>", (r"<tool_call\|>",), kind=CALL, read=_gemma_call),
        Region(r"start_function_response>", (r"<end_function_response>",), author=TOOL, resumes=True),
        Region(r"\|tool_response>", (r"<tool_response\|>",), author=TOOL, resumes=True),
        Region(r"\|channel>thought\n?", (r"<channel\|>",), kind=THOUGHT),
    ),
    starts=r"start_of_turn>model\b\n?|\|turn>model\b\n?",
    ends=r"end_of_turn>|turn\|>|eos>",
    finish=_gemma_prose,
)


def _mistral_calls(text: str) -> list[Call]:
    """Read a JSON list of calls, or `name[ARGS]{…}`."""
    said = parsed(text.strip())
    if isinstance(said, list):
        return [json_call(json_text(one)) for one in said]
    name, mark, rest = text.partition("[ARGS]")
    if not mark:
        name, mark, rest = text.partition("{")
        rest = mark + rest
    return [named_call(name.partition("[CALL_ID]")[0].strip(), rest)]


MISTRAL = Template(
    regions=(
        Region(r"SYSTEM_PROMPT\]", (r"\[/SYSTEM_PROMPT\]",), author=PROMPT, resumes=True),
        Region(r"AVAILABLE_TOOLS\]", (r"\[/AVAILABLE_TOOLS\]",), author=PROMPT, resumes=True),
        Region(r"INST\]", (r"\[/INST\]",), author=PROMPT, resumes=True),
        Region(r"TOOL_RESULTS\]", (r"\[/TOOL_RESULTS\]",), author=TOOL, resumes=True),
        Region(
            r"TOOL_CALLS\]",
            (r"\[/TOOL_CALLS\]", r"</s>", r"\[TOOL_CALLS\]", r"\[TOOL_RESULTS\]"),
            leaves=True,
            kind=CALL,
            read=_mistral_calls,
        ),
        Region(r"THINK\]", (r"\[/THINK\]",), kind=THOUGHT),
    ),
    starts=r"/INST\]|/TOOL_CALLS\]",
    ends=r"EOS\]",
    lead="[",
)

_CALLS = Template(
    regions=tuple(
        replace(region, opens=re.escape(template.lead) + region.opens)
        for template in (DEEPSEEK, KIMI, GEMMA, MISTRAL)
        for region in template.regions
        if region.kind is CALL
    ),
    starts=rf"<\|tool_calls?_section_end\|>|<{_deepseek('tool calls end')}|\[/TOOL_CALLS\]",
    ends=r"(?!)",
    lead="",
)


def may_call_in_tokens(blocks: list[Block]) -> bool:
    """Return whether text outside any mark may hold calls in tokens of these templates, as an engine leaves them unread."""
    return any(_has_token(block.text) for block in blocks if block.kind is None)


def _has_token(text: str) -> bool:
    return "｜" in text or "<|tool_call" in text or "[TOOL_CALLS]" in text or "<start_function_call>" in text


def calls_in_tokens(text: str) -> list[tuple[int, Part]]:
    """Return such calls and the text around them, in order, each with the place where it begins."""
    found: list[tuple[int, Part]] = []
    at = 0
    for part in chain.from_iterable(turn.parts for turn in _CALLS.cut(text).turns):
        at = text.find(part.text, at)
        found.append((at, part))
    return found


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "chatml": CHATML,
        "llama3": LLAMA3,
        "glm": GLM,
        "deepseek": DEEPSEEK,
        "kimi": KIMI,
        "gemma": GEMMA,
        "mistral": MISTRAL,
        **OPEN_MODELS,
    }
)
"""The templates by the names of their containers."""
