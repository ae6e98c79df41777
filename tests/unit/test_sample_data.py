"""The bundled sample data set is what its README says."""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import reward_service

SAMPLE = Path(reward_service.__file__).parent / "sample"
SOURCES = ("messages", "text", "steps")
THINK = re.compile(r"<think>(.*?)</think>", re.DOTALL)


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLE / name).read_text(encoding="utf-8").splitlines()]


QUESTIONS = lines("questions.jsonl")
ROLLOUTS = lines("rollouts.jsonl")
DEMO = [rollout for rollout in ROLLOUTS if rollout["group_id"] == QUESTIONS[0]["question_id"]]


def by_id(rollout: dict[str, Any]) -> str:
    return f"{rollout['question_id']}-{rollout['rollout_id']}"


def thoughts(rollout: dict[str, Any]) -> list[str]:
    """Return what the policy thought, read without the service's own parsers."""
    if "text" in rollout:
        return THINK.findall(rollout["text"])
    if "steps" in rollout:
        return [step["text"] for step in rollout["steps"] if step["type"] == "thought"]
    spoken = [message for message in rollout["messages"] if message["role"] == "assistant"]
    reasoned = [message["reasoning_content"] for message in spoken if "reasoning_content" in message]
    return reasoned + [thought for message in spoken for thought in THINK.findall(message["content"] or "")]


def matched(rollout: dict[str, Any], entities: list[dict[str, Any]]) -> int:
    return sum(any(entity["name"] in thought for thought in thoughts(rollout)) for entity in entities)


def kind(rollout: dict[str, Any]) -> str:
    """Return the format of a rollout, telling messages with tagged text from the others."""
    source = next(source for source in SOURCES if source in rollout)
    if source != "messages":
        return source
    spoken = [message["content"] or "" for message in rollout["messages"] if message["role"] == "assistant"]
    return "tagged messages" if any("<think>" in content for content in spoken) else "messages"


def group(question_id: str) -> list[int]:
    """Return what each rollout of a question matched, in order."""
    entities = next(q["entities"] for q in QUESTIONS if q["question_id"] == question_id)
    return [matched(rollout, entities) for rollout in ROLLOUTS if rollout["question_id"] == question_id]


def response_text(text: str) -> str:
    """Return the text without its tagged thoughts."""
    return THINK.sub(" ", text)


def token_runs(text: str) -> set[tuple[str, ...]]:
    """Return every run of twelve words."""
    words = re.findall(r"\w+", text.lower())
    return set(zip(*(words[start:] for start in range(12)), strict=False))


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [s for item in value.items() for s in strings(item)]
    if isinstance(value, (list, tuple)):
        return [s for item in value for s in strings(item)]
    return [value] if isinstance(value, str) else []


def test_question_ids_are_unique() -> None:
    assert max(Counter(question["question_id"] for question in QUESTIONS).values()) == 1


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["question_id"])
def test_a_question_has_answers_and_two_to_four_entities(question: dict[str, Any]) -> None:
    assert set(question) == {"question_id", "question", "answers", "entities"}
    assert question["question"].endswith("?")
    assert question["answers"]
    assert all(isinstance(answer, str) and answer for answer in question["answers"])
    assert 2 <= len(question["entities"]) <= 4
    for entity in question["entities"]:
        assert {"name", "aliases"} <= set(entity) <= {"id", "name", "aliases", "type"}
        spellings = [entity["name"], *entity["aliases"]]
        assert all(spelling == spelling.strip() != "" for spelling in spellings)
        assert len(set(spellings)) == len(spellings)


def test_every_question_has_a_group_of_eight_in_the_order_of_the_questions() -> None:
    expected = [(q["question_id"], str(number)) for q in QUESTIONS for number in range(8)]
    assert [(rollout["group_id"], rollout["rollout_id"]) for rollout in ROLLOUTS] == expected


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=by_id)
def test_a_rollout_has_one_source_and_known_fields(rollout: dict[str, Any]) -> None:
    assert sum(source in rollout for source in SOURCES) == 1
    assert set(rollout) <= {
        "run_id",
        "group_id",
        "question_id",
        "rollout_id",
        "outcome",
        "stop_reason",
        *SOURCES,
    }
    assert rollout["run_id"] == "sample"
    assert rollout["group_id"] == rollout["question_id"]
    assert rollout.get("outcome") in {None, "correct", "wrong"}
    assert rollout.get("stop_reason") in {None, "completed", "max_tokens", "max_turns"}
    assert thoughts(rollout)


