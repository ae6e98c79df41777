"""What arrives is accepted or refused with a typed error, and never meets another exception."""

import gc
import json
import os
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reward_service.adapters.document import MAX_VALUES, check_depth, check_values, document
from reward_service.adapters.native import (
    ExplainIn,
    GroupIn,
    MatchIn,
    RewardsIn,
    ScoreIn,
    decode,
)
from reward_service.adapters.records import READERS
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.lines import lines_of, recipe
from reward_service.core.profiles import shipped
from reward_service.core.profiles.bounds import bounds_of
from reward_service.core.scoring import measure_group, reward
from reward_service.core.trajectory import GRAMMARS, Parsed, UnparsableRollout, parse
from reward_service.core.types import Defaults, Messages, PartialPolicy, Text
from reward_service.serve.errors import BodyTooLarge, InvalidRequest, MalformedJson
from tests.builders import EXAMPLE
from tests.dumps import DUMPS

EXAMPLES = 25 * int(os.environ.get("REWARD_SERVICE_FUZZ", "8"))
MODELS = [ScoreIn, MatchIn, RewardsIn, ExplainIn, GroupIn]
TAGS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<answer>", "</answer>"]  # fmt: skip
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
names = st.sampled_from(["role", "content", "tool_calls", "function", "name", "arguments", "text", "type"])
values = st.recursive(
    scalars | st.sampled_from(["assistant", "tool", "user", *TAGS]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
tagged = st.lists(st.sampled_from(TAGS) | st.text(max_size=5), max_size=12).map("".join)


def decoded(body, model):
    with suppress(MalformedJson, InvalidRequest):
        return decode(body, model, max_depth=64)
    return None


@pytest.mark.parametrize("model", MODELS)
@often
@given(body=st.binary(max_size=200))
def test_bytes(model, body):
    decoded(body, model)


@pytest.mark.parametrize("model", MODELS)
@often
@given(value=values)
def test_json(model, value):
    decoded(json.dumps(value).encode("utf-8", "surrogatepass"), model)


def counted(value):
    """Return the items of lists, and the names and values of objects; an empty one counts as if it had an item or a name."""
    if isinstance(value, dict):
        return max(1, 2 * len(value)) + sum(map(counted, value.values()))
    return max(1, len(value)) + sum(map(counted, value)) if isinstance(value, list) else 0


@often
@given(value=values, compact=st.booleans())
def test_values_are_counted_outside_of_strings(value, compact):
    body = json.dumps(value, separators=(",", ":") if compact else None, ensure_ascii=compact).encode(
        "utf-8", "surrogatepass"
    )
    most = counted(value)

    check_values(body, most)
    if most:
        with pytest.raises(BodyTooLarge):
            check_values(body, most - 1)


def test_strings_of_any_length_may_hold_what_separates_values():
    text = '[{",":[,"x" \\' * 200_000

    check_values(json.dumps([text, {"key,": text}]).encode(), 4)
    with pytest.raises(BodyTooLarge, match="at most 3 JSON values"):
        check_values(json.dumps([text, {"key,": text}]).encode(), 3)


def test_decoding_leaves_the_garbage_collector_as_it_was():
    for collects in (True, False):
        gc.enable() if collects else gc.disable()
        try:
            assert document(b"[[]]", max_depth=8, max_values=MAX_VALUES) == [[]]
            assert gc.isenabled() is collects
        finally:
            gc.enable()


@pytest.mark.parametrize("most", [8, 64, 190])
def test_the_deepest_nesting_allowed_is_allowed(most):
    check_depth(json.loads("[" * most + "1" + "]" * most), most)
    check_depth(1, most)
    for opens, closes in (("[", "]"), ('{"a":', "}")):
        with pytest.raises(MalformedJson):
            check_depth(json.loads(opens * (most + 1) + "1" + closes * (most + 1)), most)


@often
@given(data=st.data())
def test_a_call_with_bytes_changed(data):
    body = bytearray(json.dumps(EXAMPLE).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    decoded(bytes(body), ScoreIn)


@often
@given(messages=st.lists(values, max_size=5), text=tagged)
def test_rollouts_are_parsed_or_unparsable(messages, text):
    for source in (Messages(tuple(messages)), Text(text)):
        for grammar in GRAMMARS:
            with suppress(UnparsableRollout):
                assert isinstance(parse(source, grammar), Parsed)


@often
@given(
    messages=st.lists(st.lists(values, max_size=5), max_size=3),
    texts=st.lists(tagged, max_size=3),
    names=st.lists(st.sampled_from(["Ada Lovelace", "王崇", "C++ 11", "Éa"]), max_size=3),
    profile=st.sampled_from(sorted(shipped())),
)
def test_whatever_decodes_is_scored(messages, texts, names, profile):
    rollouts = [{"messages": one} for one in messages] + [{"text": one} for one in texts]
    group = {
        "group_id": "g",
        "question": {"text": "Ada?", "answers": ["x"], "entities": [{"name": name} for name in names]},
        "rollouts": [{"rollout_id": str(n), **one} for n, one in enumerate(rollouts)],
    }
    call = decoded(json.dumps(group).encode(), GroupIn)
    if call is None or not call.rollouts:
        return
    group_call = call.to_domain()
    facts = measure_group(group_call.rollouts, group_call.question, shipped()[profile])
    result = reward(facts, shipped()[profile], partial=PartialPolicy("survivors"), progress=0.5)
    for fact, paid in zip(facts, result.rollouts, strict=True):
        if paid.reward is not None:
            low, high = bounds_of(shipped()[profile].reward, fact.outcome)
            assert low <= paid.reward <= high


def mutated(value, put):
    """Yield what becomes of a value where one of its parts is another one."""
    yield put
    for key, one in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    ):
        for other in mutated(one, put):
            whole = dict(value) if isinstance(value, dict) else list(value)
            whole[key] = other
            yield whole


@pytest.mark.parametrize("name", READERS)
def test_lines_of_files_are_read_or_refused_whatever_stands_in_them(name):
    rows = DUMPS[name][1]
    row = {"conversation": rows} if name == "conversation" else rows[0] if isinstance(rows, list) else rows
    how = recipe(name, READERS[name], Defaults(), {})
    for put in (None, 7, "x", '{"a": 1}', [], [7], {}, {"a": [None]}):
        for one in mutated(row, put):
            with suppress(BadLine):
                assert all(line.group for line in lines_of(one, how))
