"""Records of frameworks and of APIs' whole replies: one story, told by each."""

import pytest

from reward_service.core.trajectory import AnswerRules, parse
from reward_service.core.types import Messages, Reading, SegmentKind

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER
RULES = AnswerRules(("answer", "boxed", "phrase"), ("finish", "final_answer"))
ARGUMENTS = {"q": "film"}
QUESTION = "Who filmed it? Zanderheim?"

ASKED = {"role": "user", "content": QUESTION}
CALLING = {
    "role": "assistant",
    "content": None,
    "reasoning": "Who?",
    "tool_calls": [{"function": {"name": "search", "arguments": '{"q": "film"}'}}],
}
FOUND = {"role": "tool", "content": "A page."}
ANSWERING = {"role": "assistant", "content": "Quillock", "reasoning": "So."}

AI_SDK = [
    {"role": "user", "parts": [{"type": "text", "text": QUESTION}]},
    {
        "role": "assistant",
        "content": "Quillock",
        "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "Who?"},
            {"type": "tool-search", "toolCallId": "c", "state": "output-available", "input": ARGUMENTS, "output": "A page."},
            {"type": "source-url", "url": "Zanderheim"},
            {"type": "reasoning", "text": "So."},
            {"type": "text", "text": "Quillock"},
        ],
    },
]  # fmt: skip
DYNAMIC = {
    "type": "dynamic-tool",
    "toolName": "search",
    "state": "x",
    "input": ARGUMENTS,
    "output": "A page.",
}
INVOKED = {"type": "tool-invocation", "toolInvocation": {"toolName": "search", "args": ARGUMENTS, "result": "A page."}}  # fmt: skip
AGENTS_SDK = [
    {"role": "user", "content": QUESTION},
    {"type": "reasoning_item", "raw_item": {"type": "reasoning", "summary": [{"text": "Who?"}]}},
    {
        "type": "tool_call_item",
        "raw_item": {"type": "function_call", "name": "search", "arguments": '{"q": "film"}'},
    },
    {
        "type": "tool_call_output_item",
        "raw_item": {"type": "function_call_output", "output": "A page."},
        "output": "A page.",
    },
    {"type": "reasoning_item", "raw_item": {"type": "reasoning", "summary": [{"text": "So."}]}},
    {
        "type": "message_output_item",
        "raw_item": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Quillock"}],
        },
    },
]
AUTOGEN = [
    {"source": "user", "type": "TextMessage", "content": QUESTION},
    {"source": "scout", "type": "ThoughtEvent", "content": "Who?"},
    {
        "source": "scout",
        "type": "ToolCallRequestEvent",
        "content": [{"id": "c", "name": "search", "arguments": '{"q": "film"}'}],
    },
    {
        "source": "scout",
        "type": "ToolCallExecutionEvent",
        "content": [{"call_id": "c", "name": "search", "content": "A page.", "is_error": False}],
    },
    {"source": "scout", "type": "ToolCallSummaryMessage", "content": "A page. Zanderheim"},
    {"source": "scout", "type": "ThoughtEvent", "content": "So."},
    {"source": "scout", "type": "TextMessage", "content": "Quillock"},
    {"source": "scout", "type": "StopMessage", "content": "Zanderheim"},
]
AUTOGEN_CONTEXT = [
    {"source": "user", "type": "UserMessage", "content": QUESTION},
    {
        "source": "scout",
        "type": "AssistantMessage",
        "thought": "Who?",
        "content": [{"id": "c", "name": "search", "arguments": '{"q": "film"}'}],
    },
    {"source": "tools", "type": "FunctionExecutionResultMessage", "content": [{"content": "A page."}]},
    {"source": "scout", "type": "AssistantMessage", "thought": "So.", "content": "Quillock"},
]
PYDANTIC_AI = [
    {
        "kind": "request",
        "parts": [
            {"part_kind": "system-prompt", "content": "Zanderheim"},
            {"part_kind": "user-prompt", "content": QUESTION},
        ],
    },
    {
        "kind": "response",
        "parts": [
            {"part_kind": "thinking", "content": "Who?"},
            {"part_kind": "tool-call", "tool_name": "search", "args": ARGUMENTS},
        ],
    },
    {"kind": "request", "parts": [{"part_kind": "tool-return", "tool_name": "search", "content": "A page."}]},
    {
        "kind": "response",
        "parts": [{"part_kind": "thinking", "content": "So."}, {"part_kind": "text", "content": "Quillock"}],
    },
]
LLAMAINDEX = [
    {"role": "user", "blocks": [{"block_type": "text", "text": QUESTION}]},
    {
        "role": "assistant",
        "blocks": [
            {"block_type": "thinking", "content": "Who?"},
            {"block_type": "tool_call", "tool_name": "search", "tool_kwargs": ARGUMENTS},
        ],
    },
    {"role": "tool", "blocks": [{"block_type": "text", "text": "A page."}]},
    {
        "role": "assistant",
        "blocks": [{"block_type": "thinking", "content": "So."}, {"block_type": "text", "text": "Quillock"}],
    },
]
HAYSTACK = [
    {"role": "user", "content": [{"text": QUESTION}]},
    {
        "role": "assistant",
        "content": [
            {"reasoning": {"reasoning_text": "Who?"}},
            {"tool_call": {"tool_name": "search", "arguments": ARGUMENTS}},
        ],
    },
    {"role": "tool", "content": [{"tool_call_result": {"result": "A page.", "origin": {}, "error": False}}]},
    {"role": "assistant", "content": [{"reasoning": {"reasoning_text": "So."}}, {"text": "Quillock"}]},
]
ADK = [
    {"author": "user", "content": {"role": "user", "parts": [{"text": QUESTION}]}},
    {
        "author": "scout",
        "content": {
            "role": "model",
            "parts": [
                {"text": "Who?", "thought": True},
                {"function_call": {"name": "search", "args": ARGUMENTS}},
            ],
        },
    },
    {
        "author": "scout",
        "content": {
            "role": "user",
            "parts": [{"function_response": {"name": "search", "response": {"result": "A page."}}}],
        },
    },
    {
        "author": "scout",
        "content": {"role": "model", "parts": [{"text": "So.", "thought": True}, {"text": "Quillock"}]},
    },
]
DSPY = {
    "trajectory": {
        "thought_0": "Who?",
        "tool_name_0": "search",
        "tool_args_0": ARGUMENTS,
        "observation_0": "A page.",
        "tool_name_1": "finish",
        "tool_args_1": {},
        "observation_1": "Completed.",
    },
    "reasoning": "So.",
    "answer": "Quillock",
}
STEPS_OF_REACT = [
    {"thought": "Who?", "action": {"name": "search", "args": ARGUMENTS}, "observation": ["A page."]},
    {"thought": "So.", "answer": "Quillock"},
]
RESPONDED = {"thought": "So.", "response": "Quillock", "is_streaming": False}
RAN = [
    {
        "input": QUESTION,
        "intermediate_steps": [
            [{"tool": "search", "tool_input": ARGUMENTS, "log": "Thought: Who?\nAction: search"}, "A page."]
        ],
    },
    RESPONDED,
]
SEMANTIC_KERNEL = [
    {"role": {"label": "user"}, "items": [{"$type": "TextContent", "text": QUESTION}]},
    {
        "role": {"label": "assistant"},
        "reasoning": "Who?",
        "items": [{"$type": "FunctionCallContent", "functionName": "search", "arguments": ARGUMENTS}],
    },
    {"role": {"label": "tool"}, "items": [{"$type": "FunctionResultContent", "result": "A page."}]},
    {
        "role": {"label": "Assistant"},
        "reasoning": "So.",
        "items": [{"$type": "TextContent", "text": "Quillock"}],
    },
]
FIELDS_OF_DSPY = [
    ASKED,
    {
        "role": "assistant",
        "content": "[[ ## next_thought ## ]]\nWho?\n\n[[ ## next_tool_name ## ]]\nsearch\n\n"
        '[[ ## next_tool_args ## ]]\n{"q": "film"}\n\n[[ ## completed ## ]]',
    },
    FOUND,
    {
        "role": "assistant",
        "content": "[[ ## next_tool_name ## ]]\nfinish\n[[ ## next_tool_args ## ]]\n{}\n"
        "[[ ## reasoning ## ]]\nSo.\n\n[[ ## answer ## ]]\nQuillock\n\n[[ ## completed ## ]]",
    },
]
AGENT_FRAMEWORK = [
    {
        "type": "chat_message",
        "role": {"type": "role", "value": "assistant"},
        "contents": [
            {"type": "text_reasoning", "text": "Who?"},
            {"type": "function_call", "name": "search", "arguments": '{"q": "film"}'},
        ],
    },
    {"role": {"value": "tool"}, "contents": [{"type": "function_result", "result": "A page."}]},
    {
        "role": {"value": "assistant"},
        "contents": [{"type": "text_reasoning", "text": "So."}, {"type": "text", "text": "Quillock"}],
    },
]
CHAT_COMPLETIONS = [ASKED, {"choices": [{"message": CALLING}]}, FOUND, {"choices": [{"message": ANSWERING}]}]
GENERATED = [
    ADK[0]["content"],
    {"candidates": [ADK[1]]},
    ADK[2]["content"],
    {"candidates": [ADK[3], {"content": {"role": "model", "parts": [{"text": "Zanderheim"}]}}]},
]
CONVERSED = [ASKED, {"output": {"message": CALLING}}, FOUND, {"output": {"message": ANSWERING}}]
TOLD = {
    "AI SDK": AI_SDK,
    "AI SDK, a tool named at run time": [{"role": "assistant", "parts": [*AI_SDK[1]["parts"][:2], DYNAMIC, *AI_SDK[1]["parts"][3:]]}],
    "AI SDK 4": [{"role": "assistant", "parts": [*AI_SDK[1]["parts"][:2], INVOKED, *AI_SDK[1]["parts"][3:]]}],
    "OpenAI Agents SDK": AGENTS_SDK,
    "AutoGen": AUTOGEN,
    "AutoGen, a model's context": AUTOGEN_CONTEXT,
    "Pydantic AI": PYDANTIC_AI,
    "LlamaIndex": LLAMAINDEX,
    "Haystack": HAYSTACK,
    "Agent Development Kit": ADK,
    "DSPy": [DSPY],
    "DSPy, the trajectory alone": [{**DSPY["trajectory"], "thought_1": "So.", "answer": "Quillock"}],
    "steps of ReAct": STEPS_OF_REACT,
    "LlamaIndex's reasoning": [{"current_reasoning": [{"thought": "Who?", "action": "search", "action_input": ARGUMENTS}, {"observation": "A page."}, RESPONDED]}],
    "CrewAI's steps": [{"thought": "Who?", "tool": "search", "tool_input": ARGUMENTS, "result": "A page."}, {"thought": "So.", "output": "Quillock"}],
    "LangChain's executor": RAN,
    "Semantic Kernel": SEMANTIC_KERNEL,
    "Agent Framework": AGENT_FRAMEWORK,
    "DSPy's adapter": FIELDS_OF_DSPY,
    "chat completions": CHAT_COMPLETIONS,
    "Gemini's replies": GENERATED,
    "Bedrock's replies": CONVERSED,
    **{
        name: [{name: [ASKED, CALLING, FOUND, ANSWERING], "id": 5}]
        for name in ("conversation", "history", "trajectory", "transcript", "events", "turns", "chat")
    },
}  # fmt: skip


