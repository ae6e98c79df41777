"""Names in thoughts: judged cases by language and kind, echoes of the question, and what each rule is worth.

Part of `python -m benchmarks.quality`. The folder of cases is named by REWARD_SERVICE_TEST_CASES; without it, it is looked for beside the
data, and its table is left out where there is none.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.data import DATA, fireact, rows
from benchmarks.report import Report
from entity_index.readers import SHAPES
from entity_index.readers.containers import read_path
from entity_index.readers.rows import Row
from entity_index.types import Entity, Question
from reward_service.core.matching import CompiledQuestion, compile_question, forms, match_group, spellings
from reward_service.core.matching.forms import derive
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

CASES = Path(os.environ.get("REWARD_SERVICE_TEST_CASES", DATA.parent / "cases"))
EGRPO = shipped()["egrpo"].measure.matching
READABLE = ("frames", "fireact")
UNMASKED = replace(EGRPO, mask_question=False)
TYPES = {"Person": "person", "Company": "company", "Organization": "organization", "Vessel": "vessel"}
QUESTIONS = {
    "kilt": "questions_hotpotqa_kilt/questions.jsonl",
    "frames": "questions_frames/questions.jsonl",
    "webshaper": "questions_webshaper500/webshaper.500.jsonl",
    "2wiki": "questions_2wiki_200/questions.jsonl",
}


def _thought(text: str) -> Segment:
    return Segment(SegmentKind.THOUGHT, text)


def is_named(question: Question, text: str) -> bool:
    """Return whether a thought names the one entity of a question."""
    return match_group([[_thought(text)]], compile_question(question, UNMASKED))[0].matched > 0


def _case(row: dict[str, Any]) -> Question:
    language = None if row["lang"] == "mixed" else row["lang"]
    return Question("", (), (Entity(row["entity"]),), language=language)


def naming(report: Report) -> None:
    """The judged cases, by language and by kind, and every miss."""
    path = CASES / "naming.jsonl"
    if not path.exists():
        report.say(f"naming: no cases at {path}; REWARD_SERVICE_TEST_CASES names their folder.")
        return
    judged = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    said = [is_named(_case(row), row["thought"]) for row in judged]
    right = sum(now == row["named"] for now, row in zip(said, judged, strict=True))
    false = sum(now and not row["named"] for now, row in zip(said, judged, strict=True))
    report.say(f"naming: {right} of {len(judged)} right, {false} falsely credited.")
    for title, key in (("language", "lang"), ("kind", "kind")):
        report.table(f"naming, by {title}", (title, "right", "precision", "recall"), _by(key, judged, said))
    misses = [
        (row["lang"], row["kind"], row["entity"], row["thought"])
        for now, row in zip(said, judged, strict=True)
        if now != row["named"]
    ]
    report.table("naming, misses", ("language", "kind", "entity", "thought"), misses)


def _by(key: str, judged: list[dict[str, Any]], said: list[bool]) -> list[tuple[str, ...]]:
    counts: dict[str, Counter[str]] = {}
    for now, row in zip(said, judged, strict=True):
        count = counts.setdefault(row[key], Counter())
        count.update(
            ("all",) + ("said",) * now + ("named",) * row["named"] + ("both",) * (now and row["named"])
        )
        count.update(("right",) * (now == row["named"]))
    return [
        (
            name,
            f"{one['right']} of {one['all']}",
            _share(one["both"], one["said"]),
            _share(one["both"], one["named"]),
        )
        for name, one in sorted(counts.items())
    ]


def _share(part: int, of: int) -> str:
    return f"{part / of:.2f}" if of else "-"


def _questions() -> Iterator[tuple[str, list[Question]]]:
    for shape, name in QUESTIONS.items():
        read = [row.question for row in read_path(DATA / name, SHAPES[shape]) if isinstance(row, Row)]
        yield shape, [question for question in read if question.entities]
    yield "fireact", [question for question, _ in fireact()]


def echoes(report: Report) -> None:
    """What masking leaves, and what repeating the question earns."""
    table = []
    for name, questions in _questions():
        entities = kept = without = earned = found = 0
        for question in questions:
            compiled = compile_question(question, EGRPO)
            (echo,) = match_group([[_thought(question.text)]], compiled)
            entities, kept = entities + len(question.entities), kept + compiled.entities
            without, earned = (
                without + (not compiled.entities),
                earned + echo.matched + sum(echo.uncredited.values()),
            )
            found += _named_when_said(question, compiled)
        shares = f"{100 * kept / entities:.2f} %", f"{100 * without / len(questions):.2f} %"
        recall = f"{100 * found / kept:.2f} %"
        table.append((name, str(len(questions)), str(entities), *shares, recall, str(earned)))
    head = (
        "data set",
        "questions",
        "entities",
        "E_q kept",
        "questions without",
        "hidden entities found when said",
        "earned by the question itself",
    )
    report.table("Echoes of the question under egrpo", head, table)


def _masked() -> Iterator[tuple[str, Question, Entity]]:
    """Yield every masked entity of every data set."""
    for name, questions in _questions():
        for question in questions:
            for position in compile_question(question, EGRPO).masked:
                yield name, question, question.entities[position]


def _is_in(text: str, entity: Entity) -> bool:
    return any(spelling.casefold() in text.casefold() for spelling in (entity.name, *entity.aliases))


def respelled(report: Report) -> None:
    """How many masked entities the question names in none of their spellings to the letter, and what it says instead."""
    masked = list(_masked())
    others = [row for row in masked if not _is_in(row[1].text, row[2])]
    total, otherwise = (Counter(name for name, *_ in listed) for listed in (masked, others))
    report.table(
        "Masked entities, and those of them that the question spells otherwise",
        ("data set", "masked", "spelled otherwise"),
        [(name, str(total[name]), str(otherwise[name])) for name in total],
    )
    report.table(
        "What questions say instead",
        ("data set", "entity", "the question says"),
        [
            (name, entity.name, _said(question, entity))
            for name, question, entity in others
            if name in READABLE
        ],
    )


def _said(question: Question, entity: Entity) -> str:
    """Return by what a question names an entity; in another case where guards ask for capitals."""
    alone = compile_question(replace(question, text="", entities=(entity,), language="en"), UNMASKED)
    for text in (question.text, question.text.title(), question.text.upper()):
        (found,) = match_group([[_thought(text)]], alone, explain=True, nearest=False)
        for match in found.matches + found.uncredited_matches:
            return text[match.start : match.end]
    return "-"


def _named_when_said(question: Question, compiled: CompiledQuestion) -> int:
    """Return how many hidden entities are found in thoughts that say each by its name."""
    hidden = {form.entity for form in compiled.index.forms}
    (found,) = match_group(
        [[_thought(f"It is {question.entities[one].name}.") for one in sorted(hidden)]], compiled
    )
    return found.matched


@dataclass(frozen=True)
class Trial:
    """A question with a text, and whether the text names its entity."""

    question: Question
    text: str
    right: bool


def _name_pairs() -> Iterator[Trial]:
    for pair in rows("name_pairs_opensanctions/pairs.jsonl"):
        for one, other in ((pair["a"], pair["b"]), (pair["b"], pair["a"])):
            entity = Entity(one, type=TYPES.get(pair["schema"]))
            yield Trial(Question("", (), (entity,)), other, pair["match"])


def _rubq() -> Iterator[Trial]:
    """Every anchor form of an entity against its own name, and against the name of the next entity."""
    answers = {
        one["uri"]: one for row in rows("aliases_rubq_ru_en/questions.jsonl") for one in row["answers"]
    }
    known = [
        (one["aliases_ru"] or [one["label"]], one["wikipedia_anchor_forms_ru"]) for one in answers.values()
    ]
    for at, (names, anchors) in enumerate(known):
        other = known[(at + 1) % len(known)][0]
        for asked, right in ((names, True), (other, False)):
            question = Question("", (), (Entity(asked[0], tuple(asked[1:])),), language="ru")
            yield from (Trial(question, anchor, right) for anchor in anchors)


def _rules() -> dict[str, Callable[[], Any]]:
    rules = {rule.__name__: rule for rule in spellings.REWRITES}
    rules |= {rule.__name__: rule for own in spellings.BY_LANGUAGE.values() for rule in own}
    return {
        **{name: (lambda rule=rule: _without(rule)) for name, rule in rules.items()},
        "inflected words": _uninflected,
    }


def _nothing(_: str) -> Iterator[str]:
    return iter(())


@contextmanager
def _without(rule: spellings.Rewrite) -> Iterator[None]:
    every, own = spellings.REWRITES, spellings.BY_LANGUAGE
    spellings.REWRITES = tuple(_nothing if one is rule else one for one in every)
    spellings.BY_LANGUAGE = {
        code: tuple(one for one in ones if one is not rule) for code, ones in own.items()
    }
    try:
        yield
    finally:
        spellings.REWRITES, spellings.BY_LANGUAGE = every, own


@contextmanager
def _uninflected() -> Iterator[None]:
    inflected, forms.inflected_name = forms.inflected_name, lambda *_: ()  # type: ignore[attr-defined]  # imported there
    try:
        yield
    finally:
        forms.inflected_name = inflected  # type: ignore[attr-defined]


def _credits(trials: list[Trial], whole: list[bool], whole_forms: list[Any]) -> Counter[bool]:
    """Return how many right and false credits are lost now, of those that the whole matcher gives."""
    lost: Counter[bool] = Counter()
    for trial, said, derived in zip(trials, whole, whole_forms, strict=True):
        if said and derive(trial.question) != derived:
            lost[trial.right] += not is_named(trial.question, trial.text)
    return lost


def _fireact_credits(whole: list[tuple[Any, list[int]]]) -> Counter[bool]:
    """Return how many credits of correct and of wrong rollouts are lost now."""
    lost: Counter[bool] = Counter()
    for (question, members), (derived, before) in zip(fireact(), whole, strict=True):
        if derive(question) != derived:
            results = match_group([one.segments for one in members], compile_question(question, EGRPO))
            for member, result, had in zip(members, results, before, strict=True):
                lost[member.correct] += had - result.matched
    return lost


def _whole_fireact() -> list[tuple[Any, list[int]]]:
    return [
        (
            derive(question),
            [
                one.matched
                for one in match_group([m.segments for m in members], compile_question(question, EGRPO))
            ],
        )
        for question, members in fireact()
    ]


def ablation(report: Report) -> None:
    """What each rule adds: credits that are lost when it is left out."""
    sets = {"name pairs": list(_name_pairs()), "rubq": list(_rubq())}
    whole = {name: [is_named(one.question, one.text) for one in trials] for name, trials in sets.items()}
    derived = {name: [derive(one.question) for one in trials] for name, trials in sets.items()}
    on_fireact = _whole_fireact()
    table = []
    for name, off in _rules().items():
        compile_question.cache_clear()
        with off():
            lost = [_credits(sets[one], whole[one], derived[one]) for one in sets]
            lost.append(_fireact_credits(on_fireact))
        table.append((name, *(f"{one[True]:+d} / {one[False]:+d}" for one in lost)))
    compile_question.cache_clear()
    report.table(
        "What each rule adds: right / false credits; on FireAct in correct / wrong rollouts, of hidden entities",
        ("rule", *sets, "FireAct"),
        table,
    )