@pytest.mark.parametrize("rollout", [r for r in ROLLOUTS if "messages" in r], ids=by_id)
def test_every_tool_message_answers_a_call_before_it(rollout: dict[str, Any]) -> None:
    asked: list[str] = []
    for message in rollout["messages"]:
        assert message["role"] in {"system", "user", "assistant", "tool"}
        for call in message.get("tool_calls", []):
            assert call["type"] == "function"
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
            asked.append(call["id"])
        if message["role"] == "tool":
            assert message["tool_call_id"] == asked[-1]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("rollout", [r for r in ROLLOUTS if "steps" in r], ids=by_id)
def test_a_step_is_text_or_a_call(rollout: dict[str, Any]) -> None:
    for step in rollout["steps"]:
        if step["type"] == "tool_call":
            assert set(step) == {"type", "name", "arguments"}
            assert isinstance(step["arguments"], (str, dict))
        else:
            assert step["type"] in {"thought", "tool_response", "answer"}
            assert set(step) == {"type", "text"}


def test_the_formats_are_spread_as_the_readme_counts_them() -> None:
    assert Counter(map(kind, ROLLOUTS)) == {"text": 46, "messages": 40, "tagged messages": 35, "steps": 39}


def test_about_half_of_the_outcomes_are_left_to_the_check() -> None:
    assert Counter(rollout.get("outcome") for rollout in ROLLOUTS) == {None: 84, "wrong": 57, "correct": 19}


def test_one_question_names_an_entity() -> None:
    named = [
        (question["question_id"], entity["name"])
        for question in QUESTIONS
        for entity in question["entities"]
        if any(
            spelling.lower() in question["question"].lower()
            for spelling in [entity["name"], *entity["aliases"]]
        )
    ]
    assert named == [("french-pile", "Marie Curie")]


def test_no_entity_is_an_answer() -> None:
    for question in QUESTIONS:
        answers = {answer.lower() for answer in question["answers"]}
        assert not answers & {s.lower() for e in question["entities"] for s in [e["name"], *e["aliases"]]}


def test_the_groups_without_a_correct_rollout_match_some_and_none() -> None:
    assert group("concrete-shells") == [3, 1, 1, 2, 0, 0, 0, 2]
    assert group("borrowed-name") == [0, 0, 0, 0, 0, 0, 0, 0]
    assert "correct" not in {
        rollout.get("outcome")
        for rollout in ROLLOUTS
        if rollout["question_id"] in {"concrete-shells", "borrowed-name"}
    }


def test_three_thoughts_are_pasted_from_a_tool_response() -> None:
    pasted = []
    for rollout in ROLLOUTS:
        seen = {
            run
            for s in strings([rollout])
            if s not in thoughts(rollout)
            for run in token_runs(response_text(s))
        }
        if any(token_runs(thought) & seen for thought in thoughts(rollout)):
            pasted.append(by_id(rollout))
    assert pasted == ["heian-novel-6", "mule-driver-6", "two-wards-6"]


def test_no_control_character_but_the_newline() -> None:
    used = {c for s in strings([QUESTIONS, ROLLOUTS]) for c in s}
    assert {c for c in used if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}} <= {"\n"}


def test_the_first_group_has_the_counts_of_its_readme() -> None:
    assert [matched(rollout, QUESTIONS[0]["entities"]) for rollout in DEMO] == [3, 2, 2, 3, 1, 0, 1, 2]


def test_no_thought_of_the_first_group_spells_the_islands_with_their_accent() -> None:
    assert not any("Galápagos" in thought for rollout in DEMO for thought in thoughts(rollout))


def test_the_first_group_holds_a_format_error_and_an_overlength_rollout() -> None:
    assert "</answer>" not in DEMO[6]["text"]
    assert DEMO[7]["stop_reason"] == "max_turns"


def test_the_first_groups_answers_are_decided_by_the_check_or_by_the_trainer() -> None:
    supplied = {number: rollout["outcome"] for number, rollout in enumerate(DEMO) if "outcome" in rollout}
    assert supplied == {1: "wrong", 2: "correct", 4: "wrong"}
