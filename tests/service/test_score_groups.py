"""POST /v1/groups/score, as a caller sees it."""

import json
from copy import deepcopy

import pytest

from tests.builders import EXAMPLE, GOLDEN, example, thinking

ESTIMATORS = {
    "grpo_ddof1_eps1e-6": {"type": "grpo", "ddof": 1, "epsilon": 1e-6},
    "grpo_ddof0_eps1e-6": {"type": "grpo", "ddof": 0, "epsilon": 1e-6},
    "trl_ddof1_eps1e-4": {"type": "grpo", "ddof": 1, "epsilon": 1e-4},
    "dr_grpo": {"type": "dr_grpo"},
    "rloo": {"type": "rloo"},
}
NAMES = [f"Entity{letter}" for letter in "ABCDEFGH"]


def with_group(**changes):
    body = example()
    body["groups"][0] |= changes
    return body


def with_rollout(**changes):
    body = example()
    body["groups"][0]["rollouts"][0] |= changes
    return body


def test_the_example_of_the_docs(post):
    status, reply = post("/v1/groups/score", EXAMPLE)

    assert status == 200
    assert reply["profile"]["name"] == "egrpo-paper"
    assert reply["estimator"] == {"type": "grpo", "ddof": 1, "epsilon": 1e-06, "floor": None}
    (group,) = reply["groups"]
    assert {key: group[key] for key in group if key != "rollouts"} == {
        "run_id": "r",
        "group_id": "g1",
        "question_id": None,
        "status": "complete",
        "entities": 2,
        "group_max": 2,
        "index": None,
        "masked": [],
        "unmatchable": [],
        "flags": [],
        "error": None,
    }
    assert group["rollouts"][2] == {
        "rollout_id": "2",
        "status": "scored",
        "outcome": "wrong",
        "reward": 0.15,
        "advantage": pytest.approx(-0.432667, abs=1e-6),
        "weight": 1.0,
        "matched": 1,
        "match_rate": 0.5,
        "normalized_match_rate": 0.5,
        "uncredited": {},
        "grounded": 0,
        "precision": None,
        "reward_with_uncredited": 0.15,
        "in_baseline": True,
        "in_loss": True,
        "components": {"base": 0.0, "entity_match": 0.15},
        "measured": {},
        "turns": [[0]],
        "turn_rewards": None,
        "turn_advantages": None,
        "flags": [],
        "detail": None,
        "judgements": [],
        "matches": [],
        "uncredited_matches": [],
        "near_misses": [],
    }


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_golden_group_over_http(post, case, estimator):
    overlength = "overlength" in case["source"]
    rollouts = [
        thinking(
            str(n),
            f"Seen: {', '.join(NAMES[:matched])}.",
            **({"stop_reason": "max_tokens"} if overlength and outcome == "error" else {"outcome": outcome}),
        )
        for n, (matched, outcome) in enumerate(zip(case["matched"], case["outcome"], strict=True))
    ]
    question = {"text": "?", "entities": [{"name": name} for name in NAMES[: case["entities"]]]}
    body = {
        "profile": "egrpo-paper" if case["alpha"] else "grpo",
        "estimator": ESTIMATORS[estimator],
        "groups": [{"group_id": "g", "question": question, "rollouts": rollouts}],
    }

    status, reply = post("/v1/groups/score", body)

    assert status == 200
    results = reply["groups"][0]["rollouts"]
    expect = case["expect"]
    close = lambda values: pytest.approx(values, abs=GOLDEN["tolerance"])  # noqa: E731
    for field in ("match_rate", "normalized_match_rate", "reward"):
        assert [one[field] for one in results] == close(expect[field])
    assert [one["advantage"] for one in results] == close(expect["advantage"][estimator])


def test_questions_come_from_the_index(post):
    rollouts = [thinking("0", "Robert FitzRoy of HMS Beagle", outcome="wrong")]
    group = {"group_id": "g", "dataset": "sample", "question_id": "first-forecast", "rollouts": rollouts}

    _, reply = post("/v1/groups/score", {"groups": [group], "profile": "egrpo-paper"})

    (one,) = reply["groups"]
    assert (one["status"], one["question_id"], one["entities"], one["group_max"]) == (
        "complete",
        "first-forecast",
        4,
        2,
    )
    assert one["index"]["dataset"] == "sample"
    assert one["index"]["digest"].startswith("sha256:")


