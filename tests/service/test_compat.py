"""Trainers' own protocols, against the real service."""

import asyncio
import contextlib
import json
import uuid

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.api.keys import generate
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.redis_server import until

QUESTION = EXAMPLE["groups"][0]["question"]
SAID = ["Zanderheim and Quillock", "nothing", "Quillock"]
REWARDS = [0.3, 0.0, 0.15]


def text(thought, answer="nobody"):
    return f"<think>{thought}</think><answer>{answer}</answer>"


@pytest.fixture
def query():
    """Of a run that nobody else is in."""
    return {
        "run": uuid.uuid4().hex,
        "group_size": 3,
        "profile": "egrpo",
        "format": "tagged",
        "deadline_s": 600,
    }


@pytest.fixture
async def ask(server):
    async with httpx.AsyncClient(base_url=server) as client:

        async def send(path, body, query):
            return await client.post(f"/compat/{path}", params=query, json=body)

        yield send


def openrlhf(thought, prompt="Who?", **label):
    return {
        "query": [prompt + text(thought)],
        "prompts": [prompt],
        "labels": [json.dumps({"question": QUESTION, **label})],
    }


async def test_openrlhf_asks_one_at_a_time_and_gets_lists(ask, query):
    replies = await asyncio.gather(*[ask("openrlhf/get_reward", openrlhf(one), query) for one in SAID])

    answers = [reply.json() for reply in replies]
    assert [answer["rewards"] for answer in answers] == [[reward] for reward in REWARDS]
    assert [answer["scores"] for answer in answers] == [[reward] for reward in REWARDS]
    assert answers[2]["extra_logs"] == {
        "reward_valid": [1.0],
        "acc": [0.0],
        "matched": [1.0],
        "match_rate": [0.5],
        "format_error": [0.0],
    }


async def test_a_url_says_how_far_the_training_is(ask, query):
    at = query | {"profile": "egrpo-decay", "step": 30, "total_steps": 80}
    replies = await asyncio.gather(*[ask("openrlhf/get_reward", openrlhf(one), at) for one in SAID])

    assert [reply.json()["rewards"] for reply in replies] == [
        [pytest.approx(reward / 2)] for reward in REWARDS
    ]


@pytest.mark.parametrize("said", [{}, {"step": 30}, {"total_steps": 80}])
async def test_a_url_that_does_not_say_so_is_refused_where_weights_depend_on_it(ask, query, said):
    reply = await ask("openrlhf/get_reward", openrlhf("nothing"), query | {"profile": "egrpo-decay"} | said)

    assert reply.status_code == 422
    assert "egrpo-decay needs progress: name step and total_steps" in reply.json()["detail"]


@pytest.mark.parametrize(
    "said", [{"deadline_s": "nan"}, {"deadline_s": "inf"}, {"step": "nan"}, {"total_steps": "inf"}]
)
async def test_a_number_in_a_url_is_finite(ask, query, said):
    assert (await ask("slime/reward", {}, query | said)).status_code == 422


async def test_two_generations_of_one_prompt_are_two_groups(ask, query):
    replies = await asyncio.gather(
        *[ask("openrlhf/get_reward", openrlhf("Quillock"), query) for _ in range(6)]
    )

    assert [reply.json()["rewards"] for reply in replies] == [[0.3]] * 6


async def test_openrlhf_before_0_9_sends_a_share_of_the_batch(ask, query):
    """Two servers' shares cut through a group; the shares meet."""
    one, two = (
        {key: [value for said in share for value in openrlhf(said)[key]] for key in openrlhf("")}
        for share in (SAID[:2], SAID[2:] + SAID)
    )

    first, second = await asyncio.gather(
        ask("openrlhf/get_reward", one, query), ask("openrlhf/get_reward", two, query)
    )

    assert first.json() == {"rewards": REWARDS[:2], "scores": REWARDS[:2], "extra_logs": {}}
    assert second.json()["rewards"] == REWARDS[2:] + REWARDS


async def test_empty_lists_get_empty_lists(ask, query):
    reply = await ask("openrlhf/get_reward", {"query": [], "prompts": [], "labels": []}, query)

    assert reply.json() == {"rewards": [], "scores": [], "extra_logs": {}}