def read(record, rules=RULES):
    return parse(Messages(tuple(record)), "none", rules)


@pytest.mark.parametrize("record", TOLD.values(), ids=TOLD)
def test_one_story_is_read_alike_whatever_recorded_it(record):
    parsed = read(record)

    assert parsed.segments == (
        (T, "Who?"),
        (C, 'search {"q": "film"}'),
        (R, "A page."),
        (T, "So."),
        (A, "Quillock"),
    )
    assert parsed.flags == ()


def filled(rows):
    """Fill every object with null in the columns that only others have, as a table does."""
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


@pytest.mark.parametrize("record", TOLD.values(), ids=TOLD)
def test_columns_that_a_table_fills_with_null_say_nothing(record):
    assert read(filled(record)) == read(record)


def test_the_tool_that_gives_the_result_of_a_run_of_pydantic_ai_is_the_answer():
    call = {"part_kind": "tool-call", "tool_name": "final_result", "args": {"response": "Quillock"}}
    done = {"part_kind": "tool-return", "tool_name": "final_result", "content": "Final result processed."}
    record = [
        *PYDANTIC_AI[:-1],
        {"kind": "response", "parts": [{"part_kind": "thinking", "content": "So."}, call]},
        {"kind": "request", "parts": [done]},
    ]

    assert read(record, AnswerRules()).segments == read(PYDANTIC_AI).segments