def test_explain_says_where(post):
    _, reply = post("/v1/groups/score", example(explain=True))

    assert reply["groups"][0]["rollouts"][2]["matches"] == [
        {
            "entity": "Quillock",
            "channel": "exact",
            "form": "Quillock",
            "distance": 0,
            "segment": 0,
            "start": 8,
            "end": 16,
            "text": "Quillock",
        }
    ]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "malformed-json"),
        (b'{"groups": [], "groups": []}', 400, "malformed-json"),
        (b'{"groups": NaN}', 400, "malformed-json"),
        (b'{"groups": 1e999}', 422, "invalid-request"),
        (b'{"profile": "\\ud800", "groups": []}', 400, "malformed-json"),
        (b'{"profile": "\xff", "groups": []}', 400, "malformed-json"),
        (b"[" * 100_000, 400, "malformed-json"),
        (b"[]", 422, "invalid-request"),
        (b"", 400, "malformed-json"),
        (b"x" * (8 * 1024 * 1024 + 1), 413, "body-too-large"),
    ],
)
def test_a_body_that_is_no_call(post, body, status, slug):
    got, problem = post("/v1/groups/score", body)

    assert (got, problem["type"]) == (status, f"urn:reward-service:{slug}")
    assert problem["status"] == status
    assert problem["request_id"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (example(colour="red"), "/colour"),
        (with_group(colour="red"), "/groups/0/colour"),
        (with_rollout(rollout_id=0), "/groups/0/rollouts/0/rollout_id"),
        (with_rollout(rollout_id=""), "/groups/0/rollouts/0/rollout_id"),
        (with_rollout(rollout_id="a\nb"), "/groups/0/rollouts/0/rollout_id"),
        (with_group(question=None), "/groups/0"),
        (with_group(dataset="sample"), "/groups/0"),
        (example(estimator={"type": "best"}), "/estimator/type"),
        (example(estimator={"ddof": 2}), "/estimator/ddof"),
        (example(estimator={"epsilon": -1}), "/estimator/epsilon"),
        (example(partial={"policy": "wait"}), "/partial/policy"),
        (example(partial={"policy": "survivors", "min_scored": 0}), "/partial/min_scored"),
        (example(explain=1), "/explain"),
    ],
)
def test_a_body_outside_the_schema_is_refused_with_its_path(post, body, path):
    status, problem = post("/v1/groups/score", body)

    assert (status, problem["type"]) == (422, "urn:reward-service:invalid-request")
    assert problem["path"] == path
    assert path in [error["path"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (example(partial="fail"), "Input should be an object at /partial"),
        (
            with_group(question={"text": "Who?", "entities": ["Quillock"]}),
            "Input should be an object at /groups/0/question/entities/0",
        ),
    ],
)
def test_a_value_that_has_to_be_an_object_is_told_so(post, body, detail):
    status, problem = post("/v1/groups/score", body)

    assert (status, problem["detail"]) == (422, detail)


