"""How good proposed entities are: against gold, as ground truth of recorded rollouts, and how fast they are found.

python -m benchmarks.entities [--quick]

Gold is what a data set's makers name: two page titles a question for HotpotQA, the ends of the triples for 2Wiki. Other names on the way
count as wrong here, so precision is a lower bound. Only gold that may be proposed counts: hidden, and no answer.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from benchmarks.data import LabelledRollout, fireact, rows
from benchmarks.report import Report
from entity_index.propose.corpus import Corpus, remembering
from entity_index.propose.names import names_in
from entity_index.propose.run import SOURCES, Plan, Proposed, RowShape, propose
from entity_index.propose.values import Material, Passage, Told, plainly
from entity_index.readers import SHAPES
from entity_index.readers.mapped import parse
from entity_index.readers.rows import read_rows, rows_of
from entity_index.types import Entity, Question
from reward_service.cli.proposals import AT_LEAST, MOST, forms
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure_group, reward
from reward_service.core.types import Outcome, PartialPolicy, Rollout, SegmentKind, Steps

Groups = list[tuple[Question, list[LabelledRollout]]]
HELD_OUT = "gpt-3.5-turbo-0613-ft (T=0.0)"
LOWER = 0.3


def told(rollouts: Iterable[LabelledRollout]) -> tuple[Told, ...]:
    """Return rollouts as the source `rollouts` takes them."""
    kinds = {SegmentKind.THOUGHT: True, SegmentKind.TOOL_RESPONSE: False}
    return tuple(
        Told(one.policy, one.correct, tuple((kinds[s.kind], s.text) for s in one.segments if s.kind in kinds))
        for one in rollouts
    )


def responses(groups: Groups) -> Corpus:
    """Return everything that the agents' tools said, as a corpus."""
    said = {
        s.text
        for _, them in groups
        for one in them
        for s in one.segments
        if s.kind is SegmentKind.TOOL_RESPONSE
    }
    return Corpus(Passage(text) for text in sorted(said) if text.strip())


def proposed(
    questions: Sequence[Question], plan: Plan, pages: Sequence[list[dict[str, str]]] = ()
) -> list[Proposed]:
    """Return the proposals for questions, whose own entities are not looked at unless the plan says `structure`."""
    reading = RowShape(lambda row: questions[int(str(row["at"]))])
    every: list[tuple[int, Any]] = list(zip_longest(range(len(questions)), pages, fillvalue=[]))  # type: ignore[arg-type]  # pages alone are filled
    found = propose(rows_of(((n, {"at": n, "pages": them}) for n, them in every), reading), reading, plan)
    return [one for one in found if isinstance(one, Proposed)]


def against_gold(
    questions: Sequence[Question], found: Sequence[Proposed], at_least: float
) -> tuple[str, ...]:
    """Return precision, recall and the share of questions with a right hidden entity, among those that have one."""
    right = taken = gold = covered = asked = 0
    for question, one in zip(questions, found, strict=True):
        material = Material(question)
        wanted = {plainly(entity.name) for entity in question.entities if material.allows(entity.name)}
        if not wanted:
            continue
        got = {plainly(entity.name) for entity in one.taken(at_least=at_least, most=MOST).entities}
        hits = len(wanted & got)
        right, taken, gold = right + hits, taken + len(got), gold + len(wanted)
        covered, asked = covered + (hits > 0), asked + 1
    precision = f"{right / taken:.1%}" if taken else "-"
    return str(asked), str(taken), precision, f"{right / max(1, gold):.1%}", f"{covered / max(1, asked):.1%}"


