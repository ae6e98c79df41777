"""What a language model says a solver must find, as far as a passage says it too.

The model is given the question, its answers and numbered passages, and lists names with the number of a passage each. A name that
is not in the passage it points to is refused, so nothing is taken from the model's memory. How the model is reached is the
caller's business: `prompt` goes out, `proposals` reads what comes back.
"""

import json
import re
from collections.abc import Iterator, Sequence

from entity_index.propose.values import Material, Passage, Proposal, Reason, padded, plainly, quote

CONFIDENCE = 0.8
"""Of a name that a model lists and a passage confirms; `entity-index report` against reviewed questions says what yours deserves."""
PASSAGE_CHARS = 1200
MOST_PASSAGES = 8
ARRAY = re.compile(r"\[.*\]", re.DOTALL)
ASKED = """\
A search agent has to answer a question by finding facts step by step. List the named things (people, places, works, organisations,
events) that it must discover on the way. Leave out what the question already names, and the answer itself. Take names only from the
passages, spelt as they are there.

Question: {question}
Answer: {answer}

{passages}

Reply with a JSON array and nothing else: [{{"name": "...", "passage": 1, "aliases": ["..."]}}]. Reply [] if there are none."""


def prompt(material: Material) -> str:
    """Return what a model is asked about one question."""
    passages = (
        f"[{n}] {passage.title}\n{passage.text[:PASSAGE_CHARS]}"
        for n, passage in enumerate(_shown(material), start=1)
    )
    answer = "; ".join(material.question.answers)
    return ASKED.format(question=material.question.text, answer=answer, passages="\n\n".join(passages))


def proposals(reply: str, material: Material) -> Sequence[Proposal]:
    """Return the names of a reply that their passage confirms.

    Raises:
        ValueError: the reply holds no JSON array.
    """
    held = ARRAY.search(reply)
    if held is None:
        raise ValueError("the reply holds no JSON array")
    listed = json.loads(held[0])
    return [one for item in listed for one in _confirmed(item, material)]


def _confirmed(item: object, material: Material) -> Iterator[Proposal]:
    match item:
        case {"name": str(name), "passage": int(number), **rest} if 1 <= number <= len(_shown(material)):
            passage = material.passages[number - 1]
            text = padded(f"{passage.title}\n{passage.text}")
            if plainly(name) in text and material.allows(name):
                spelt = rest.get("aliases")
                aliases = (
                    [alias for alias in spelt if isinstance(alias, str)] if isinstance(spelt, list) else []
                )
                yield Proposal(
                    name,
                    CONFIDENCE,
                    (Reason("judge", passage.title, quote(passage.text, name)),),
                    tuple((alias, "judge") for alias in aliases if plainly(alias) in text),
                )


def _shown(material: Material) -> tuple[Passage, ...]:
    return material.passages[:MOST_PASSAGES]
