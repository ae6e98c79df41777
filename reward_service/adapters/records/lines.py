"""From a line of a file to a rollout with what is known of its group and question, by a reader and what the caller says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePath
from typing import Any, NamedTuple

from pydantic import ValidationError

from entity_index.errors import InvalidRecord
from entity_index.packed import written_out
from entity_index.readers import mapped
from entity_index.readers.fields import named_after, opened
from entity_index.types import Question
from reward_service.adapters.lenient import AmbiguousId, without_surrogates
from reward_service.adapters.native import QuestionIn, RolloutIn, invalid
from reward_service.adapters.records import fields
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.prompts import first_user_turn, folded, last_user_turn, question_in
from reward_service.adapters.records.table import FIELDS, ROLLOUTS, SIGNALS, Reader, Row
from reward_service.core.types import STOP_REASONS, Defaults, Rollout, Unreadable

Paths = Mapping[str, tuple[tuple[mapped.Step, ...], ...]]
_NAMED = (
    "text",
    "steps",
    "prompt",
    "outcome_error",
    "length",
    "tree",
    "turn_signals",
    "anchor",
    "format",
    "dialect",
    "thought_open",
    "responses_in_policy_turn",
)

KNOWN = (*FIELDS, ROLLOUTS)
TRANSCRIPTS = frozenset({"messages", "text", "steps"})
NO_FILE = PurePath()


class LinePlace(NamedTuple):
    """Where a rollout is."""

    path: PurePath
    line: int
    """Line of its file, or its place in an array; counted from 1."""
    item: int
    """Which of the rollouts of that line, counted from 0."""


@dataclass(frozen=True, slots=True)
class Line:
    """One rollout of a file."""

    rollout: Rollout
    """Its id is empty where the line names none."""
    run_id: str = "default"
    group: str = ""
    """What its group is called: by the file, or after its question; and after the step, where groups come again in each."""
    place: str = ""
    """Where it is, for people."""
    at: LinePlace | None = None
    """Where it is, for programs; None for a row that comes from no file."""
    question_id: str | None = None
    asked: str | None = None
    """What is asked, as far as the line says so."""
    prompt: str | None = None
    """The turn that asks it, whole."""
    answers: tuple[str, ...] = ()
    truth: Question | None = None
    """The ground truth, where the line brings entities along."""
    step: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    """What the line says beside all this."""

    @property
    def defect(self) -> str | None:
        """Why its rollout or its ground truth cannot be read; None where both can."""
        return self.rollout.source.why if isinstance(self.rollout.source, Unreadable) else None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the lines of one file are read."""

    name: str
    reader: Reader
    defaults: Defaults
    paths: Paths
    manifest: Mapping[str, Row] = field(default_factory=dict)
    """What is known of rollouts beside their lines, by their id or by the end of their file's path."""
    own_stops: bool = False
    """An unknown stop reason is a defect of its rollout, as over HTTP."""


def rules(mapping: list[str]) -> dict[str, str]:
    """Return what `--map FIELD=PATH` says, by field.

    Raises:
        ValueError: a field or path is none; the message says which.
    """
    said: dict[str, str] = {}
    for rule in mapping:
        name, is_, path = rule.partition("=")
        if not is_ or not (name in KNOWN or (name.startswith(SIGNALS) and name != SIGNALS)):
            raise ValueError(f"{rule!r} is no FIELD=PATH; the fields are {', '.join(KNOWN)}, {SIGNALS}NAME")
        if name in said:
            raise ValueError(f"{name} is mapped twice")
        steps = mapped.parse(path)
        if name == ROLLOUTS and not all(isinstance(step, str) and step != mapped.DEEP for step in steps):
            raise ValueError(f"{rule!r} must name one list: names joined by dots")
        said[name] = path
    return said


