"""The shapes in which systems record what was said: one story, told by each."""

import json

import pytest

from reward_service.core.trajectory import AnswerRules, parse
from reward_service.core.types import Messages, Reading, SegmentKind

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER
RULES = AnswerRules(("answer", "boxed", "phrase"), ("finish", "final_answer"))
ARGUMENTS = {"q": "film"}
QUESTION = "Who filmed it? Zanderheim?"

OPENAI = [
    {"role": "user", "content": QUESTION},
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Who?",
        "tool_calls": [{"function": {"name": "search", "arguments": '{"q": "film"}'}}],
    },
    {"role": "tool", "content": "A page."},
    {"role": "assistant", "content": "Quillock", "reasoning_content": "So."},
]
FUNCTION_CALL = [
    {
        "role": "assistant",
        "content": "Who?",
        "function_call": {"name": "search", "arguments": '{"q": "film"}'},
    },
    {"role": "function", "name": "search", "content": "A page."},
    {"role": "assistant", "content": "<think>So.</think>Quillock"},
]
RESPONSES = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
    {"type": "item_reference", "id": "x"},
    {"type": "mcp_list_tools", "tools": []},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Who?"}]},
    {"type": "function_call", "name": "search", "arguments": '{"q": "film"}'},
    {"type": "function_call_output", "output": "A page."},
    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "So."}]},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Quillock"}]},
]
ANTHROPIC = [
    {"role": "user", "content": QUESTION},
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Who?"},
            {"type": "tool_use", "name": "search", "input": ARGUMENTS},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "A page."}]}]},
    {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "So."}, {"type": "text", "text": "Quil"}, None, "lock"],
    },
]
GEMINI = [
    {"role": "user", "parts": [{"text": QUESTION}, {"inlineData": {"data": "x"}}]},
    {
        "role": "model",
        "parts": [{"text": "Who?", "thought": True}, {"functionCall": {"name": "search", "args": ARGUMENTS}}],
    },
    {"role": "user", "parts": [{"functionResponse": {"name": "search", "response": {"result": "A page."}}}]},
    {"role": "model", "parts": [{"text": "So.", "thought": True}, {"text": "Quillock"}]},
]
BEDROCK = [
    {"role": "user", "content": [{"text": QUESTION}]},
    {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": "Who?", "signature": "x"}}},
            {"toolUse": {"toolUseId": "c", "name": "search", "input": ARGUMENTS}},
        ],
    },
    {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "A page."}]}}]},
    {
        "role": "assistant",
        "content": [{"reasoningContent": {"reasoningText": {"text": "So."}}}, {"text": "Quillock"}],
    },
]
LANGCHAIN = [
    {"type": "human", "data": {"content": QUESTION}},
    {"type": "ai", "data": {"content": "Who?", "tool_calls": [{"name": "search", "args": ARGUMENTS}]}},
    {"type": "tool", "data": {"content": "A page.", "name": "search"}},
    {"type": "ai", "data": {"content": "Quillock", "additional_kwargs": {"reasoning_content": "So."}}},
]
LANGGRAPH = [{"type": one["type"], **one["data"]} for one in LANGCHAIN]
DUMPD = [
    {"lc": 1, "type": "constructor", "id": ["langchain", name], "kwargs": one["data"]}
    for name, one in zip(
        ["HumanMessage", "AIMessage", "ToolMessage", "AIMessageChunk"], LANGCHAIN, strict=True
    )
]
SHAREGPT = [
    {"from": "human", "value": QUESTION},
    {"from": "gpt", "value": "Who?"},
    {"from": "function_call", "value": '{"name": "search", "arguments": {"q": "film"}}'},
    {"from": "observation", "value": "A page."},
    {"from": "gpt", "value": "<think>So.</think>Quillock"},
]
INSPECT = [
    {
        "role": "assistant",
        "content": [{"type": "reasoning", "reasoning": "Who?"}, {"type": "text", "text": ""}],
        "tool_calls": [{"function": "search", "arguments": ARGUMENTS}],
    },
    {"role": "tool", "content": "A page.", "function": "search"},
    {
        "role": "assistant",
        "content": [{"type": "reasoning", "reasoning": "So."}, {"type": "text", "text": "Quillock"}],
    },
]
OPENHANDS = [
    {"source": "user", "action": "message", "args": {"content": QUESTION}},
    {"source": "environment", "observation": "agent_state_changed", "content": ""},
    {"source": "agent", "action": "search", "args": {"thought": "Who?", **ARGUMENTS}},
    {"source": "environment", "observation": "search", "content": "A page."},
    {"source": "agent", "action": "think", "args": {"thought": "So."}},
    {"source": "agent", "action": "finish", "args": {"final_thought": "Quillock", "outputs": {}}},
]
ATIF = {
    "schema_version": "ATIF-v1.7",
    "steps": [
        {"step_id": 1, "source": "user", "message": QUESTION},
        {
            "step_id": 2,
            "source": "agent",
            "message": "Zanderheim",
            "reasoning_content": "Zanderheim",
            "is_copied_context": True,
        },
        {
            "step_id": 3,
            "source": "agent",
            "message": "",
            "reasoning_content": "Who?",
            "tool_calls": [{"tool_call_id": "c", "function_name": "search", "arguments": ARGUMENTS}],
            "observation": {
                "results": [
                    {"source_call_id": "c", "content": "A page."},
                    {"subagent_trajectory_ref": [{"session_id": "s"}]},
                ]
            },
        },
        {"step_id": 4, "source": "agent", "message": "Quillock", "reasoning_content": "So."},
    ],
    "subagent_trajectories": [{"steps": [{"step_id": 1, "source": "agent", "message": "Zanderheim"}]}],
}
OLDER_LANGCHAIN = [
    {
        "type": "ai",
        "content": "Who?",
        "tool_calls": [],
        "additional_kwargs": {"tool_calls": OPENAI[1]["tool_calls"]},
    },
    *LANGGRAPH[2:],
]
TOLD = {
    "LangChain, calls as the API gave them": OLDER_LANGCHAIN,
    "OpenAI": OPENAI,
    "OpenAI, nested in a list": [OPENAI],
    "OpenAI, function_call": FUNCTION_CALL,
    "OpenAI Responses": RESPONSES,
    "OpenAI Responses, the whole object": [{"output": RESPONSES}],
    "Anthropic": ANTHROPIC,
    "Gemini": GEMINI,
    "Gemini, the whole request": [{"contents": GEMINI}],
    "Bedrock": BEDROCK,
    "LangChain": LANGCHAIN,
    "LangGraph": LANGGRAPH,
    "LangChain, dumpd": DUMPD,
    "ShareGPT": SHAREGPT,
    "Inspect": INSPECT,
    "OpenHands": OPENHANDS,
    "ATIF": [ATIF],
    "ATIF, its steps": ATIF["steps"],
}


