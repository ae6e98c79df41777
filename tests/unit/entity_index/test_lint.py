"""What may be wrong with a data set."""

import json
from dataclasses import replace

import pytest

from entity_index.cli import run
from entity_index.lint import CHECKS, Payout, lint, textbook
from entity_index.readers.rows import Refusal, Row
from entity_index.types import Entity, Question
from reward_service.cli.lint import judge_of
from reward_service.core.profiles import shipped


def ask(*entities, text="Who found it?", answers=("x",), at="q1"):
    return Question(
        text, answers, tuple(one if isinstance(one, Entity) else Entity(one) for one in entities), at
    )


def hits(*questions, **options):
    """Return the checks that were hit, with how often and their first example."""
    report = lint(questions, **options)
    return {
        name: (finding.count, next(iter(finding.examples), None))
        for name, finding in report.findings.items()
        if finding.count
    }


def test_a_sound_question_has_no_findings():
    assert hits(ask("Marie Curie", Entity("Polonium", aliases=("Po-210",)))) == {}


@pytest.mark.parametrize(
    ("question", "check", "example"),
    [
        (ask("Marie Curie", answers=()), "no answers", "q1"),
        (ask(), "no entities", "q1"),
        (ask("Marie Curie", answers=('["x", "y"]',)), "packed answer", "q1: '[\"x\", \"y\"]'"),
        (ask("Marie Curie", answers=("...",)), "unmeetable answer", "q1: '...' folds to nothing"),
        (ask("Marie Curie", answers=("N/A",)), "unmeetable answer", "q1: 'N/A' names nothing"),
        (ask("Marie Curie", answers=("x " * 600,)), "unmeetable answer", "q1: it has 1200 characters"),
        (ask("Marie Curie", answers=("...", "x")), None, None),
        (ask("Marie Curie", answers=("$",)), None, None),
        (ask("Marie Curie", "!!!"), "unusable spelling", "q1: '!!!' folds to nothing"),
        (ask(Entity("Marie Curie", aliases=("the",))), "unusable spelling", "q1: 'the' is a function word"),
        (ask(Entity("Chile", aliases=("CHI",))), "short spelling", "q1: 'CHI'"),
        (ask("Marie Curie", "The Band"), None, None),
        (ask("Band"), "generic spelling", "q1: 'Band'"),
        (ask("1984"), "generic spelling", "q1: '1984'"),
        (ask("Marie Curie", Entity("Pierre Curie", aliases=("Marie Curie",))), "shared in a question", "q1: 'marie curie'"),
        (ask("Marie Curie", "Radium", text="What did Marie Curie find?"), "entity in the question", "q1: 'Marie Curie'"),
        (ask("Marie Curie", text="What did Marie Curie find?"), "all entities in the question", "q1"),
        (ask("Marie Curie", answers=("marie curie!",)), "entity equals the answer", "q1: 'Marie Curie'"),
    ],
)  # fmt: skip
def test_each_check_finds_its_own(question, check, example):
    found = hits(question)

    assert found.get(check) == (check and (1, example))
    assert check or found == {}


@pytest.mark.parametrize("name", ["北京", "김구", "Élan", "C++"])
def test_names_of_other_scripts_are_not_short(name):
    assert "short spelling" not in hits(ask(name))


def test_one_spelling_for_several_names_is_found_once():
    paris = [
        ask(Entity("Paris", aliases=("Lutetia",))),
        ask(Entity("Paris Hilton", aliases=("Paris",)), at="q2"),
    ]

    assert hits(*paris, ask(Entity("Paris of Troy", aliases=("Paris",)), at="q3")) == {
        "shared between questions": (1, "q2: 'Paris'")
    }


def test_a_rate_that_cannot_reach_1_is_found():
    def half(question, thoughts, answer):
        return Payout(1, 2, 0.15)

    assert hits(ask("Marie Curie", "Radium"), judge=half) == {"rate cannot reach 1": (1, "q1")}


def test_policies_are_paid_as_the_paper_says():
    questions = [
        ask("Marie Curie", "Radium", text="What did Marie Curie find?"),
        ask("Pierre Curie", "Polonium", at="q2", answers=("!!!",)),
        ask(at="q3"),
    ]

    paid = lint(questions).policies

    assert {name: (pay.match_rate, pay.reward) for name, pay in paid.items()} == {
        "names everything": (1.0, 0.3),
        "says nothing": (0.0, 0.0),
        "copies the question": (0.25, pytest.approx(0.075)),
        "perfect": (1.0, 0.65),
    }


