"""What dialects have that marks alone do not say: calls, answers, thoughts that the template opened."""

import pytest

from reward_service.core.trajectory import AnswerRules, parse
from reward_service.core.trajectory.calls import answer_in, glm_call, json_call, mcp_call, xml_call
from reward_service.core.types import Messages, Reading, SegmentKind, Text

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER
DEEP = "x=a" + ".a" * 3000
TOOLS = AnswerRules(tools=("finish", "final_answer"))


def plain(text, dialect=None, grammar="balanced", rules=None, **reading):
    return parse(Text(text, "plain", Reading(dialect, **reading)), grammar, rules)


def kinds(parsed):
    return [kind for kind, _ in parsed.segments]


@pytest.mark.parametrize(
    ("dialect", "call"),
    [
        ("deepdive", '{"name": "finish", "arguments": {"answer": "x"}}'),
        ("tagged", '{"name": "finish", "arguments": "{\\"answer\\": \\"x\\"}"}'),
        ("tagged", '{"name": "ns.finish", "arguments": {"because": "", "result": "x"}}'),
        ("tagged", '{"name": "finish", "arguments": {"it_is": "x"}}'),
        ("tagged", '{"name": "finish", "arguments": "x"}'),
        ("tagged", '{"name": "Final_Answer", "arguments": {"answer": "x"}}'),
        ("qwen3_coder", "<function=finish><parameter=answer>\nx\n</parameter></function>"),
    ],
)
def test_the_call_of_a_finishing_tool_is_the_answer(dialect, call):
    parsed = plain(f"<think>a</think><tool_call>{call}</tool_call>", dialect, rules=TOOLS)

    assert (kinds(parsed), parsed.answer, parsed.format_error) == ([T, A], "x", None)


@pytest.mark.parametrize(
    ("text", "dialect", "calls"),
    [
        ("<TOOLCALL>[{}, 5]</TOOLCALL>", "tagged", ["{}", "5"]),
        ('<tool_calls>\n{"a": 1}\n{"b": 2}\n</tool_calls>', "tagged", ['{"a": 1}', '{"b": 2}']),
        ("<tool_calls><tool_call>a</tool_call><tool_call>b</tool_call></tool_calls>", "tagged", ["a", "b"]),
        (
            "<|tool_call_start|>[f(q='x', n=g()), a.b()]<|tool_call_end|>",
            "tagged",
            ["f(q='x', n=g())", "a.b()"],
        ),
        ("<function_calls>f(</function_calls>", "tagged", ["f("]),
        ("<function_calls>f()</function_calls>", "tagged", ["f()"]),
        (f"<function_calls>[f({DEEP})]</function_calls>", "tagged", [f"[f({DEEP})]"]),
        ("<tool_call>[{}, {}]</tool_call>", "tagged", ["[{}, {}]"]),
        (
            '<minimax:tool_call><invoke name="a"></invoke>\n<invoke name="b"></invoke></minimax:tool_call>',
            "minimax",
            ['<invoke name="a"></invoke>', '<invoke name="b"></invoke>'],
        ),
    ],
)
def test_one_pair_of_marks_may_hold_several_calls(text, dialect, calls):
    parsed = plain(f"<think>a</think>{text}", dialect)

    assert parsed.segments == ((T, "a"), *((C, call) for call in calls))


def test_a_list_in_python_may_call_the_finishing_tool():
    text = "<think>a</think><|tool_call_start|>[finish(answer='x', because=y)]<|tool_call_end|>"

    assert plain(text, grammar="websailor", rules=TOOLS).answer == "x"


def test_a_list_of_calls_that_was_cut_is_a_call():
    parsed = plain("Thought: a\nCalling tools:\n[{'id'\nObservation: b\nThought: c", "smolagents")

    assert parsed.segments == ((T, " a\n"), (C, "[{'id'"), (R, " b\n"), (T, " c"))


