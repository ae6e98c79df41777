"""How right matching is, on labelled data.

    python -m benchmarks.quality [--before CHECKOUT]

Reads the data sets from REWARD_SERVICE_TEST_DATA, and answers with their verdicts from ANSWER_CASES. Nothing is sampled: a second run prints the same numbers.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import recorded
from benchmarks.data import DATA, fireact, rows, webdancer
from benchmarks.names import ablation, echoes, naming, respelled
from benchmarks.report import Report
from entity_index.types import Entity, Question
from reward_service.core.checkers import CHECKERS, Checker
from reward_service.core.matching import (
    Matching,
    MatchSpec,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.core.matching.characters import SEP
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.layout import Layout
from reward_service.core.matching.mentions import mentions_by_look
from reward_service.core.matching.regions import listed, pasted
from reward_service.core.matching.scan import Spans
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

CASES = Path(os.environ.get("ANSWER_CASES", DATA.parent / "cases"))
ALPHA = 0.3
SHORT_WORDS = 5
EGRPO, EGRPO_GUARDED, EGRPO_PAPER = (
    shipped()[name].measure.matching for name in ("egrpo", "egrpo-guarded", "egrpo-paper")
)
UNMASKED = replace(EGRPO, mask_question=False)
TYPES = {
    "Person": "person",
    "Company": "company",
    "Organization": "organization",
    "Vessel": "vessel",
    "LegalEntity": None,
}


def thought(text: str) -> Segment:
    return Segment(SegmentKind.THOUGHT, text)


def find(entity: Entity, text: str, spec: MatchSpec = UNMASKED) -> Matching:
    compiled = compile_question(Question("", (), (entity,)), spec)
    return match_group([[thought(text)]], compiled, explain=True, nearest=False)[0]


def cases(report: Report) -> None:
    """The 46 pairs a person judged."""
    found: list[tuple[str, str, str]] = []
    missed: list[tuple[str, str, str]] = []
    false = 0
    for case in rows("matching_cases/cases.jsonl"):
        result = find(Entity(case["entity"]), case["text"])
        if not case["a_person_counts_it"]:
            false += result.matched
        elif result.matched:
            found.append((case["note"], case["entity"], result.matches[0].channel))
        else:
            missed.append((case["note"], case["entity"], "missed"))
    report.say(f"matching_cases: {len(found)} of 24 found, {false} of 22 false.")
    report.table(
        "matching_cases, the 24 a person counts", ("what differs", "entity", "found as"), found + missed
    )


def _scores(verdicts: list[tuple[bool, bool]]) -> tuple[str, str, str]:
    true = sum(said and right for said, right in verdicts)
    precision, recall = (
        true / max(1, sum(said for said, _ in verdicts)),
        true / sum(right for _, right in verdicts),
    )
    return f"{precision:.3f}", f"{recall:.3f}", f"{2 * precision * recall / (precision + recall):.3f}"


def name_pairs(report: Report) -> None:
    """Labelled name pairs: one name as the entity, the other as the text."""
    pairs = list(rows("name_pairs_opensanctions/pairs.jsonl"))

    def inside(entity: str, text: str, schema: str, spec: MatchSpec) -> bool:
        return find(Entity(entity, type=TYPES[schema]), text, spec).matched > 0

    def measure(rule: Callable[[bool, bool], bool], spec: MatchSpec) -> tuple[str, str, str]:
        both = [
            (inside(p["a"], p["b"], p["schema"], spec), inside(p["b"], p["a"], p["schema"], spec), p["match"])
            for p in pairs
        ]
        return _scores([(rule(forth, back), match) for forth, back, match in both])

    rules: list[tuple[str, Callable[[bool, bool], bool], MatchSpec]] = [
        ("default rule, a in b", lambda forth, _: forth, UNMASKED),
        ("default rule, b in a", lambda _, back: back, UNMASKED),
        ("default rule, each in the other", lambda forth, back: forth and back, UNMASKED),
        ("default rule, either in the other", lambda forth, back: forth or back, UNMASKED),
        ("exact forms only, a in b", lambda forth, _: forth, replace(UNMASKED, max_edits=0)),
    ]
    report.table(
        "name_pairs_opensanctions, 826 pairs; the schema is the entity's type, no form beyond the shipped rules",
        ("rule", "precision", "recall", "F1"),
        [(name, *measure(rule, spec)) for name, rule, spec in rules],
    )


def is_reported(qid: object) -> bool:
    """Return whether a question is of the half that rules were not tuned on: its id hashes to an odd number."""
    return hashlib.sha256(str(qid).encode()).digest()[-1] % 2 == 1


def answer_cases(report: Report) -> None:
    """Answers with the verdict of a careful reader, where the folder of such cases is there."""
    path = CASES / "answers.jsonl"
    if not path.exists():
        report.say(f"answers.jsonl: skipped, no file at {path.name} of the folder that ANSWER_CASES names.")
        return
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    said = [CHECKERS["equal"](case["answer"], Question("", tuple(case["answers"])), 0.8) for case in cases]
    off = [(case, verdict) for case, verdict in zip(cases, said, strict=True) if verdict != case["right"]]
    for case, verdict in off:
        print(f"  {case['id']}, {case['kind']}: {'right' if verdict else 'wrong'}")
    report.say(
        f"answers.jsonl under `equal`, without the question's text: {len(off)} of {len(cases)} off, "
        f"{sum(verdict for _, verdict in off)} of them falsely right."
    )


class Judged(NamedTuple):
    """How a checker's verdicts compare with people's."""

    false_accepts: int
    false_rejects: int
    right: int
    wrong: int

    def row(self, baseline: int) -> tuple[str, ...]:
        """Return a row of the table; `baseline` is how many right answers the first checker calls wrong."""
        kept, caught = self.right - self.false_rejects, self.wrong - self.false_accepts
        rate = self.false_accepts / self.wrong
        return (
            f"{self.false_accepts} ({100 * rate:.2f} %)",
            f"{self.false_rejects} ({100 * self.false_rejects / self.right:.1f} %)",
            f"{100 * (1 - self.false_rejects / baseline):.1f} %",
            *_precision(kept, self.false_accepts, self.false_rejects),
            *_precision(caught, self.false_rejects, self.false_accepts),
            *(f"{8 * (1 - accuracy) * rate:.3f}" for accuracy in (0.1, 0.35)),
        )


def _precision(true: int, false: int, missed: int) -> tuple[str, str, str]:
    return (
        f"{true / (true + false):.4f}",
        f"{true / (true + missed):.4f}",
        f"{2 * true / (2 * true + false + missed):.4f}",
    )


def answers(report: Report) -> None:
    """Answers judged by people, of the questions that no rule was tuned on: all, and those that are short as a trained agent's."""
    judged = [row for row in rows("answers_human_judged_triviaqa/judged.jsonl") if is_reported(row["qid"])]
    short = [row for row in judged if len(row["answer"].split()) <= SHORT_WORDS]
    of = "judged answers of the odd half"
    _answers(report, f"answers_human_judged_triviaqa, {len(judged)} {of}", judged)
    _answers(report, f"The {len(short)} of them that have at most {SHORT_WORDS} words", short)


