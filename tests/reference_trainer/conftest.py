"""The parts of the reference trainer that need torch: `make test-train`. Without the extra `train` they skip."""

import importlib.util

import pytest

NEEDED = ("torch", "transformers", "bm25s", "matplotlib")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

collect_ignore_glob = ["test_*.py"] if MISSING else []

if not MISSING:
    import torch

    from reward_service.trainer.chat import Chat
    from reward_service.trainer.data import world_documents
    from reward_service.trainer.policy import Shape, small_policy, word_tokenizer
    from reward_service.trainer.search import Bm25
    from reward_service.trainer.world import make_questions, make_world

    torch.set_num_threads(1)

    @pytest.fixture(scope="session")
    def world():
        return make_world(per_type=10, seed=0)

    @pytest.fixture(scope="session")
    def questions(world):
        return make_questions(world, hops=(2, 3), train=40, test=8, seed=0)[0]

    @pytest.fixture(scope="session")
    def search(world):
        return Bm25(world_documents(world), top=2)

    @pytest.fixture(scope="session")
    def chat():
        return Chat(word_tokenizer(), system=None)

    @pytest.fixture
    def model():
        return small_policy(len(word_tokenizer()), Shape(24, 2, 2), seed=0)
