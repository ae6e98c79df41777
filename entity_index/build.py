"""From rows to a version, with an account of what became of every line.

Rows stream through: one record is held at a time, duplicates are found by the draft. The first record of an id stays;
another one is refused, told apart by whether it says the same. The report also tells how much of the ground truth
occurs in the questions: masking takes it away, and a question that loses all its entities has no entity reward.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from entity_index.clean import Cleaned, clean
from entity_index.codec import encode
from entity_index.errors import InvalidRecord, NothingKept
from entity_index.readers.rows import Refusal, Row
from entity_index.stores.names import check_name
from entity_index.stores.protocols import Draft, VersionInfo, WritableCatalogue

SAME_AGAIN = "question id again, same record"
CONFLICT = "question id again, other record"
LINES_SHOWN = 5
COUNTED = ("kept", "entities", "aliases", "merged", "in_question", "without_entities", "only_in_question")
WORRYING_SHARE = 0.30  # HotpotQA with its 52 % leaves 29 % of the questions without an entity once masked


@dataclass(frozen=True, slots=True)
class RefusedLines:
    """The lines refused for one reason."""

    count: int
    lines: tuple[int, ...]
    """The first of them, counted from 1."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of the lines of one build: read = kept + refused."""

    info: VersionInfo
    read: int
    kept: int
    refused: Mapping[str, RefusedLines]
    """By reason, the most frequent first; records with an id that was taken are here too."""
    dropped: Mapping[str, int]
    """Answers, entities and aliases left out of kept questions, by reason, the most frequent first."""
    entities: int
    aliases: int
    merged: int
    """Entities that folded alike and were united."""
    in_question: int
    """Entities that appear in the text of their question."""
    without_entities: int
    """Questions that have no entity."""
    only_in_question: int
    """Questions whose entities all appear in their text: masked, they have none."""

    @property
    def share_in_question(self) -> float:
        """The share of the entities that appear in the question, in [0, 1]; 0 where there are none."""
        return self.in_question / self.entities if self.entities else 0.0

    @property
    def is_worrying(self) -> bool:
        """Whether so many occur in the questions that masking will leave many without entities."""
        return self.share_in_question > WORRYING_SHARE


def build(
    rows: Iterable[Row | Refusal],
    catalogue: WritableCatalogue,
    *,
    dataset: str,
    version: str | None = None,
    activate: bool = True,
    strict: bool = False,
) -> BuildReport:
    """Write a version of a data set.

    Args:
        rows: what a reader made of its lines.
        catalogue: where the version goes.
        dataset: name of the data set.
        version: name of the version; None names it after its content.
        activate: whether the version becomes the one that is opened by default.
        strict: whether the first refused line ends the build.

    Raises:
        InvalidName: the data set or version cannot have that name.
        InvalidRecord: with `strict`, a line was refused.
        VersionExists: the version name is taken by other content.
        NothingKept: no line was a question.
    """
    if version is not None:
        check_name(version)  # before the work, not after it
    tally = _Tally()
    with catalogue.draft(dataset) as draft:
        for row in rows:
            _take_in(row, draft, tally)
            if strict and tally.refused:
                raise InvalidRecord(f"line {row.line}: {next(iter(tally.refused))}")
        if not tally.counts["kept"]:
            raise NothingKept(f"no line contained a usable question: {tally.why_nothing()}")
        info = draft.publish(version)
    if activate:
        catalogue.activate(dataset, info.version)
    return tally.report(info)


def _take_in(row: Row | Refusal, draft: Draft, tally: "_Tally") -> None:
    if isinstance(row, Refusal):
        tally.refuse(row.line, row.reason)
        return
    try:
        cleaned = clean(row.question)
        record = encode(cleaned.question)
    except InvalidRecord as error:
        tally.refuse(row.line, str(error))
        return
    present = draft.add(str(cleaned.question.question_id), record)
    if present is None:
        tally.keep(cleaned)
    else:
        tally.refuse(row.line, SAME_AGAIN if present == record else CONFLICT)


@dataclass(slots=True)
class _Tally:
    """Counts on the way; turns into a report at the end."""

    counts: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    refused: dict[str, list[int]] = field(default_factory=dict)
    refused_count: Counter[str] = field(default_factory=Counter)

    def refuse(self, line: int, reason: str) -> None:
        self.refused_count[reason] += 1
        lines = self.refused.setdefault(reason, [])
        if len(lines) < LINES_SHOWN:
            lines.append(line)

    def keep(self, cleaned: Cleaned) -> None:
        entities = cleaned.question.entities
        self.dropped.update(cleaned.dropped)
        self.counts.update(
            kept=1,
            entities=len(entities),
            aliases=sum(len(entity.aliases) for entity in entities),
            merged=cleaned.merged,
            in_question=cleaned.in_question,
            without_entities=not entities,
            only_in_question=bool(entities) and cleaned.in_question == len(entities),
        )

    def report(self, info: VersionInfo) -> BuildReport:
        refused = {
            why: RefusedLines(n, tuple(self.refused[why])) for why, n in self.refused_count.most_common()
        }
        return BuildReport(
            info=info,
            read=self.counts["kept"] + self.refused_count.total(),
            refused=refused,
            dropped=dict(self.dropped.most_common()),
            **{name: self.counts[name] for name in COUNTED},
        )

    def why_nothing(self) -> str:
        return next((why for why, _ in self.refused_count.most_common(1)), "the input is empty")