def _answers(report: Report, title: str, judged: Sequence[dict[str, Any]]) -> None:
    results = {}
    for name, checker in CHECKERS.items():
        said = [
            checker(row["answer"], Question(row["question"], tuple(row["gold_aliases"])), 0.8)
            for row in judged
        ]
        right = [bool(row["human_correct"]) for row in judged]
        pairs = Counter(zip(said, right, strict=True))
        results[name] = Judged(pairs[True, False], pairs[False, True], sum(right), len(right) - sum(right))
    baseline = results["exact_match"].false_rejects
    head = (
        "checker", "false accepts", "false rejects", "rejects cut", "P right", "R right", "F1 right", "P wrong", "R wrong",
        "F1 wrong", "false accepts in a group of 8 at 10 %", "at 35 %",
    )  # fmt: skip
    report.table(title, head, [(name, *one.row(baseline)) for name, one in results.items()])


class Refused(NamedTuple):
    """A right rollout that a checker calls wrong."""

    question: Question
    answer: str
    advantage: float


def _refused(checker: Checker) -> Iterator[Refused]:
    """Yield the right rollouts of FireAct that a checker calls wrong, with their advantage in their group under egrpo."""
    for question, members in fireact():
        found = match_group([one.segments for one in members], compile_question(question, EGRPO))
        said = [checker(one.answer, question, 0.8) for one in members]
        paid = rewards(found, said)
        mean, spread = statistics.fmean(paid), statistics.pstdev(paid)
        for one, right, reward in zip(members, said, paid, strict=True):
            if one.correct and not right:
                yield Refused(question, one.answer, (reward - mean) / spread if spread else 0.0)


