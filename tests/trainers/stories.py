"""Rollouts of a made-up search agent, and their question."""

import json
import random

ENTITIES = ["Zanderheim", "Quillock", "Port Averill", "Marrow Keep"]
QUESTION = {"text": "Who?", "answers": ["Osgrave"], "entities": [{"name": name} for name in ENTITIES]}
CALL = json.dumps({"name": "search", "arguments": {"query": ["x"]}})


def text(rng, *, special=True):
    """One rollout, with a page that names every entity: from the first assistant turn on, in ChatML."""
    named = rng.sample(ENTITIES, rng.randint(0, 4))
    answer = "Osgrave" if rng.random() < 0.2 else "nobody"
    page = f"All of them: {', '.join(ENTITIES)}."
    start, end = ("<|im_start|>", "<|im_end|>") if special else ("", "")
    return (
        f"<think>I look.</think>\n<tool_call>\n{CALL}\n</tool_call>{end}\n{start}user\n"
        f"<tool_response>\n{page}\n</tool_response>{end}\n{start}assistant\n"
        f"<think>I read of {' and '.join(named) or 'nobody'}.</think>\n<answer>{answer}</answer>{end}"
    )


def groups_of(count, size, seed=0):
    """Groups of rollouts, as texts."""
    rng = random.Random(seed)
    return [[text(rng) for _ in range(size)] for _ in range(count)]


def group_of(number, texts, question, form="chatml"):
    """A group for the call that takes whole groups."""
    rollouts = [{"rollout_id": str(n), "text": one, "format": form} for n, one in enumerate(texts)]
    return {"group_id": f"whole{number}", "question": question, "rollouts": rollouts}


def turns_of(text):
    """A rollout as pieces: what the policy wrote and what it was shown, without the marks around them."""
    bare = text.replace("<|im_end|>", "")
    first, _, rest = bare.partition("\n<|im_start|>user\n")
    page, _, last = rest.partition("\n<|im_start|>assistant\n")
    return [(first, True), (page, False), (last, True)]


def messages_of(text):
    """The same as a conversation."""
    said = [{"role": "assistant" if is_own else "tool", "content": piece} for piece, is_own in turns_of(text)]
    return [{"role": "user", "content": "Who?"}, *said]


def outcomes_of(texts):
    """What rollouts are paid alone."""
    return [float("<answer>Osgrave" in text) for text in texts]
