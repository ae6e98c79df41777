"""What the tests of trainers' adapters speak about: a question, thoughts, and a tokenizer of one id a letter."""

from tests.builders import EXAMPLE

QUESTION = EXAMPLE["groups"][0]["question"]
SAID = ["Zanderheim and Quillock", "nothing", "Quillock"]
REWARDS = [0.3, 0.0, 0.15]
# Under a profile whose weight falls from 0.3 to 0 by three quarters of the training, at step 3 of 8.
DECAYING = "egrpo-decay"
STEP, STEPS = 3, 8
DECAYED = [0.15, 0.0, 0.075]
END = 0
PAGE = "<tool_response>Zanderheim, Quillock</tool_response><think>Zanderheim, Quillock</think>"
CALL = '<think>I look.</think><tool_call>{"name": "search", "arguments": {}}</tool_call>'


def text(thought, answer="nobody"):
    return f"<think>{thought}</think><answer>{answer}</answer>"


def conversation(thought, answer="nobody"):
    """A rollout of two turns, with a page that names every entity, thinks aloud and must earn nothing."""
    return [
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": CALL},
        {"role": "tool", "content": PAGE},
        {"role": "assistant", "content": text(thought, answer)},
    ]


class Letters:
    """A tokenizer."""

    eos_token_id = END

    def encode(self, text):
        return [ord(letter) for letter in text]

    def decode(self, ids, *, skip_special_tokens):
        assert not skip_special_tokens
        return "".join("<end>" if one == END else chr(one) for one in ids)


def tokens(thought, answer="nobody"):
    """The same rollout as token ids and a mask: the policy's turns, and between them a page."""
    pieces = [(CALL, 1), (PAGE, 0), (text(thought, answer), 1)]
    encode = Letters().encode
    ids = [one for said, _ in pieces for one in encode(said)]
    mask = [own for said, own in pieces for _ in encode(said)]
    return [*ids, END], [*mask, 0]
