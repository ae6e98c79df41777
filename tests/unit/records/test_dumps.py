"""Dumps of every system, each as its system writes it: taken in one step, and paid what is right."""

import asyncio
import gzip
import json
import zipfile
from contextlib import closing
from io import StringIO

import pytest
from rich.console import Console

from entity_index.build import build
from entity_index.errors import UnreadableInput
from entity_index.readers import SHAPES
from entity_index.readers.rows import Row
from entity_index.stores.sqlite import SqliteCatalogue
from reward_service.adapters.records import READERS, fields
from reward_service.cli.rollouts import BadOption, FileOptions, PayOptions, required
from reward_service.cli.score import score_file
from reward_service.core.profiles import shipped
from reward_service.serve.config import Settings
from reward_service.serve.scorer import Scorer
from tests import dumps
from tests.dumps import DUMPS, TRUTH, write

AS_IT_IS = FileOptions()


@pytest.fixture
def service(tmp_path):
    catalogue = SqliteCatalogue(tmp_path / "index")
    catalogue.activate(
        "towns", build([Row(1, SHAPES["jsonl"](TRUTH))], catalogue, dataset="towns").info.version
    )
    with closing(Scorer(Settings(), catalogue=catalogue)) as scorer:
        yield scorer


def score(service, path, asked=AS_IT_IS, dataset="towns", profile="egrpo", *, strict=True, **how):
    said = StringIO()
    done = asyncio.run(
        score_file(
            service,
            [path],
            asked,
            dataset=dataset,
            profile=shipped()[profile],
            strict=strict,
            **how,
            console=Console(file=said, width=300),
        )
    )
    return done.records, said.getvalue()


def test_there_is_a_dump_of_every_system_that_has_a_reader():
    assert set(DUMPS) == set(READERS)


@pytest.mark.parametrize("name", DUMPS)
def test_a_raw_dump_is_scored_in_one_step(service, tmp_path, name):
    records, said = score(service, write(tmp_path, name))

    assert said.startswith(f"reader {name}: ")
    assert {one["reader"]["name"] for one in records} == {name}
    assert [(one["reward"], one["matched"], one["outcome"]) for one in records] == [
        (1.0, 2, "correct")
    ] * len(records)
    assert len(records) == (1 if name in {"atif", "conversation"} else 2)
    assert len({one["group_id"] for one in records}) == 1
    assert {one["index"]["dataset"] for one in records} == {"towns"}


@pytest.mark.parametrize("name", sorted(set(DUMPS) - {"atif", "conversation", "native"}))
def test_without_an_index_a_dump_with_gold_answers_is_paid_by_its_outcome(tmp_path, name):
    with closing(Scorer(Settings())) as scorer:
        if name == "deepresearcher":
            with pytest.raises(ValueError, match="there is no ground truth"):
                score(scorer, write(tmp_path, name), dataset=None)
            return
        records, _ = score(scorer, write(tmp_path, name), dataset=None)

    assert [(one["reward"], one["entities"]) for one in records] == [(1.0, 0)] * 2


def test_a_name_is_looked_for_among_readers_in_order_and_columns_nobody_needs_are_kept(service, tmp_path):
    records, _ = score(service, write(tmp_path, "verl"))

    assert [(one["step"], one["meta"]) for one in records] == [("1", {"score": 1.0})] * 2


def test_rollouts_of_one_question_are_another_group_in_each_step(service, tmp_path):
    rows = [{**DUMPS["verl"][1][0], "step": step} for step in (1, 1, 2)]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)))

    records, _ = score(service, tmp_path / "all.jsonl")

    groups = [one["group_id"] for one in records]
    assert groups[0] == groups[1] == groups[2].removesuffix("@2") + "@1"
    assert [one["rollout_id"] for one in records] == ["0", "1", "0"]