def recipe(
    name: str,
    reader: Reader,
    defaults: Defaults,
    mapping: Mapping[str, str],
    *,
    manifest: Mapping[str, Row] | None = None,
) -> Recipe:
    """Return how lines are read: by a reader, whose paths the mapping replaces. A transcript replaces every other one."""
    kept = dict(reader.paths)
    if not TRANSCRIPTS.isdisjoint(mapping):
        kept = {field: path for field, path in kept.items() if field not in TRANSCRIPTS}
    said = {**kept, **mapping}
    if ROLLOUTS in said:
        reader = replace(reader, rows=partial(unpacked, said.pop(ROLLOUTS).split(".")))
    paths = {field: tuple(mapped.parse(path) for path in said[field].split()) for field in said}
    own_stops = "stop" in mapping or name == "native"
    return Recipe(name, reader, defaults, paths, manifest or {}, own_stops=own_stops)


def unpacked(path: Sequence[str], row: Row) -> list[Row]:
    """Return the rollouts that a line holds in a list: the line again for each, with one in the place of the list.

    >>> unpacked(["said"], {"q": "Who?", "said": ["a", "b"]})
    [{'q': 'Who?', 'said': 'a'}, {'q': 'Who?', 'said': 'b'}]

    Raises:
        BadLine: there is no list.
    """
    held = written_out(mapped.find(row, path))
    if not isinstance(held, list):
        raise BadLine(f"{'.'.join(path)} holds no list of rollouts")
    return [_with(row, path, one) for one in held]


def _with(row: Any, path: Sequence[str], value: object) -> Row:
    name, *rest = path
    return {**row, name: _with(opened(row[name]), rest, value) if rest else value}


