"""Search, chat, losses, update, warm-up: small inputs, literal outputs."""

import math
from dataclasses import replace

import pytest
import torch

from reward_service.client import RolloutReward
from reward_service.trainer.chat import Chat
from reward_service.trainer.data import Document
from reward_service.trainer.lessons import Habits, lessons
from reward_service.trainer.logps import pad, token_logps
from reward_service.trainer.losses import LOSSES, LossBatch, LossSpec, disco, grpo, gspo
from reward_service.trainer.policy import Shape, small_policy, word_tokenizer
from reward_service.trainer.sampling import Trace
from reward_service.trainer.search import Bm25
from reward_service.trainer.train import _by_token
from reward_service.trainer.update import Learning, update
from reward_service.trainer.warmup import WarmUp, encode, warmed_up
from reward_service.trainer.world import AGES, COMPARE, NEAREST
from tests.reference_trainer import checkpoints

CPU = torch.device("cpu")


def test_a_title_weighs_twice_in_a_search():
    tool = Bm25([Document("Bala", "is twinned with Lumo"), Document("Lumo", "is twinned with Bala")], top=1)
    assert tool("lumo") == ["Lumo\nis twinned with Bala"]
    assert tool("zzz") == []


def test_a_corpus_is_needed():
    with pytest.raises(ValueError, match="at least one"):
        Bm25([], top=2)


def test_prompt_and_bridges_are_what_the_template_would_write():
    tokenizer = checkpoints.tokenizer()
    chat = Chat(tokenizer, system="Be brief.")
    said = chat.said("<answer>x</answer>")
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "<answer>x</answer>"},
        {"role": "user", "content": "more"},
    ]
    whole = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)

    ids = chat.prompt("Who?") + said + chat.bridge("more", last=said[-1])

    assert tokenizer.decode(ids) == whole
    ended = [*said, chat.eos]
    assert tokenizer.decode(chat.prompt("Who?") + ended + chat.bridge("more", last=chat.eos)) == whole


def test_a_stop_string_of_several_tokens_is_noticed_at_its_last():
    chat = Chat(checkpoints.tokenizer(), system=None)
    ids = chat.said("<think>so</think><answer>Paris</answer>")
    assert ids[-1] in {*chat.closers, *chat.stops}
    assert chat.stopped(ids)
    assert not chat.stopped(ids[:-1])


def test_a_thought_that_the_template_opens_belongs_to_the_text():
    opening = checkpoints.CHATML.replace("assistant\\n{% endif %}", "assistant\\n<think>\\n{% endif %}")
    opening = (
        opening
        if "<think>" in opening
        else opening.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    )
    assert Chat(checkpoints.tokenizer(opening), system=None).opened == "<think>"
    assert Chat(checkpoints.tokenizer(), system=None).opened == ""


@pytest.mark.parametrize("template", [None, "{{ messages[0]['content'] }}"])
def test_a_template_that_hides_what_is_said_is_refused(template):
    with pytest.raises(ValueError, match="template"):
        Chat(checkpoints.tokenizer(template), system=None)


def targets(old, tokens, advantages, correct=(True, False), groups=(0, 0)):
    return LossBatch(
        torch.tensor(old),
        torch.tensor(tokens),
        torch.tensor(advantages),
        torch.tensor(correct),
        torch.tensor(groups),
        tokens=sum(map(sum, tokens)),
        rollouts=sum(map(any, tokens)),
    )


BATCH = targets(
    [[0.0, -1.0, -1.0], [0.0, -2.0, 9.9]], [[False, True, True], [False, True, False]], [1.0, -1.0]
)


def test_grpo_is_the_mean_over_all_tokens():
    ratios = [[1.0, 1.1, 1.5], [1.0, 0.5, 7.0]]
    new = BATCH.old_NT + torch.tensor(ratios).log()
    # 1.1 passes, 1.5 is cut to 1.28, and 0.5 with a negative advantage to 0.8.
    assert grpo(new, BATCH, LossSpec()).item() == pytest.approx(-(1.1 + 1.28 - 0.8) / 3)


def test_the_tokens_of_a_turn_have_its_advantage():
    batch = replace(BATCH, of_turns_NT=torch.tensor([[0.0, 2.0, -1.0], [0.0, 3.0, 0.0]]))

    assert grpo(BATCH.old_NT, batch, LossSpec()).item() == pytest.approx(-(2.0 - 1.0 + 3.0) / 3)


def test_a_run_of_sampled_tokens_is_a_turn():
    trace = Trace([1, 2, 3, 4, 5], [False, True, True, False, True], [0.0] * 5)
    paid = RolloutReward("0", "scored", reward=1.0, advantage=0.5, turn_advantages=(0.25, -1.0), weight=2.0)

    assert _by_token(trace, paid, 6) == [0.0, 0.5, 0.5, 0.0, -2.0, 0.0]


def test_gspo_is_the_mean_over_rollouts_of_one_ratio_each():
    new = BATCH.old_NT + torch.tensor([[0.0, 1e-4, 3e-4], [0.0, 0.1, 5.0]])
    # exp(2e-4) passes; the second ratio is above the range, which a negative advantage does not cut.
    expected = -(math.exp(2e-4) - math.exp(0.1)) / 2
    assert gspo(new, BATCH, LossSpec()).item() == pytest.approx(expected, abs=1e-6)


