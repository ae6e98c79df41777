"""Writes docs/experiment.md and its figures from the results that are there, however many.

python -m experiment.page
"""

from pathlib import Path

from experiment import choices, figures, first_page, second_page
from experiment.plan import all_runs
from experiment.runs import ROOT
from experiment.statistics import LEVEL, RESAMPLES
from experiment.tables import NOTHING, Found, gather

PAGE = ROOT / "docs" / "experiment.md"
TEXTS = Path(__file__).parent


def text(name: str) -> str:
    """Return a text that is written by hand."""
    return (TEXTS / f"{name}.md").read_text(encoding="utf-8").strip()


def made_by(found: Found) -> str:
    """Return the commits, machines and versions of the results, each once."""
    values = {tuple(sorted(result["made"].items())) for results in found.values() for result in results}
    said = "\n".join(f"- {', '.join(f'{key} {value}' for key, value in one)}" for one in sorted(values))
    return said or NOTHING


def timing(found: Found) -> str:
    """Return where the time of the steps went, and the largest difference between sampling and training."""
    results = [result for many in found.values() for result in many]
    if not results:
        return NOTHING
    total = {stage: sum(result["seconds"][stage] for result in results) for stage in results[0]["seconds"]}
    share = {stage: total[stage] / total["step_s"] for stage in total}
    drawn = sum(sum(result["steps"]["drawn_tokens"]) for result in results)
    return (
        f"Of the wall time of all steps, {share['rollout_s']:.0%} was spent on rollouts, {share['update_s']:.0%} on updates "
        f"and {share['reward_s']:.1%} waiting for rewards; {drawn / total['rollout_s']:.0f} tokens were sampled per second "
        "of rollouts. The machine was shared, so this is not the best it can do. "
        "The largest difference between a log-probability kept while sampling and the one computed for the update, over "
        f"every token of every step, was {max(result['drift'] for result in results):.1e}."
    )


def reading() -> str:
    """Say how intervals are to be read."""
    return (
        f"Intervals are {LEVEL} % bootstrap intervals over seeds and, within a seed, questions ({RESAMPLES} resamples); "
        "with so few seeds they are too narrow. Differences are paired by seed, and one whose interval contains 0 is "
        "called a tie. `make experiment` carries out the missing runs and writes this page again."
    )


def page() -> str:
    """Draw the figures and return the page."""
    found, missing = gather()
    figures.draw([*second_page.drawings(found), *first_page.drawings(found)])
    done = len(all_runs()) - len(missing)
    parts = [
        text("introduction"),
        f"## What to choose\n{text('choosing')}\n\n{choices.decisions(found)}",
        text("large_models"),
        f"## Does the floor hold?\n{text('floor')}\n\n{choices.primary(found)}",
        f"## Results\n{done} of {len(all_runs())} runs have finished. {reading()}",
        *second_page.results(found),
        f"### {choices.OTHERS}\n{second_page.variants(found)}",
        second_page.smaller_parts(found),
        f"## Why: where the gradient came from\n{text('causes')}\n\n{second_page.causes(found)}",
        f"## What a wrong verdict costs\n{text('noise')}\n\n{second_page.noise(found)}",
        f"## A second world: follow, then compare\n{text('second_world')}\n\n{second_page.second_world(found)}",
        *first_page.section(found),
        f"## Time\n{timing(found)}",
        text("notes"),
        f"## What was cut\n{text('cut')}\n\n{second_page.cut(missing)}",
        f"## Made by\n{made_by(found)}",
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