def test_the_output_of_a_run_is_its_answer():
    assert read([{"intermediate_steps": "", "output": "Quillock"}]).segments == ((A, "Quillock"),)


CODEX = [
    {"type": "session_meta", "payload": {"id": "s"}},
    *(
        {"type": "response_item", "payload": one}
        for one in (
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Who?"}]},
            {"type": "function_call", "name": "search", "arguments": '{"q": "film"}', "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "A page."},
        )
    ),
    {"type": "event_msg", "payload": {"type": "agent_reasoning", "text": "Zanderheim"}},
    {"type": "assistant", "isSidechain": True, "message": {"role": "assistant", "content": "Zanderheim"}},
    {
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Quillock"}],
        },
    },
]


def test_a_session_holds_more_than_the_conversation():
    assert read(CODEX).segments == (
        (T, "Who?"),
        (C, 'search {"q": "film"}'),
        (R, "A page."),
        (A, "Quillock"),
    )
    assert read(CODEX).flags == ()


def test_thoughts_behind_the_last_text_leave_it_the_answer():
    final = {"role": "assistant", "channel": "final", "content": "Quillock"}
    after = {"role": "assistant", "channel": "analysis", "content": "So."}

    assert read([ASKED, final, after, after]).segments == ((A, "Quillock"), (T, "So."), (T, "So."))
    assert read([ASKED, final, ASKED, after]).answer is None


