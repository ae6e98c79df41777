"""Models in torch: `make test-models`. Without the extra `models` they skip."""

import importlib.util

import pytest

NEEDED = ("torch", "transformers", "safetensors")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

collect_ignore_glob = ["test_*.py"] if MISSING else []

if not MISSING:
    from tests.tiny_models import NLI, write_model

    @pytest.fixture(scope="session")
    def tiny(tmp_path_factory):
        """Folder and digest of a model with one score."""
        folder = tmp_path_factory.mktemp("tiny")
        return folder, write_model(folder)

    @pytest.fixture(scope="session")
    def nli(tmp_path_factory):
        """Folder and digest of a model with three scores."""
        folder = tmp_path_factory.mktemp("nli")
        return folder, write_model(folder, NLI)