def lines_of(row: object, how: Recipe, place: str = "", file: PurePath = NO_FILE) -> list[Line]:
    """Return the rollouts of one line.

    Args:
        row: what the line holds.
        how: how it is read.
        place: where it is, for people.
        file: the file it is in, by which a manifest may name it.

    Raises:
        BadLine: it holds something else, or an id with a lone surrogate.
    """
    if isinstance(row, InvalidRecord):
        raise BadLine(str(row))
    if not isinstance(row, dict):
        raise BadLine("not a JSON object")
    return [replace(_line(one, how, file), place=place) for one in how.reader.rows(_whole(row))]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose texts can be written down, as a call over the network would read it."""
    try:
        found: dict[str, Any] = without_surrogates(row)
    except AmbiguousId as error:
        raise BadLine(str(error)) from None
    except RecursionError:
        raise BadLine("nested too deep") from None
    return found


def manifest_of(rows: Iterable[Row]) -> dict[str, Row]:
    """Return what a manifest says of rollouts: each row has the fields of a line, and `trajectory` names a rollout or its file."""
    return {
        str(row["trajectory"]): {name: row[name] for name in FIELDS if name in row}
        for row in rows
        if "trajectory" in row
    }


def _listed(found: Mapping[str, Any], how: Recipe, file: PurePath) -> Row:
    """Return what the manifest says of a rollout."""
    ends = ("/".join(file.parts[n:]) for n in range(len(file.parts)))
    names = (str(found.get("rollout")), *ends)
    return next((how.manifest[name] for name in names if name in how.manifest), {})


def _line(row: Row, how: Recipe, file: PurePath) -> Line:
    """Return the rollout of a row; one that has a defect is a value too, because its group must not be paid without it.

    Raises:
        BadLine: nothing says what it belongs to.
    """
    found = how.reader.refine(row, dict(_found(row, how.paths)))
    found = {**found, **_listed(found, how, file)} if how.manifest else found
    asked, prompt = _asked(written_out(found.get("question")), found)
    step, question_id = (fields.identifier(name, found.get(name)) for name in ("step", "question_id"))
    group = _named(found, asked or prompt, question_id)
    comes_again = step is not None and not how.reader.groups_of_a_step
    line = Line(
        Rollout(fields.identifier("rollout", found.get("rollout")) or "", Unreadable("")),
        run_id=fields.identifier("run", found.get("run")) or "default",
        group=f"{group}@{step}" if comes_again else group,
        question_id=question_id,
        asked=asked,
        prompt=prompt,
        step=step,
        meta=_rest(row, how.paths),
    )
    try:
        return _filled(line, found, how)
    except BadLine as bad:
        return replace(line, rollout=replace(line.rollout, source=Unreadable(str(bad))))


def _filled(line: Line, found: Mapping[str, Any], how: Recipe) -> Line:
    """Return a line with its rollout and its ground truth.

    Raises:
        BadLine: one of them cannot be read.
    """
    question = written_out(found.get("question"))
    inline = question if isinstance(question, Mapping) else {}
    answers = tuple(fields.strings(found.get("answers", inline.get("answers"))))
    names = fields.entities(found.get("entities", inline.get("entities")))
    return replace(
        line,
        rollout=_said(found, how, line.rollout.rollout_id),
        answers=answers,
        truth=_truth(line.asked, answers, names) if names else None,
    )


def _named(found: Mapping[str, Any], asked: str | None, question_id: str | None) -> str:
    """Return what a group is called.

    Raises:
        BadLine: nothing says what a rollout belongs to; of a line without a transcript, that it has none.
    """
    group = fields.identifier("group", found.get("group"))
    if group is None and asked:
        return named_after(folded(asked))
    name = group or question_id
    if name is None:
        _check_transcript(found)
        raise BadLine("neither group nor question nor prompt says what the rollout belongs to")
    return name


def _check_transcript(found: Mapping[str, Any]) -> None:
    if TRANSCRIPTS.isdisjoint(found):
        raise BadLine("there is no transcript: none of messages, text and steps")


def _found(row: Row, paths: Paths) -> Iterator[tuple[str, Any]]:
    for name, alternatives in paths.items():
        values = [one for path in alternatives if (one := mapped.find(row, path)) is not None]
        if values:
            yield name, next((one for one in values if one != []), values[0])


def _rest(row: Row, paths: Paths) -> dict[str, Any]:
    used = {path[0] for alternatives in paths.values() for path in alternatives}
    return {name: value for name, value in row.items() if name not in used}


def _said(found: Mapping[str, Any], how: Recipe, named: str) -> Rollout:
    """Return the rollout of a line."""
    body = {name: found[name] for name in _NAMED if name in found}
    body |= {"messages": written_out(found["messages"])} if "messages" in found else {}
    body |= (
        {"prompt_messages": fields.whole("prompt_messages", found["prompt_messages"])}
        if "prompt_messages" in found
        else {}
    )
    body |= {"outcome": fields.outcome(found["outcome"])} if "outcome" in found else {}
    body |= {"signals": signals} if (signals := fields.signals(found)) else {}
    body |= {"stop_reason": stop} if (stop := _stop(found.get("stop"), how)) else {}
    _check_transcript(body)
    try:
        rollout = RolloutIn.model_validate({"rollout_id": named or "-", **body}).to_domain(how.defaults)
    except ValidationError as error:
        raise BadLine(invalid(error).detail) from None
    return replace(rollout, rollout_id=named)


def _stop(said: Any, how: Recipe) -> str | None:
    """Return why sampling ended, in a word the API knows."""
    if not isinstance(said, str):
        return None
    word = said.strip().lower()
    known = how.reader.stops.get(word, word)
    return known if known in STOP_REASONS or how.own_stops else None


def _asked(question: Any, found: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return what is asked, and the turn that asks it."""
    if isinstance(question, Mapping):
        question = question.get("text") or question.get("question")
    if isinstance(question, str) and question.strip():
        return question.strip(), question
    prompt = written_out(question if isinstance(question, list) else found.get("prompt"))
    if prompt is None:
        messages = written_out(found.get("messages"))
        first = first_user_turn(messages)
        return (question_in(first) if first else None), first
    return question_in(prompt), last_user_turn(prompt)


def _truth(asked: str | None, answers: tuple[str, ...], names: list[dict[str, Any]]) -> Question:
    try:
        body = {"text": asked or "", "answers": list(answers), "entities": names}
        return QuestionIn.model_validate(body).to_domain()
    except ValidationError as error:
        raise BadLine(invalid(error).detail) from None
