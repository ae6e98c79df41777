"""What a turn means: a thought and one search, or a thought and the answer. And how a rollout is written down.

The text is the tagged one of the paper's grammar (`websailor`): `<think>..</think><tool_call>..</tool_call>`
`<tool_response>..</tool_response>` again and again, then `<think>..</think><answer>..</answer>`. Whether a turn that is
no search was a sound answer is not decided here: the service reads the text and says.
"""

import json
import re
from collections.abc import Sequence

STOPS = ("</tool_call>", "</answer>")
SYSTEM = """\
Answer the question by searching. In each turn, think inside <think> and </think>, naming what you have found so far; \
then either make one search, <tool_call>{"name": "search", "arguments": {"query": "..."}}</tool_call>, \
or give the answer, <answer>...</answer>, as short as it can be. Search results come inside <tool_response>."""
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>\s*\Z", re.DOTALL)
_THOUGHT = re.compile(r"<think>(.*?)</think>", re.DOTALL)


def query_of(turn: str) -> str | None:
    """Return what a turn searches for; None where it makes no sound call, so that the rollout ends with it."""
    found = _CALL.search(turn)
    if found is None:
        return None
    try:
        call = json.loads(found[1])
    except (ValueError, RecursionError):
        return None
    arguments = call.get("arguments") if isinstance(call, dict) and call.get("name") == "search" else None
    query = arguments.get("query") if isinstance(arguments, dict) else None
    return query.strip() if isinstance(query, str) and query.strip() else None


def search_turn(thought: str, query: str) -> str:
    """Write a turn that searches."""
    call = json.dumps({"name": "search", "arguments": {"query": query}})
    return f"<think>{thought}</think><tool_call>{call}</tool_call>"


def answer_turn(thought: str, answer: str) -> str:
    """Write a turn that answers."""
    return f"<think>{thought}</think><answer>{answer}</answer>"


def response_of(documents: Sequence[str]) -> str:
    """Write what a search returns, tags included."""
    found = "\n".join(documents) if documents else "nothing found"
    return f"<tool_response>\n{found}\n</tool_response>"


def thoughts(text: str) -> list[str]:
    """Return the closed thoughts of a rollout."""
    return _THOUGHT.findall(text)
