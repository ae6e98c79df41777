"""Published data sets through their readers: nothing is refused, and the known share appears in the questions."""

import os
from pathlib import Path

import pytest

from entity_index.build import build
from entity_index.lint import lint
from entity_index.readers import SHAPES
from entity_index.readers.containers import read_path
from entity_index.stores.sqlite import SqliteCatalogue

FOLDER = os.environ.get("REWARD_SERVICE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")

# file, questions, entities, dropped, and the share of the entities that appear in the question, in percent
EXPECTED = {
    "kilt": ("questions_hotpotqa_kilt/questions.jsonl", 5163, 10_325, 1, 52.0),
    "frames": ("questions_frames/questions.jsonl", 824, 2632, 0, 28.0),
    "webshaper": ("questions_webshaper500/webshaper.500.jsonl", 500, 3529, 10, 89.6),
    "2wiki": ("questions_2wiki_200/questions.jsonl", 200, 849, 0, 37.3),
    "verl": ("verl_parquet_deepresearcher/dev.parquet", 875, 0, 0, 0.0),
}


@pytest.mark.parametrize("reader", EXPECTED)
def test_a_published_data_set_is_read_without_refusals(reader, tmp_path):
    name, questions, entities, dropped, share = EXPECTED[reader]
    path = Path(FOLDER) / name
    if not path.exists():
        pytest.skip(f"no real data at {path}: set REWARD_SERVICE_TEST_DATA")

    report = build(read_path(path, SHAPES[reader]), SqliteCatalogue(tmp_path), dataset=reader)

    assert report.refused == {}
    assert (report.read, report.kept, report.entities) == (questions, questions, entities)
    assert sum(report.dropped.values()) == dropped
    assert round(100 * report.share_in_question, 1) == share


# checks over their limit, and what copying the question earns under the paper's formula
LINTED = {
    "kilt": (
        [
            "unmeetable answer",
            "entity in the question",
            "all entities in the question",
            "entities only an echo earns",
        ],
        0.156,
    ),
    "frames": (["unmeetable answer"], 0.096),
    "webshaper": (
        [
            "generic spelling",
            "entity in the question",
            "all entities in the question",
            "entities only an echo earns",
        ],
        0.270,
    ),
    "2wiki": (["generic spelling", "entity in the question", "entities only an echo earns"], 0.112),
    "verl": (["unmeetable answer", "no entities"], 0.0),
}


@pytest.mark.parametrize("reader", LINTED)
def test_lint_says_what_is_known_of_published_data_sets(reader):
    path = Path(FOLDER) / EXPECTED[reader][0]
    if not path.exists():
        pytest.skip(f"no real data at {path}: set REWARD_SERVICE_TEST_DATA")

    report = lint(read_path(path, SHAPES[reader]))

    assert (report.over({}), round(report.policies["copies the question"].reward, 3)) == LINTED[reader]
