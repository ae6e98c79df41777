"""How fast matching is on one core, as ratios within one run.

    python -m benchmarks.speed [--quick] [--before CHECKOUT]

Text: thoughts of the WebDancer transcripts made ASCII, with the entities' names sprinkled in, 100 KB a rollout. Every time is the
best of several runs. The yardstick is a raw scan of the folded bytes for the same whole forms by the same automaton library
(`ahocorasick_rs`, bytes, DFA, overlapping): what a matcher without folding, fuzziness, guards, spans or regions would cost.
With `--before`, matching by language is timed in turns with another checkout.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import ahocorasick_rs
from rapidfuzz import fuzz

from benchmarks import languages
from benchmarks.data import webdancer
from benchmarks.report import Report
from entity_index.folding import fold
from entity_index.types import Entity, Question
from reward_service.api.server import keep_memory
from reward_service.core.checkers import CHECKERS
from reward_service.core.checkers.golds import compile_golds
from reward_service.core.checkers.reading import read_short
from reward_service.core.matching import (
    CompiledQuestion,
    GroupText,
    MatchSpec,
    MentionNames,
    answer_shown,
    compile_question,
    match_group,
)
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.forms import derive
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind
from tests.reference.textbook_matcher import all_spans

TURNS = 3
EGRPO = shipped()["egrpo"].measure.matching
PLAIN = replace(EGRPO, pasted_words=None, listed_mentions=None, mask_question=False)
FIRST = (
    "Maria",
    "Anton",
    "Elena",
    "Viktor",
    "Ingrid",
    "Pavel",
    "Lucia",
    "Oskar",
    "Miriam",
    "Tomas",
    "Greta",
    "Emil",
    "Clara",
    "Hugo",
    "Nadia",
    "Felix",
    "Sonia",
    "Boris",
    "Alma",
    "Jonas",
)
LAST = (
    "Kowalczyk",
    "Lindqvist",
    "Barzani",
    "Okonkwo",
    "Petrenko",
    "Hashimoto",
    "Delacroix",
    "Santangelo",
    "Vandermeer",
    "Novotny",
    "Achterberg",
    "Castellano",
)
TITLES = ("The Silent Orchard (1987 film)", "Battle of Kazimierz Dolny", "2007 Copa America Final", "Great Northern Railway",
          "University of Western Pomerania", "Marlborough, New Hampshire", "Torpedo boat", "Blue Heron Corporation", "12 March 1989")  # fmt: skip


def question(forms: int) -> Question:
    """Return a question whose entities have about this many forms, persons and titles mixed."""
    people = [f"{first} {last}" for first in FIRST for last in LAST]
    random.Random(7).shuffle(people)
    mixed = [name for pair in zip(people, TITLES, strict=False) for name in pair] + people[len(TITLES) :]
    entities: list[Entity] = []
    while len(derive(Question("", (), tuple(entities)))) < forms:
        entities.append(Entity(mixed[len(entities)]))
    return Question("Who was it?", (), tuple(entities))


def rollout(
    compiled: CompiledQuestion, size: int, *, foreign: float = 0.0, every: int = 2000
) -> list[Segment]:
    """Return one rollout of thoughts: real ones, a name every so many characters, a share of words with an accent."""
    rng = random.Random(size)
    thoughts = [
        segment.text for steps in webdancer() for segment in steps if segment.kind is SegmentKind.THOUGHT
    ]
    words = " ".join(thoughts).encode("ascii", "ignore").decode().split(" ")
    out: list[str] = []
    length = since = 0
    at = rng.randrange(len(words))
    while length < size:
        word = words[at % len(words)]
        at += 1
        if since > every:
            word, since = f"{word} {rng.choice(compiled.question.entities).name}", 0
        out.append(f"{word}é" if rng.random() < foreign else word)
        length, since = length + len(word) + 1, since + len(word) + 1
    return [Segment(SegmentKind.THOUGHT, " ".join(out)[:size])]


def best_ms(run: Callable[[], object], *, seconds: float = 0.6, least: int = 3) -> float:
    """Return the best time of a call, in milliseconds."""
    best, spent, runs = float("inf"), 0.0, 0
    while spent < seconds or runs < least:
        start = time.perf_counter()
        run()
        took = time.perf_counter() - start
        best, spent, runs = min(best, took), spent + took, runs + 1
    return best * 1000


def raw_scan(compiled: CompiledQuestion, text: str) -> Callable[[], object]:
    """Return the yardstick: whole forms, exact, in text that is already folded."""
    patterns = [phrase.padded for phrase in compiled.index.phrases]
    automaton = ahocorasick_rs.BytesAhoCorasick(patterns, implementation=ahocorasick_rs.Implementation.DFA)
    data = FoldedText([text]).data
    return lambda: automaton.find_matches_as_indexes(data, overlapping=True)


def _match(
    segments: list[Segment],
    asked: Question,
    spec: MatchSpec,
    *,
    explain: bool,
    nearest: bool = False,
    names: MentionNames | None = None,
) -> Callable[[], object]:
    compiled = compile_question(asked, spec)
    return lambda: match_group([segments], compiled, explain=explain, nearest=nearest, names=names)


def others(compiled: CompiledQuestion, text: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the other engines, each with what it can do: exact or fuzzy, folded or not."""
    folded = fold(text).text
    forms = [form.folded for form in compiled.index.forms]
    yield (
        "whole-text partial_ratio >= 90 (folded)",
        lambda: [fuzz.partial_ratio(form, folded, score_cutoff=90) for form in forms],
    )
    patterns = [re.compile(rf"(?<!\w){re.escape(form)}(?!\w)") for form in forms]
    yield "per-form regex loop (folded, exact)", lambda: [pattern.search(folded) for pattern in patterns]
    try:
        from flashtext import KeywordProcessor  # noqa: PLC0415

        processor = KeywordProcessor()
        processor.add_keywords_from_list(forms)
        yield "flashtext (folded, exact)", lambda: processor.extract_keywords(folded, span_info=True)
    except ImportError:
        pass
    try:
        import spacy  # noqa: PLC0415
        from spacy.matcher import PhraseMatcher  # noqa: PLC0415

        blank = spacy.blank("en")
        matcher = PhraseMatcher(blank.vocab, attr="LOWER")
        matcher.add("form", [blank.make_doc(form) for form in forms])
        yield "spaCy PhraseMatcher (exact)", lambda: matcher(blank.make_doc(text))
    except ImportError:
        pass


