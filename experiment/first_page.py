"""The part of docs/experiment.md that reports the first experiment."""

from pathlib import Path

from experiment.drawings import Drawing, image
from experiment.first import METHODS, STUFFING_PROFILES
from experiment.settings import MIDDLE, STOP_EARLY
from experiment.tables import Found, differences, lines_of, methods_table, names_table

READING = Path(__file__).parent / "first.md"
COMPARED = (
    ("E-GRPO", "GRPO"),
    ("GRPO, dynamic sampling", "GRPO"),
    ("E-GRPO", "GRPO, dynamic sampling"),
)


def _panels(found: Found) -> dict[str, dict[str, list[dict[str, object]]]]:
    return {f"p0 about {p0}": lines_of(found, "main", p0, METHODS) for p0 in STOP_EARLY}


def _alphas(found: Found) -> dict[str, list[dict[str, object]]]:
    lines = {
        "0": found.get(("main", MIDDLE, "GRPO"), []),
        "0.1": found.get(("alpha", "0.1", "E-GRPO"), []),
        "0.3": found.get(("main", MIDDLE, "E-GRPO"), []),
        "0.5": found.get(("alpha", "0.5", "E-GRPO"), []),
    }
    return {f"α = {alpha}": results for alpha, results in lines.items()}


def _stuffing(found: Found) -> dict[str, list[dict[str, object]]]:
    return {name: found.get(("stuffing", name, "E-GRPO"), []) for name in STUFFING_PROFILES}


def drawings(found: Found) -> list[Drawing]:
    """Return the figures of this part."""
    lines = _stuffing(found)
    return [
        Drawing("first-steps", _panels(found), "accuracy", "step"),
        Drawing("first-seconds", _panels(found), "accuracy", "cpu_s"),
        Drawing("first-alpha", {f"p0 about {MIDDLE}": _alphas(found)}, "accuracy", "step"),
        Drawing("first-stuffing", {"accuracy": lines}, "accuracy", "step"),
        Drawing("first-names", {"names": lines}, "names", "step"),
    ]


def section(found: Found) -> list[str]:
    """Return the paragraphs of this part."""
    return [
        READING.read_text(encoding="utf-8"),
        *(
            f"### First experiment, p0 about {p0}\n{methods_table(lines_of(found, 'main', p0, METHODS))}"
            for p0 in STOP_EARLY
        ),
        f"### First experiment, differences\n{differences(found, 'main', COMPARED, STOP_EARLY)}",
        image("first-steps", "Accuracy against steps") + image("first-seconds", "Accuracy against seconds"),
        f"### Weight of partial credit\nAt p0 about {MIDDLE}, under `egrpo-paper` with another α.\n\n"
        + names_table(_alphas(found), "α"),
        image("first-alpha", "Accuracy by alpha"),
        f"### Stuffing\n{names_table(_stuffing(found), 'profile')}",
        image("first-stuffing", "Accuracy") + image("first-names", "Names in thoughts"),
    ]
