"""The fast reader of chat messages returns what the plain one does, for anything JSON can hold."""

from types import MappingProxyType

from hypothesis import example, given
from hypothesis import strategies as st

from reward_service.core.trajectory import UnparsableRollout
from reward_service.core.trajectory.messages import parse_messages
from tests.property.test_format_laws import MARKS
from tests.reference import plain_messages

texts = st.lists(st.sampled_from(MARKS), max_size=6).map("".join)
odd = st.none() | st.booleans() | st.integers() | texts | st.lists(texts | st.integers(), max_size=2)
parts = st.lists(texts | st.fixed_dictionaries({}, optional={"text": texts | st.none()}), max_size=3)
contents = texts | st.none() | parts | parts.map(tuple) | odd
functions = st.fixed_dictionaries({}, optional={"name": texts | st.none(), "arguments": odd})
calls = st.fixed_dictionaries({}, optional={"function": functions | odd}) | odd
messages = (
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(
                ["assistant", "assistant", "tool", "function", "user", "system", "developer", "x", None]
            )
        },
        optional={
            "content": contents,
            "reasoning_content": contents,
            "reasoning": contents,
            "tool_calls": st.lists(calls, max_size=2) | odd,
        },
    )
    | odd
)
GOOD = [
    {"role": "user", "content": "<tool_response>r</tool_response>"},
    {"role": "assistant", "content": "a"},
]


def read(parse, conversation):
    try:
        return parse(conversation)
    except UnparsableRollout as error:
        return str(error)


@given(st.lists(messages, max_size=4))
@example(GOOD)
@example(
    [MappingProxyType({"role": "assistant", "content": ({"text": "a"}, MappingProxyType({"text": "b"}))})]
)
def test_both_readers_return_the_same(conversation):
    assert read(parse_messages, conversation) == read(plain_messages.parse_messages, conversation)