def main_table(report: Report, *, quick: bool) -> None:
    """Matching against the raw scan and the other engines."""
    for wanted in (37, 142):
        asked = question(wanted)
        compiled = compile_question(asked, PLAIN)
        segments = rollout(compiled, 100_000)
        text, megabytes = segments[0].text, len(segments[0].text) / 1e6
        names = MentionNames(
            [*(entity.name for entity in asked.entities), *(f"{a} {b}" for a in FIRST for b in LAST)]
        )
        base = best_ms(raw_scan(compiled, text))
        runs = [
            ("raw scan of folded bytes, whole forms", raw_scan(compiled, text)),
            ("fold only", lambda text=text: FoldedText([text])),
            ("matching, counts", _match(segments, asked, PLAIN, explain=False)),
            ("matching, with spans", _match(segments, asked, PLAIN, explain=True)),
            (
                "matching, with spans and near misses",
                _match(segments, asked, PLAIN, explain=True, nearest=True),
            ),
            ("matching, everything on", _match(segments, asked, EGRPO, explain=True)),
            (
                "matching, everything on, mentions by name",
                _match(segments, asked, EGRPO, explain=True, names=names),
            ),
        ]
        rows = [(name, best_ms(run)) for name, run in runs]
        rows += [(name, best_ms(run, seconds=0.2, least=2)) for name, run in others(compiled, text)]
        if not quick:
            part = [Segment(SegmentKind.THOUGHT, text[:10_000])]
            rows.append(
                (
                    "textbook matcher",
                    10 * best_ms(lambda part=part, c=compiled: all_spans(part, c), seconds=0, least=1),
                )
            )
        spans = dict(rows)["matching, with spans"]
        report.table(
            f"{len(compiled.index.forms)} forms, 100 KB of ASCII",
            ("engine", "ms", "MB/s", "speed / raw scan", "matching with spans is faster by"),
            [
                (name, f"{ms:.3f}", f"{1000 * megabytes / ms:.1f}", f"{base / ms:.3f}", f"{ms / spans:.1f}")
                for name, ms in rows
            ],
        )


