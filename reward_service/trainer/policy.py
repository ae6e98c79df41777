"""The policy: a small Qwen2 with a vocabulary of words, made here, or any causal language model from disk."""

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from reward_service.trainer.world import FIRST, FOLLOW, RELATIONS, SECOND, TASKS

PAD, USER, ASSISTANT, END, UNKNOWN = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>", "<|unknown|>"
TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
# A call is three tokens and its query: a small model has better things to learn than JSON.
CALL = ('{"name": "search", "arguments": {"query": "', '"}}')
PLAIN = "Start at and follow . Where are you ? I start go on have read , ; nothing found"
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}"
    "{% if m['role'] == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the small policy."""

    width: int = 96
    layers: int = 3
    heads: int = 4


def word_tokenizer(task: str = FOLLOW) -> PreTrainedTokenizerFast:
    """Return the tokenizer of the small policy: a token a word, the same for every world with that task."""
    relations = {relation for links in RELATIONS.values() for relation, _ in links}
    words = sorted({*FIRST, *SECOND, *relations, *RELATIONS, *PLAIN.split(), *TASKS[task]})
    special = [PAD, UNKNOWN, USER, ASSISTANT, END]
    tags = [*TAGS, "<answer>", "</answer>", *CALL]
    inner = Tokenizer(
        WordLevel({word: n for n, word in enumerate([*special, *tags, *words])}, unk_token=UNKNOWN)
    )
    inner.pre_tokenizer = WhitespaceSplit()
    inner.add_special_tokens([AddedToken(token, special=True) for token in special])
    inner.add_tokens([AddedToken(token, special=False, normalized=False) for token in tags])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def small_policy(vocabulary: int, shape: Shape, seed: int) -> PreTrainedModel:
    """Return an untrained policy: 0.34 million parameters at the default size."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=shape.width,
        intermediate_size=8 * shape.width // 3,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=4,
    )
    return Qwen2ForCausalLM(config)


def load(folder: Path, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read a checkpoint in the Hugging Face layout from disk; nothing is downloaded."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, dtype=dtype, attn_implementation="sdpa"
    )
    return model, tokenizer


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a checkpoint in the Hugging Face layout."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