NATIVE = {
    "Kimi": '<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"q": 1}<|tool_call_end|><|tool_calls_section_end|>',
    "DeepSeek": '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"q": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "Mistral": '[TOOL_CALLS][{"name": "f", "arguments": {"q": 1}}]',
    "Gemma": "<start_function_call>call:f{q:1}<end_function_call>",
    "MiniMax": '<minimax:tool_call><invoke name="f"><parameter name="q">1</parameter></invoke></minimax:tool_call>',
}


@pytest.mark.parametrize("call", NATIVE.values(), ids=NATIVE)
def test_a_call_that_an_engine_left_in_the_text_is_a_call(call):
    record = [
        ASKED,
        {"role": "assistant", "content": f"<think>Who?</think>{call}"},
        FOUND,
        {"role": "assistant", "content": "Quillock"},
    ]
    parsed = parse(Messages(tuple(record)), "websailor")

    assert [kind for kind, _ in parsed.segments] == [T, C, R, A]
    assert (parsed.format_error, parsed.flags) == (None, ())


def test_what_was_said_in_an_earlier_run_and_pieces_of_an_event_are_left_out():
    earlier = {"role": "assistant", "content": "Zanderheim", "from_history": True}
    piece = {"author": "scout", "partial": True, "content": {"role": "model", "parts": [{"text": "Quil"}]}}

    assert read([earlier, *ADK[:3], piece, ADK[3]]) == read(ADK)


def test_a_pair_of_a_role_and_a_text_is_a_message():
    record = [
        ("user", QUESTION),
        ("assistant", "<think>Who?</think>"),
        ["tool", "A page."],
        ["ai", "Quillock"],
    ]

    assert read(record).segments == ((T, "Who?"), (R, "A page."), (A, "Quillock"))
    assert read([["x", "y"], {"role": "assistant", "content": "z"}]).flags == ("unknown_role", "no_thoughts")