@pytest.mark.parametrize("answers", [[], [""], [" ", "\n"]])
def test_a_question_with_nothing_but_blank_gold_answers_has_none(post, answers):
    body = with_rollout(outcome=None)
    body["groups"][0]["question"]["answers"] = answers

    _, reply = post("/v1/groups/score", body)

    first = reply["groups"][0]["rollouts"][0]
    assert (first["status"], first["reward"]) == ("invalid_rollout", None)
    assert first["detail"] == "no outcome was sent and the question has no gold answers"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (with_rollout(colour="red"), "/colour: Extra inputs are not permitted"),
        (with_rollout(outcome="maybe"), "/outcome: Input should be 'correct', 'wrong' or 'error'"),
        (with_rollout(text="<think>"), "Value error, give exactly one of messages, text and steps"),
        (with_rollout(steps=None), "Value error, give exactly one of messages, text and steps"),
        (
            with_rollout(messages="hi", steps=None),
            "/messages: Value error, expected value at line 1 column 1",
        ),
        (
            with_rollout(steps=[{"type": "shout", "text": "x"}]),
            "/steps/0: Input tag 'shout' found using 'type' does not match any of the expected tags: "  # noqa: ISC003
            + "'thought', 'tool_response', 'answer', 'tool_call'",
        ),
        (with_rollout(steps=[{"type": "thought"}]), "/steps/0/thought/text: Field required"),
        (with_rollout(signals={"a": True}), "/signals/a: Input should be a valid number"),
        (
            with_rollout(dialect="tagged"),
            "Value error, dialect cannot be given with steps, which are already split",
        ),
        (
            with_rollout(text="a", steps=None, format="react", dialect="tagged"),
            "Value error, format react is short for the dialect react, but dialect is another",
        ),
        (
            with_rollout(text="a", steps=None, prompt_messages=1),
            "Value error, prompt_messages can only be given with messages",
        ),
        (
            with_rollout(outcome="wrong", outcome_error="no reply"),
            "Value error, outcome and outcome_error cannot be given together",
        ),
        (
            with_rollout(messages=[{"role": "user", "content": "Who?"}], steps=None),
            "messages hold no turn of the policy",
        ),
    ],
)
def test_a_defect_of_a_rollout_is_its_own(post, body, detail):
    status, reply = post("/v1/groups/score", {**body, "partial": {"policy": "survivors"}})

    first, *others = reply["groups"][0]["rollouts"]
    assert status == 200
    assert (first["status"], first["reward"], first["detail"]) == ("invalid_rollout", None, detail)
    assert {one["status"] for one in others} == {"scored"}


@pytest.mark.parametrize(
    "source", [{"text": "canary-4711", "messages": ["canary-4711"]}, {"colour": "canary-4711"}]
)
def test_a_refusal_never_echoes_the_rollout(post, source):
    _, reply = post("/v1/groups/score", with_rollout(**source))

    assert reply["groups"][0]["rollouts"][0]["status"] == "invalid_rollout"
    assert "canary" not in json.dumps(reply)


def test_columns_filled_with_null_are_left_at_their_defaults(post):
    _, reply = post(
        "/v1/groups/score",
        with_rollout(
            steps=[{"type": "thought", "text": "Zanderheim", "name": None, "arguments": None}],
            text=None,
            format=None,
            signals=None,
            reward=None,
        ),
    )

    assert reply["groups"][0]["rollouts"][0]["matched"] == 1


def test_arguments_are_any_json(post):
    calls = [
        {"type": "tool_call", "name": "search", "arguments": given} for given in (["a"], 5, None, {"q": [1]})
    ]

    _, reply = post("/v1/groups/score", with_rollout(steps=[{"type": "thought", "text": "Quillock"}, *calls]))

    assert reply["groups"][0]["rollouts"][0]["matched"] == 1


def test_half_an_emoji_in_a_text_is_read(post):
    body = json.dumps(with_rollout(steps=[{"type": "thought", "text": "Quillock \ud83d"}]))
    assert "\\ud83d" in body

    status, reply = post("/v1/groups/score", body.encode())

    assert (status, reply["groups"][0]["rollouts"][0]["matched"]) == (200, 1)


def test_half_an_emoji_in_an_id_is_refused(post):
    status, problem = post("/v1/groups/score", json.dumps(with_rollout(rollout_id="\ud83d")).encode())

    assert (status, problem["detail"]) == (400, "rollout_id holds a lone surrogate")


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("stop", "correct"),
        ("tool_calls", "correct"),
        ("LENGTH", "error"),
        ("max_output_tokens", "error"),
        ("abort", None),
    ],
)
def test_a_stop_reason_may_be_in_any_trainers_words(post, said, outcome):
    _, reply = post("/v1/groups/score", with_rollout(stop_reason=said))

    assert reply["groups"][0]["rollouts"][0]["outcome"] == outcome


