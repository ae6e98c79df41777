"""A tiny checkpoint as it comes from a hub: byte-level BPE, ChatML, stop strings of several tokens, grouped heads."""

import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS = [
    '<think>I look for it</think><tool_call>{"name": "search", "arguments": {"query": "x"}}</tool_call>',
    "<think>It stands there</think><answer>Paris</answer>",
    "<tool_response>\nParis is the capital of France.\n</tool_response>",
]


def tokenizer(template=CHATML):
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(TEXTS, trainer)
    inner.add_special_tokens([AddedToken(t, special=True) for t in ("<|im_start|>", "<|im_end|>", "<|pad|>")])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        chat_template=template,
        clean_up_tokenization_spaces=False,
    )


def save(folder: Path):
    """Write the checkpoint: config.json, model.safetensors, tokenizer.json, the template."""
    torch.manual_seed(0)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def data(folder: Path):
    """Write a user's own questions and corpus; returns the options that name them."""
    rows = [
        {
            "question_id": f"q{n}",
            "question": f"Which city is capital number {n}?",
            "answers": [f"City {n}"],
            "entities": [{"name": f"Land {n}", "aliases": [f"Realm {n}"]}],
        }
        for n in range(12)
    ]
    documents = [{"title": f"Land {n}", "text": f"Its capital is City {n}."} for n in range(12)]
    for name, lines in (("train", rows[:8]), ("test", rows[8:]), ("corpus", documents)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [
        *("--questions", str(folder / "train.jsonl")),
        *("--held-out", str(folder / "test.jsonl")),
        *("--corpus", str(folder / "corpus.jsonl")),
    ]