async def test_openrlhf_is_never_left_without_a_number(ask, query):
    late = await ask("openrlhf/get_reward", openrlhf("Quillock"), query | {"deadline_s": 0.1})
    cut = await ask(
        "openrlhf/get_reward", openrlhf("Quillock") | {"query": ["ho?" + text("Quillock")]}, query
    )
    unknown = [openrlhf("x") | {"labels": ["nobody"]} for _ in range(3)]
    unknown = await asyncio.gather(
        *[ask("openrlhf/get_reward", one, query | {"dataset": "sample"}) for one in unknown]
    )
    nameless = await ask("openrlhf/get_reward", openrlhf("x") | {"labels": [None]}, query)

    for reply in (late, cut, *unknown, nameless):
        answer = reply.json()
        assert (reply.status_code, answer["rewards"], answer["scores"]) == (200, [0.0], [-3.0])
        assert answer["extra_logs"]["reward_valid"] == [0.0]
    assert [reply.json()["reasons"] for reply in (late, cut, unknown[0], nameless)] == [
        ["fewer than 3 rollouts of this prompt arrived within 0.1 s"],
        ["the query does not start with the prompt: it was truncated to fit"],
        ["the data set has no such question"],
        ["give the question as question_id and the data set, or send it as question"],
    ]


@pytest.mark.parametrize(
    ("label", "reward", "reason"),
    [
        ({"question": QUESTION, "outcome": True}, 1.0, None),
        ({"question": QUESTION, "outcome": "error"}, 0.0, None),
        ({"question": QUESTION, "outcome_error": "no reply"}, 0.0, "no reply"),
        ({"question": QUESTION, "outcome": "maybe"}, 0.0, "outcome must be one of correct, wrong, error"),
        ({"question": QUESTION, "outcome": 1, "outcome_error": "x"}, 0.0, "cannot be given together"),
        ({"question": QUESTION | {"level": "hard"}}, 0.0, "Extra inputs are not permitted at /level"),
        (7, 0.0, "no such question"),
        (["a", "b"], 0.0, "a label is the question's id, or an object"),
        (True, 0.0, "a label is the question's id, or an object"),
    ],
)
async def test_a_label_of_any_kind_is_read_or_told(ask, query, label, reward, reason):
    body = openrlhf("Quillock") | {"labels": [label]}
    alone = query | {"group_size": 1, "dataset": "sample"}
    answer = (await ask("openrlhf/get_reward", body, alone)).json()

    assert answer["rewards"] == [reward]
    assert (answer.get("reasons") is None) == (reason is None)
    assert reason is None or reason in answer["reasons"][0]


async def test_evaluation_waits_for_nobody(ask, query):
    reply = await ask("openrlhf/get_reward", openrlhf("Quillock", split="test"), query)

    assert reply.json()["rewards"] == [0.0]
    assert reply.json()["extra_logs"]["matched"] == [1.0]


async def test_a_caller_that_disconnects_gives_up_its_place(query):
    """A client that gives up and retries is one member of its group."""
    app = create_app(Settings())
    meeting = app.state.anonymous._rendezvous
    with serving(app) as base:
        async with httpx.AsyncClient(base_url=base) as client:

            def send(thought):
                call = client.post("/compat/openrlhf/get_reward", params=query, json=openrlhf(thought))
                return asyncio.create_task(call)

            impatient = send(SAID[0])
            await asyncio.to_thread(until, lambda: meeting.waiting == 1, "it waits")
            impatient.cancel()
            await asyncio.to_thread(until, lambda: meeting.waiting == 0, "its place is free")
            replies = await asyncio.gather(*map(send, SAID))

    assert [reply.json()["rewards"] for reply in replies] == [[reward] for reward in REWARDS]


def slime(thought):
    return {"prompt": "Who?", "response": text(thought), "label": json.dumps({"question": QUESTION})}


