import importlib.util

import pytest

NEEDED = ("torch", "transformers", "bm25s", "matplotlib")


def test_what_needs_torch_is_tested_elsewhere():
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(
            f"{', '.join(missing)}: the extra train is not installed; tests/reference_trainer: make test-train"
        )