def test_disco_is_the_gap_between_good_and_bad_and_a_bound_on_drift():
    batch = targets(
        [[0.0, -1.0], [0.0, -2.0], [0.0, -4.0]],
        [[False, True], [False, True], [False, True]],
        [1.0, -1.0, -1.0],
        correct=(True, False, False),
        groups=(0, 0, 0),
    )
    bad = 10 * math.log((math.exp(-0.2) + math.exp(-0.4)) / 2)
    assert disco(batch.old_NT, batch, LossSpec()).item() == pytest.approx(-(-1.0 - bad), abs=1e-5)
    drift = (
        disco(batch.old_NT - 0.01, batch, LossSpec()).item() - disco(batch.old_NT, batch, LossSpec()).item()
    )
    assert drift == pytest.approx(1e3 * (0.01 - 1e-4) ** 2, abs=1e-3)


def test_disco_skips_questions_without_both_and_still_counts_them():
    both = targets([[0.0, -1.0], [0.0, -2.0]], [[False, True]] * 2, [1.0, -1.0])
    more = targets(
        [[0.0, -1.0], [0.0, -2.0], [0.0, -3.0]],
        [[False, True]] * 3,
        [1.0, -1.0, 0.0],
        (True, False, False),
        (0, 0, 1),
    )
    one, two = disco(both.old_NT, both, LossSpec()), disco(more.old_NT, more, LossSpec())
    assert two.item() == pytest.approx(one.item() / 2)


@pytest.mark.parametrize("name", LOSSES)
def test_a_rollout_that_is_not_in_the_loss_has_no_gradient(name):
    new = BATCH.old_NT.clone().requires_grad_()
    masked = targets(BATCH.old_NT.tolist(), [[False, True, True], [False] * 3], [1.0, -1.0])
    LOSSES[name](new, masked, LossSpec()).backward()
    assert new.grad[1].abs().sum() == 0


def rollouts(chat, questions, search, count):
    walks = lessons(questions, search, Habits(), 0)
    rows = [encode(next(walks), chat) for _ in range(count)]
    return pad([ids for ids, _ in rows], [own for _, own in rows], CPU)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_in_pieces_is_the_gradient_at_once(name, chat, questions, search):
    batch = rollouts(chat, questions, search, 8)
    noise = torch.Generator().manual_seed(0)
    found = []
    for size in (0, 3):
        model = small_policy(len(word_tokenizer()), Shape(24, 2, 2), seed=0)
        with torch.no_grad():
            old = token_logps(model, batch, 1.0) + 0.05 * torch.randn(
                batch.ids.shape, generator=noise.manual_seed(0)
            )
        aims = LossBatch(
            old,
            batch.sampled,
            torch.linspace(-1, 1, 8),
            torch.arange(8) % 2 == 0,
            torch.arange(8) // 4,
            tokens=int(batch.sampled.sum()),
            rollouts=8,
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        learnt = update(
            model, optimizer, batch, aims, learning=Learning(name, micro_batch=size, grad_clip=1e9)
        )
        found.append((learnt, [p.grad.clone() for p in model.parameters()]))
    (once, whole), (pieces, parts) = found
    assert pieces.loss == pytest.approx(once.loss, rel=1e-4)
    scale = max(float(one.abs().max()) for one in whole)
    assert max(float((a - b).abs().max()) for a, b in zip(whole, parts, strict=True)) < 1e-4 * scale


def test_a_warm_up_is_made_once(tmp_path, chat, questions, search):
    config = WarmUp(0, (10, 0, (2, 3), 40, 8, 2), shape=Shape(24, 2, 2), steps=3, batch=4)
    told = []
    made = [
        warmed_up(
            config,
            lessons(questions, search, Habits(), 0),
            cache=tmp_path,
            device=CPU,
            told=lambda step, loss: told.append((step, loss)),
        )
        for _ in range(2)
    ]
    assert [step for step, _ in told] == [1, 2, 3]
    assert told[2][1] < told[0][1]
    assert {path.name for path in tmp_path.iterdir()} == {config.digest}
    for one, two in zip(*(model.state_dict().values() for model in made), strict=True):
        assert torch.equal(one, two)


def test_a_warm_up_for_the_task_follow_has_the_name_it_had_before_there_was_another():
    follow = WarmUp(16, (40, 16, (4,), 4000, 512, 2), Habits(0.818, 1.0, 0.0, 12960))
    assert follow.digest == "0c401b73b593"
    compare = replace(follow, task=COMPARE)
    assert len({follow.digest, compare.digest, replace(compare, habits=Habits(misjudge=0.5)).digest}) == 3


def test_only_the_task_compare_adds_words():
    plain, comparing = word_tokenizer(), word_tokenizer(COMPARE)
    assert set(comparing.get_vocab()) - set(plain.get_vocab()) == {NEAREST, *map(str, AGES)}
    assert comparing.unk_token_id not in comparing("author Bala Brakent 12 nearest .")["input_ids"]
