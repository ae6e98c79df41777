"""What `lint` says of published question sets.

python -m benchmarks.lint [--quick]
"""

import argparse

from benchmarks.data import DATA
from benchmarks.report import Report
from entity_index.lint import CHECKS, SAYS, LintReport, lint, textbook
from entity_index.readers import SHAPES, mapped
from entity_index.readers.containers import read_path
from reward_service.cli.lint import judge_of
from reward_service.core.profiles import shipped

ALIASES = ["answers=answer_aliases"]
RUBQ = ["question=question_en", "answers=answers[].label", "entities=answers[]", "entities.name=label",
        "entities.aliases=aliases_en", "entities.id=uri"]  # fmt: skip
SETS = (
    ("HotpotQA (KILT)", "questions_hotpotqa_kilt/questions.jsonl", SHAPES["kilt"]),
    ("FRAMES", "questions_frames/questions.jsonl", SHAPES["frames"]),
    ("WebShaper", "questions_webshaper500/webshaper.500.jsonl", SHAPES["webshaper"]),
    ("2Wiki", "questions_2wiki_200/questions.jsonl", SHAPES["2wiki"]),
    ("RuBQ, answers as entities", "aliases_rubq_ru_en/questions.jsonl", mapped.shape(RUBQ)),
    (
        "DeepResearcher, aliases",
        "aliases_deepresearcher/questions_with_answer_aliases.jsonl",
        mapped.shape(ALIASES),
    ),
    ("DeepResearcher, parquet", "verl_parquet_deepresearcher/dev.parquet", SHAPES["verl"]),
    (
        "QALD-10, English",
        "questions_qald10_en_zh_de_ru/questions.jsonl",
        mapped.shape(["question=question.en"]),
    ),
)
PROFILES = ("egrpo-paper", "egrpo")


def checks(report: Report, found: dict[str, LintReport]) -> None:
    """Shares by check, those over their limit in bold."""
    rows = []
    for check in CHECKS:
        cells = []
        for one in found.values():
            share = f"{one.share(check.name):.1%}"
            cells.append(f"**{share}**" if check.name in one.over({}) else share)
        rows.append((f"{check.name}, of {check.of}", f"{check.limit:.0%}", *cells))
    totals = [("questions", "", *(f"{one.totals['questions']:,}" for one in found.values()))]
    totals += [("entities", "", *(f"{one.totals['entities']:,}" for one in found.values()))]
    report.table("Shares; bold: over the limit", ("check", "limit", *found), [*totals, *rows])


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="nothing is kept")
    arguments.parse_args()
    judges = {"textbook": textbook} | {name: judge_of(shipped()[name]) for name in PROFILES}
    with Report("lint") as report:
        found = {
            how: {name: lint(read_path(DATA / path, shape), judge=judge) for name, path, shape in SETS}
            for how, judge in judges.items()
        }
        checks(report, found["textbook"])
        for how, reports in found.items():
            paid = {name: one for name, one in reports.items() if one.totals["entities"]}
            rows = [
                (
                    says,
                    *(
                        f"{one.policies[says].match_rate:.3f} / {one.policies[says].reward:.3f}"
                        for one in paid.values()
                    ),
                )
                for says in SAYS
            ]
            rows += [
                ("rate cannot reach 1", *(f"{one.share('rate cannot reach 1'):.1%}" for one in paid.values()))
            ]
            report.table(f"Match rate / reward of four policies, {how}", ("a policy that ...", *paid), rows)


if __name__ == "__main__":
    main()