@pytest.mark.parametrize("end", ["", "<|/tool_call|>"])
def test_a_call_may_end_with_the_text(end):
    parsed = plain("<think>a</think><|tool_call|>[{}, {}]" + end)

    assert (kinds(parsed), parsed.format_error) == ([T, C, C], "no answer")


def test_without_such_a_tool_in_the_profile_it_is_a_call():
    call = '{"name": "finish", "arguments": {"answer": "x"}}'
    parsed = plain(f"<think>a</think><tool_call>{call}</tool_call>")

    assert (kinds(parsed), parsed.answer, parsed.format_error) == ([T, C], None, "no answer")


def test_a_finishing_tool_may_be_called_in_code_with_a_literal():
    said = "Thought: a\n<code>final_answer({!r})</code>"
    for answer in ("x", 5, 'it\'s "x"'):
        assert plain(said.format(answer), "smolagents", rules=TOOLS).answer == str(answer)
    assert plain("<code>final_answer(found)</code>", "smolagents", rules=TOOLS).answer is None
    assert plain('<code>final_answer("\\N{no such}")</code>', "smolagents", rules=TOOLS).answer is None


@pytest.mark.parametrize(
    ("read", "text", "name", "arguments", "is_sound"),
    [
        (json_call, '{"name": "f", "parameters": {}}', "f", {}, False),
        (json_call, "f()", None, "f()", False),
        (
            xml_call,
            '<invoke name="f"><parameter name="a" string="true">1</parameter></invoke>',
            "f",
            {"a": "1"},
            True,
        ),
        (xml_call, "<parameter", None, {}, False),
        (mcp_call, "<tool_name>f</tool_name><arguments>{}</arguments>", "f", {}, True),
        (mcp_call, "<arguments>{", None, "{", False),
        (glm_call, "f<arg_key>a</arg_key><arg_value>1</arg_value>", "f", {"a": "1"}, True),
        (glm_call, '{"name": "f", "arguments": {}}', "f", {}, True),
    ],
)
def test_calls_are_read_as_they_are_spelled(read, text, name, arguments, is_sound):
    assert read(text) == (name, arguments, is_sound)


def test_only_a_finishing_tool_answers():
    assert answer_in(None, ("finish",)) is None
    assert answer_in(json_call("f()"), ("finish",)) is None
    assert answer_in(json_call('{"name": "finish", "arguments": {}}'), ("finish",)) == ""
    assert answer_in(json_call('{"name": "finish", "arguments": null}'), ("finish",)) == ""


def test_a_thought_that_the_template_opened_is_whole_under_every_grammar():
    text = 'a<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    opened = plain("a</think><answer>x</answer>", grammar="websailor", thought_open=True)

    assert (opened.segments, opened.format_error) == (((T, "a"), (A, "x")), None)
    assert (
        plain("a</think><answer>x</answer>", grammar="websailor").format_error
        == "closing tag without its opening tag"
    )
    assert plain(text, thought_open=True).format_error == "unfinished thought tag"
    assert plain("<think>a</think><answer>x</answer>", thought_open=True).segments == ((T, "a"), (A, "x"))
    assert plain("b<think>a</think><answer>x</answer>", thought_open=True).segments == (
        (T, "b"),
        (T, "a"),
        (A, "x"),
    )
    assert plain(" ", thought_open=True).format_error == "no answer"


def test_every_message_begins_in_a_thought_where_the_template_opens_one():
    said = [
        {"role": "assistant", "content": "a</think>b"},
        {"role": "tool", "content": "r"},
        {"role": "assistant", "content": "c</think>x"},
    ]
    parsed = parse(Messages(tuple(said), reading=Reading(thought_open=True)), "websailor")

    assert (parsed.segments, parsed.format_error) == (
        ((T, "a"), (T, "b"), (R, "r"), (T, "c"), (A, "x")),
        None,
    )