def test_a_step_may_act_in_words_and_have_no_arguments():
    record = [
        {"thought": "Who?", "action": "look"},
        {"observation": "A page."},
        {"role": "assistant", "content": "x"},
    ]

    assert read(record).segments == ((T, "Who?"), (C, "look"), (R, "A page."), (A, "x"))


def test_what_an_agent_cannot_hear_is_left_out():
    record = [
        {"source": "scout", "type": "ToolCallExecutionEvent", "content": "A page."},
        {"source": "scout", "type": "MultiModalMessage", "content": ["Quil", "lock"]},
    ]

    assert read(record).segments == ((A, "Quillock"),)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool-approval-request", "toolCallId": "c"},
        {"type": "tool-invocation", "toolInvocation": None},
        {"content": "no type says what it is"},
    ],
)
def test_a_part_that_says_nothing_we_know_is_flagged(part):
    record = [{"role": "assistant", "content": [part, {"type": "text", "text": "x"}]}]

    assert (read(record).segments, read(record).flags) == (((A, "x"),), ("unknown_parts", "no_thoughts"))


@pytest.mark.parametrize(
    "field",
    [
        "reasoning_content",
        "reasoning",
        "thinking",
        "thoughts",
        "think",
        "cot",
        "rationale",
        "reasoning_summary",
    ],
)
def test_a_field_of_reasoning_has_many_names(field):
    record = [{"role": "assistant", "content": "x", field: ["Who?"], "reasoning_effort": "high"}]

    assert read(record).segments == ((T, "Who?"), (A, "x"))


def test_a_switch_beside_the_text_is_no_thought():
    assert read([{"role": "assistant", "content": "x", "think": True}]).segments == ((A, "x"),)


def test_of_two_fields_with_text_the_better_known_is_the_thought():
    record = [{"role": "assistant", "content": "x", "think": "b", "reasoning": "a"}]

    assert read(record).segments == ((T, "a"), (A, "x"))


@pytest.mark.parametrize(("opens", "closes"), [("[THINK]", "[/THINK]"), ("◁think▷", "◁/think▷")])
def test_a_message_may_begin_with_the_thought_of_its_models_template(opens, closes):
    said = f"{opens}Who?{closes}x"
    record = [{"role": "assistant", "content": said}]
    with_more = [{"role": "assistant", "content": [{"type": "text", "text": said}], "id": 5}]

    assert read(record).segments == read(with_more).segments == ((T, "Who?"), (A, "x"))
    assert read([{"role": "assistant", "content": f"{opens}Who?"}]).segments == ((T, "Who?"),)


@pytest.mark.parametrize("said", ["[1] x", "x [THINK]y[/THINK]", "◁x"])
def test_a_token_elsewhere_opens_no_thought(said):
    assert read([{"role": "assistant", "content": said}]).segments == ((A, said),)


@pytest.mark.parametrize(
    "role", ["tool_message", "toolResult", "Tool Result", "TOOL-OUTPUT", "functionResponse"]
)
def test_words_of_a_role_may_be_apart_or_joined(role):
    record = [
        {"role": "assistant", "content": "a"},
        {"role": role, "content": "b"},
        {"role": "AI", "content": "x"},
    ]

    assert read(record).segments == ((T, "a"), (R, "b"), (A, "x"))


LANGGRAPH = [
    {"agent": {"messages": [{"type": "ai", "content": "Who?"}]}},
    {"tools": {"messages": [{"type": "tool", "content": "A page."}]}},
    {"agent": {"messages": [{"type": "ai", "content": "Quillock"}]}},
]


def test_updates_of_a_graph_are_read_node_by_node():
    assert read(LANGGRAPH).segments == ((T, "Who?"), (R, "A page."), (A, "Quillock"))


