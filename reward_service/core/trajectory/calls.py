"""Tool calls as texts: what one says, whichever way it is spelled, and whether it is well formed.

A call that cannot be read is a call all the same: the policy's own mistake, where a grammar judges calls.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reward_service.core.trajectory.values import Call

CallReader = Callable[[str], Call]

# Names are short: a bound keeps a flood of openings linear.
_FUNCTION = re.compile(r"<(?:function=|invoke\s{1,9}name=)[\"']?([^\"'>\s]{1,256})[\"']?\s{0,9}>")
_PARAMETER = re.compile(r"[=\s]\s{0,9}(?:name=)?[\"']?([^\"'>]{1,256}?)[\"']?(?:\s[^>]{0,256})?>")
_STRING = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
_PYTHON = re.compile(
    rf"\b([A-Za-z_]\w{{0,63}})(?:\.call)?\(\s{{0,9}}(?:(\w{{1,64}})\s{{0,9}}=\s{{0,9}})?({_STRING}|-?\d[\d_.]*)\s{{0,9}}(?:,\s{{0,9}})?\)"
)


def between(text: str, opens: str, closes: str) -> Iterator[str]:
    """Yield the texts between pairs of marks, in order; the last reaches the end of the text where its mark does not close."""
    at = text.find(opens)
    while at >= 0:
        start = at + len(opens)
        end = text.find(closes, start)
        yield text[start : end if end >= 0 else len(text)]
        at = text.find(opens, end) if end >= 0 else -1


_JSON = json.JSONDecoder()


def parsed(text: str) -> Any:
    """Return what a text says as JSON; the text itself where it is not JSON."""
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        return text


def starts_with_json(text: str) -> bool:
    """Return whether a text starts with a whole JSON value, whatever follows it."""
    try:
        _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return True


_APART = re.compile(r"[\s;,]*")


def json_values(text: str) -> list[Any]:
    """Return the JSON values of a text, which blanks, commas and semicolons may separate; none where there is anything else."""
    found: list[Any] = []
    at = _APART.match(text).end()  # type: ignore[union-attr]  # it matches everywhere
    while at < len(text):
        try:
            one, at = _JSON.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        found.append(one)
        at = _APART.match(text, at).end()  # type: ignore[union-attr]
    return found


def json_text(value: Any) -> str:
    """Return a value as text: a string unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def tool_call_text(name: str | None, arguments: Any) -> str:
    """Return a tool call as one text: its name, if it has one, and its arguments as they were sent."""
    written = json_text(arguments)
    return written if name is None else f"{name} {written}"


def json_call(text: str) -> Call:
    """Return the call in a JSON object with a `name` and `arguments` (or `parameters`); unsound where it is anything else."""
    call = parsed(text)
    if not isinstance(call, dict) or not isinstance(name := call.get("name"), str):
        return Call(None, text, sound=False)
    arguments = call.get("arguments", call.get("parameters"))
    return Call(name, parsed(arguments) if isinstance(arguments, str) else arguments, "arguments" in call)


def tongyi_call(text: str) -> Call:
    """Return the call in a JSON object, perhaps followed by the code that it runs."""
    head, mark, code = text.partition("<code>")
    call = json_call(head)
    return call._replace(arguments={"code": code.partition("</code>")[0]}) if mark else call


def xml_call(text: str) -> Call:
    """Return the call in `<function=NAME><parameter=KEY>…`, or in the same with `<invoke name="NAME">`; unsound without a name."""
    name = _FUNCTION.search(text)
    said = {}
    for parameter in between(text, "<parameter", "</parameter>"):
        if key := _PARAMETER.match(parameter):
            said[key[1]] = parameter[key.end() :].strip()
    return Call(name[1] if name else None, said, sound=name is not None)


def mcp_call(text: str) -> Call:
    """Return the call in `<server_name>`, `<tool_name>` and `<arguments>`; unsound without a name or JSON arguments."""
    name, arguments = (
        next((said.strip() for said in between(text, f"<{tag}>", f"</{tag}>")), None)
        for tag in ("tool_name", "arguments")
    )
    said = parsed(arguments or "")
    return Call(name, said, sound=name is not None and isinstance(said, dict))


_WITHOUT_MARKS = re.compile(
    r"\bfunctions\.[\w.-]{1,64}:\d{1,4}\s{0,9}\{.*?(?:[}\]\"\w]\s{0,9}\}|\Z)|"  # Kimi's, whose tokens were dropped
    r'\{\s{0,9}"(?:name|tool|tool_name|action|function|function_name)"\s{0,9}:\s{0,9}"[^"\n]{1,64}"\s{0,9},'
    r'\s{0,9}"(?:arguments|parameters|args|action_input|tool_input|input)"\s{0,9}:.*?(?:[}\]"]\s{0,9}\}|\Z)',
    re.DOTALL,
)


