"""Which rollouts of a file are a group, and what their ground truth is.

A group is what the file says it is, or the rollouts of one question in one step. Its ground truth comes with the lines, or
from a data set of the index: the question with the same text; where the lines do not give it to the letter, the last one that
their prompt holds; where they hold no text that is known, the question with the same id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import ahocorasick_rs

from entity_index.codec import decode
from entity_index.stores.protocols import EntityStore
from entity_index.types import Question
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.lines import Line
from reward_service.adapters.records.prompts import folded
from reward_service.serve.scorer import GroupCall
from reward_service.serve.truth import QuestionRef


class DatasetQuestions:
    """The questions of one version of a data set, by their text."""

    def __init__(self, dataset: str, store: EntityStore, *, has_all: bool = True) -> None:
        """Look questions up in a version.

        Args:
            dataset: its name, with or without the version.
            store: the version.
            has_all: a question it does not have is an error, even where a line brings its own gold answers.
        """
        self.dataset = dataset
        self.has_all = has_all
        self._store = store

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        """The first id of each text."""
        ids: dict[str, str] = {}
        for question_id, record in self._store.records():
            text = folded(decode(record, question_id=question_id).text)
            if text:
                ids.setdefault(text, question_id)
        return ids

    @cached_property
    def _texts(self) -> list[str]:
        return list(self._ids)

    @cached_property
    def _automaton(self) -> ahocorasick_rs.AhoCorasick:
        return ahocorasick_rs.AhoCorasick(self._texts, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)

    def find(self, line: Line) -> QuestionRef | None:
        """Return the question of a line; None where the data set does not have it."""
        text = None if line.asked is None else folded(line.asked)
        found = self._ids.get(text) if text else None
        if found is None and line.prompt is not None:
            found = self._last_in(folded(line.prompt))
        if found is None and line.question_id is not None and self._is_named(line.question_id, text):
            found = line.question_id
        return None if found is None else QuestionRef(self.dataset, found)

    def _last_in(self, prompt: str) -> str | None:
        """Return the last question that a prompt contains as whole words."""
        at = [
            self._texts[which]
            for which, start, end in self._automaton.find_matches_as_indexes(prompt)
            if not (prompt[start - 1 : start].isalnum() or prompt[end : end + 1].isalnum())
        ]
        return self._ids[at[-1]] if at else None

    def _is_named(self, question_id: str, text: str | None) -> bool:
        """Return whether the id is that of a question which the line does not contradict by asking another one."""
        [question] = self._store.get_many([question_id])
        return question is not None and (text is None or not question.text)


@dataclass(frozen=True, slots=True)
class Grouped:
    """One group of a file, with its lines in the order of its rollouts."""

    call: GroupCall
    lines: tuple[Line, ...]


Key = tuple[str, str]


def gather(lines: Iterable[Line]) -> dict[Key, list[Line]]:
    """Gather rollouts into groups, by run and group, in the order in which groups first appear."""
    gathered: dict[Key, list[Line]] = {}
    for line in lines:
        gathered.setdefault((line.run_id, line.group), []).append(line)
    return gathered


def group(key: Key, lines: Sequence[Line], dataset: DatasetQuestions | None) -> Grouped:
    """Return a group as it is scored.

    Raises:
        BadLine: the lines that can be read ask several questions, or have no ground truth.
    """
    asked = {question_of(line, dataset) for line in lines if line.defect is None}
    if len(asked) != 1:
        raise BadLine(f"group {key[1]} must have one question, got {len(asked)}")
    rollouts = tuple(
        line.rollout if line.rollout.rollout_id else replace(line.rollout, rollout_id=str(n))
        for n, line in enumerate(lines)
    )
    return Grouped(GroupCall(*key, asked.pop(), rollouts), tuple(lines))


def question_of(line: Line, dataset: DatasetQuestions | None) -> Question | QuestionRef:
    """Return a line's ground truth: its own, where it brings entities along, else the index's, else its answers alone.

    Its answers alone count where no data set was named: then the index was only looked into because it is there.

    Raises:
        BadLine: there is none.
    """
    if line.truth is not None:
        return line.truth
    found = dataset.find(line) if dataset is not None else None
    if found is not None:
        return found
    if dataset is not None and line.asked is None and line.question_id is not None:
        return QuestionRef(dataset.dataset, line.question_id)
    if dataset is not None and (dataset.has_all or not line.answers):
        raise BadLine("the data set has no such question, by its text or its id")
    if not line.answers and line.rollout.outcome is None:
        raise BadLine("there is no ground truth: give --index and --dataset, or --map answers=PATH")
    return Question(line.asked or "", line.answers)