def test_a_folder_is_all_its_files(service, tmp_path):
    folder = tmp_path / "dumps"
    folder.mkdir()
    for step in (1, 2):
        rows = [{**one, "step": step} for one in DUMPS["verl"][1]]
        (folder / f"{step}.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    records, _ = score(service, folder)

    assert [one["step"] for one in records] == ["1", "1", "2", "2"]


def test_the_dialect_is_told_from_the_first_rollouts_unless_it_is_named(service, tmp_path):
    path = write(tmp_path, "skyrl")

    told, said = score(service, path)
    named, _ = score(service, path, FileOptions(dialect="tagged"))

    assert "format chatml, dialect search_r1 (decided from the first 20 rollouts)" in said
    assert [one["reader"]["dialect"] for one in (told[0], named[0])] == ["search_r1", "tagged"]
    assert "foreign_markup" in named[0]["flags"]


def test_a_named_reader_decides_everything(service, tmp_path):
    records, said = score(service, write(tmp_path, "skyrl"), FileOptions(reader="skyrl"))

    assert "format chatml, dialect tagged (as asked)" in said
    assert records[0]["reader"] == {"name": "skyrl", "format": "chatml", "dialect": "tagged"}


def test_a_mapping_reads_any_other_file(service, tmp_path):
    text = "".join(dumps.TAGGED)
    row = {"sample": {"gen": text, "won": "1"}, "meta": json.dumps({"uid": 4, "q": "calder"}), "speed": 3}
    (tmp_path / "own.jsonl").write_text(json.dumps(row))
    mapping = (
        "text=sample.gen",
        "group=meta.uid",
        "question_id=meta.q",
        "outcome=sample.won",
        "signals.speed=speed",
    )

    [record], said = score(service, tmp_path / "own.jsonl", FileOptions(mapping=mapping))

    assert said.startswith("reader map: ")
    assert (record["group_id"], record["reward"], record["matched"]) == ("4", 1.0, 2)


def test_a_mapping_that_finds_nothing_is_named(service, tmp_path):
    row = {"gen": "".join(dumps.TAGGED), "q": dumps.QUESTION}
    (tmp_path / "own.jsonl").write_text(json.dumps(row))

    _, said = score(
        service, tmp_path / "own.jsonl", FileOptions(mapping=("text=gen", "question=q", "group=meta.uid"))
    )

    assert said.splitlines()[0].endswith(
        "(decided from the first 20 rollouts); --map group=meta.uid finds nothing in the first lines"
    )


def test_a_recording_of_the_product_brings_its_numbers_per_turn(service, tmp_path):
    own = {
        "group_id": "g",
        "rollout_id": "0",
        "question_id": "calder",
        "text": "".join(dumps.TAGGED),
        "outcome": "wrong",
    }
    sent = {
        "signals": {"high": 1.0},
        "turn_signals": {"low": [0.25, None]},
        "anchor": ["s", "t"],
        "length": 9,
    }
    (tmp_path / "own.jsonl").write_text(json.dumps(own | sent))

    [record], _ = score(service, tmp_path / "own.jsonl", profile="g-ra")

    assert (record["reward"], record["turn_rewards"]) == (1.25, [0.25, None])


def test_a_number_of_a_turn_in_a_file_is_finite(service, tmp_path):
    own = {
        "group_id": "g",
        "rollout_id": "0",
        "question_id": "calder",
        "text": "x",
        "turn_signals": {"low": [float("nan")]},
    }
    (tmp_path / "own.jsonl").write_text(json.dumps(own))

    with pytest.raises(fields.BadLine, match="finite number at /turn_signals/low/0"):
        score(service, tmp_path / "own.jsonl", profile="g-ra")


def test_a_mapping_overrides_what_a_reader_reads(service, tmp_path):
    [record, _], _ = score(
        service,
        write(tmp_path, "verl"),
        FileOptions(reader="verl", mapping=("outcome=acc", "group=gts.target")),
    )

    assert record["group_id"] == '["Ferndale"]@1'


def test_questions_are_joined_by_the_prompt_that_holds_them(service, tmp_path):
    row = {
        "prompt": f"Be brief.\n\n{dumps.QUESTION.upper()}  You may search.",
        "completion": "".join(dumps.TAGGED),
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))

    [record], _ = score(service, tmp_path / "rows.jsonl")

    assert (record["question_id"], record["matched"]) == ("calder", 2)


