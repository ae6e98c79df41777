"""Tests on real data run without coverage: they skip where there is no data, so no line may depend on them."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.no_cover)
