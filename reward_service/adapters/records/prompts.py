"""Which question a prompt asks.

A prompt is messages, or one string in a chat template or without one. The question is what its last user turn asks, behind
`Question:` or `User:` where the turn says so. A join by text does not need it to be cut to the letter.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

_TURNS = (
    re.compile(r"<\|im_start\|>user\n(.*?)(?:<\|im_end\|>|\Z)", re.DOTALL),
    re.compile(r"<\|start_header_id\|>user<\|end_header_id\|>\s*(.*?)(?:<\|eot_id\|>|\Z)", re.DOTALL),
    re.compile(r"<start_of_turn>user\n(.*?)(?:<end_of_turn>|\Z)", re.DOTALL),
    re.compile(r"<\|start\|>user<\|message\|>(.*?)(?:<\|end\|>|\Z)", re.DOTALL),
    re.compile(r"<\|im_user\|>user<\|im_middle\|>(.*?)(?:<\|im_end\|>|\Z)", re.DOTALL),
    re.compile(r"<｜User｜>(.*?)(?:<｜Assistant｜>|\Z)", re.DOTALL),
    re.compile(r"<\|user\|>\s*(.*?)(?:<\|(?:assistant|system|observation)\|>|\Z)", re.DOTALL),
    re.compile(r"\[INST\](.*?)(?:\[/INST\]|\Z)", re.DOTALL),
    re.compile(r"^user\n(.*?)(?=^assistant\s*$|\Z)", re.DOTALL | re.MULTILINE),
)
_ENVELOPES = ("data", "kwargs", "args", "llm_message", "message", "raw_item", "content")
_ASKED = re.compile(r"(?:^|\s)(?:Question|User|Query|Problem)\s*:\s*(?=\S)", re.IGNORECASE)


def question_in(prompt: Any) -> str | None:
    """Return what a prompt asks; None where it asks nothing."""
    said = last_user_turn(prompt)
    if said is None:
        return None
    asked = _ASKED.split(said)[-1].strip()
    return asked or said.strip() or None


def last_user_turn(prompt: Any) -> str | None:
    """Return the text of the last user turn of a prompt; of a string in no template, all of it."""
    if isinstance(prompt, str):
        turns = (found[-1] for turn in _TURNS if (found := turn.findall(prompt)))
        return next(turns, prompt)
    said = [text_of(one) for one in _messages(prompt) if _is_user(one)]
    return said[-1] if said else None


def first_user_turn(messages: Any) -> str | None:
    """Return the text of the first user turn of a whole conversation, whose later ones may be the environment's."""
    turns = map(_opened, _messages(messages))
    return next((text_of(one) for one in turns if _is_user(one)), None)


def _opened(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a turn out of the envelope of a framework; the task of smolagents and a prompt of Pydantic AI are a user's turns."""
    if isinstance(turn.get("task"), str):
        return {"role": "user", "content": turn["task"]}
    asked = [one for one in _messages(turn.get("parts")) if one.get("part_kind") == "user-prompt"]
    if asked:
        return {"role": "user", "content": asked[0].get("content")}
    key = next((key for key in _ENVELOPES if isinstance(turn.get(key), Mapping)), None)
    return turn if key is None else {**{name: one for name, one in turn.items() if name != key}, **turn[key]}


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, in any of the ways in which systems write it."""
    said = next(
        (message[key] for key in ("content", "value", "message", "text", "parts") if message.get(key)), ""
    )
    if isinstance(said, str):
        return said
    parts = [said] if isinstance(said, Mapping) else said if isinstance(said, Sequence) else ()
    texts = [one.get("text") or one.get("content") if isinstance(one, Mapping) else one for one in parts]
    return "\n".join(one for one in texts if isinstance(one, str))


def _messages(said: Any) -> list[Mapping[str, Any]]:
    return [one for one in said if isinstance(one, Mapping)] if isinstance(said, list | tuple) else []


def _is_user(message: Mapping[str, Any]) -> bool:
    speaker = next((message[key] for key in ("role", "from", "source", "type") if message.get(key)), "")
    return str(speaker).lower() in {"user", "human", "humanmessage"} and bool(text_of(message).strip())


def folded(text: str) -> str:
    """Return a text as questions are compared: case, width and white space do not matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
