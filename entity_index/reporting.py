"""A build report for people and for programs: rows of a table, JSON values, and the one warning that matters."""

from collections.abc import Iterator
from dataclasses import asdict

from entity_index.build import WORRYING_SHARE, BuildReport

Fact = tuple[str, int | str, str]


def facts(report: BuildReport) -> Iterator[Fact]:
    """Yield name, value and remark of everything worth reading; what is zero and expected to be is left out."""
    yield "version", f"{report.info.dataset}@{report.info.version}", ""
    yield "lines read", report.read, ""
    yield "questions kept", report.kept, ""
    for reason, refused in report.refused.items():
        yield (
            f"refused: {reason}",
            refused.count,
            _lines(refused.lines, more=refused.count > len(refused.lines)),
        )
    yield "entities", report.entities, f"{report.entities / report.kept:.1f} per question"
    yield "aliases", report.aliases, ""
    if report.merged:
        yield "entities merged", report.merged, "their names fold to the same text"
    for reason, count in report.dropped.items():
        yield f"dropped: {reason}", count, ""
    yield "entities in the question", report.in_question, f"{report.share_in_question:.1%}"
    if report.without_entities:
        yield (
            "questions without entities",
            report.without_entities,
            f"{report.without_entities / report.kept:.1%}",
        )


def warning(report: BuildReport) -> str | None:
    """Return what to know before training on this version; None where there is nothing to worry about."""
    if not report.is_worrying:
        return None
    return (
        f"{report.share_in_question:.0%} of the entities occur in their question (more than {WORRYING_SHARE:.0%}): "
        f"a policy is rewarded for copying it. Masking them leaves {report.only_in_question:,} of {report.kept:,} questions "
        "without entities."
    )


def to_json(report: BuildReport) -> dict[str, object]:
    """Return the report as JSON values."""
    return asdict(report) | {"share_in_question": report.share_in_question, "warning": warning(report)}


def _lines(lines: tuple[int, ...], *, more: bool) -> str:
    return "line " + ", ".join(map(str, lines)) + (", ..." if more else "")