ASKED, CALLING, ANSWERING = dumps.USER, dumps.CHAT[2], dumps.CHAT[4]
CALL = {"name": "search", "arguments": json.dumps({"query": dumps.QUERY})}
CONVERSATIONS = {
    "responses": [{"type": "message", **ASKED}, *dumps.ITEMS],
    "agents sdk": [ASKED, *({"type": f"{one['type']}_item", "raw_item": one} for one in dumps.ITEMS)],
    "claude code": [{"type": one["role"], "message": one} for one in (ASKED, CALLING, ANSWERING)],
    "langchain": [
        {"type": "human", "content": dumps.QUESTION},
        {"type": "ai", "content": "", "additional_kwargs": {"reasoning_content": dumps.THOUGHTS[0]}},
        {
            "type": "ai",
            "content": dumps.ANSWER,
            "additional_kwargs": {"reasoning_content": dumps.THOUGHTS[1]},
        },
    ],
    "autogen": [
        {"source": "user", "type": "TextMessage", "content": dumps.QUESTION},
        {"source": "scout", "type": "ThoughtEvent", "content": dumps.THOUGHTS[0]},
        {"source": "scout", "type": "ToolCallRequestEvent", "content": [CALL]},
        {"source": "scout", "type": "ToolCallExecutionEvent", "content": [{"content": dumps.PAGE}]},
        {"source": "scout", "type": "ThoughtEvent", "content": dumps.THOUGHTS[1]},
        {"source": "scout", "type": "TextMessage", "content": dumps.ANSWER},
    ],
    "pydantic ai": [
        {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": dumps.QUESTION}]},
        {
            "kind": "response",
            "parts": [
                *({"part_kind": "thinking", "content": one} for one in dumps.THOUGHTS),
                {"part_kind": "text", "content": dumps.ANSWER},
            ],
        },
    ],
    "agent development kit": [
        {"author": "user", "content": {"role": "user", "parts": [{"text": dumps.QUESTION}]}},
        {
            "author": "scout",
            "content": {
                "role": "model",
                "parts": [
                    *({"text": one, "thought": True} for one in dumps.THOUGHTS),
                    {"text": dumps.ANSWER},
                ],
            },
        },
    ],
}


@pytest.mark.parametrize("turns", CONVERSATIONS.values(), ids=CONVERSATIONS)
@pytest.mark.parametrize("held_in", [None, "events", "trajectory"])
def test_a_file_may_be_one_conversation_of_any_framework(service, tmp_path, turns, held_in):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(turns if held_in is None else {held_in: turns}))

    [record], said = score(service, path)

    assert said.startswith("reader conversation: ")
    assert (record["reward"], record["matched"], record["question_id"]) == (1.0, 2, "calder")


def test_an_archive_of_inspects_is_read_as_it_is(service, tmp_path):
    with zipfile.ZipFile(tmp_path / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        for sample in DUMPS["inspect"][1]["samples"]:
            archive.writestr(f"samples/s_epoch_{sample['epoch']}.json", json.dumps(sample))

    records, said = score(service, tmp_path / "log.eval")

    assert said.startswith("reader inspect: ")
    assert [(one["rollout_id"], one["reward"]) for one in records] == [("1", 1.0), ("2", 1.0)]
    (tmp_path / "log.eval").write_bytes(b"no archive")
    with pytest.raises(UnreadableInput, match=r"log\.eval cannot be read: "):
        score(service, tmp_path / "log.eval")


def test_without_a_name_the_index_is_looked_into_and_gold_answers_are_enough(service, tmp_path):
    known, unknown = DUMPS["tongyi"][1][0], {**DUMPS["tongyi"][1][1], "question": "Who else?"}
    (tmp_path / "iter1.jsonl").write_text("\n".join(map(json.dumps, [known, unknown])))

    records, said = score(service, tmp_path / "iter1.jsonl", dataset=None)

    assert [(one["reward"], one["entities"]) for one in records] == [(1.0, 3), (1.0, 0)]
    assert "1 rollouts are paid by their outcome alone" in said
    with pytest.raises(ValueError, match="1 x the data set has no such question"):
        score(service, tmp_path / "iter1.jsonl", dataset="towns")


def test_an_id_does_not_join_a_line_to_a_question_that_asks_something_else(service, tmp_path):
    row = {"id": "calder", "question": "Who?", "prediction": "", "messages": dumps.CHAT[2:]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))

    with pytest.raises(
        ValueError, match=r"1 x the data set has no such question, by its text or its id .rows\.jsonl line 1"
    ):
        score(service, tmp_path / "rows.jsonl", strict=False)


