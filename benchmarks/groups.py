"""Calls of a given size, made of real transcripts: about 16 % of the bytes are thoughts, the rest tool responses."""

import json
import random
from typing import Any

from benchmarks.data import webdancer
from reward_service.types import SegmentKind

THOUGHTS = 0.16
NAMES = ("Maria Kowalczyk", "The Silent Orchard", "Battle of Kazimierz Dolny", "Viktor Lindqvist", "Blue Heron Corporation",
         "University of Western Pomerania", "Elena Okonkwo", "Great Northern Railway")  # fmt: skip


def _texts(kind: SegmentKind, *, ascii_only: bool) -> str:
    text = "\n".join(s.text for steps in webdancer() for s in steps if s.kind is kind)
    return text.encode("ascii", "ignore").decode() if ascii_only else text


class Cutter:
    """Hands out consecutive pieces of a text, round and round."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at % len(text)

    def piece(self, size: int) -> str:
        """Return the next piece."""
        if self._at + size > len(self._text):
            self._at = 0
        self._at += size
        return self._text[self._at - size : self._at]


def call(
    size: int, *, rollouts: int = 16, seed: int = 7, ascii_only: bool = False, shape: str = "messages"
) -> bytes:
    """Return a body of POST /v1/groups/score with one group, of about `size` bytes."""
    rng = random.Random(seed)
    turns = max(1, round(size / rollouts / 4400))  # 15 turns in a 1 MB group of 16
    thought, observed = (int(size * share / rollouts / turns * 0.93) for share in (THOUGHTS, 1 - THOUGHTS))
    thoughts, pages = (
        Cutter(_texts(kind, ascii_only=ascii_only), rng.randrange(10**9))
        for kind in (SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE)
    )
    members = []
    for number in range(rollouts):
        steps = []
        for turn in range(turns):
            named = f" {rng.choice(NAMES)}" if turn % 4 == 0 else ""
            steps.append((thoughts.piece(thought) + named, pages.piece(observed)))
        members.append({"rollout_id": str(number), "outcome": "wrong", shape: _source(steps, shape)})
    group = {"group_id": "g", "question": {"text": "Who was it?", "entities": [{"name": n} for n in NAMES]}}
    return json.dumps(
        {"profile": "egrpo", "groups": [group | {"rollouts": members}]}, ensure_ascii=False
    ).encode()


def _source(steps: list[tuple[str, str]], shape: str) -> Any:
    if shape == "text":
        return "".join(
            f"<think>{a}</think><tool_call>{{}}</tool_call><tool_response>{b}</tool_response>"
            for a, b in steps
        )
    out: list[dict[str, Any]] = []
    for thought, page in steps:
        if shape == "steps":
            out += [{"type": "thought", "text": thought}, {"type": "tool_response", "text": page}]
        else:
            arguments = {"function": {"name": "search", "arguments": '{"query": "who"}'}}
            out.append(
                {"role": "assistant", "content": f"<think>{thought}</think>", "tool_calls": [arguments]}
            )
            out.append({"role": "tool", "content": page})
    return out
