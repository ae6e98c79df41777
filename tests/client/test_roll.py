"""What ROLL's reward worker does with a batch; the worker itself needs tensors and is tested in tests/trainers."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from reward_service.client import ClientError
from reward_service.client.options import Options
from reward_service.client.trainers.roll import pay_samples
from tests.client.toys import DECAYED, DECAYING, END, QUESTION, REWARDS, SAID, STEP, STEPS, Letters, text

PAD = 7


def data(said, *, row=None, ids=None):
    """A `DataProto` as the RLVR pipeline makes it: responses padded on the right."""
    ids = ids or [[*Letters().encode(one), END] for one in said]
    width = max(map(len, ids))
    mask = [[0] * 4 + [1] * len(one) + [0] * (width - len(one)) for one in ids]
    columns = {
        "id": "1",
        "tag": "search",
        "domain": "egrpo",
        "ground_truth": json.dumps({"question_id": QUESTION}),
    }
    columns |= row or {}
    return SimpleNamespace(
        batch={
            "responses": np.array([one + [PAD] * (width - len(one)) for one in ids]),
            "response_mask": np.array(mask),
        },
        non_tensor_batch={
            name: np.array([value] * len(ids), dtype=object) for name, value in columns.items()
        },
        meta_info={"global_step": STEP},
    )


def pay(url, batch, size=3, on_error="raise", **options):
    given = Options.read({"url": url, "profile": "egrpo", "format": "tagged", **options})
    paid = pay_samples(given, batch, size=size, tokenizer=Letters(), on_error=on_error)
    return [number for number, _ in paid]


def test_the_samples_of_a_prompt_are_paid_as_a_group(server):
    assert pay(server, data([text(one) for one in SAID * 2])) == REWARDS * 2


async def test_it_may_be_called_inside_a_loop(server):
    assert pay(server, data([text(one) for one in SAID])) == REWARDS


def test_samples_that_come_one_by_one_are_refused(server):
    with pytest.raises(ValueError, match="is_num_return_sequences_expand must be false"):
        pay(server, data([text(SAID[0])]))


def test_validation_is_paid_by_its_outcome(server):
    batch = data([text(SAID[0]), text("", "x")], row={"split": "test"})

    assert pay(server, batch) == [0.0, 1.0]


def test_the_ground_truth_may_be_the_questions_id(server):
    batch = data([text(one) for one in SAID], row={"ground_truth": "first-forecast"})

    assert len(pay(server, batch, dataset="sample")) == 3


def test_no_reward_is_an_exception_or_nothing_for_the_whole_group(server):
    batch = data([text(one) for one in SAID])

    with pytest.raises(ClientError, match="There is no such profile"):
        pay(server, batch, profile="nobody")
    assert pay(server, batch, profile="nobody", on_error="mask") == [0.0] * 3


def test_the_progress_is_the_step_of_the_batch(server):
    paid = pay(server, data([text(one) for one in SAID]), profile=DECAYING, total_steps=STEPS)

    assert paid == pytest.approx(DECAYED, abs=1e-15)