def test_bad_lines_are_told_together_and_the_others_are_scored(service, tmp_path):
    good = DUMPS["verl"][1][0]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(["{bad", json.dumps(good), "[1]", "{bad", json.dumps(good)]))

    records, said = score(service, path, strict=False)

    assert [one["reward"] for one in records] == [1.0, 1.0]
    assert "3 of 5 rollouts cannot be scored" in said
    assert "2 x not JSON (rows.jsonl line 1, rows.jsonl line 4)" in said
    assert "1 x not a JSON object (rows.jsonl line 3)" in said
    assert "--survivors" not in said
    with pytest.raises(ValueError, match="3 of 5 rollouts cannot be scored"):
        score(service, path)


INLINE = {
    "text": dumps.QUESTION,
    "answers": [dumps.ANSWER],
    "entities": [{"name": name} for name in dumps.TRUTH["entities"]],
}
ROWS = [
    {
        "group_id": "g",
        "rollout_id": str(n),
        "question": INLINE,
        "text": f"<think>{said}</think><answer>No</answer>",
    }
    for n, said in enumerate(("Ida Marsh of Port Hollis, then Westmere.", "Ida Marsh."))
]


@pytest.mark.parametrize(
    ("spoiled", "why"),
    [
        ({"text": None}, "there is no transcript: none of messages, text and steps"),
        ({"length": float("nan")}, "Input should be a valid integer at /length"),
        ({"outcome": "perhaps"}, "outcome must be one of correct, wrong, error, true, false, 1, 0"),
        ({"question": {"text": dumps.QUESTION, "entities": [{"colour": "red"}]}}, "entities holds something that is no name, list of spellings or object with a name"),
    ],
)  # fmt: skip
def test_a_rollout_that_cannot_be_read_leaves_its_group_without_a_best_one(service, tmp_path, spoiled, why):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, [{**ROWS[0], **spoiled}, ROWS[1]])))

    records, said = score(service, path, dataset=None, strict=False)

    assert [(one["status"], one["reward"]) for one in records] == [
        ("invalid_rollout", None),
        ("group_failed", None),
    ]
    assert records[0]["detail"] == why
    assert f"1 of 2 rollouts cannot be scored\n  1 x {why} (rows.jsonl line 1)\n  a group with such a" in said

    records, _ = score(service, path, dataset=None, strict=False, how=PayOptions(survivors=True))

    assert [one["reward"] for one in records] == [None, 0.3]


def test_a_group_of_which_no_rollout_can_be_read_is_told_and_the_others_are_scored(service, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, [{**ROWS[0], "group_id": "h", "text": None}, *ROWS])))

    records, said = score(service, path, dataset=None, strict=False)

    assert [(one["group_id"], one["reward"]) for one in records] == [("g", 0.3), ("g", pytest.approx(0.1))]
    assert "1 of 3 rollouts cannot be scored" in said


@pytest.mark.parametrize(
    "asking",
    [
        {"source": "user", "action": "message", "args": {"content": dumps.QUESTION}},
        {"source": "user", "kind": "MessageEvent", "llm_message": dumps.USER},
    ],
)
def test_the_first_event_of_the_user_asks_the_question(service, tmp_path, asking):
    path = tmp_path / "events.json"
    path.write_text(json.dumps([asking, *dumps.EVENTS[1:]]))

    [record], _ = score(service, path)

    assert (record["reward"], record["index"]["dataset"]) == (1.0, "towns")


@pytest.mark.parametrize(
    ("names", "mapping"),
    [
        (("uid", "query", "out", "response", "gold"), "out.response query uid gold"),
        (("prompt_id", "the_query", "run", "final_output", "gold_labels"), "run.final_output the_query prompt_id gold_labels"),
        (("uid", "asked", "input", "response", "target"), "input.response asked uid target"),
        (("uid", "q", "run", "trace", "gold"), "run.trace q uid gold"),
    ],
)  # fmt: skip
def test_a_file_nobody_knows_comes_back_with_a_mapping_to_begin_with(service, tmp_path, names, mapping):
    values = 4, dumps.QUESTION, {names[3]: "".join(dumps.TAGGED)}, [dumps.ANSWER]
    row = dict(zip((*names[:3], names[4]), values, strict=True))
    text, question, group, answers = mapping.split()
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))

    with pytest.raises(ValueError, match="there is no transcript") as told:
        score(service, path)

    proposed = str(told.value).partition("try: ")[2].split(" --map ")
    assert f"the first line has the fields: {', '.join(row)}" in str(told.value)
    assert proposed == [
        f"--map text={text}",
        f"question={question}",
        f"group={group}",
        f"answers={answers}",
    ]
    [record], _ = score(
        service, path, FileOptions(mapping=tuple(one.removeprefix("--map ") for one in proposed))
    )
    assert record["reward"] == 1.0


