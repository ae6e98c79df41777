import json

import pytest

from reward_service.trainer.data import (
    Document,
    TrainingQuestion,
    asked,
    read_documents,
    read_questions,
    world_documents,
    write_truth,
)
from reward_service.trainer.results import StepsFile, read, timeless
from reward_service.trainer.world import make_questions, make_world


def test_questions_and_documents_are_read(tmp_path):
    (tmp_path / "q").write_text(
        '{"question_id": "a", "question": "Who?", "answers": ["x"], "entities": []}\n'
    )
    (tmp_path / "d").write_text('{"title": "T", "text": "of t"}\n{"text": "alone"}\n')
    assert read_questions(tmp_path / "q") == [TrainingQuestion("a", "Who?")]
    assert [document.shown for document in read_documents(tmp_path / "d")] == ["T\nof t", "alone"]


@pytest.mark.parametrize("line", ["[]", "{", '{"question_id": "a"}', '{"question_id": 1, "question": "x"}'])
def test_a_bad_line_is_named(tmp_path, line):
    (tmp_path / "q").write_text(line + "\n")
    with pytest.raises(ValueError, match="q"):
        read_questions(tmp_path / "q")


def test_a_world_is_written_as_its_questions_are(tmp_path):
    world = make_world(per_type=10, seed=0)
    train, _ = make_questions(world, hops=(2,), train=3, test=1, seed=0)
    write_truth(tmp_path / "truth", train)
    rows = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
    assert [row["answers"] for row in rows] == [[question.answer] for question in train]
    assert [[e["name"] for e in row["entities"]] for row in rows] == [list(q.entities) for q in train]
    assert read_questions(tmp_path / "truth") == asked(train)
    first = next(iter(world.entities.values()))
    assert world_documents(world)[0] == Document(first.name, first.text)


def test_lines_after_the_checkpoint_are_taken_back(tmp_path):
    path = tmp_path / "metrics"
    metrics = StepsFile(path, through=None)
    for step in (1, 2, 3):
        metrics.write({"step": step, "timing": {"wall_s": 0.1}})
    with path.open("a") as file:
        file.write('{"step": 4, "ti')

    StepsFile(path, through=2).write({"step": 3, "again": True})

    assert timeless(read(path)) == [{"step": 1}, {"step": 2}, {"step": 3, "again": True}]


def test_a_new_run_begins_with_an_empty_file(tmp_path):
    assert read(tmp_path / "metrics") == []
    StepsFile(tmp_path / "metrics", through=None).write({"step": 0})
    StepsFile(tmp_path / "metrics", through=None)
    assert read(tmp_path / "metrics") == []