def without_json_calls(text: str) -> str:
    """Return a text with blanks for the calls that it spells as JSON without any mark, a tool's name and its arguments."""
    return _WITHOUT_MARKS.sub(lambda call: " " * len(call[0]), text)


def plain_call(text: str) -> Call:
    """Return a query in plain words as a call; unsound where it is blank."""
    return Call(None, text, sound=bool(text.strip()))


def python_calls(text: str) -> Iterator[Call]:
    """Yield the calls in code whose only argument is a literal, such as `final_answer("Rome")`."""
    for name, key, literal in _PYTHON.findall(text):
        try:
            value = ast.literal_eval(literal)
        except (ValueError, SyntaxError):
            continue
        yield Call(name, {key or "answer": value})


RESTATES = "Calling tools:"


def restated_calls(text: str) -> list[Call]:
    """Return the calls of smolagents' `Calling tools:`, a list as Python prints it; none where it cannot be read.

    What the code of the same step says already, the call of its interpreter, is left out.
    """
    try:
        listed = ast.literal_eval(text.partition(RESTATES)[2].strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    functions = (
        [one.get("function") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    )
    return [
        Call(one["name"], one.get("arguments"))
        for one in functions
        if isinstance(one, dict) and isinstance(one.get("name"), str) and one["name"] != "python_interpreter"
    ]


_XML = (("<invoke", "</invoke>"), ("<function=", "</function>"))


def calls_apart(text: str) -> list[tuple[str, Call | None]]:
    """Return the calls of a stretch that may hold several: each as a text of its own, and read where it is XML or Python.

    They are inside marks of their own, JSON values or a list of them, or a list as Python writes it.
    """
    for opens, closes in _XML:
        if opens in text:
            calls = [opens + one + closes for one in between(text, opens, closes)]
            return [(one, xml_call(one)) for one in calls]
    if "<tool_call>" in text:
        return [(one, None) for one in between(text, "<tool_call>", "</tool_call>")]
    values = json_values(text)
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    return [(json_text(one), None) for one in values] or _python_list(text) or [(text, None)]


def _python_list(text: str) -> list[tuple[str, Call | None]]:
    """Return the calls of a list in Python; none where it is anything else."""
    try:
        listed = ast.parse(text.strip(), mode="eval").body
        calls = listed.elts if isinstance(listed, ast.List) else []
        return [(ast.unparse(one), _python_call(one)) for one in calls if isinstance(one, ast.Call)]
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []


def _python_call(call: ast.Call) -> Call:
    """Return a call with its named arguments: literals as their values, others as they were written."""
    return Call(ast.unparse(call.func), {one.arg or "": _literal(one.value) for one in call.keywords})


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast.unparse(value)


def named_call(name: str, rest: str) -> Call:
    """Return a call whose template writes its name apart from its arguments; unsound unless they are a JSON object."""
    said = parsed(rest.strip())
    return Call(name, said, sound=bool(name) and isinstance(said, Mapping))


def glm_call(text: str) -> Call:
    """Return the call in a name and `<arg_key>` with `<arg_value>`; the call in JSON where there is no key."""
    keys = [key.strip() for key in between(text, "<arg_key>", "</arg_key>")]
    values = [value.strip() for value in between(text, "<arg_value>", "</arg_value>")]
    name = text.partition("<arg_key>")[0].strip()
    return Call(name, dict(zip(keys, values, strict=False)), sound=bool(name)) if keys else json_call(text)


# Where a finishing tool is called with several arguments, these say which is the answer; most telling first.
_ANSWERING = (
    "answer",
    "final_answer",
    "final_thought",
    "result",
    "response",
    "output",
    "message",
    "text",
    "value",
    "content",
)


def _finishes(name: str, tools: tuple[str, ...]) -> bool:
    return name in tools or name.lower() in tools


def answer_in(call: Call | None, tools: tuple[str, ...]) -> str | None:
    """Return the answer that a call of a finishing tool gives; None where it calls another tool."""
    if call is None or call.name is None or not _finishes(call.name.rpartition(".")[2], tools):
        return None
    said = call.arguments
    if not isinstance(said, Mapping):
        return json_text(said or "")
    named = next((said[key] for key in _ANSWERING if said.get(key)), None)
    given = next(iter(said.values()), "") if named is None else named
    return answer_in(Call(call.name, given), tools) if isinstance(given, Mapping) else json_text(given)