def fireact_answers(report: Report) -> None:
    """Which rollouts of FireAct that its authors call right each checker calls wrong, and how many of them are punished for it."""
    refused = {name: list(_refused(checker)) for name, checker in CHECKERS.items()}
    for name, found in refused.items():
        for one in found:
            print(f"  {name} calls wrong: {one.answer!r}, gold {one.question.answers}")
    right = sum(one.correct for _, members in fireact() for one in members)
    report.table(
        f"FireAct, {right} rollouts that are right",
        ("checker", "called wrong", "of them with a negative advantage"),
        [
            (name, str(len(found)), str(sum(one.advantage < 0 for one in found)))
            for name, found in refused.items()
        ],
    )


def fireact_before(report: Report, before: Path | None) -> None:
    """What egrpo pays on FireAct now, beside another checkout."""
    now = recorded.measure("egrpo")
    then = _recorded_by(before.resolve()) if before else {}
    rows = [(name, f"{then[name]:.3f}" if before else "-", f"{value:.3f}") for name, value in now.items()]
    report.table("FireAct under egrpo, before and now", ("number", "before", "now"), rows)


def _recorded_by(checkout: Path) -> dict[str, float]:
    run = [sys.executable, str(Path(recorded.__file__).resolve())]
    named = os.environ | {"PYTHONPATH": str(checkout), "REWARD_SERVICE_TEST_DATA": str(DATA)}
    printed = subprocess.run(run, env=named, check=True, capture_output=True)
    numbers: dict[str, float] = json.loads(printed.stdout)
    return numbers


def rewards(results: list[Matching], correct: list[bool]) -> list[float]:
    """E-GRPO's rewards of one group (arXiv:2510.24694, Eq. 5) with alpha = 0.3."""
    best = max(result.matched for result in results)
    return [
        1.0 if right else ALPHA * result.matched / best if best else 0.0
        for result, right in zip(results, correct, strict=True)
    ]


def fireact_row(name: str, spec: MatchSpec, names: MentionNames | None) -> tuple[str, ...]:
    rates, verdicts, wrong, lost = [], [], [], Counter[str]()
    signal = rollouts = grounded = matched = 0
    for question, members in fireact():
        compiled = compile_question(question, spec)
        results = match_group([member.segments for member in members], compiled, names=names)
        paid = rewards(results, [member.correct for member in members])
        signal += len(set(paid)) > 1
        wrong += [reward for reward, member in zip(paid, members, strict=True) if not member.correct]
        rollouts += len(members)
        for result, member in zip(results, members, strict=True):
            lost.update(result.uncredited.keys())
            grounded, matched = grounded + result.grounded, matched + result.matched
            if compiled.entities:
                rates.append(result.matched / compiled.entities)
                verdicts.append(float(member.correct))
    shares = (
        ", ".join(f"{reason} {100 * count / rollouts:.2f} %" for reason, count in sorted(lost.items()))
        or "none"
    )
    r = statistics.correlation(rates, verdicts)
    share = f"{100 * grounded / max(1, matched):.0f} %"
    return name, f"{r:.3f}", str(len(rates)), str(signal), f"{statistics.fmean(wrong):.3f}", shares, share


