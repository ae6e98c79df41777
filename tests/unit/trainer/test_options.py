from dataclasses import fields, replace
from pathlib import Path

import pytest

from reward_service.trainer.options import TrainingOptions, help_texts, parse, parser


def test_every_option_has_a_help_text():
    assert set(help_texts()) == {spec.name for spec in fields(TrainingOptions)}
    assert all(
        help_texts()[spec.name] in " ".join(parser().format_help().split())
        for spec in fields(TrainingOptions)[:3]
    )


def test_the_command_line_gives_options():
    given = parse(
        [
            "--out",
            "x",
            "--hops",
            "2,4",
            "--dynamic-sampling",
            "--no-figure",
            "--profile",
            "grpo",
            "--seed",
            "4",
        ]
    )
    assert given == TrainingOptions(
        out=Path("x"), hops=(2, 4), dynamic_sampling=True, figure=False, profile="grpo", seed=4
    )
    assert parse([]) == TrainingOptions()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--url", "http://x", "--profile", "./mine.yaml"],
        ["--model", "x"],
        ["--questions", "x"],
        ["--group-size", "0"],
        ["--turn-advantages", "--loss", "gspo"],
        ["--progress", "luck"],
        ["--progress", "success", "--one-by-one"],
        ["--nonsense"],
        ["--steps", "many"],
    ],
)
def test_a_wrong_command_line_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse(arguments)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err


def test_the_digest_covers_what_a_profile_file_says_and_not_where_it_lies(tmp_path):
    (tmp_path / "folder").mkdir()
    one, two = tmp_path / "mine.yaml", tmp_path / "folder" / "mine.yaml"
    one.write_text("# half\nname: mine\nreward: {base: {correct: 0.5}}\n")
    two.write_text("name: mine\nreward:\n  base:\n    correct: 0.5\n")
    digest = TrainingOptions(profile=str(one)).digest

    assert TrainingOptions(profile=str(two)).digest == digest
    assert TrainingOptions(profile=str(one)).profile_name == "mine"
    assert digest != TrainingOptions(profile="mine").digest != TrainingOptions().digest
    two.write_text("name: mine\nreward: {base: {correct: 0.4}}\n")
    assert TrainingOptions(profile=str(two)).digest != digest


def test_the_digest_covers_what_is_computed():
    base = TrainingOptions()
    assert replace(base, out=Path("elsewhere"), steps=7, quiet=True).digest == base.digest
    assert replace(base, seed=1).digest != base.digest
    assert replace(
        base, model=Path("a/b"), questions=Path("q"), held_out=Path("h"), corpus=Path("c")
    ).digest == (
        replace(base, model=Path("c/b"), questions=Path("q"), held_out=Path("h"), corpus=Path("c")).digest
    )