def grid(report: Report) -> None:
    """MB/s over number of forms, text size and share of words that are not ASCII."""
    rows = []
    for wanted in (10, 37, 142, 400):
        asked = question(wanted)
        compiled = compile_question(asked, PLAIN)
        for size in (1_000, 20_000, 100_000, 1_000_000):
            speeds = []
            for foreign in (0.0, 0.01, 0.1):
                segments = rollout(compiled, size, foreign=foreign)
                ms = best_ms(_match(segments, asked, PLAIN, explain=True), seconds=0.2)
                speeds.append(f"{len(segments[0].text.encode()) / 1000 / ms:.0f}")
            rows.append((str(len(compiled.index.forms)), f"{size // 1000} KB", *speeds))
    report.table("Matching with spans, MB/s", ("forms", "text", "0 % non-ASCII words", "1 %", "10 %"), rows)


def group_table(report: Report) -> None:
    """A whole group in one buffer against its rollouts one by one."""
    asked = question(37)
    compiled = compile_question(asked, EGRPO)
    rows = []
    for rollouts, size in ((16, 600), (16, 20_000), (8, 100_000)):
        group = [rollout(compiled, size + number) for number in range(rollouts)]
        together = best_ms(lambda group=group: match_group(group, compiled))
        alone = best_ms(lambda group=group: [match_group([one], compiled) for one in group])
        rows.append(
            (
                f"{rollouts} x {size / 1000:g} KB",
                f"{together:.2f}",
                f"{alone:.2f}",
                f"{rollouts * size / 1000 / together:.0f}",
            )
        )
    report.table(
        "A group, everything on, counts", ("group", "together ms", "one by one ms", "MB/s together"), rows
    )


def signal_table(report: Report) -> None:
    """What `answer_seen` adds to matching a group of real rollouts, whose text is folded once for both."""
    asked = Question("Who was it?", ("Marie Curie", "Maria Skłodowska-Curie"), question(37).entities)
    compiled = compile_question(asked, EGRPO)
    every = list(webdancer())
    rows = []
    for rollouts in (1, 8):
        group = [list(steps) for steps in every[:rollouts]]
        chars = sum(len(segment.text) for steps in group for segment in steps)
        read = GroupText(group, EGRPO.max_chars)
        matching = best_ms(lambda group=group: match_group(GroupText(group, EGRPO.max_chars), compiled))
        seen = best_ms(lambda read=read: answer_shown(read, asked))
        rows.append(
            (
                f"{rollouts} ({chars / 1000:.0f} KB)",
                f"{matching:.2f}",
                f"{seen:.2f}",
                f"{seen / matching:.2f}",
            )
        )
    report.table(
        "Was the answer on screen?",
        ("rollouts", "matching ms", "answer_seen ms", "answer_seen / matching"),
        rows,
    )


