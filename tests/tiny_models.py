"""Seeded tiny models, written to a folder as they would be downloaded. They score, and say nothing."""

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from reward_service.serve.sources.models.folder import folder_digest

WORDS = [f"w{n}" for n in range(200)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
NLI = ("contradiction", "neutral", "entailment")


def write_tokenizer(folder):
    vocabulary = {word: n for n, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    return len(vocabulary)


def write_model(folder, labels=("LABEL_0",), *, hidden=64, layers=2, positions=256, words=0, seed=7):
    """Write a model and return the digest of its folder.

    Args:
        folder: where to.
        labels: of the scores.
        hidden: size of a layer.
        layers: number of them.
        positions: longest text, in tokens.
        words: rows of the table of words, if more than the tokenizer has; as many as a real model, for its size.
        seed: of the weights.
    """
    size = write_tokenizer(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=max(size, words),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * hidden,
        max_position_embeddings=positions,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
        pad_token_id=0,
        initializer_range=0.2,
    )
    BertForSequenceClassification(config).save_pretrained(folder, safe_serialization=True)
    return folder_digest(folder)


def write_encoder(folder):
    """Write a model that ends with vectors and has no scores, as models for embeddings do."""
    size = write_tokenizer(folder)
    config = BertConfig(
        vocab_size=size, hidden_size=64, num_hidden_layers=1, num_attention_heads=4, pad_token_id=0
    )
    BertModel(config).save_pretrained(folder, safe_serialization=True)
    return folder_digest(folder)


def texts(count, *, longest=100, seed=1):
    """Return pairs of texts of different lengths."""
    chosen = torch.Generator().manual_seed(seed)

    def words(most):
        length = int(torch.randint(1, most, (1,), generator=chosen))
        return " ".join(WORDS[n] for n in torch.randint(len(WORDS), (length,), generator=chosen).tolist())

    return [(words(longest // 2), words(longest // 2)) for _ in range(count)]