async def test_slimes_body_is_the_reward(ask, query):
    bare = await asyncio.gather(*[ask("slime/reward", slime(one), query) for one in SAID])
    named = await asyncio.gather(
        *[ask("slime/reward", slime(one), query | {"reward_key": "r"}) for one in SAID]
    )

    assert [reply.json() for reply in bare] == REWARDS
    assert [(reply.json()["r"], reply.json()["matched"]) for reply in named] == [
        (0.3, 2.0),
        (0.0, 0.0),
        (0.15, 1.0),
    ]


async def test_slime_is_refused_where_there_is_no_reward(ask, query):
    reply = await ask("slime/reward", slime("x"), query | {"deadline_s": 0.1})

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:reward-service:no-reward")


def gym(index, thought, task=7):
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]},
        {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "1"},
        {"type": "function_call_output", "call_id": "1", "output": "Zanderheim and Quillock"},
        {"type": "web_search_call"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "nobody"}]},
    ]
    identity = {"_ng_task_index": task, "_ng_rollout_index": index}
    return {
        "responses_create_params": {"input": "Who?"},
        "response": {"output": output},
        "question": QUESTION,
        **identity,
    }


async def test_nemo_gym_gets_its_own_body_back(ask, query):
    bodies = [gym(n, said) for n, said in enumerate(SAID)]
    replies = await asyncio.gather(*[ask("nemo_gym/verify", body, query) for body in bodies])

    answers = [reply.json() for reply in replies]
    assert [answer["reward"] for answer in answers] == REWARDS
    for body, answer in zip(bodies, answers, strict=True):
        assert body.items() <= answer.items()
        assert sum(answer["reward_components"].values()) == answer["reward"]


async def test_nemo_gyms_retry_takes_its_place_over(ask, query):
    old = asyncio.create_task(ask("nemo_gym/verify", gym(0, "Zanderheim"), query))
    early = asyncio.create_task(ask("nemo_gym/verify", gym(0, SAID[0]), query))
    done, _ = await asyncio.wait([old, early], return_when=asyncio.FIRST_COMPLETED)
    rest = await asyncio.gather(*[ask("nemo_gym/verify", gym(n, SAID[n]), query) for n in (1, 2)])

    first = done.pop()
    assert first.result().json()["failure_kind"] == "group_failed"
    assert first.result().json()["mask_sample"] is True
    assert [reply.json()["reward"] for reply in rest] in ([0.0, 0.15], [0.0, 0.3])
    await asyncio.gather(old, early)


async def test_nemo_gym_hears_of_what_cannot_be_read(ask, query):
    for response in ({}, None, [], "x", {"output": "x"}, {"output": [7]}, {"output": [{"type": 7}]}):
        reply = await ask("nemo_gym/verify", gym(0, "x") | {"response": response}, query | {"group_size": 1})

        failure = [reply.json()[name] for name in ("reward", "mask_sample", "failure_kind")]
        assert (reply.status_code, failure) == (200, [0.0, True, "invalid_rollout"])
        assert reply.json()["failure_reason"]


async def test_a_verdict_of_nemo_gyms_row_counts(ask, query):
    alone = query | {"group_size": 1}
    right = (await ask("nemo_gym/verify", gym(0, "x") | {"outcome": 1}, alone)).json()
    failed = (await ask("nemo_gym/verify", gym(1, "x") | {"outcome_error": "no reply"}, alone)).json()

    assert (right["reward"], right["mask_sample"], right["failure_kind"]) == (1.0, False, None)
    assert (failed["mask_sample"], failed["failure_kind"], failed["failure_reason"]) == (
        True,
        "judge_failed",
        "no reply",
    )


@pytest.mark.parametrize(
    ("response", "reward"),
    [
        (
            {
                "output": [
                    {"type": "reasoning", "summary": [{"text": "Quillock"}]},
                    {"role": "assistant", "content": "<answer>x</answer>"},
                ]
            },
            1.0,
        ),
        (
            {"output": [{"type": "message", "role": "assistant", "content": ["<think>Quillock</think>no"]}]},
            0.3,
        ),
        (
            {
                "output": [
                    {"type": "reasoning", "summary": [{"text": "Quillock"}]},
                    {"role": "assistant", "content": "The"},
                ],
                "incomplete_details": {"reason": "max_output_tokens"},
            },
            0.0,
        ),
        (
            {
                "output": [
                    {"role": "assistant", "content": "<think>Quillock</think>no", "status": "incomplete"}
                ]
            },
            0.0,
        ),
    ],
)
async def test_nemo_gyms_items_are_read_as_they_come(ask, query, response, reward):
    body = gym(0, "x") | {"response": response}
    answer = (await ask("nemo_gym/verify", body, query | {"group_size": 1})).json()

    assert (answer["reward"], answer["mask_sample"]) == (reward, False)