def read(record, rules=RULES):
    return parse(Messages(tuple(record)), "balanced", rules)


@pytest.mark.parametrize("record", TOLD.values(), ids=TOLD)
def test_one_story_is_read_alike_whoever_recorded_it(record):
    parsed = read(record)

    assert [kind for kind, _ in parsed.segments] == [T, C, R, T, A]
    assert [text for kind, text in parsed.segments if kind is not C] == ["Who?", "A page.", "So.", "Quillock"]
    assert json.loads(parsed.segments[1].text.removeprefix("search ")) in (
        ARGUMENTS,
        {"name": "search", "arguments": ARGUMENTS},
    )
    assert (parsed.answer, parsed.format_error, parsed.flags) == ("Quillock", None, ())


def filled(rows):
    """Write objects as the rows of a table, in which each has every column."""
    columns = dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row)
    return [
        {key: filled(one) if isinstance(one, list) else one for key, one in (columns | row).items()}
        if isinstance(row, dict)
        else filled(row)
        if isinstance(row, list)
        else row
        for row in rows
    ]


@pytest.mark.parametrize("record", TOLD.values(), ids=TOLD)
def test_columns_that_a_table_fills_with_null_say_nothing(record):
    assert read(filled(record)) == read(record)


SMOLAGENTS = [
    {"system_prompt": "Zanderheim"},
    {"task": QUESTION},
    {
        "step_number": 1,
        "model_output": "Thought: Who?\n<code>\nsearch('film')\n</code>",
        "tool_calls": [{"function": {"name": "python", "arguments": "x"}}],
        "observations": "A page.",
    },
    {
        "step_number": 2,
        "model_output": "Thought: So.\n<code>\nfinal_answer('Quillock')\n</code>",
        "is_final_answer": True,
        "action_output": "Quillock",
    },
]
SMOLAGENTS_MESSAGES = [
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "Thought: Who?\n```py\nsearch('film')\n```<end_code>"}],
    },
    {"role": "tool-call", "content": [{"type": "text", "text": "Calling tools:\n[{'function': {}}]"}]},
    {"role": "tool-response", "content": [{"type": "text", "text": "A page."}]},
    {"role": "assistant", "content": "Thought: So.\n<code>final_answer('Quillock')</code>"},
    {"role": "tool-response", "content": "Out"},
]
CONVERTED = [
    {
        "role": "assistant"
        if one["role"] == "tool-call"
        else "user"
        if one["role"] == "tool-response"
        else one["role"],
        "content": one["content"],
    }
    for one in SMOLAGENTS_MESSAGES
]