ANSWERS = {
    "a name": "Władysław Szpilman",
    "a sentence": "The capital of Japan before Tokyo, from 794 to 1868, was the old city of Kyoto on Honshu.",
    "3 KB": "It was, as the first page says, a city in the west of Honshu with 1,464,000 people. " * 36,
}
# Texts that make careless patterns try everything again from every place.
HOSTILE = {
    "blanks": " ",
    "commas": ", ",
    "digits": "1,",
    "points": "a.",
    "brackets": "[",
    "quotes": '"',
    "end tokens": "<|im_end|>",
    "phrases": "Answer: ",
    "choices": "Kyoto or ",
    "denials": "not Kyoto ",
    "marks": "e\u0301",
    "Han": "京都",
    "number words": "million ",
}


def checker_tables(report: Report) -> None:
    """Checkers in MB/s, gold answers compiled, nothing else kept; and how their time grows with a hostile answer."""
    asked = Question("What was the capital of Japan before Tokyo?", ("Kyoto", "Heian-kyo", "Miyako"))

    def run(name: str, answer: str) -> Callable[[], object]:
        def call() -> object:
            read_short.cache_clear()
            return CHECKERS[name](answer, asked, 0.8)

        return call

    report.table(
        "Checkers, three gold answers, MB/s",
        ("checker", *ANSWERS),
        [
            (
                name,
                *(
                    f"{len(text.encode()) / 1000 / best_ms(run(name, text), seconds=0.1):.2f}"
                    for text in ANSWERS.values()
                ),
            )
            for name in CHECKERS
        ],
    )
    rows = []
    for what, piece in HOSTILE.items():
        texts = [(piece * size)[:size] for size in (5_000, 10_000, 20_000)]
        ms = [best_ms(run("cover_either", text), seconds=0.1) for text in texts]
        rows.append((what, *(f"{one:.2f}" for one in ms), f"{ms[2] / ms[0]:.1f}"))
    report.table(
        "cover_either on hostile answers, ms",
        ("answer of", "5 KB", "10 KB", "20 KB", "4 x as long takes"),
        rows,
    )
    compiled = best_ms(lambda: (compile_golds.cache_clear(), compile_golds(asked.answers, asked.text)))
    report.say(f"Making three gold answers ready takes {compiled:.2f} ms, once a question.")


def _timed(checkout: Path) -> dict[str, float]:
    """Return the best times of a checkout by language, in a process of its own."""
    run = [sys.executable, str(Path(languages.__file__).resolve())]
    printed = subprocess.run(
        run, env=os.environ | {"PYTHONPATH": str(checkout)}, check=True, capture_output=True
    )
    times: dict[str, float] = json.loads(printed.stdout)
    return times


def language_table(report: Report, before: Path | None) -> None:
    """Matching by language, beside another checkout in turns."""
    checkouts = ({"before": before.resolve()} if before else {}) | {"now": Path.cwd()}
    turns = [{name: _timed(folder) for name, folder in checkouts.items()} for _ in range(TURNS)]
    rows = []
    for language in languages.LANGUAGES:
        ms = {name: min(turn[name][language] for turn in turns) for name in checkouts}
        ratio = f"{ms['now'] / ms['before']:.2f}" if before else "-"
        speeds = (
            f"{languages.BYTES / 1000 / ms['before']:.0f}" if before else "-",
            f"{languages.BYTES / 1000 / ms['now']:.0f}",
        )
        rows.append((language, *speeds, ratio))
    report.table(
        f"Matching with spans, everything on, 100 KB; best of {TURNS} turns",
        ("language", "MB/s before", "MB/s now", "time now / before"),
        rows,
    )


def main() -> None:
    """Print the tables and keep them."""
    keep_memory()  # as the service does
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="leave out the textbook matcher and the grid")
    arguments.add_argument("--before", type=Path, help="another checkout, timed in turns with this one")
    given = arguments.parse_args()
    quick: bool = given.quick
    with Report("speed") as report:
        language_table(report, given.before)
        main_table(report, quick=quick)
        group_table(report)
        signal_table(report)
        checker_tables(report)
        if not quick:
            grid(report)


if __name__ == "__main__":
    main()
