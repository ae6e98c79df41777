"""ReAct text (arXiv:2210.03629) -> blocks: `Thought:`, `Action:`, `Observation:`, `Final Answer:` at the start of a line.

Rules:

- a block lasts until the next label; an `Action Input` belongs to the action before it; `Action: Finish[x]` is the answer;
- text before the first label is a thought whose label stands in the prompt, if an action or the answer follows;
- where the labels are numbered, only the next number is a label: `Thought 3:` on a page that call 1 returned is not.

Nothing closes an observation but the next label, so a page that has one at the start of a line can speak for the policy
in unnumbered text: send such rollouts as messages or steps.
"""

import re
from collections.abc import Iterator

from reward_service.core.trajectory.tagged import Block
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
_LABEL = re.compile(
    r"^(Question|Thought|Action Input|Action|Observation|Final Answer)(?: (\d{1,6}))?:", re.MULTILINE
)
_FINISH = re.compile(r"\s*finish\[(.*)\]\s*", re.IGNORECASE | re.DOTALL)


def _labels(text: str) -> list[re.Match[str]]:
    """Return the labels that are meant; of numbered ones those that go on counting."""
    found = list(_LABEL.finditer(text))
    if not found or found[0][2] is None:
        return [label for label in found if label[2] is None]
    return list(_counting(found))


def _counting(found: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Yield labels in the order thought, action, observation of one number, then of the next; an answer needs none."""
    number, seen = int(found[0][2]), ""
    for label in found:
        name = label[1]
        if label[2] is None:
            wanted = name == "Final Answer" and seen != "Observation"
        elif seen == "Observation":
            wanted = int(label[2]) == number + 1 and name != "Observation"
        else:
            wanted = int(label[2]) == number
        if wanted:
            number, seen = int(label[2] or number), name
            yield label


def react_blocks(text: str) -> Iterator[Block]:
    """Cut ReAct text into blocks, in order, losing the labels."""
    labels = _labels(text)
    names = [label[1] for label in labels]
    ends = [*(label.start() for label in labels), len(text)]
    before = text[: ends[0]]
    if before.strip():
        continues = bool(names) and names[0] in CONTINUES_A_THOUGHT
        yield Block(SegmentKind.THOUGHT if continues else None, before)
    tool = ""
    for label, end, follows in zip(labels, ends[1:], [*names, ""][1:], strict=True):
        said = text[label.end() : end]
        if label[1] == "Action" and follows == "Action Input":
            tool = said.strip()
        else:
            yield _block(label[1], f"{tool} {said.strip()}" if tool else said)
            tool = ""


def _block(name: str, said: str) -> Block:
    finish = _FINISH.fullmatch(said) if name == "Action" else None
    return Block(SegmentKind.ANSWER, finish[1]) if finish else Block(KINDS[name], said)