@pytest.mark.parametrize(
    ("part", "segments"),
    [
        ({"type": "web_search_call", "action": ARGUMENTS}, [(C, 'web_search {"q": "film"}')]),
        ({"type": "server_tool_call", "name": "search", "args": ARGUMENTS}, [(C, 'search {"q": "film"}')]),
        ({"type": "server_tool_result", "output": "A page."}, [(R, "A page.")]),
        ({"type": "think", "think": "So."}, [(T, "So.")]),
    ],
)
def test_parts_of_other_apis_are_what_their_type_says(part, segments):
    record = [{"role": "assistant", "content": [part, {"type": "text", "text": "x"}]}]

    assert list(read(record).segments) == [*segments, (A, "x")]


def test_steps_without_a_role_say_by_their_type_who_acts():
    record = [
        {"type": "user_input", "content": QUESTION},
        {"type": "thought", "summary": [{"type": "text", "text": "Who?"}]},
        {"type": "function_result", "result": "A page."},
        {"type": "model_output", "content": [{"type": "text", "text": "Quillock"}]},
    ]

    assert read(record).segments == ((T, "Who?"), (R, "A page."), (A, "Quillock"))


@pytest.mark.parametrize(
    "call",
    [
        '{"name": "search", "arguments": {"q": "Zanderheim"}}',
        '```json\n{"action": "search", "action_input": "Zanderheim"}\n```',
        '[{"tool_name": "search", "parameters": {"q": ["Zanderheim"]}}]',
        '{"name": "search", "arguments": {"q": "Zanderheim',
        'functions.search:0{"q": "Zanderheim"}',
    ],
)
def test_a_call_in_json_without_a_mark_is_no_thought(call):
    record = [{"role": "assistant", "content": f"Who? {call}"}, {"role": "assistant", "content": "x"}]

    parsed = read(record)

    assert not any("Zanderheim" in text for _, text in parsed.segments)
    assert (parsed.segments[0].text[:5], parsed.answer, parsed.flags) == ("Who? ", "x", ("foreign_markup",))


def test_json_that_calls_nothing_is_a_thought():
    said = 'So {"name": "Quillock", "born": 1931} it is.'

    assert read([{"role": "assistant", "content": said}, {"role": "assistant", "content": "x"}]).segments[
        0
    ] == (T, said)


@pytest.mark.parametrize(
    "said",
    [
        "<think>a</think><tool_call>q</tool_call>\n<observation>Zanderheim</observation>b",
        "<web_search>q</web_search><observation>Zanderheim</observation>b",
    ],
)
def test_what_answers_a_call_right_behind_it_is_no_thought(said):
    record = [{"role": "assistant", "content": said}, {"role": "assistant", "content": "x"}]

    parsed = read(record)

    assert not any("Zanderheim" in text for kind, text in parsed.segments if kind is T)
    assert "foreign_markup" in parsed.flags


def test_what_follows_a_page_or_a_thought_may_be_an_observation_of_the_policy():
    said = (
        "<think>a</think><tool_call>q</tool_call><tool_response>r</tool_response><observation>b</observation>"
    )

    assert (T, "<observation>b</observation>") in read(
        [{"role": "assistant", "content": said}, {"role": "assistant", "content": "x"}]
    ).segments


def test_a_field_of_reasoning_may_hold_the_calls_that_its_dialect_has_in_thoughts():
    said = "a<|begin_search_query|>q<|end_search_query|><|begin_search_result|>r<|end_search_result|>b"
    record = [{"role": "assistant", "reasoning_content": said, "content": "x"}]

    parsed = parse(Messages(tuple(record), reading=Reading("search_o1")), "balanced", RULES)

    assert (parsed.segments, parsed.format_error) == (
        ((T, "a"), (C, "q"), (R, "r"), (T, "b"), (A, "x")),
        None,
    )


def test_a_field_of_reasoning_ends_the_thought_that_a_prompt_has_opened():
    record = [{"role": "assistant", "reasoning_content": "a", "content": "x"}]

    parsed = parse(Messages(tuple(record), reading=Reading(None, thought_open=True)), "balanced")

    assert (parsed.segments, parsed.format_error) == (((T, "a"), (A, "x")), None)