async def test_an_empty_generation_of_nemo_gym_is_masked(ask, query):
    body = gym(0, "x") | {"response": {"output": []}}
    answer = (await ask("nemo_gym/verify", body, query | {"group_size": 1})).json()

    assert (answer["mask_sample"], answer["failure_reason"]) == (True, "messages hold no turn of the policy")


@pytest.mark.parametrize(
    ("how", "said", "reward"),
    [
        (
            {"format": "harmony"},
            "<|channel|>analysis<|message|>Quillock<|end|><|start|>assistant<|channel|>final<|message|>x<|return|>",
            1.0,
        ),
        ({"format": "chatml"}, "<think>Quillock</think>\nx<|endoftext|><|endoftext|>", 1.0),
        ({"format": "plain", "dialect": "autorefine"}, "<refine>Quillock</refine><answer>no</answer>", 0.3),
        ({"thought_open": "true"}, "Quillock</think><answer>no</answer>", 0.3),
    ],
)
async def test_a_url_says_how_its_text_is_read(ask, query, how, said, reward):
    body = {"query": [said], "prompts": [""], "labels": [{"question": QUESTION}]}
    answer = (await ask("openrlhf/get_reward", body, query | {"group_size": 1} | how)).json()

    assert answer["rewards"] == [reward]


async def test_a_url_says_how_messages_are_read(ask, query):
    said = "<think>Quillock</think><tool_call>q</tool_call><observation>Zanderheim</observation>"
    body = carr("") | {"history": [{"role": "assistant", "content": said + "<answer>no</answer>"}]}
    how = {"group_size": 1, "format": "plain", "dialect": "deepdive"}
    answer = (await ask("carr/evaluate", body, query | how)).json()

    assert (answer["reward"], answer["rubric_reward"]) == (0.3, 0.5)


async def test_a_url_that_names_two_dialects_is_refused(ask, query):
    reply = await ask("slime/reward", slime("x"), query | {"format": "react", "dialect": "mcp"})

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:reward-service:invalid-request")


def carr(thought, **more):
    history = [{"role": "assistant", "content": text(thought)}]
    return {"history": history, "label": "x", "remote_env_info": {"question": QUESTION}, **more}


async def test_carr_gets_the_parts_of_its_reward(ask, query):
    replies = await asyncio.gather(*[ask("carr/evaluate", carr(one), query) for one in SAID])

    assert [reply.json()["reward"] for reply in replies] == REWARDS
    assert replies[2].json() == {
        "reward": 0.15,
        "outcome_reward": 0.0,
        "rubric_reward": 0.5,
        "rubric_scores": {},
        "judge": None,
        "checker": "equal",
    }


async def test_carrs_unfinished_task_is_an_error_that_is_scored(ask, query):
    bodies = [carr("Zanderheim", task_unfinished=True), carr("Quillock"), carr("x")]
    replies = await asyncio.gather(*[ask("carr/evaluate", body, query) for body in bodies])

    assert [reply.json()["reward"] for reply in replies] == [0.0, 0.3, 0.0]


@pytest.mark.parametrize(
    ("path", "body"),
    [("openrlhf/get_reward", {"query": ["x"], "prompts": [], "labels": []}), ("slime/reward", {})],
)
async def test_a_body_that_is_none_of_theirs_is_refused(ask, query, path, body):
    reply = await ask(path, body, query)

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:reward-service:invalid-request")


async def test_a_profile_nobody_has_is_refused_at_once(ask, query):
    reply = await ask("slime/reward", slime("x"), query | {"profile": "nobody"})

    assert reply.json()["type"] == "urn:reward-service:unknown-profile"


