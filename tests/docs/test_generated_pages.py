"""Pages of docs/ that are made from tables in the code are in step with them, and complete."""

from pathlib import Path

import pytest

from reward_service.api import metrics
from reward_service.serve import config, errors

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"settings": config, "metrics": metrics, "errors": errors}


@pytest.mark.parametrize("page", PAGES)
def test_the_committed_page_is_what_the_code_says(page):
    assert (DOCS / f"{page}.md").read_text(encoding="utf-8") == PAGES[page].as_markdown()


def test_every_setting_says_how_to_choose_it():
    page = config.as_markdown()
    for name, field in config.Settings.model_fields.items():
        assert f"\n## {name}\n" in page
        assert field.description
        assert len(field.description) > 20


def test_every_error_has_a_heading_and_a_sentence():
    page = errors.as_markdown()
    for cls in errors.catalogue():
        assert f"\n### {cls.slug}\n" in page
        assert cls.title.endswith(".")


def test_every_metric_has_its_unit_in_its_name_and_no_label_that_grows():
    for row in metrics.METRICS:
        assert row.help.endswith(".")
        assert not row.unit or row.unit in row.name
        assert (row.kind == "counter") == row.name.endswith("_total")
        assert not set(row.labels) & {
            "run",
            "run_id",
            "group",
            "group_id",
            "question_id",
            "rollout_id",
            "key",
        }