def test_an_answer_cut_by_a_stop_string_counts_where_the_profile_says_so():
    text = "<think>a</think><answer>x"

    assert plain(text).format_error == "unfinished answer tag"
    assert plain(text, rules=AnswerRules(may_be_cut=True)).format_error is None
    assert plain("<think>a", rules=AnswerRules(may_be_cut=True)).format_error == "unfinished thought tag"


def test_an_answer_cut_by_a_stop_string_counts_in_messages_too():
    said = {"role": "assistant", "content": "<think>a</think><answer>x"}, {"role": "user", "content": "b"}

    cut = [
        parse(Messages(said), "balanced", AnswerRules(may_be_cut=may_be_cut)) for may_be_cut in (False, True)
    ]

    assert [one.format_error for one in cut] == ["unfinished answer tag", None]
    assert [one.answer for one in cut] == ["x", "x"]


def test_a_box_or_a_phrase_behind_the_last_mark_is_the_answer_where_the_profile_reads_them():
    rules = AnswerRules(("answer", "boxed", "phrase"))

    assert plain("<think>a</think>\\boxed{x}", rules=rules).answer == "x"
    assert plain("<think>a</think>Answer: x", rules=rules).format_error is None
    assert plain("<think>a</think>x", rules=rules).format_error == "no answer"
    assert plain("<answer>y</answer>Answer: x", rules=rules).answer == "y"
    assert plain("<think>a</think>\\boxed{x}").format_error == "no answer"


@pytest.mark.parametrize("ends", ["<|im_end|>", "</s>\n", "<|endoftext|><|endoftext|>", " <pad>\n<pad>"])
def test_end_and_padding_tokens_are_no_text(ends):
    assert plain(f"<think>a</think><answer>x</answer>{ends}", grammar="websailor").format_error is None
    assert parse(Text(f"<think>a</think>x{ends}", "chatml"), "balanced").answer == "x"


def test_the_environments_words_end_a_thought_and_are_nobodys():
    said = "My previous action is invalid. If I want to search ... <search> and </search>. Let me try again."

    assert plain(f"<think>a\n{said}\n<think>b</think><answer>x</answer>", "search_r1").segments == (
        (T, "a\n"),
        (T, "b"),
        (A, "x"),
    )
    assert plain(f"<think>a</think>{said}", "search_r1").segments == ((T, "a"),)
    assert plain("<think>a. My previous action is invalid.</think>", "search_r1").segments == (
        (T, "a. My previous action is invalid."),
    )
    assert plain("<warning>" * 3 + "<think>a</think>", "stepsearch").segments == ((T, "a"),)


def test_a_plain_users_turn_is_a_response_only_after_a_call_and_only_where_the_dialect_says_so():
    said = [
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "<use_mcp_tool>q</use_mcp_tool>"},
        {"role": "user", "content": "A page."},
        {"role": "assistant", "content": "<think>a</think>"},
        {"role": "user", "content": "Go on."},
        {"role": "assistant", "content": "x"},
    ]

    assert [
        text
        for kind, text in parse(Messages(tuple(said), reading=Reading("mcp")), "none").segments
        if kind is R
    ] == ["A page."]
    assert R not in kinds(parse(Messages(tuple(said)), "none"))


