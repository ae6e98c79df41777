"""Advantages of every estimator, against numbers from another program."""

import json
from pathlib import Path

import pytest

from reward_service.core.advantages import advantages
from reward_service.core.types import Estimator

FILE = json.loads((Path(__file__).parent / "cases" / "estimators.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_an_estimator_gives_the_numbers_of_its_formula(case):
    found = advantages(case["reward"], Estimator(**case["estimator"]))

    assert found == pytest.approx(case["advantage"], abs=FILE["tolerance"])