@pytest.mark.parametrize("record", [SMOLAGENTS, SMOLAGENTS_MESSAGES])
def test_smolagents_writes_prose_and_code(record):
    parsed = read(record)

    assert [(kind, text.strip()) for kind, text in parsed.segments] == [
        (T, "Who?"),
        (C, "search('film')"),
        (R, "A page."),
        (T, "So."),
        (A, "Quillock"),
    ]


def test_smolagents_may_have_turned_its_roles_into_others():
    parsed = parse(Messages(tuple(CONVERTED), reading=Reading("smolagents")), "websailor", RULES)
    undeclared = parse(Messages(tuple(CONVERTED)), "none", RULES)

    assert [kind for kind, _ in parsed.segments] == [T, C, T, A]
    assert (parsed.answer, parsed.format_error) == ("Quillock", None)
    assert not any("function" in text for kind, text in undeclared.segments if kind is T)


def test_a_step_without_code_has_its_calls_in_a_field():
    record = [
        {
            "step_number": 1,
            "model_output": "Thought: Who?",
            "tool_calls": [{"name": "search", "arguments": ARGUMENTS}],
        }
    ]

    assert [kind for kind, _ in read(record).segments] == [T, C]


def test_a_final_step_without_code_is_prose_and_the_answer():
    record = [{"step_number": 1, "model_output": "Thought: So.", "is_final_answer": True, "action_output": 5}]

    assert [(kind, text.strip()) for kind, text in read(record).segments] == [(T, "So."), (A, "5")]


@pytest.mark.parametrize(
    ("item", "segments"),
    [
        (
            {"type": "web_search_call", "action": {"type": "search", "query": "film"}},
            [(C, '{"type": "search", "query": "film"}')],
        ),
        (
            {"type": "file_search_call", "queries": ["film"], "results": [{"text": "A page."}]},
            [(C, '{"queries": ["film"]}'), (R, "A page.")],
        ),
        ({"type": "code_interpreter_call", "code": "1"}, [(C, '{"code": "1"}')]),
        (
            {"type": "mcp_call", "name": "search", "arguments": "{}", "output": "A page."},
            [(C, "search {}"), (R, "A page.")],
        ),
        ({"type": "custom_tool_call", "name": "search", "input": "film"}, [(C, "search film")]),
    ],
)
def test_every_call_of_the_responses_api_is_a_call(item, segments):
    assert list(read([item, {"role": "assistant", "content": "x"}]).segments) == [*segments, (A, "x")]


def test_a_message_of_an_agent_is_its_answer_where_it_ends_the_run():
    record = [{"source": "agent", "action": "message", "args": {"content": "Quillock"}}]

    assert read(record).answer == "Quillock"


