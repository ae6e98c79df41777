"""On-policy means: what was kept while sampling is what the policy says of the finished text."""

import pytest
import torch

from reward_service.client import StopReason
from reward_service.trainer.chat import Chat
from reward_service.trainer.dialogue import answer_turn, search_turn
from reward_service.trainer.lessons import Habits, lessons
from reward_service.trainer.logps import all_logps, pad, token_logps
from reward_service.trainer.policy import load
from reward_service.trainer.sampling import RolloutLimits, sample
from reward_service.trainer.warmup import encode
from tests.reference_trainer import checkpoints


def plain(model, trace):
    with torch.no_grad():
        logits = model(torch.tensor([trace.ids])).logits[0].float()
    logps = torch.log_softmax(logits, -1)
    return [float(logps[n - 1, token]) for n, token in enumerate(trace.ids)]


def largest_difference(model, traces):
    return max(
        abs(kept - said)
        for trace in traces
        for kept, said, own in zip(trace.logps, plain(model, trace), trace.sampled, strict=True)
        if own
    )


def taught(model, chat, questions, search):
    """Teach a policy two turns by heart, quickly and not well, so that rollouts go on for different numbers of turns."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    walks = lessons(questions, search, Habits(stop_early=0.3), 0)
    for _ in range(60):
        rows = [encode(next(walks), chat) for _ in range(16)]
        batch = pad([ids for ids, _ in rows], [own for _, own in rows], torch.device("cpu"))
        loss = -token_logps(model, batch, 1.0)[batch.sampled].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def drawn(model, chat, questions, search, **limits):
    prompts = [chat.prompt(question.text) for question in questions for _ in range(4)]
    generator = torch.Generator().manual_seed(1)
    return sample(model, chat, prompts, search=search, limits=RolloutLimits(**limits), generator=generator)


def test_kept_log_probabilities_are_those_of_a_plain_forward_pass(
    model, chat, questions, search, record_property
):
    policy = taught(model, chat, questions, search)
    traces = drawn(policy, chat, questions, search)

    assert len({trace.searches for trace in traces}) >= 3, (
        "rows of different lengths make the test worth something"
    )
    worst = largest_difference(policy, traces)
    record_property("largest_difference", worst)
    assert worst <= 1e-5


def test_the_same_holds_for_a_checkpoint_with_its_own_tokenizer_and_template(search, tmp_path, questions):
    model, tokenizer = load(checkpoints.save(tmp_path), torch.float32)
    traces = drawn(model, Chat(tokenizer, system="Search."), questions, search, turn_tokens=24)
    assert largest_difference(model, traces) <= 1e-5


def test_log_probabilities_for_training_are_the_same_in_any_order_and_padding(model, chat, questions, search):
    traces = drawn(model, chat, questions, search)
    batch = pad([t.ids for t in traces], [t.sampled for t in traces], torch.device("cpu"))
    with torch.no_grad():
        found = all_logps(model, batch, 1.0, size=7)
    for row, trace in enumerate(traces):
        said = torch.tensor(plain(model, trace)[1:])
        assert (found[row, 1 : len(trace.ids)] - said).abs().max() <= 1e-5


def test_a_sampled_token_is_never_tokenized_again(model, chat, questions, search):
    for trace in drawn(model, chat, questions[:4], search):
        assert len(trace.ids) == len(trace.sampled) == len(trace.logps)
        assert all(logp == 0.0 for logp, own in zip(trace.logps, trace.sampled, strict=True) if not own)


def test_a_turn_without_end_is_overlength(model, chat, questions, search):
    traces = drawn(model, chat, questions, search, turn_tokens=2)
    assert StopReason.MAX_TOKENS in {trace.stop for trace in traces}
    assert all(sum(trace.sampled) <= 2 for trace in traces if trace.stop is StopReason.MAX_TOKENS)


def test_a_full_context_is_overlength(model, chat, questions, search):
    policy = taught(model, chat, questions, search)
    traces = drawn(policy, chat, questions, search, context=60)
    assert {trace.stop for trace in traces} >= {StopReason.MAX_TOKENS}
    assert all(len(trace.ids) <= 60 for trace in traces)


def test_a_search_in_the_last_turn_is_overlength(model, chat, questions, search):
    policy = taught(model, chat, questions, search)
    traces = drawn(policy, chat, questions, search, turns=1)
    assert {trace.stop for trace in traces if trace.searches} == {StopReason.MAX_TURNS}
    assert all("<tool_response>" not in trace.text for trace in traces if trace.searches)


def test_the_same_chance_draws_the_same_rollouts(model, chat, questions, search):
    one, two = (drawn(model, chat, questions[:6], search) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("turn", [search_turn("I start at x", "x"), answer_turn("go on", "x")])
def test_turns_end_at_their_stop_strings(chat, turn):
    ids = chat.said(turn)
    assert ids[-1] in chat.stops
    assert not set(ids[:-1]) & set(chat.stops)
