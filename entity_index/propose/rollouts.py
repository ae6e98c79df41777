"""Names that correct rollouts of a question found and wrong ones did not.

A rollout found a name if it wrote it in a thought after a tool response had it. Of N rollouts that found it, S were correct:

    confidence = (S + ½) / (N + 1)          (FactAgent, arXiv:2609.00833, with ε = ½)

Names that no correct rollout found are not proposed. The logs of a first run with GRPO are enough; a question that was never
answered correctly gives none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from entity_index.propose.values import Finder, Material, Proposal, Reason, Told, padded, plainly, quote

PRIOR = 0.5
MOST_EVIDENCE = 3


def propose(material: Material) -> Sequence[Proposal]:
    """Return names that correct rollouts found, the most telling first."""
    finders: dict[str, list[tuple[Told, str, str]]] = defaultdict(list)
    for rollout in material.rollouts:
        for plain, (name, text) in _found(rollout, material.find).items():
            finders[plain].append((rollout, name, text))
    proposals = [
        _proposal(found)
        for found in finders.values()
        if any(rollout.correct for rollout, _, _ in found) and material.allows(found[0][1])
    ]
    return sorted(proposals, key=lambda one: (-one.confidence, one.name))


def _proposal(found: Sequence[tuple[Told, str, str]]) -> Proposal:
    correct = sum(rollout.correct for rollout, _, _ in found)
    spelt = Counter(name for _, name, _ in found)
    name = max(spelt, key=lambda one: (spelt[one], one))
    evidence = [
        Reason("rollouts", rollout.rollout_id, quote(text, own))
        for rollout, own, text in found
        if rollout.correct
    ]
    return Proposal(name, (correct + PRIOR) / (len(found) + 2 * PRIOR), tuple(evidence[:MOST_EVIDENCE]))


def _found(rollout: Told, find: Finder) -> dict[str, tuple[str, str]]:
    """Return the names that a rollout found, by their plain form: the spelling, and the thought it is in."""
    found: dict[str, tuple[str, str]] = {}
    for name, text in _grounded(rollout, find):
        found.setdefault(plainly(name), (name, text))
    return found


def _grounded(rollout: Told, find: Finder) -> Iterator[tuple[str, str]]:
    read = ""
    for is_thought, text in rollout.steps:
        if is_thought:
            yield from ((name, text) for name in find(text) if plainly(name) in read)
        else:
            read += padded(text)