def fireact_tables(report: Report) -> None:
    """The 1,042 FireAct rollouts under each profile."""
    names = MentionNames(entity.name for question, _ in fireact() for entity in question.entities)
    table = [
        fireact_row("egrpo", EGRPO, None),
        fireact_row("egrpo, question entities kept", UNMASKED, None),
        fireact_row("egrpo, exact forms only", replace(EGRPO, max_edits=0), None),
        fireact_row("egrpo-guarded, names pinned", EGRPO_GUARDED, names),
        fireact_row("egrpo-paper", EGRPO_PAPER, None),
    ]
    head = (
        "profile",
        "r(rate, correct)",
        "rollouts with an entity",
        "groups with signal",
        "mean reward of wrong",
        "lost to",
        "grounded",
    )
    report.table("FireAct, 1,042 rollouts, 355 groups", head, table)


def stuffing(report: Report) -> None:
    """A rollout that lists 150 candidates among honest ones, and alone among silent ones."""
    candidates = sorted({entity.name for question, _ in fireact() for entity in question.entities})
    gold = tuple(Entity(name) for name in candidates[5:605:100])
    names, question = MentionNames(candidates), Question("?", (), gold)
    stuffed = [thought("Candidates: " + ", ".join(candidates[i] for i in range(5, 605, 4)) + ".")]
    honest = [
        thought(f"The page on {entity.name} answers the first part. I will read on before I decide.")
        for entity in gold[:3]
    ]
    for title, group in (
        ("among honest rollouts", [stuffed, honest]),
        ("among silent rollouts", [stuffed, *[[thought("I do not know.")]] * 7]),
    ):
        table = []
        for name, spec in (
            ("egrpo", EGRPO),
            ("egrpo-guarded", EGRPO_GUARDED),
            ("egrpo, listed off", replace(EGRPO, listed_mentions=None)),
            ("egrpo-paper", EGRPO_PAPER),
        ):
            results = match_group(group, compile_question(question, spec), names=names)
            paid = rewards(results, [False] * len(group))
            table.append(
                (
                    name,
                    *(
                        f"{result.matched} of {result.entities}, {reward:.2f}"
                        for result, reward in zip(results[:2], paid, strict=False)
                    ),
                )
            )
        report.table(
            f"150 candidates listed, 6 of them gold, {title}: matched and reward",
            ("profile", "stuffer", "the next"),
            table,
        )


def _tokens_as_spans(text: FoldedText, layout: Layout) -> Spans:
    """Return every token of every thought as if it were a matched form."""
    start, end = text.spaces[:-1] + 1, text.spaces[1:]
    mine = (text.bytes_[start] != SEP) & layout.is_thought[text.segment(start)]
    start, end = start[mine], end[mine]
    nothing = np.zeros(len(start), dtype=np.int64)
    return Spans(nothing, nothing, nothing, start, end)


def transcripts(report: Report) -> None:
    """On WebDancer's transcripts: tokens of thoughts in a listed window, and tokens in a pasted run."""
    layout = Layout.of(webdancer())
    text = FoldedText(layout.texts)
    tokens = _tokens_as_spans(text, layout)
    mentions = mentions_by_look(text, layout.is_thought)
    rows = []
    for most in (10, 14, 18, 20, 24):
        inside = listed(text, mentions, tokens, most=most, words=EGRPO.listed_words)
        rows.append((str(most), f"{100 * inside.mean():.2f} %"))
    report.table(
        "WebDancer: thought tokens in a window of 60 words with more distinct mentions than",
        ("mentions", "tokens"),
        rows,
    )
    share = 100 * pasted(text, layout, mentions, tokens, words=EGRPO.pasted_words or 0).mean()
    report.say(f"WebDancer: {share:.2f} % of the {len(tokens)} thought tokens are in a pasted run.")


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--before", type=Path, help="another checkout, measured on FireAct too")
    before: Path | None = arguments.parse_args().before
    with Report("quality") as report:
        cases(report)
        naming(report)
        echoes(report)
        respelled(report)
        name_pairs(report)
        answer_cases(report)
        answers(report)
        fireact_answers(report)
        fireact_before(report, before)
        fireact_tables(report)
        stuffing(report)
        transcripts(report)
        ablation(report)


if __name__ == "__main__":
    main()