PROTOCOLS = {
    "openrlhf/get_reward": openrlhf("x"),
    "slime/reward": slime("x"),
    "nemo_gym/verify": gym(0, "x"),
    "carr/evaluate": carr("x"),
}


@pytest.mark.parametrize("path", PROTOCOLS)
async def test_a_training_that_is_not_named_is_refused_in_a_sentence(ask, query, path):
    query.pop("run")

    reply = await ask(path, PROTOCOLS[path], query)

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:reward-service:invalid-request")
    assert "name the training with run=" in reply.json()["detail"]


REWARD_OF = {
    "openrlhf/get_reward": lambda reply: reply["rewards"][0],
    "slime/reward": lambda reply: reply,
    "nemo_gym/verify": lambda reply: reply["reward"],
    "carr/evaluate": lambda reply: reply["reward"],
}
BODY_OF = {
    "openrlhf/get_reward": lambda _n, said: openrlhf(said),
    "slime/reward": lambda _n, said: slime(said),
    "nemo_gym/verify": gym,
    "carr/evaluate": lambda _n, said: carr(said),
}


@contextlib.asynccontextmanager
async def sending_to(base, app):
    """Yield a function that sends a rollout and returns its call once it waits for its group, or is answered."""
    meeting = app.state.anonymous._rendezvous
    async with httpx.AsyncClient(base_url=base) as client:

        async def send(path, body, query, **headers):
            before = meeting.waiting
            call = asyncio.create_task(
                client.post(f"/compat/{path}", params=query, json=body, headers=headers)
            )
            await asyncio.to_thread(until, lambda: meeting.waiting != before or call.done(), "it is in")
            return call

        yield send


@pytest.mark.parametrize("path", PROTOCOLS)
async def test_rollouts_of_two_owners_never_meet(tmp_path, query, path):
    """Two ordinary trainers with the same data set, and even the same run id."""
    (a, a_lines), (b, b_lines) = generate("a", ["score"]), generate("b", ["score"])
    (tmp_path / "keys.yaml").write_text(a_lines + b_lines, encoding="utf-8")
    app = create_app(Settings(keys=tmp_path / "keys.yaml", canary_interval_s=3600))
    rollouts = [(a, 0, SAID[2]), (b, 0, SAID[0]), (a, 1, SAID[1]), (b, 1, SAID[2])]
    with serving(app) as base:
        async with sending_to(base, app) as send:
            calls = [
                await send(
                    path,
                    BODY_OF[path](n, said),
                    query | {"group_size": 2, "deadline_s": 20},
                    Authorization=f"Bearer {token}",
                )
                for token, n, said in rollouts
            ]
            replies = await asyncio.gather(*calls)

    paid = [REWARD_OF[path](reply.json()) for reply in replies]
    assert paid == [0.3, 0.3, 0.0, 0.15]


async def test_rollouts_of_two_index_versions_never_meet(tmp_path, query):
    """A version becomes active while a group waits; its question has other entities."""
    app = create_app(Settings(index=tmp_path, index_follow_s=0, canary_interval_s=3600))
    versions = [
        {
            "question_id": "q",
            "question": "Who?",
            "answers": ["x"],
            "entities": [{"name": name} for name in names],
        }
        for names in (["Zanderheim", "Quillock"], ["Quillock", "Ostrava", "Brno", "Opava"])
    ]
    query |= {"group_size": 2, "dataset": "d", "deadline_s": 20}
    body = slime(SAID[0]) | {"label": "q"}
    with serving(app) as base:
        async with sending_to(base, app) as send:
            calls = []
            for n, question in enumerate(versions):
                reply = await asyncio.to_thread(
                    httpx.put,
                    f"{base}/v1/datasets/d/versions/v{n}?activate=true",
                    content=json.dumps(question),
                    headers={"Content-Type": "application/x-ndjson"},
                )
                assert reply.status_code == 200
                calls.append(await send("slime/reward", body, query))
            assert app.state.anonymous._rendezvous.waiting == 2
            calls.append(await send("slime/reward", body | {"response": text("Ostrava Brno")}, query))
            replies = await asyncio.gather(*calls[1:])
            calls[0].cancel()

    assert [reply.json() for reply in replies] == [0.15, 0.3]
