"""One rollout written down in every format there is, the ways trainers send it included."""

import json
from dataclasses import dataclass, field

from reward_service.core.trajectory import tool_call_text
from reward_service.core.types import Messages, Segment, SegmentKind, Steps, Text

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER


@dataclass(frozen=True)
class Story:
    """What happened: turns of thought, query and page, then a last thought and the answer."""

    turns: list[tuple[str, str, str]] = field(default_factory=list)
    thought: str = ""
    answer: str = ""

    @property
    def thoughts(self):
        return [*(thought for thought, _, _ in self.turns), self.thought]

    @property
    def pages(self):
        return [page for _, _, page in self.turns]


def call(query):
    return json.dumps({"name": "search", "arguments": {"query": query}})


def between_tags(story, *, search, page):
    turns = "".join(
        f"<think>{t}</think>\n{search[0]}{q}{search[1]}\n{page[0]}{p}{page[1]}\n" for t, q, p in story.turns
    )
    return f"{turns}<think>{story.thought}</think>\n<answer>{story.answer}</answer>"


def tagged(story):
    return Text(
        between_tags(
            story, search=("<tool_call>", "</tool_call>"), page=("<tool_response>", "</tool_response>")
        )
    )


def search_r1(story):
    tags = {"search": ("<search>", "</search>"), "page": ("<information>", "</information>")}
    return Text(between_tags(story, **tags), "search_r1")


def r1_searcher(story):
    turns = "".join(
        f"{t}<|begin_of_query|>{q}<|end_of_query|>\n<|begin_of_documents|>{p}<|end_of_documents|>"
        for t, q, p in story.turns
    )
    return Text(f"<think>{turns}{story.thought}</think><answer>{story.answer}</answer>", "r1_searcher")


def chat(story, *, role="user"):
    """The rollout as chat messages: pages in user turns, or of a role of their own."""
    messages = []
    for t, q, p in story.turns:
        page = f"<tool_response>\n{p}\n</tool_response>" if role == "user" else p
        messages.append(
            {"role": "assistant", "content": f"<think>{t}</think>\n<tool_call>{call(q)}</tool_call>"}
        )
        messages.append({"role": role, "content": page})
    last = f"<think>{story.thought}</think>\n<answer>{story.answer}</answer>"
    return [*messages, {"role": "assistant", "content": last}]


def messages(story):
    return Messages(tuple(chat(story)))


def native_messages(story):
    """As an API with reasoning and tool calls of their own returns it."""
    turns = []
    for t, q, p in story.turns:
        calls = [{"type": "function", "function": {"name": "search", "arguments": q}}]
        turns.append({"role": "assistant", "content": None, "reasoning_content": t, "tool_calls": calls})
        turns.append({"role": "tool", "content": p})
    last = {"role": "assistant", "reasoning_content": story.thought, "content": story.answer}
    return Messages((*turns, last))


def chatml_text(turns):
    """Chat messages as a Qwen template writes them, from inside the first assistant turn on."""
    written = "".join(f"<|im_start|>{one['role']}\n{one['content']}<|im_end|>\n" for one in turns)
    return written.removeprefix("<|im_start|>assistant\n")


def chatml(story):
    return Text(chatml_text(chat(story)), "chatml")


def chatml_tool_role(story):
    return Text(chatml_text(chat(story, role="tool")), "chatml")


def role_lines(story):
    dropped = chatml_text(chat(story)).replace("<|im_start|>", "").replace("<|im_end|>", "")
    return Text(dropped, "role_lines")


def react_numbered(story):
    turns = "".join(
        f"Thought {n}: {t}\nAction {n}: Search[{q}]\nObservation {n}: {p}\n"
        for n, (t, q, p) in enumerate(story.turns, start=1)
    )
    last = len(story.turns) + 1
    return Text(f"{turns}Thought {last}: {story.thought}\nAction {last}: Finish[{story.answer}]", "react")


def react_plain(story):
    turns = "".join(
        f"Thought: {t}\nAction: search\nAction Input: {q}\nObservation: {p}\n" for t, q, p in story.turns
    )
    return Text(f"{turns}Thought: {story.thought}\nFinal Answer: {story.answer}", "react")


def steps(story):
    cut = [
        segment
        for t, q, p in story.turns
        for segment in (Segment(T, t), Segment(C, tool_call_text("search", q)), Segment(R, p))
    ]
    return Steps((*cut, Segment(T, story.thought), Segment(A, story.answer)))


# How a rollout is written, and what ends a page in it: a page that holds that can speak for the policy.
WAYS = {
    tagged: ["</tool_response>"],
    search_r1: ["</information>"],
    r1_searcher: ["<|end_of_documents|>"],
    messages: [],
    native_messages: [],
    chatml: ["<|im_end|>"],
    chatml_tool_role: ["<|im_end|>"],
    role_lines: ["</tool_response>"],
    react_numbered: [],
    react_plain: ["\nThought:", "\nAction:", "\nAction Input:", "\nFinal Answer:", "\nQuestion:"],
    steps: [],
}