@pytest.mark.parametrize("colon", [":", " :", "：", "**:**"])
def test_labels_of_react_end_in_a_colon_of_any_kind(colon):
    said = "Thought: a\nAction: search\nAction Input: b\nObservation: c\nThought: d\nFinal Answer: e"

    parsed = plain(said.replace(":", colon), "react")

    assert [(kind, text.strip()) for kind, text in parsed.segments] == [
        (T, "a"),
        (C, "search b"),
        (R, "c"),
        (T, "d"),
        (A, "e"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\t \r\n"])
def test_a_role_alone_on_its_line_may_have_blanks_behind_it(end):
    said = end.join(["<think>a</think>", "user", "<tool_response>b</tool_response>", "assistant", "c"])

    parsed = parse(Text(said, "role_lines"), "balanced")

    assert [(kind, text.strip()) for kind, text in parsed.segments] == [(T, "a"), (R, "b"), (A, "c")]
    assert parsed.flags == ()


@pytest.mark.parametrize(
    ("said", "segments"),
    [
        ('a [f(x="b")]', [(T, "a "), (C, '[f(x="b")]')]),
        ('<think>a</think>[f(x="b"), g(y=[1])]', [(T, "a"), (C, '[f(x="b"), g(y=[1])]')]),
        ('a\n[f("b")]\n', [(T, "a\n"), (C, '[f("b")]')]),
        ("It is b [Ek(2020)]", [(A, "It is b [Ek(2020)]")]),
        ("It is b (see [c])", [(A, "It is b (see [c])")]),
    ],
)
def test_a_list_of_calls_ends_a_turn_of_llama(said, segments):
    assert list(parse(Text(said, "llama3"), "none").segments) == segments


CALL = '{"name": "f", "parameters": {"a": "b"}}'


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        (f"a\n{CALL}", ['f {"a": "b"}']),
        ('a\n{"type": "function", "name": "f", "parameters": {"a": "b"}}', ['f {"a": "b"}']),
        ('a\n{"type": "function", "function": {"name": "f", "parameters": {}}}', ["f {}"]),
        ('a\n{"function": "f", "parameters": {}}', ["f {}"]),
        ('a\n{\n  "name": "f",\n  "parameters": {}\n}\n', ["f {}"]),
        (f"<think>a</think>{CALL}", ['f {"a": "b"}']),
        (f"a\n{CALL}; {CALL}", ['f {"a": "b"}'] * 2),
        (f"a\n{CALL}\n{CALL};", ['f {"a": "b"}'] * 2),
        (f'a\n{{"b": 1}}\n{CALL}', ['f {"a": "b"}']),
        (f"a\n{CALL} is how I would search.", []),
        ('{"name": "Rome"}', []),
        ('a\n{"name": "f", "parameters": {"a"', ['{"name": "f", "parameters": {"a"']),
        ('a\n{"name": "f", "parameters": {"a": "b"}, c}', ['{"name": "f", "parameters": {"a": "b"}, c}']),
        ('a\n[f(x="b"', ['[f(x="b"']),
        ('a\n[f(x="b")', ['[f(x="b")']),
        ("a\n[f(x=1) and so on]", []),
    ],
)
def test_json_objects_that_end_a_turn_of_llama_are_calls(said, calls):
    assert [text for kind, text in parse(Text(said, "llama3"), "none").segments if kind is C] == calls


def test_json_behind_llamas_tag_is_a_call_whatever_its_keys_and_one_that_is_cut_is_unsound():
    assert (
        parse(Text(f"a<|python_tag|>{CALL}; {CALL}<|eom_id|>b", "llama3"), "websailor").format_error is None
    )
    assert parse(Text(f"a<|python_tag|>{CALL[:9]}", "llama3"), "websailor").format_error is not None


def test_a_function_with_xml_parameters_is_the_dialects_in_llamas_template_too():
    said = (
        "<think>a</think><tool_call><function=f><parameter=q>b</parameter></function></tool_call><|eot_id|>"
    )

    parsed = parse(Text(said, "llama3", Reading("qwen3_coder")), "websailor")

    assert (kinds(parsed), parsed.format_error, parsed.flags) == ([T, C], None, ())


@pytest.mark.parametrize(
    "thought", ["think", "Think", "THINK", "thinking", "thought", "Thought", "reasoning"]
)
@pytest.mark.parametrize("answer", ["answer", "Answer", "ANSWER", "final_answer"])
def test_thoughts_and_answers_are_marked_by_several_names(thought, answer):
    said = f"<{thought}>a</{thought}><{answer}>x</{answer}>"

    assert plain(said, grammar="websailor")[:2] == (((T, "a"), (A, "x")), None)
    assert parse(Messages(({"role": "assistant", "content": said},)), "websailor").segments == (
        (T, "a"),
        (A, "x"),
    )


