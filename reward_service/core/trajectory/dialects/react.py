"""ReAct text (arXiv:2210.03629): `Thought:`, `Action:`, `Observation:`, `Final Answer:` at the start of a line.

Rules:

- a block lasts until the next label; an `Action Input` belongs to the action before it; `Action: Finish[x]` is the answer,
  and so are a JSON action named `Final Answer` and, as LlamaIndex writes it, what follows `Answer:` in a thought that no label
  follows;
- text before the first label is a thought whose label is in the prompt, if an action or the answer follows;
- where the first label is written in bold, in another case or with another colon, the others may be too; else they are spelled as
  above;
- where the labels are numbered, only the next number is a label: `Thought 3:` on a page that call 1 returned is not.

Nothing closes an observation but the next label, so a page that has one at the start of a line can speak for the policy
in unnumbered text: send such rollouts as messages or steps.
"""

import re
from collections.abc import Iterator

from reward_service.core.trajectory.calls import json_text, parsed, plain_call
from reward_service.core.trajectory.dialects.table import Dialect
from reward_service.core.trajectory.dialects.tagged import THINK
from reward_service.core.trajectory.marks import Marks, scan_blocks
from reward_service.core.trajectory.values import Block, Call
from reward_service.core.types import SegmentKind

KINDS: dict[str, SegmentKind | None] = {
    "Question": None,
    "Thought": SegmentKind.THOUGHT,
    "Action": SegmentKind.TOOL_CALL,
    "Action Input": SegmentKind.TOOL_CALL,
    "Observation": SegmentKind.TOOL_RESPONSE,
    "Final Answer": SegmentKind.ANSWER,
}
CONTINUES_A_THOUGHT = ("Action", "Final Answer")
_NAMES = "Question|Thought|Action Input|Action|Observation|Final Answer"
_LABEL = re.compile(rf"^({_NAMES})(?: (\d{{1,6}}))?:", re.MULTILINE)
# `**Thought:**`, `### thought:`, `**Thought 1**:`, `Thought :`, `Thought：`
_STYLED = re.compile(
    rf"^[ \t]*(?:[#>-]{{1,6}}[ \t]*)?[*_]{{0,3}}({_NAMES})(?: (\d{{1,6}}))?[*_]{{0,3}}[ \t]{{0,9}}[:：][*_]{{0,3}}",  # full-width colon
    re.MULTILINE | re.IGNORECASE,
)
_ANSWER = re.compile(r"^[ \t]*[*_]{0,3}Answer[*_]{0,3}[ \t]{0,9}[:：][*_]{0,3}", re.MULTILINE | re.IGNORECASE)
_FINISH = re.compile(r"\s*finish\[(.*)\]\s*", re.IGNORECASE | re.DOTALL)


def _name(label: re.Match[str]) -> str:
    return label[1].title()


def _labels(text: str) -> list[re.Match[str]]:
    """Return the labels that are meant; of numbered ones those that go on counting."""
    first, styled = _LABEL.search(text), _STYLED.search(text)
    is_styled = styled is not None and (first is None or styled.start() < first.start())
    found = list((_STYLED if is_styled else _LABEL).finditer(text))
    if not found or found[0][2] is None:
        return [label for label in found if label[2] is None]
    return list(_counting(found))


def _counting(found: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Yield labels in the order thought, action, observation of one number, then of the next; an answer needs none."""
    number, seen = int(found[0][2]), ""
    for label in found:
        name = _name(label)
        if label[2] is None:
            wanted = name == "Final Answer" and seen != "Observation"
        elif seen == "Observation":
            wanted = int(label[2]) == number + 1 and name != "Observation"
        else:
            wanted = int(label[2]) == number
        if wanted:
            number, seen = int(label[2] or number), name
            yield label


def react_blocks(text: str, *, in_thought: bool = False) -> Iterator[Block]:
    """Cut ReAct text into blocks, in order, losing the labels."""
    labels = _labels(text)
    names = [_name(label) for label in labels]
    ends = [*(label.start() for label in labels), len(text)]
    before = text[: ends[0]]
    if "think" in before and ("<think" in before or "</think" in before):
        yield from scan_blocks(before, REACT.marks, in_thought=in_thought)
    elif before.strip():
        continues = bool(names) and (in_thought or names[0] in CONTINUES_A_THOUGHT)
        yield Block(SegmentKind.THOUGHT if continues else None, before)
    tool = ""
    for label, name, end, follows in zip(labels, names, ends[1:], [*names, ""][1:], strict=True):
        said = text[label.end() : end]
        if name == "Observation" and not follows and not said.strip():
            continue
        if name == "Action" and follows == "Action Input":
            tool = said.strip()
        elif tool:
            yield Block(
                SegmentKind.TOOL_CALL, f"{tool} {said.strip()}", call=Call(tool, parsed(said.strip()))
            )
            tool = ""
        elif name == "Thought" and not follows and (answer := _ANSWER.search(said)):
            yield _block(name, said[: answer.start()], label.end())
            yield _block("Final Answer", said[answer.end() :], label.end() + answer.end())
        else:
            yield _block(name, said, label.end())


def _block(name: str, said: str, at: int) -> Block:
    if name != "Action":
        return Block(KINDS[name], said, at=at)
    finish, call = _FINISH.fullmatch(said), _json_action(said)
    if finish:
        return Block(SegmentKind.ANSWER, finish[1], at=at)
    if call is not None and call.name == "Final Answer":
        return Block(SegmentKind.ANSWER, json_text(call.arguments), at=at)
    return Block(SegmentKind.TOOL_CALL, said, at=at, call=call)


def _json_action(said: str) -> Call | None:
    """Read the JSON blob, perhaps in a fence, in which LangChain's structured chat agent writes its action."""
    blob = parsed(said.strip().removeprefix("```").removeprefix("json").removesuffix("```").strip())
    if not isinstance(blob, dict) or not isinstance(name := blob.get("action"), str):
        return None
    return Call(name, blob.get("action_input", ""))


def observation(text: str) -> str | None:
    """Return what an `Observation:` of the environment says; None where the text begins with no such label."""
    label = _STYLED.match(text.lstrip())
    return text.lstrip()[label.end() :] if label and _name(label) == "Observation" else None


def react_call(text: str) -> Call:
    """Return the call in `search[words]`, or in words; unsound where it is blank."""
    name, bracket, rest = text.strip().partition("[")
    if bracket and name.replace("_", "").isalnum():
        return Call(name, rest.removesuffix("]"), sound=True)
    return plain_call(text)


REACT = Dialect(
    Marks(THINK),
    labels=react_blocks,
    read_call=react_call,
    bad_call="tool call is empty",
    response_label=observation,
    user_answers=True,
)