def test_an_unknown_profile_is_named_with_the_known_ones(post):
    status, problem = post("/v1/groups/score", example(profile="best"))

    assert (status, problem["type"], problem["path"]) == (
        404,
        "urn:reward-service:unknown-profile",
        "/profile",
    )
    assert "egrpo-paper" in problem["detail"]


@pytest.mark.parametrize(
    ("change", "slug", "path", "status"),
    [
        ({"rollouts": []}, "empty-group", "/groups/1/rollouts", None),
        (
            {"rollouts": [thinking("a", "x"), thinking("b", "x"), thinking("a", "x")]},
            "duplicate-rollout-id",
            "/groups/1/rollouts/2/rollout_id",
            "group_failed",
        ),
        (
            {"question": None, "dataset": "sample", "question_id": "nobody"},
            "unknown-question",
            "/groups/1/question_id",
            "unknown_question",
        ),
        (
            {"question": None, "dataset": "nowhere", "question_id": "x"},
            "unknown-dataset",
            "/groups/1/dataset",
            "unknown_question",
        ),
        (
            {"question": None, "dataset": "../sample", "question_id": "x"},
            "unknown-dataset",
            "/groups/1/dataset",
            "unknown_question",
        ),
    ],
)
def test_one_bad_group_fails_alone(post, change, slug, path, status):
    body = example()
    body["groups"] = [deepcopy(body["groups"][0]) for _ in range(3)]
    body["groups"][1] |= change

    code, reply = post("/v1/groups/score", body)

    assert code == 200
    good, bad, other = reply["groups"]
    assert good["status"] == other["status"] == "complete"
    assert [one["reward"] for one in other["rollouts"]] == [1.0, 0.0, 0.15]
    assert (bad["status"], bad["error"]["type"], bad["error"]["path"]) == (
        "failed",
        f"urn:reward-service:{slug}",
        path,
    )
    for one in bad["rollouts"]:
        assert (one["status"], one["reward"], one["advantage"]) == (status, None, None)


@pytest.mark.parametrize("name", ["", "!!", "Å", "秦", "It", "Us"])
def test_an_entity_that_cannot_be_looked_for_leaves_and_takes_no_group_along(post, name):
    body = example(profile="egrpo")
    body["groups"][0]["question"]["entities"].append({"name": name})

    _, reply = post("/v1/groups/score", body)

    (group,) = reply["groups"]
    assert (group["status"], group["entities"]) == ("complete", 2)
    assert (group["unmatchable"], group["flags"]) == ([name], ["unmatchable_entities"])
    assert [one["reward"] for one in group["rollouts"]] == [1.0, 0.0, 0.15]


def test_the_declared_language_chooses_the_forms_of_names(post):
    question = {"text": "?", "answers": ["x"], "entities": [{"name": "Ankara"}]}
    rollouts = [thinking("0", "Konferans Ankara'da.") | {"outcome": "wrong"}]
    matched = {}
    for language in (None, "tr-TR"):
        body = example(
            profile="egrpo",
            groups=[{"group_id": "g", "question": question | {"language": language}, "rollouts": rollouts}],
        )
        _, reply = post("/v1/groups/score", body)
        matched[language] = reply["groups"][0]["rollouts"][0]["matched"]

    assert matched == {None: 0, "tr-TR": 1}


def test_null_in_inline_ground_truth_is_the_default(post):
    body = example()
    body["groups"][0]["question"]["entities"][0] |= {"aliases": None, "id": None, "type": None}
    body["groups"][0]["question"]["language"] = None

    _, reply = post("/v1/groups/score", body)

    assert [one["reward"] for one in reply["groups"][0]["rollouts"]] == [1.0, 0.0, 0.15]


def test_the_papers_rule_keeps_such_an_entity_as_the_substring_it_is(post):
    body = example()
    body["groups"][0]["question"]["entities"].append({"name": "Å"})

    _, reply = post("/v1/groups/score", body)

    (group,) = reply["groups"]
    assert (group["status"], group["entities"], group["unmatchable"]) == ("complete", 3, [])
    assert group["flags"] == []


