"""One story, as the files of many systems hold it: two rollouts that find the answer, each naming two of three entities."""

import json

QUESTION = "In which town was the builder of the Calder lighthouse born?"
ANSWER = "Ferndale"
TRUTH = {
    "question_id": "calder",
    "question": QUESTION,
    "answers": [ANSWER],
    "entities": ["Ida Marsh", "Port Hollis", "Westmere"],
}
THOUGHTS = ("The lighthouse may be the work of Ida Marsh.", "She grew up near Port Hollis, so I can answer.")
QUERY, PAGE = "Westmere lighthouse builder", "Ida Marsh was born in Ferndale, south of Westmere."
SYSTEM = {
    "role": "system",
    "content": "Think, search, answer: <think> Westmere </think> <answer> Westmere </answer>",
}
USER = {"role": "user", "content": QUESTION}
TAGGED = (
    f"<think>\n{THOUGHTS[0]}\n</think>\n<tool_call>\n{json.dumps({'name': 'search', 'arguments': {'query': QUERY}})}\n</tool_call>",
    f"<tool_response>\n{PAGE}\n</tool_response>",
    f"<think>\n{THOUGHTS[1]}\n</think>\n<answer>{ANSWER}</answer>",
)
SEARCH_R1 = (
    f"<think>{THOUGHTS[0]}</think>\n<search> {QUERY} </search>",
    f"<information>{PAGE}</information>",
    f"<think>{THOUGHTS[1]}</think>\n<answer> {ANSWER} </answer>",
)
CHAT = [
    SYSTEM,
    USER,
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": THOUGHTS[0],
        "tool_calls": [
            {"type": "function", "function": {"name": "search", "arguments": json.dumps({"query": QUERY})}}
        ],
    },
    {"role": "tool", "content": PAGE},
    {"role": "assistant", "content": ANSWER, "reasoning_content": THOUGHTS[1]},
]
ITEMS = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHTS[0]}]},
    {"type": "function_call", "call_id": "c", "name": "search", "arguments": json.dumps({"query": QUERY})},
    {"type": "function_call_output", "call_id": "c", "output": PAGE},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHTS[1]}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]},
]
EVENTS = [
    {"source": "user", "action": "message", "args": {"content": QUESTION}, "message": QUESTION},
    {"source": "agent", "action": "browse", "args": {"url": QUERY, "thought": THOUGHTS[0]}},
    {"source": "agent", "observation": "browse", "content": PAGE},
    {"source": "agent", "action": "finish", "args": {"thought": THOUGHTS[1], "final_thought": ANSWER}},
]
STEPS = [
    {"step_id": 1, "source": "user", "message": QUESTION},
    {
        "step_id": 2,
        "source": "agent",
        "message": "",
        "reasoning_content": THOUGHTS[0],
        "tool_calls": [{"tool_call_id": "c", "function_name": "search", "arguments": {"query": QUERY}}],
        "observation": {"results": [{"source_call_id": "c", "content": PAGE}]},
    },
    {"step_id": 3, "source": "agent", "message": ANSWER, "reasoning_content": THOUGHTS[1]},
]


def chatml(turns):
    """Write turns with their special tokens, from the second word of the first one's header on."""
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)


def turns(said):
    return list(zip(("assistant", "user", "assistant"), said, strict=True))


def lines_of_roles(said):
    return "".join(f"{role}\n{text}\n" for role, text in turns(said)).removeprefix("assistant\n")


PROMPT = (
    chatml([("system", "Answer. Question: Who?"), ("user", f"Search for it. Question: {QUESTION}")])
    + "<|im_start|>assistant\n"
)
GOLD = {"reward_spec": {"method": "rule", "ground_truth": {"target": [ANSWER]}}}
INSIDE_THOUGHT = f"{THOUGHTS[0]} <|begin_{{0}}query|>{QUERY}<|end_{{0}}query|>\n<|begin_{{0}}{{1}}|>{PAGE}<|end_{{0}}{{1}}|>\n{THOUGHTS[1]} </think>\n"


def twice(row, *ids):
    """Return two rollouts of a question, with their own ids where the system has some."""
    return [{**row, **dict.fromkeys(ids, n)} for n in (0, 1)]