def test_what_a_harness_gave_up_has_no_reward(service, tmp_path):
    failed = {"question": dumps.QUESTION, "error": "Timeout", "messages": [], "prediction": "[Failed]"}
    (tmp_path / "iter1.jsonl").write_text("\n".join(map(json.dumps, [*DUMPS["tongyi"][1], failed])))

    records, _ = score(service, tmp_path / "iter1.jsonl")

    assert [(one["status"], one["reward"]) for one in records] == [("group_failed", None)] * 2 + [
        ("aborted", None)
    ]

    records, _ = score(service, tmp_path / "iter1.jsonl", how=PayOptions(survivors=True))

    assert [one["reward"] for one in records] == [1.0, 1.0, None]


@pytest.mark.parametrize(
    ("said", "lines", "count"), [(None, 9, 1), ("0", 9, 0), ("7", 9, 7), ("90%", 9, 9), ("50%", 9, 5)]
)
def test_how_many_rollouts_have_to_be_scored(said, lines, count):
    assert required(said, lines) == count


@pytest.mark.parametrize("said", ["many", "-1", "101%", "1.5"])
def test_a_requirement_that_is_neither_number_nor_share_is_refused(said):
    with pytest.raises(BadOption, match="a number of rollouts, or a share"):
        required(said, 9)


@pytest.mark.parametrize(
    "held",
    [
        "Ferndale",
        ["Ferndale"],
        [["Ferndale"], []],
        '["Ferndale"]',
        "['Nowhere' 'Ferndale']",
        "array(['Ferndale'], dtype=object)",
        "Nowhere<|answer_split|>Ferndale",
        {"target": ["Ferndale"]},
        '{"ground_truth": "Ferndale"}',
    ],
)
def test_gold_answers_are_read_however_they_are_packed(held):
    assert "Ferndale" in fields.strings(held)
    assert set(fields.strings(held)) <= {"Ferndale", "Nowhere"}


@pytest.mark.parametrize(
    ("held", "names"),
    [
        (["Ida Marsh"], [{"name": "Ida Marsh"}]),
        ([["Ida Marsh", "I. Marsh"]], [{"name": "Ida Marsh", "aliases": ["I. Marsh"]}]),
        ('[{"title": "Ida Marsh", "id": 4}]', [{"name": "Ida Marsh", "aliases": [], "id": "4"}]),
        ("Ida Marsh", [{"name": "Ida Marsh"}]),
        ([None, ""], []),
    ],
)
def test_entities_are_names_spellings_or_objects(held, names):
    assert fields.entities(held) == names


def test_an_entity_without_a_name_is_a_bad_line():
    with pytest.raises(ValueError, match="no name, list of spellings or object with a name"):
        fields.entities([{"colour": "red"}])


@pytest.mark.parametrize("rules", ["text", "colour=a", "text=a[", "signals.=a", "text=a text=b"])
def test_a_mapping_that_is_none_is_refused(service, tmp_path, rules):
    with pytest.raises(BadOption, match="--map: "):
        score(service, write(tmp_path, "verl"), FileOptions(mapping=tuple(rules.split())))


def test_a_manifest_that_names_no_trajectory_is_refused(service, tmp_path):
    (tmp_path / "tasks.csv").write_text("rollout,group\na,b\n")

    with pytest.raises(BadOption, match=r"--manifest: no row of .*tasks\.csv has the field trajectory"):
        score(service, write(tmp_path, "verl"), FileOptions(manifest=tmp_path / "tasks.csv"))


@pytest.mark.parametrize(
    ("held", "advice"),
    [
        ("group,text\ng,hello\n", "JSON lines, a JSON array, one JSON object, parquet, CSV and TSV are read"),
        (json.dumps({"version": 1, "data": ROWS}), "jq -c '.data[]' FILE | reward-service score -"),
    ],
)
def test_a_file_without_a_rollout_comes_back_with_what_to_do(service, tmp_path, held, advice):
    path = tmp_path / "rows.txt"
    path.write_text(held)

    with pytest.raises(ValueError, match="cannot be scored") as told:
        score(service, path)

    assert advice in str(told.value)