def scored(
    groups: Groups, entities: Callable[[Question], tuple[Entity, ...]], only: str = ""
) -> tuple[str, ...]:
    """Return what `egrpo` makes of the rollouts with other ground truth: correlation, groups with signal, mean reward of wrong."""
    profile = shipped()["egrpo"]
    named: list[float] = []
    correct: list[float] = []
    wrong: list[float] = []
    signal = 0
    for question, them in groups:
        kept = [one for one in them if not only or one.policy == only]
        rollouts = [
            Rollout(str(n), Steps(one.segments), outcome=Outcome.CORRECT if one.correct else Outcome.WRONG)
            for n, one in enumerate(kept)
        ]
        if not rollouts:
            continue
        facts = measure_group(rollouts, replace(question, entities=entities(question)), profile)
        result = reward(facts, profile, partial=PartialPolicy("survivors"))
        signal += any(one.advantage for one in result.rollouts)
        wrong += [one.reward or 0.0 for one in result.rollouts if one.outcome is Outcome.WRONG]
        if facts[0].entities:
            named += [(one.matched or 0) / one.entities for one in facts]
            correct += [float(one.outcome is Outcome.CORRECT) for one in facts]
    r = statistics.correlation(named, correct) if len(set(named)) > 1 else float("nan")
    return str(len(named)), f"{r:.3f}", str(signal), f"{statistics.fmean(wrong):.3f}"


def two_wiki() -> tuple[list[Question], list[tuple[Passage, ...]]]:
    """Return 2Wiki's questions, and the passages of each, written from its triples: a page for each subject."""
    questions, pages = [], []
    for row in rows("questions_2wiki_200/questions.jsonl"):
        said: dict[str, list[str]] = {}
        for subject, relation, object_ in row["evidences"]:
            said.setdefault(subject, []).append(f"The {relation} of {subject} is {object_}.")
        questions.append(SHAPES["2wiki"](row))
        pages.append(tuple(Passage(" ".join(them), title) for title, them in said.items()))
    return questions, pages


def plans(corpus: Corpus | None, groups: Groups = ()) -> Iterator[tuple[str, Plan]]:  # type: ignore[assignment]
    """Yield each source alone, and all that have something to look at."""
    rollouts = {question.text: told(them) for question, them in groups}
    base = Plan({}, forms, corpus=corpus, told=lambda q: rollouts.get(q.text, ()), find=remembering(names_in))
    chosen = [name for name, there in (("documents", corpus), ("rollouts", groups)) if there]
    for names in [*([name] for name in chosen), *([chosen] if len(chosen) > 1 else [])]:
        yield " + ".join(names), replace(base, sources={name: SOURCES[name] for name in names})


def speed(counts: tuple[int, ...], groups: Groups, corpus: Corpus) -> Iterator[tuple[str, ...]]:
    """Yield questions a second and the growth of memory, over questions streamed from a file that is ten times longer."""
    plan = next(plan for name, plan in plans(corpus) if name == "documents")
    line = [
        json.dumps({"id": "q", "question": question.text, "answers": list(question.answers)}).encode()
        for question, _ in groups
    ]
    for count in counts:
        reading = RowShape(SHAPES["jsonl"])
        start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        lines = (line[n % len(line)] for n in range(count))
        total = sum(1 for _ in propose(read_rows(lines, reading), reading, plan))
        took = time.process_time() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        yield f"{total:,}", f"{total / took:.0f}", f"{grown / 1024:.0f}"


def of_hotpot(groups: Groups, corpus: Corpus) -> Iterator[tuple[str, ...]]:
    """Yield what each source alone and both together are worth for HotpotQA, against its two titles a question."""
    questions = [question for question, _ in groups]
    for name, plan in plans(corpus, groups):
        yield from at_two_confidences("HotpotQA", name, questions, proposed(questions, plan))


