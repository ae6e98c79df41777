"""End and padding tokens: what a decoder keeps of them is no text."""

_TOKENS = (
    "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|return|>", "<|call|>",
    "</s>", "<eos>", "<pad>", "[PAD]", "<|pad|>", "<|padding|>", "<|eos|>", "<end_of_turn>", "<turn|>", "[EOS]", "[e~[",
    "<｜end▁of▁sentence｜>", "<|end▁of▁sentence|>", "<|end_of_sentence|>", "<｜▁pad▁｜>", "<|user|>", "<|observation|>",
    "<|EOT|>", "<|END_OF_TURN_TOKEN|>", "<seed:eos>", "<SPECIAL_12>", "<｜hy_place▁holder▁no▁2｜>",
)  # fmt: skip


def end_of_text(text: str) -> int:
    """Return where the end and padding tokens begin that close a text; its length where none does."""
    end, is_closed = len(text), False
    while True:
        while end and text[end - 1].isspace():
            end -= 1
        if not text.endswith(_TOKENS, 0, end):
            return end if is_closed else len(text)
        token = next(one for one in _TOKENS if text.endswith(one, 0, end))
        end, is_closed = end - len(token), True