def test_a_profile_pays_as_it_does_when_serving():
    syllables = ("Bo", "Da", "Ki", "Lu", "Me", "Ro", "Su", "Ta", "Vi", "Ze")
    entities = [
        f"{a}{b.lower()}n {b}{c.lower()}m" for a in syllables for b in syllables for c in ("Pe", "Go")
    ]
    questions = [ask(name, f"{name} Town", at=name, answers=("Hamlet",)) for name in entities]

    plain = lint(questions, judge=judge_of(shipped()["egrpo-paper"])).policies
    guarded = lint(questions, judge=judge_of(shipped()["egrpo"])).policies

    assert plain["names everything"].reward == pytest.approx(0.3)
    assert guarded["names everything"].reward < 0.05
    assert plain["perfect"].reward == guarded["perfect"].reward == 1.0


def test_the_textbook_finds_aliases_and_whole_tokens():
    question = ask(Entity("Marie Curie", aliases=("Skłodowska",)), "Radium")

    assert textbook(question, ["It was skLodowska.", "Radiums"], "") == Payout(1, 2, 0.15)
    assert textbook(question, [], "X") == Payout(0, 2, 1.0)


def test_rows_that_are_no_questions_are_counted():
    rows = [Refusal(1, "not JSON"), Row(2, Question("Who?")), Row(3, ask("Marie Curie"))]

    report = lint(rows)

    assert report.refused == {"not JSON": 1, "no question id": 1}
    assert report.totals == {"questions": 1, "entities": 1, "spellings": 1}


def test_shares_are_held_against_limits():
    report = lint([ask("Marie Curie", text="What did Marie Curie find?"), ask("Radium", at="q2")])

    assert report.share("entity in the question") == 0.5
    assert report.over({}) == ["entity in the question", "all entities in the question"]
    assert report.over({"entity in the question": 0.5, "all entities in the question": 0.5}) == []


def test_nothing_is_no_reason_to_divide():
    report = lint([])

    assert report.over({}) == []
    assert {pay.reward for pay in report.policies.values()} == {0.0}


LINES = (
    '{"id": "q1", "question": "Who found radium?", "answer": "Curie", "entities": ["Radium", "Marie Curie"]}',
    '{"id": "q2", "question": "What is [red]polonium[/red]?", "answer": "x", "entities": ["Curie"]}',
)


@pytest.fixture
def cli(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "questions.jsonl").write_text("\n".join(LINES), encoding="utf-8")

    def call(*args):
        with pytest.raises(SystemExit) as exit_:
            run(list(args))
        return exit_.value.code, *capsys.readouterr()

    return call


def test_lint_prints_tables_and_exits_with_3_where_a_share_is_over(cli):
    code, out, err = cli("lint", "questions.jsonl")
    rows = [line.split() for line in out.splitlines()]

    assert (code, err) == (3, "")
    assert out.startswith("2 questions, 3 entities, 3 spellings\n")
    assert [
        "entity",
        "in",
        "the",
        "question",
        "1",
        "33.3%",
        "of",
        "entities",
        "30%",
        "over",
        "q1:",
        "'Radium'",
    ] in rows
    assert ["copies", "the", "question", "0.250", "0.075"] in rows


def test_limits_can_be_others(cli):
    assert cli("lint", "questions.jsonl", "--limit", "entity in the question=0.5")[0] == 0


def test_a_lint_report_as_json_is_all_of_stdout(cli):
    code, out, _ = cli("lint", "questions.jsonl", "--json")
    report = json.loads(out)

    assert (code, report["over"]) == (3, ["entity in the question"])
    assert report["checks"]["entity in the question"]["examples"] == ["q1: 'Radium'"]
    assert list(report["checks"]) == [check.name for check in CHECKS]
    assert report["policies"]["perfect"] == {"match_rate": 1.0, "reward": 1.0}


def test_a_version_is_looked_over_like_its_file(cli):
    cli("build", "questions.jsonl", "--index", "index", "--dataset", "mine")

    by_file, by_version = (
        cli("lint", "questions.jsonl", "--json"),
        cli("lint", "mine", "--index", "index", "--json"),
    )

    assert by_version == by_file


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope.jsonl"], "give its --index"),
        (["questions.jsonl", "--limit", "nope=1"], "must be CHECK=SHARE, got 'nope=1'"),
        (["questions.jsonl", "--limit", "no answers=2"], "must be CHECK=SHARE"),
        (["questions.jsonl", "--limit", "no answers"], "must be CHECK=SHARE"),
    ],
)
def test_a_wrong_lint_command_exits_with_2(cli, args, message):
    code, _, err = cli("lint", *args)

    assert (code, message in err) == (2, True)


def test_a_list_that_cannot_be_read_is_packed_and_cannot_be_met():
    assert hits(ask("Marie Curie", answers=("['x', 'it's']",))) == {
        "packed answer": (1, "q1: \"['x', 'it's']\""),
        "unmeetable answer": (1, "q1: \"['x', 'it's']\" is a list that cannot be read"),
    }


def test_under_the_checker_list_one_item_that_cannot_be_met_is_enough():
    listed = replace(ask("Marie Curie", answers=("...", "x")), checker="list")

    assert hits(listed) == {"unmeetable answer": (1, "q1: '...' folds to nothing")}
