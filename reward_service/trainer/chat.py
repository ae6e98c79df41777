"""A tokenizer and its chat template: prompts, what stands between turns, and where a turn ends.

Tokens in, tokens out: what the policy sampled is never tokenized again, because another cut of the same text would not
be what it was sampled as. Between two turns come only the tokens that the template itself puts there, found once by
rendering a conversation of placeholders. A search result is a user message, since not every template knows tools.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from reward_service.trainer.dialogue import STOPS

_REPLY, _RESPONSE = "REPLY-0", "RESPONSE-0"
# A stop string of 12 characters has at most as many tokens.
TAIL_TOKENS = max(map(len, STOPS))


class Chat:
    """Speaks one tokenizer's language."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, system: str | None) -> None:
        """Look at the tokenizer once.

        Args:
            tokenizer: with a chat template and an end-of-text token.
            system: the system message; None for none.

        Raises:
            ValueError: the tokenizer lacks either, or its template rewrites what is said.
        """
        if tokenizer.chat_template is None or tokenizer.eos_token_id is None:
            raise ValueError("the tokenizer needs a chat template and an end-of-text token")
        self._tokenizer = tokenizer
        self._system = system
        self._between, self._after = self._render()
        self.opened = "<think>" if self._after.rstrip().endswith("<think>") else ""
        """What the template itself puts before each of the policy's turns and belongs to its text."""
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        self.eos = int(tokenizer.eos_token_id)
        ends = self._closing()
        self.stops = sorted({self.eos, *(n for n in ends if any(stop in self.text([n]) for stop in STOPS))})
        """Tokens that end a turn by themselves."""
        whole = set(tokenizer.get_added_vocab().values())
        self.closers = sorted(set(ends) - set(self.stops) - whole)
        """Tokens that may be the last of a stop string."""

    def _messages(self, question: str, *more: dict[str, str]) -> list[dict[str, str]]:
        system = [] if self._system is None else [{"role": "system", "content": self._system}]
        return [*system, {"role": "user", "content": question}, *more]

    def _rendered(self, messages: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _render(self) -> tuple[str, str]:
        reply = {"role": "assistant", "content": _REPLY}
        whole = self._rendered(self._messages("QUESTION-0", reply, {"role": "user", "content": _RESPONSE}))
        between, found, after = whole.partition(_REPLY)[2].partition(_RESPONSE)
        if not found:
            raise ValueError("the chat template changes the text of assistant or user messages")
        return between, after

    def _closing(self) -> list[int]:
        tokens = self._tokenizer.convert_ids_to_tokens(list(range(len(self._tokenizer))))
        return [n for n, token in enumerate(tokens) if token is not None and ">" in token]

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def prompt(self, question: str) -> list[int]:
        """Return the tokens before the policy's first turn."""
        return self._ids(self._rendered(self._messages(question)))

    def bridge(self, response: str, *, last: int) -> list[int]:
        """Return the tokens between a turn whose last token is `last` and the next: its end, the response, the opening."""
        text = self._between + response + self._after
        if last == self.eos:
            text = text.removeprefix(str(self._tokenizer.eos_token))
        return self._ids(text)

    def said(self, text: str) -> list[int]:
        """Return the tokens of a turn of another role, for demonstrations."""
        return self._ids(text)

    def text(self, ids: Sequence[int]) -> str:
        """Return what tokens say, tags included and the template's own tokens left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def stopped(self, ids: Sequence[int]) -> bool:
        """Return whether a stop string stands at the end of what was sampled."""
        tail = self.text(ids[-TAIL_TOKENS:])
        return any(stop in tail for stop in STOPS)