@pytest.mark.parametrize("label", ["\nAnswer:", "\n**Answer:**", "\nanswer："])
def test_react_may_answer_at_the_end_of_its_last_thought(label):
    said = f"Thought: a\nAction: f\nAction Input: q\nObservation: Answer: r\nThought: b{label} x"

    assert [(kind, text.strip()) for kind, text in plain(said, "react").segments] == [
        (T, "a"),
        (C, "f q"),
        (R, "Answer: r"),
        (T, "b"),
        (A, "x"),
    ]


def test_react_does_not_answer_in_a_thought_that_goes_on_to_act():
    said = "Thought: a\nAnswer: not yet\nAction: f\nAction Input: q"

    assert kinds(plain(said, "react")) == [T, C]


def test_calls_of_seed_oss_are_qwens_under_another_mark():
    call = "<seed:tool_call><function=f><parameter=q>b</parameter></function></seed:tool_call>"

    parsed = plain(f"<seed:think>a</seed:think>{call}", "qwen3_coder")

    assert (kinds(parsed), parsed.flags) == ([T, C], ())


def test_a_role_of_chatml_is_the_first_word_of_its_line():
    said = "a<|im_end|><|im_start|>tool name=search\nb<|im_end|><|im_start|>assistant\nc"

    assert parse(Text(said, "chatml"), "none").segments == ((T, "a"), (R, "b"), (A, "c"))


def test_what_a_reasoner_clicks_and_writes_is_no_thought():
    said = "a<|begin_click_link|>b<|end_click_link|> <|begin_click_intent|>c<|end_click_intent|>d<|begin_write_section|>e<|end_write_section|>"

    assert plain(f"{said}</think>\\boxed{{x}}", "search_o1").segments == (
        (T, "a"),
        (C, "b"),
        (C, "c"),
        (T, "d"),
        (C, "e"),
        (A, "\\boxed{x}"),
    )


def test_react_turns_may_be_messages():
    said = [
        {"role": "assistant", "content": "Thought: a\nAction: search[q]"},
        {"role": "user", "content": "Observation: A page."},
        {"role": "assistant", "content": 'b\nAction: final_answer\nAction Input: {"answer": "x"}'},
    ]
    parsed = parse(Messages(tuple(said), reading=Reading("react")), "websailor", TOOLS)

    assert [(kind, text.strip()) for kind, text in parsed.segments] == [
        (T, "a"),
        (C, "search[q]"),
        (R, "A page."),
        (T, "b"),
        (A, "x"),
    ]
    assert parsed.format_error is None


@pytest.mark.parametrize(
    ("action", "error"), [("search[q]", None), ("look it up", None), (" ", "tool call is empty")]
)
def test_a_react_action_is_words_or_a_call(action, error):
    said = f"Thought: a\nAction: {action}\nObservation: r\nThought: b\nFinal Answer: x"

    assert plain(said, "react", "websailor").format_error == error


def test_a_call_that_is_cut_leaves_the_thought_as_it_was():
    said = ["a <|begin_of_query|>q", "<|begin_of_query|>q", "b</think><answer>x</answer>"]
    messages = tuple({"role": "assistant", "content": one} for one in said)
    parsed = parse(Messages(messages, reading=Reading("r1_searcher")), "none")

    assert parsed.segments == ((T, "a "), (C, "q"), (C, "q"), (T, "b"), (A, "x"))


def test_json_that_is_no_call_is_text():
    assert parse(Text('{"name": 5}', "llama3"), "none").segments == ((A, '{"name": 5}'),)


def test_a_reasoner_may_leave_its_thought_open_but_not_without_an_answer():
    assert plain("a", "search_o1").format_error == "unfinished thought tag"
    assert plain("a \\boxed{x}", "search_o1", rules=AnswerRules(("answer", "boxed"))).answer == "x"