def of_two_wiki() -> Iterator[tuple[str, ...]]:
    """Yield what structure, given pages and searched pages are worth for 2Wiki, against the ends of its triples."""
    questions, pages = two_wiki()
    searched = Corpus(dict.fromkeys(one for them in pages for one in them))
    given = [[{"title": one.title, "text": one.text} for one in them] for them in pages]
    base = Plan({}, forms, find=remembering(names_in))
    documents = {"documents": SOURCES["documents"]}
    ways = {
        "structure": replace(base, sources={"structure": SOURCES["structure"]}),
        "documents, its own pages given": replace(base, sources=documents, passages=[parse("pages")]),
        "documents, pages of all 200 questions searched": replace(base, sources=documents, corpus=searched),
    }
    for name, plan in ways.items():
        yield from at_two_confidences("2Wiki", name, questions, proposed(questions, plan, given))


def of_frames(corpus: Corpus) -> Iterator[tuple[str, ...]]:
    """Yield what a corpus that was collected for other questions does to FRAMES: what is taken there should be little."""
    questions = [SHAPES["frames"](row) for row in rows("questions_frames/questions.jsonl")]
    plan = Plan({"documents": SOURCES["documents"]}, forms, corpus=corpus, find=remembering(names_in))
    yield from at_two_confidences(
        "FRAMES", "documents, HotpotQA's corpus", questions, proposed(questions, plan)
    )


def at_two_confidences(
    data_set: str, name: str, questions: Sequence[Question], found: Sequence[Proposed]
) -> Iterator[tuple[str, ...]]:
    """Yield rows of the table against gold."""
    for at in (AT_LEAST, LOWER):
        yield data_set, name, f"{at}", *against_gold(questions, found, at)


def under_egrpo(groups: Groups, corpus: Corpus) -> Iterator[tuple[str, ...]]:
    """Yield what FireAct's rollouts get with gold and with proposed entities, also proposed from other policies' rollouts."""
    apart = [(q, [one for one in them if one.policy != HELD_OUT]) for q, them in groups]
    yield "gold", "all", *scored(groups, lambda q: q.entities)
    for name, plan in plans(corpus, groups):
        yield name, "all", *scored(groups, taken(groups, plan))
    for name, plan in plans(corpus, apart):
        if "rollouts" in name:
            yield f"{name}, of the other two policies", "one", *scored(groups, taken(apart, plan), HELD_OUT)
    yield "gold", "one", *scored(groups, lambda q: q.entities, HELD_OUT)


def taken(groups: Groups, plan: Plan) -> Callable[[Question], tuple[Entity, ...]]:
    """Return what gives a question the entities that are taken of its proposals."""
    found = proposed([question for question, _ in groups], plan)
    entities = {one.question.text: one.taken(at_least=AT_LEAST, most=MOST).entities for one in found}
    return lambda question: entities[question.text]


GOLD_TITLE = (
    "Against gold, hidden entities that are no answer. HotpotQA: 355 questions of FireAct, whose tool responses are the corpus. "
    "2Wiki: passages written from the triples, which are also its structure. FRAMES: no passages for it are at hand, so this is a "
    "control: in HotpotQA's corpus, which was not collected for it, nothing right can be expected"
)
GOLD_HEAD = (
    *("data set", "source", "at least", "questions", "taken"),
    *("precision", "recall", "questions with one right"),
)
SCORED_HEAD = (
    *("entities", "policies", "rollouts with entities"),
    *("correlation with correct", "groups with signal", "mean reward of wrong"),
)


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the speed test, nothing is kept")
    quick: bool = arguments.parse_args().quick
    groups = fireact()
    corpus = responses(groups)
    with Report("entities") as report:
        gold = [*of_hotpot(groups, corpus), *of_two_wiki(), *of_frames(corpus)]
        report.table(GOLD_TITLE, GOLD_HEAD, gold)
        report.table(
            "FireAct under egrpo, with other ground truth", SCORED_HEAD, list(under_egrpo(groups, corpus))
        )
        report.table(
            "Documents from a corpus of 1,485 passages, one process",
            ("questions", "questions per CPU second", "growth of memory, MiB"),
            list(speed((1_000, 10_000) if quick else (10_000, 100_000), groups, corpus)),
        )


if __name__ == "__main__":
    main()
