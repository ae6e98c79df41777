"""Calls of a given size, made of real transcripts: about 16 % of the bytes are thoughts, the rest tool responses."""

import json
import random
from typing import Any

from benchmarks.data import webdancer
from reward_service.core.types import SegmentKind

THOUGHTS = 0.16
# Twelve entities with two aliases each: the middle of what published data sets have.
ENTITIES = {
    name: aliases
    for name, *aliases in (
        ("Maria Kowalczyk", "Maria Anna Kowalczyk", "Marie Kowalczyk"),
        ("The Silent Orchard", "The Silent Orchard (1987 film)", "Cichy sad"),
        ("Battle of Kazimierz Dolny", "Kazimierz Dolny battle", "Siege of Kazimierz"),
        ("Viktor Lindqvist", "Viktor A. Lindqvist", "Lindqvist the Elder"),
        ("Blue Heron Corporation", "Blue Heron Corp.", "Blue Heron Holdings"),
        ("University of Western Pomerania", "Western Pomerania University", "Uniwersytet Zachodniopomorski"),
        ("Elena Okonkwo", "Elena Adaeze Okonkwo", "Helena Okonkwo"),
        ("Great Northern Railway", "Great Northern Line", "Northern Railway Company"),
        ("Marlborough, New Hampshire", "Marlborough NH", "Town of Marlborough"),
        ("Copa America 2007", "2007 Copa America", "Venezuela 2007"),
        ("Port Velmora", "Velmora Harbour", "Harbour of Velmora"),
        ("Ersatz Lake Observatory", "Lake Observatory", "Ersatz Observatory"),
    )
}
NAMES = tuple(ENTITIES)


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
    group = {
        "group_id": "g",
        "question": {
            "text": "Who was it?",
            "entities": [{"name": name, "aliases": aliases} for name, aliases in ENTITIES.items()],
        },
    }
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
