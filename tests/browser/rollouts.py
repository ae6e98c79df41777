"""A small run to look at: three steps, four questions, scripts of all kinds, and text that would be markup."""

import json

EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'
QUESTIONS = {
    "latin": ("Who commanded the ship?", ["Robert FitzRoy"], ["HMS Beagle", "Charles Darwin"]),
    "mixed": ("Which words?", ["ok"], ["北京大学", "جامعة القاهرة", "Łódź"]),
    "evil": (f"What is {EVIL}?", ["x"], ["Zanderheim <b>", "Quillock"]),
    "bare": ("No entities here?", ["yes"], []),
}
THOUGHTS = {
    "latin": [
        "Charles Darwin sailed on HMS Beagle.",
        "Perhaps Charles Darwin.",
        "Nothing yet.",
        "HMS Beagle it was.",
    ],
    "mixed": [
        "😀 他在 北京大学 读书。",
        "درس في جامعة القاهرة ثم عاد",
        "👩‍👩‍👧 In Łódź 😀 they met.",
        "None.",
    ],
    "evil": [f"{EVIL} Quillock", "Quillock", "Nobody", "Zanderheim <b> was there"],
    "bare": ["I know.", "I guess.", "Maybe.", "No."],
}
RESPONSES = {"latin": "HMS Beagle sailed under Robert FitzRoy. " * 30, "evil": EVIL}


def rollouts():
    """Yield the lines."""
    for step in (1, 2, 3):
        for name, (question, answers, entities) in QUESTIONS.items():
            for n, thought in enumerate(THOUGHTS[name]):
                answer = answers[0] if n < step else "no idea"
                text = (
                    f"<think>{thought}</think>"
                    '<tool_call>{"name": "search", "arguments": {"query": ["q"]}}</tool_call>'
                    f"<tool_response>{RESPONSES.get(name, 'Nothing found.')}</tool_response>"
                    f"<answer>{answer}</answer>"
                )
                yield {
                    "group_id": f"{name}-{step}",
                    "rollout_id": str(n),
                    "step": step,
                    "question": question,
                    "answers": answers,
                    "entities": entities,
                    "text": text,
                    **({"outcome": "wrong"} if (name, n, step) == ("latin", 0, 1) else {}),
                }


def write_rollouts(path, lines=None):
    """Write lines to a file; returns it."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines or rollouts()), encoding="utf-8")
    return path