def test_a_manifest_joins_trajectories_to_their_tasks(tmp_path):
    trials = tmp_path / "trials"
    for name in ("a", "b"):
        (trials / name).mkdir(parents=True)
        steps = [dumps.STEPS[1], {**dumps.STEPS[2], "message": dumps.ANSWER if name == "a" else "Nowhere"}]
        row = {"schema_version": "ATIF-v1.8", "session_id": f"s-{name}", "agent": {}, "steps": steps}
        (trials / name / "trajectory.json").write_text(json.dumps(row, indent=1))
    told = {"group": "town", "question": dumps.QUESTION, "answers": [dumps.ANSWER], "entities": ["Ida Marsh"]}
    rows = [{"trajectory": "a/trajectory.json", **told}, {"trajectory": "s-b", **told}]
    (tmp_path / "tasks.json").write_text(json.dumps(rows))

    with closing(Scorer(Settings())) as scorer:
        records, _ = score(scorer, trials, FileOptions(manifest=tmp_path / "tasks.json"), dataset=None)

    assert [(one["group_id"], one["rollout_id"], one["reward"]) for one in records] == [
        ("town", "s-a", 1.0),
        ("town", "s-b", 0.3),
    ]


MANY = {
    "query": dumps.QUESTION,
    "gold": [dumps.ANSWER],
    "data": {
        "samples": [
            {"out": "<think>a</think><answer>Nowhere</answer>"},
            {"out": f"<think>a</think><answer>{dumps.ANSWER}</answer>"},
        ]
    },
}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (MANY, "data.samples.out"),
        ({**MANY, "data": json.dumps(MANY["data"])}, "data.samples.out"),
        ({**MANY, "data": {"samples": [one["out"] for one in MANY["data"]["samples"]]}}, "data.samples"),
    ],
)
def test_a_line_may_hold_several_rollouts_in_a_list(service, tmp_path, line, text):
    (tmp_path / "own.jsonl").write_text(json.dumps(line))
    rules = ("rollouts=data.samples", f"text={text}", "question=query", "answers=gold")

    records, _ = score(
        service, tmp_path / "own.jsonl", FileOptions(mapping=rules), dataset=None, profile="grpo"
    )

    assert [(one["rollout_id"], one["reward"]) for one in records] == [("0", 0.0), ("1", 1.0)]
    assert len({one["group_id"] for one in records}) == 1


@pytest.mark.parametrize("path", ["samples[]", "a.**.b", "samples[0]"])
def test_a_list_of_rollouts_is_one_list(service, tmp_path, path):
    with pytest.raises(BadOption, match="must name one list"):
        score(service, write(tmp_path, "verl"), FileOptions(mapping=(f"rollouts={path}",)))


def test_a_line_without_the_list_is_told(service, tmp_path):
    (tmp_path / "own.jsonl").write_text(json.dumps(MANY))

    with pytest.raises(ValueError, match=r"query holds no list of rollouts \(own\.jsonl line 1\)"):
        score(service, tmp_path / "own.jsonl", FileOptions(mapping=("rollouts=query", "text=data")))


@pytest.mark.parametrize(
    ("samples", "proposed"),
    [
        ([{"output": "a"}], "--map rollouts=samples --map text=samples.output --map question=query"),
        (["a", "b"], "--map rollouts=samples --map question=query --map answers=gold --map text=samples"),
        ([[{"speaker": "a"}]], "--map messages=samples"),
    ],
)
def test_a_list_of_rollouts_is_proposed(service, tmp_path, samples, proposed):
    (tmp_path / "own.jsonl").write_text(json.dumps({**MANY, "data": None, "samples": samples}))

    with pytest.raises(ValueError, match="cannot be scored") as told:
        score(service, tmp_path / "own.jsonl")

    assert proposed in str(told.value)


def test_an_empty_list_is_no_list_of_rollouts(service, tmp_path):
    (tmp_path / "own.jsonl").write_text(json.dumps({"query": "Who?", "samples": [], "runs": 3}))

    with pytest.raises(ValueError, match="cannot be scored") as told:
        score(service, tmp_path / "own.jsonl")

    assert "--map" not in str(told.value)