def test_an_unreadable_rollout_has_a_status_and_no_reward(post):
    body = example(partial={"policy": "survivors", "min_scored": 1})
    body["groups"][0]["rollouts"][0] = {"rollout_id": "0", "messages": [{"role": "narrator"}]}

    _, reply = post("/v1/groups/score", body)

    (group,) = reply["groups"]
    assert (group["status"], group["group_max"]) == ("partial", 1)
    assert [(one["status"], one["reward"]) for one in group["rollouts"]] == [
        ("invalid_rollout", None),
        ("scored", 0.0),
        ("scored", 0.3),
    ]


def test_an_aborted_rollout_fails_its_group_unless_survivors_are_wanted(post):
    _, reply = post("/v1/groups/score", with_rollout(stop_reason="aborted"))

    (group,) = reply["groups"]
    assert group["status"] == "failed"
    assert [one["status"] for one in group["rollouts"]] == ["aborted", "group_failed", "group_failed"]
    assert {one["reward"] for one in group["rollouts"]} == {None}


def test_the_failure_of_the_callers_judge_is_no_verdict(post):
    survivors = {"partial": {"policy": "survivors"}}
    _, reply = post("/v1/groups/score", {**with_rollout(outcome=None, outcome_error="no reply"), **survivors})

    first, *others = reply["groups"][0]["rollouts"]
    assert (first["status"], first["reward"], first["detail"]) == ("judge_failed", None, "no reply")
    assert {one["status"] for one in others} == {"scored"}


def test_an_unfinished_tag_is_an_error_that_is_scored(post):
    body = example()
    body["groups"][0]["rollouts"][1] = {"rollout_id": "1", "text": "<think>Zanderheim", "outcome": "correct"}

    _, reply = post("/v1/groups/score", body)

    one = reply["groups"][0]["rollouts"][1]
    assert (one["status"], one["outcome"], one["reward"], one["in_loss"]) == ("scored", "error", 0.0, True)


@pytest.mark.parametrize("char", ["a", "<", "$", "é", "習"])
def test_five_megabytes_of_one_character_are_answered(post, char):
    text = char * (5_000_000 // len(char.encode()))

    status, reply = post(
        "/v1/groups/score", json.dumps(with_rollout(steps=None, text=text), ensure_ascii=False).encode()
    )

    assert status == 200
    assert reply["groups"][0]["rollouts"][0]["outcome"] == "error"


def test_a_rollout_over_the_character_limit_fails_its_group(http, post):
    limit = http.get("/v1/info").json()["settings"]["max_rollout_chars"]

    _, reply = post("/v1/groups/score", with_rollout(steps=None, text="a" * (limit + 1)))

    (group,) = reply["groups"]
    assert group["error"]["type"] == "urn:reward-service:limit-exceeded"
    assert {one["reward"] for one in group["rollouts"]} == {None}


def test_the_order_of_rollouts_and_groups_changes_no_bit(post):
    body = example()
    body["groups"].append(deepcopy(body["groups"][0]) | {"group_id": "g2"})
    body["groups"][1]["rollouts"].reverse()
    body["groups"].reverse()

    _, straight = post("/v1/groups/score", EXAMPLE)
    _, turned = post("/v1/groups/score", body)

    by_id = lambda group: {one["rollout_id"]: one for one in group["rollouts"]}  # noqa: E731
    assert by_id(straight["groups"][0]) == by_id(turned["groups"][0]) == by_id(turned["groups"][1])


def test_two_hundred_fifty_six_groups_and_five_hundred_rollouts_pass(post):
    group = {"question": {"entities": [{"name": "Quillock"}]}}
    many = [
        group | {"group_id": str(n), "rollouts": [thinking("0", "x", outcome="wrong")]} for n in range(256)
    ]
    wide = group | {
        "group_id": "w",
        "rollouts": [thinking(str(n), "Quillock", outcome="wrong") for n in range(512)],
    }

    status, reply = post("/v1/groups/score", {"groups": [*many, wide]})

    assert status == 200
    assert {one["status"] for one in reply["groups"]} == {"complete"}
    assert len(reply["groups"][-1]["rollouts"]) == 512