@pytest.mark.parametrize(
    ("container", "text", "call"),
    [
        (
            "deepseek",
            '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>finish\n```json\n{"answer": "x"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
            "x",
        ),
        ("deepseek", "<｜tool▁calls▁begin｜><｜tool▁calls▁end｜>", None),
        ("deepseek", "<｜DSML｜function_calls>q</｜DSML｜function_calls>", None),
        (
            "deepseek",
            '<｜DSML｜function_calls><｜DSML｜invoke name="finish"><｜DSML｜parameter name="answer" string="true">x</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>',
            "x",
        ),
        (
            "kimi",
            '<|tool_calls_section_begin|><|tool_call_begin|>functions.finish:0<|tool_call_argument_begin|>{"answer": "x"}<|tool_call_end|><|tool_calls_section_end|>',
            "x",
        ),
        ("kimi", "<|tool_calls_section_begin|>q<|tool_calls_section_end|>", None),
        ("llama3", '<|python_tag|>{"name": "finish", "parameters": {"answer": "x"}}<|eom_id|>', "x"),
        ("llama3", "<|python_tag|>import math<|eom_id|>", None),
        ("llama3", '<|python_start|>[finish(answer="x")]<|python_end|><|eom|>', "x"),
        ("gemma", "<start_function_call>call:finish{answer:<escape>x<escape>}<end_function_call>", "x"),
        ("gemma", "<start_function_call>?<end_function_call>", None),
        ("mistral", '[TOOL_CALLS]finish[CALL_ID]1[ARGS]{"answer": "x"}</s>', "x"),
        ("mistral", '[TOOL_CALLS]finish{"answer": "x"}</s>', "x"),
        ("harmony", '<|channel|>commentary to=functions.finish<|message|>{"answer": "x"}<|call|>', "x"),
        ("glm", "<tool_call>finish\n<arg_key>answer</arg_key>\n<arg_value>x</arg_value>\n</tool_call>", "x"),
    ],
)
def test_calls_of_every_template_can_be_read(container, text, call):
    parsed = parse(Text(text, container), "none", TOOLS)

    assert (kinds(parsed), parsed.answer) == ([C] if call is None else [A], call)


def test_deepseek_calls_and_answers_several_at_a_time():
    call = '<｜DSML｜invoke name="f"><｜DSML｜parameter name="q" string="true">a</｜DSML｜parameter></｜DSML｜invoke>'
    said = (
        f"a<｜DSML｜function_calls>{call * 2}</｜DSML｜function_calls><｜end▁of▁sentence｜>"
        "<function_results><result>b</result><result>c</result></function_results>x"
    )

    parsed = parse(Text(said, "deepseek"), "websailor")

    assert kinds(parsed) == [T, C, C, R, R, A]
    assert [text for kind, text in parsed.segments if kind is R] == ["b", "c"]
    assert parse(Text("a<function_results>b</function_results>x", "deepseek"), "none").segments[1] == (R, "b")


def test_llama_may_tag_each_of_its_calls():
    said = f"a<|python_tag|>{CALL}<|python_tag|>{CALL}<|eom_id|>"

    assert kinds(parse(Text(said, "llama3"), "none")) == [T, C, C]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_gemmas_fences_may_end_lines_as_windows_does(end):
    said = end.join(
        ["a", "```tool_code", "f(q='b')", "```", "<end_of_turn>", "<start_of_turn>user", "```tool_output", "c", "```<end_of_turn>",
         "<start_of_turn>model", "x<end_of_turn>"]
    )  # fmt: skip

    parsed = parse(Text(said, "gemma"), "none")

    assert [(kind, text.strip()) for kind, text in parsed.segments] == [
        (T, "a"),
        (C, "f(q='b')"),
        (R, "c"),
        (A, "x"),
    ]


