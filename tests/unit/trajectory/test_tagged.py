"""Tagged text into blocks."""

import pytest

from reward_service.core.trajectory import parse
from reward_service.core.trajectory.dialects.tagged import TAGGED
from reward_service.core.trajectory.marks import scan_blocks
from reward_service.core.types import SegmentKind, Text

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER
CALL = '{"name": "search", "arguments": {"query": ["x"]}}'
GOOD = (
    f"<think>a</think>\n<tool_call>{CALL}</tool_call>\n<tool_response>b</tool_response>\n"
    "<think>c</think>\n<answer>d</answer>\n"
)


def pieces(text):
    return [(segment.kind, segment.text) for segment in parse(Text(text), "none").segments]


def thoughts(text):
    return [text for kind, text in pieces(text) if kind is T]


def test_a_well_formed_rollout_is_cut_in_order():
    assert pieces(GOOD) == [(T, "a"), (C, CALL), (R, "b"), (T, "c"), (A, "d")]


@pytest.mark.parametrize("grammar", ["websailor", "balanced", "none"])
def test_a_well_formed_rollout_passes_every_grammar(grammar):
    assert parse(Text(GOOD), grammar).format_error is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<tool_response><think>Z</think></tool_response>", []),
        ("<tool_response>Z", []),
        ("<tool_response>a<tool_response>Z</tool_response><think>b</think>", ["b"]),
        ("<think>a<tool_response>Z</tool_response>b</think>", ["a"]),
        ("<think>a<tool_response>Z</tool_response><think>b</think>", ["a", "b"]),
        ("<think>a<tool_call>c</tool_call><tool_response>Z</tool_response><think>b</think>", ["a", "b"]),
        ("<think>a<think>b</think>", ["a", "b"]),
        ("<think>a<answer>Z</answer>", ["a"]),
        ("<think>I shall use <answer> tags</think><answer>x</answer>", ["I shall use <answer> tags"]),
        ("a</think><answer>x</answer>", ["a"]),
        ("<answer>x</answer>Z</think>", []),
        ("no tags at all", []),
        ("<tool_call><think>Z</think></tool_call>", []),
    ],
)
def test_no_text_of_a_tool_becomes_a_thought(text, expected):
    assert thoughts(text) == expected


@pytest.mark.parametrize(
    ("text", "balanced", "websailor"),
    [
        ("<think>a", "unfinished thought tag", "unfinished thought tag"),
        ("<think>a</think>", "no answer", "no answer"),
        ("<think>a</think><answer>b", "unfinished answer tag", "unfinished answer tag"),
        (
            f"<think>a</think><tool_call>{CALL}<tool_call>{CALL}</tool_call><answer>b</answer>",
            "unfinished tool_call tag",
            "unfinished tool_call tag",
        ),
        ("a</think><answer>b</answer>", None, "closing tag without its opening tag"),
        ("<answer>b</answer>", None, "tags out of order"),
        ("<think>a</think>so <answer>b</answer>", None, "text outside the tags"),
        ("<think>a</think><answer>b</answer><think>c</think>", None, "tags out of order"),
        ("", "no answer", "no answer"),
        ("b</answer>", "no answer", "no answer"),
        (
            "<think>a</think><tool_call>search(x)</tool_call><tool_response>r</tool_response><think>c</think><answer>b</answer>",
            None,
            "tool call is not a JSON object with name and arguments",
        ),
        (
            "<think>a</think><tool_call>[1]</tool_call><tool_response>r</tool_response><think>c</think><answer>b</answer>",
            None,
            "tool call is not a JSON object with name and arguments",
        ),
    ],
)
def test_verdicts(text, balanced, websailor):
    assert parse(Text(text), "balanced").format_error == balanced
    assert parse(Text(text), "websailor").format_error == websailor
    assert parse(Text(text), "none").format_error is None


def test_a_tool_call_nested_too_deep_is_a_format_error():
    deep = "[" * 100_000
    text = f"<think>a</think><tool_call>{deep}</tool_call><tool_response>r</tool_response><think>c</think><answer>b</answer>"

    assert parse(Text(text), "websailor").format_error is not None


def test_the_last_answer_stands():
    parsed = parse(Text("<think>a</think><answer>b</answer><answer> c\n</answer>"), "none")

    assert parsed.answer == "c"
    assert parse(Text("<think>a</think>"), "none").answer is None


@pytest.mark.parametrize(
    "unit", ["<think>", "</think>", "<tool_call>", "<think><tool_response>", "<answer><think>", "x"]
)
def test_a_flood_of_tags_is_read_once(unit):
    """Linear by construction: nothing is scanned again; two hundred thousand tags take no noticeable time."""
    blocks = scan_blocks(unit * 200_000, TAGGED.marks)

    assert sum(len(block.text) for block in blocks) <= len(unit) * 200_000


def test_a_stray_end_of_a_response_is_no_role():
    parsed = parse(Text("a</tool_response>\nuser\nb\nassistant\nc", "role_lines"), "none")

    assert [(one.kind, one.text) for one in parsed.segments] == [(T, "a"), (A, "c")]
