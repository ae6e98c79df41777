"""Every run of both experiments. Each plan was committed before its reporting seeds ran."""

from experiment import first, second
from experiment.settings import Run


def all_runs() -> list[Run]:
    """Return every run in the order they are carried out."""
    return [*first.runs(), *second.runs()]
