"""Calls and rollouts that several suites speak about."""

import json
from copy import deepcopy
from pathlib import Path

GOLDEN = json.loads((Path(__file__).parent / "golden" / "cases" / "egrpo.json").read_text(encoding="utf-8"))

EXAMPLE = {
    "profile": "egrpo-paper",
    "explain": False,
    "groups": [
        {
            "run_id": "r",
            "group_id": "g1",
            "question": {
                "text": "Who?",
                "answers": ["x"],
                "entities": [{"name": "Zanderheim"}, {"name": "Quillock"}],
            },
            "rollouts": [
                {
                    "rollout_id": "0",
                    "outcome": "correct",
                    "steps": [{"type": "thought", "text": "I found Zanderheim and Quillock."}],
                },
                {
                    "rollout_id": "1",
                    "outcome": "wrong",
                    "steps": [{"type": "thought", "text": "Nothing yet."}],
                },
                {
                    "rollout_id": "2",
                    "outcome": "wrong",
                    "steps": [{"type": "thought", "text": "Perhaps Quillock."}],
                },
            ],
        }
    ],
}


def example(**changes):
    return deepcopy(EXAMPLE) | changes


def thinking(rollout_id, text, **more):
    return {"rollout_id": rollout_id, "steps": [{"type": "thought", "text": text}], **more}
