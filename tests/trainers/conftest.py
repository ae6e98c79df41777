"""What the tests of every trainer share. They run in the trainer's own environment, see `make test-trainers`."""

import os

import pytest
from live import Live
from stories import QUESTION, group_of

os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TOKENIZERS_PARALLELISM": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "WANDB_DISABLED": "true",
}


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    """Two replicas behind one URL."""
    with Live(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture
def whole(live):
    """Rewards of whole groups, by the call that needs no assembling; answers are lists of texts in tagged text."""

    def score(groups, profile="egrpo", **options):
        body = {
            "profile": profile,
            **options,
            "groups": [group_of(n, texts, QUESTION) for n, texts in enumerate(groups)],
        }
        return [[one["reward"] for one in group["rollouts"]] for group in live.whole(body)]

    return score
