"""Token ids and a mask that says which of them are the policy's -> chat messages. Who wrote what is never read from the text.

Tokens before the policy's first are the prompt and are left out; so are spans of nothing but end tokens and blanks, which
no one wrote.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import dropwhile, groupby
from typing import Protocol

from reward_service.core.types import AS_USUAL, Messages, Reading


class Tokenizer(Protocol):
    """What is used of a tokenizer."""

    eos_token_id: int | None

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """Return the text of token ids."""


def spans_of(ids: Iterable[int], mask: Iterable[int]) -> Iterator[tuple[bool, list[int]]]:
    """Cut a response into spans that the policy wrote and spans that it did not."""
    for is_own, span in groupby(zip(ids, mask, strict=False), key=lambda pair: bool(pair[1])):
        yield is_own, [token for token, _ in span]


def own_tokens(spans: Iterable[tuple[bool, Sequence[int]]]) -> int | None:
    """Return how many tokens the policy wrote; None where it wrote none, as a rollout has no length of 0."""
    return sum(len(ids) for is_own, ids in spans if is_own) or None


def chatml_spans(ids: Sequence[int], tokenizer: Tokenizer) -> list[tuple[bool, list[int]]]:
    """Cut a response that ChatML's special tokens divide, and that begins in the policy's turn, into spans as `spans_of` does.

    The mark that ends a turn belongs to its author; the head of a turn has no author.
    """
    pieces = {one: tokenizer.decode([one], skip_special_tokens=False) for one in set(ids)}
    mask, is_own, head = [], True, None
    for one in ids:
        piece = pieces[one]
        mask.append(int(is_own and head is None))
        if piece == "<|im_start|>":
            head, mask[-1] = "", 0
        elif head is not None:
            head += piece
            if "\n" in head:
                is_own, head = head.strip() == "assistant", None
        elif piece == "<|im_end|>":
            is_own = False
    return list(spans_of(ids, mask))


def messages_of(
    spans: Iterable[tuple[bool, Sequence[int]]], tokenizer: Tokenizer, reading: Reading = AS_USUAL
) -> Messages:
    """Return spans as messages: the policy's are the assistant's, all others a tool's.

    The dialect reads the policy's spans. Response marks in them are the policy's own words, as the mask says.
    """
    from_the_first = dropwhile(lambda span: not span[0], spans)
    said = [(is_own, text_of(ids, tokenizer)) for is_own, ids in from_the_first]
    return Messages(
        tuple(
            {"role": "assistant" if is_own else "tool", "content": text}
            for is_own, text in said
            if text.strip()
        )
        or ({"role": "assistant", "content": ""},),
        reading=replace(reading, responses_in_policy_turn=False),
    )


def text_of(ids: Sequence[int], tokenizer: Tokenizer) -> str:
    """Return the text of a span, special tokens included, without the one that ends a turn."""
    kept = [token for token in ids if token != tokenizer.eos_token_id]
    return tokenizer.decode(kept, skip_special_tokens=False)