@pytest.mark.parametrize(
    ("call", "response"),
    [
        ('<TOOLCALL>[{"name": "f"}]</TOOLCALL>', "<TOOL_RESPONSE>b</TOOL_RESPONSE>"),
        ('<function_calls>\nf(q="a")\n</function_calls>', "<function_results>b</function_results>"),
        ("<longcat_tool_call>f</longcat_tool_call>", "<tool_response>b</tool_response>"),
        ("<|tool_call_start|>[f()]<|tool_call_end|>", "<|tool_response_start|>b<|tool_response_end|>"),
        ("<|START_ACTION|>[]<|END_ACTION|>", "<|START_TOOL_RESULT|>b<|END_TOOL_RESULT|>"),
        ("<|action_start|><|plugin|>{}<|action_end|>", "<tool_response>b</tool_response>"),
    ],
)
@pytest.mark.parametrize("role", ["tool", "user"])
def test_calls_of_models_without_a_dialect_of_their_own_are_read_as_tagged(call, response, role):
    said = [
        {"role": "assistant", "content": f"<think>a</think>{call}"},
        {"role": role, "content": f" {response} "},
        {"role": "assistant", "content": "<think>c</think>x"},
    ]

    parsed = parse(Messages(tuple(said)), "balanced")

    assert kinds(parsed) == [T, C, R, T, A]
    assert (parsed.segments[2].text, parsed.flags) == ("b", ())


@pytest.mark.parametrize(
    "response", ["<TOOL_RESPONSE>b</TOOL_RESPONSE>", "<function_results>b</function_results>"]
)
def test_responses_of_others_are_none_where_the_policy_writes_them(response):
    parsed = plain(f"<think>a {response} c</think><answer>x</answer>")

    assert [(kind, text.strip()) for kind, text in parsed.segments] == [(T, "a"), (T, "c"), (A, "x")]
    assert (parsed.format_error, parsed.flags) == (None, ("foreign_markup",))


@pytest.mark.parametrize(
    ("thought", "answer"),
    [
        ("<|begin_of_thought|>a<|end_of_thought|>", "<|begin_of_solution|>x<|end_of_solution|>"),
        ("<|START_THINKING|>a<|END_THINKING|>", "<|START_RESPONSE|>x<|END_RESPONSE|>"),
    ],
)
def test_thoughts_and_answers_may_be_marked_by_tokens(thought, answer):
    assert plain(thought + answer, grammar="websailor")[:3] == (((T, "a"), (A, "x")), None, "x")


def test_a_label_that_waits_for_the_environment_brings_no_response():
    assert kinds(plain("Thought: a\nAction: f\nAction Input: q\nObservation: ", "react")) == [T, C]


def test_a_turn_of_a_role_nobody_knows_is_nobodys_in_a_template_too():
    parsed = parse(
        Text("a<|im_end|><|im_start|>narrator\nZ<|im_end|><|im_start|>assistant\nx<|im_end|>", "chatml"),
        "none",
    )

    assert (parsed.segments, parsed.flags) == (((T, "a"), (A, "x")), ("unknown_role",))


def test_a_text_that_begins_with_its_prompt_begins_with_nobodys_words():
    text = "<｜begin▁of▁sentence｜>Zanderheim<｜User｜>Zanderheim<｜Assistant｜><think>a</think>x<｜end▁of▁sentence｜>"

    assert parse(Text(text, "deepseek"), "none").segments == ((T, "a"), (A, "x"))


def test_kimis_system_names_its_tools():
    text = "<|im_system|>system<|im_middle|>Z<|im_end|><|im_user|>user<|im_middle|>Z<|im_end|><|im_assistant|>assistant<|im_middle|>x<|im_end|>"

    assert parse(Text(text, "kimi"), "none").segments == ((A, "x"),)


def test_harmony_without_any_mark_is_the_policys_text():
    assert parse(Text("x", "harmony"), "none").segments == ((A, "x"),)
    assert parse(
        Text(
            "<|start|>user<|message|>Z<|end|><|start|>assistant<|channel|>commentary<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>x",
            "harmony",
        ),
        "none",
    ).segments == ((T, "a"), (A, "x"))