DUMPS = {
    "native": ("a.jsonl", twice({"group_id": 7, "question": QUESTION, "messages": CHAT, "reward": 1.0}, "rollout_id")),
    "verl": (
        "1.jsonl",
        twice({"input": f"system\nSearch.\nuser\n{QUESTION}\nassistant\n", "output": lines_of_roles(TAGGED), "gts": {"target": [ANSWER]}, "score": 1.0, "step": 1}),
    ),
    "skyrl": (
        "nq.jsonl",
        twice({"input_prompt": PROMPT, "output_response": "\n\n".join(SEARCH_R1), "score": [0, 1.0], "stop_reason": "stop", "env_extras": GOLD}),
    ),
    "slime": (
        "samples.jsonl",
        twice({"group_index": 3, "prompt": PROMPT, "response": chatml(turns(TAGGED)).removeprefix("<|im_start|>assistant\n"), "label": ANSWER, "status": "completed", "tokens": [1]}, "index"),
    ),
    "verifiers": ("results.jsonl", twice({"example_id": 0, "prompt": CHAT[:2], "completion": CHAT[2:], "answer": ANSWER, "reward": 1.0})),
    "trl": ("completions_00005.parquet", twice({"step": 5, "prompt": QUESTION, "completion": "".join(TAGGED), "answer": ANSWER, "advantage": 0.0})),
    "rllm": (
        "episodes.jsonl",
        [
            {
                "id": f"q1:{n}",
                "task": {"question": QUESTION, "ground_truth": ANSWER},
                "termination_reason": "env_done",
                "trajectories": [{"steps": [{"chat_completions": CHAT[:3]}, {"chat_completions": CHAT}], "reward": 1.0}],
            }
            for n in (0, 1)
        ],
    ),
    "nemo_gym": (
        "rollouts.jsonl",
        twice({"responses_create_params": {"input": [USER]}, "response": {"output": ITEMS}, "expected_answer": ANSWER, "_ng_task_index": 4}, "_ng_rollout_index"),
    ),
    "deepresearcher": (
        "rollout_step_1.json",
        twice({"idx": 0, "question": QUESTION, "message_str": PROMPT + "<think>" + chatml(turns(TAGGED)).removeprefix("<|im_start|>assistant\n")}),
    ),
    "r1_searcher": (
        "eval.jsonl",
        twice({"question": QUESTION, "answer": ANSWER, "stop_reason_final": "finished", "gen_text_store": INSIDE_THOUGHT.format("of_", "documents") + f"<answer>{ANSWER}</answer>"}),
    ),
    "search_o1": (
        "output.json",
        twice({"id": 0, "Question": QUESTION, "answer": [ANSWER], "Output": INSIDE_THOUGHT.format("search_", "result") + rf"The town is \boxed{{{ANSWER}}}"}),
    ),
    "inspect": (
        "log.json",
        {
            "eval": {"task": "search"},
            "samples": [
                {"id": "s", "epoch": n, "input": QUESTION, "target": ANSWER, "messages": CHAT, "scores": {"match": {"value": "C"}}}
                for n in (1, 2)
            ],
        },
    ),
    "atif": ("trajectory.json", {"schema_version": "ATIF-v1.8", "session_id": "s1", "agent": {"name": "a"}, "steps": STEPS}),
    "asearcher": (
        "test.jsonl",
        twice(
            {
                "id": "9",
                "question": QUESTION,
                "gt": [ANSWER],
                "pred_answer": ANSWER,
                "history": [
                    {"type": "prompt", "text": QUESTION},
                    {"type": "llm_response", "text": SEARCH_R1[0]},
                    {"type": "search_result", "documents": [PAGE]},
                    {"type": "llm_response", "text": SEARCH_R1[2]},
                ],
            }
        ),
    ),
    "tongyi": (
        "iter1.jsonl",
        twice(
            {
                "question": QUESTION,
                "answer": ANSWER,
                "prediction": ANSWER,
                "termination": "answer",
                "messages": [SYSTEM, USER, *({"role": role, "content": text} for role, text in turns(TAGGED))],
            },
            "rollout_idx",
        ),
    ),
    "conversation": ("basic.json", EVENTS),
    "openrlhf": (
        "generated.jsonl",
        twice({"input": PROMPT, "output": chatml(turns(TAGGED)).removeprefix("<|im_start|>assistant\n"), "label": ANSWER, "reward": 1.0}),
    ),
}  # fmt: skip
"""By the reader that takes it: a file's name and its rows."""


def write(folder, name):
    """Write the dump of one system; returns the file."""
    file, rows = DUMPS[name]
    path = folder / file
    if path.suffix == ".parquet":
        import pyarrow as pa  # noqa: PLC0415  # an extra
        from pyarrow import parquet  # noqa: PLC0415  # the same

        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=2))
    else:
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path