def test_an_action_without_a_name_is_a_call_nobody_can_read():
    record = [
        {"source": "agent", "action": {}, "args": 5},
        {"source": "agent", "action": "message", "args": {"content": "x"}},
    ]

    assert [kind for kind, _ in read(record).segments] == [C, A]


def test_what_a_step_of_the_environment_brings_back_is_a_response():
    record = [
        {"step_id": 1, "source": "agent", "message": [{"type": "hologram"}], "tool_calls": None},
        {
            "step_id": 2,
            "source": "system",
            "message": "",
            "observation": {"results": [{"content": "A page."}]},
        },
        {"step_id": 3, "source": "agent", "message": "x", "observation": None},
    ]
    parsed = read(record)

    assert list(parsed.segments) == [(R, "A page."), (A, "x")]
    assert parsed.flags == ("unknown_parts", "no_thoughts")


@pytest.mark.parametrize(
    "odd",
    [5, None, {"type": 5}, {"type": "hologram"}, {"colour": "red"}, {"type": "constructor", "kwargs": 5}],
)
def test_an_object_of_no_known_shape_is_nobodys(odd):
    parsed = read([odd, {"role": "assistant", "content": "x"}])

    assert list(parsed.segments) == [(A, "x")]
    assert "unknown_role" in parsed.flags


def test_what_a_server_ran_for_the_policy_is_a_call_and_a_response_in_its_own_message():
    code = {"executableCode": {"code": "1"}}
    search = {"type": "server_tool_use", "name": "search", "input": {}}
    found = {"type": "web_search_tool_result", "content": "A page."}
    parsed = read([{"role": "model", "content": [code, search, found, {"text": "x"}]}])

    assert list(parsed.segments) == [(C, '{"code": "1"}'), (C, "search {}"), (R, "A page."), (A, "x")]
    assert parsed.flags == ("no_thoughts",)


@pytest.mark.parametrize("role", ["reasoning", "thought"])
def test_a_role_may_say_that_it_thinks(role):
    assert list(read([{"role": role, "content": "a"}, {"role": "final", "content": "x"}]).segments) == [
        (T, "a"),
        (A, "x"),
    ]


@pytest.mark.parametrize(
    ("content", "segments"),
    [
        ([5], []),
        ([{"type": "image_url", "image_url": {"url": "x"}}], []),
        ({"type": "text", "text": "x"}, [(A, "x")]),
        ({"text": {"value": "x"}}, [(A, "x")]),
        ([{"type": "refusal", "refusal": "x"}], [(A, "x")]),
        (5, [(A, "5")]),
        ([{"type": "redacted_thinking", "data": "x"}, {"text": "x"}], [(A, "x")]),
        ([{"type": "thinking", "thinking": 5}, {"text": "x"}], [(T, "5"), (A, "x")]),
    ],
)
def test_the_policys_content_may_be_any_json(content, segments):
    assert list(read([{"role": "assistant", "content": content}]).segments) == segments


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"type": "web_search_tool_result", "content": [{"title": "a"}, None, 5]}, '{"title": "a"}\n5'),
        ({"functionResponse": {"response": {"a": 1, "b": 2}}}, '{"a": 1, "b": 2}'),
        ({"functionResponse": "A page."}, "A page."),
        ({"codeExecutionResult": {"output": "A page."}}, "A page."),
    ],
)
def test_a_result_may_be_any_json(result, text):
    record = [
        {"role": "assistant", "content": "a", "tool_calls": [{"name": "f"}]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": "x"},
    ]

    assert (R, text) in read(record).segments


def test_an_agent_of_openhands_may_answer_by_a_message():
    said = {"content": [{"type": "text", "text": "x"}], "reasoning_content": "a"}
    error = {"kind": "AgentErrorEvent", "source": "environment", "error": "no such tool"}
    call = {"kind": "ActionEvent", "source": "agent", "tool_call": {"name": "f", "arguments": "{}"}}
    answer = {"kind": "MessageEvent", "source": "agent", "llm_message": said}

    assert list(read([call, error, answer]).segments) == [
        (C, "f {}"),
        (R, "no such tool"),
        (T, "a"),
        (A, "x"),
    ]
