"""`reward-service profile ...`, as a user runs it."""

import json

import httpx
import pytest

from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.profiles.formula import formula
from tests import commands


def run(*arguments, cwd=None, **environment):
    return commands.run("profile", *arguments, cwd=cwd, **environment)


def test_list_has_a_line_for_every_profile_with_its_formula(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\nestimator: {type: rloo}\n")

    done = run("list", REWARD_SERVICE_PROFILES=str(tmp_path))

    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.strip().split(maxsplit=2)[1:] for line in done.stdout.splitlines()[1:]}
    assert rows["egrpo"] == ["shipped", formula(shipped()["egrpo"])]
    assert rows["mine"] == ["folder", "R = [correct]; A = rloo"]
    assert set(rows) == {*shipped(), "mine"}


def test_show_says_what_it_pays_what_to_send_and_its_limits():
    done = run("show", "inforeasoner")

    assert done.returncode == 0, done.stderr
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["profile", "inforeasoner"],
        ["about", shipped()["inforeasoner"].about],
        ["digest", shipped()["inforeasoner"].digest],
        [
            "formula",
            "R = [correct] + 0.6 · information_gain [completed] [answered > 0] [retrieved > 0]; A = grpo",
        ],
        ["send", "information_gain"],
        ["correct", "unlimited"],
        ["wrong", "unlimited"],
        ["error", "0"],
        ["bounds", "a wrong rollout can earn more than a correct one"],
        ["warning", "base.correct and the weights that a correct rollout is paid add up to 1.6, not 1"],
        ["warning", "a wrong rollout can earn more than a correct one"],
    ]


def test_show_names_the_floor_of_an_estimator_and_that_a_wrong_rollout_stays_below():
    shown = run("show", "egrpo-steady").stdout

    assert "; A = grpo(floor one_success)\n" in shown
    assert "a wrong rollout cannot earn more than a correct one\n" in shown
    assert "send        nothing\n" in shown


def test_show_says_that_progress_is_needed():
    assert "send        progress with each call\n" in run("show", "egrpo-decay").stdout


def test_show_gives_yaml_that_is_the_same_profile(tmp_path):
    done = run("show", "carr", "--yaml")

    assert parse_profile(done.stdout) == shipped()["carr"]


def test_the_service_says_the_same(server):
    told = json.loads(run("show", "rirs", "--json").stdout)

    reply = httpx.get(f"{server}/v1/profiles/rirs").json()

    assert told == {name: reply[name] for name in told}
    assert told["bounds"] == {"correct": [0.0, 2.0], "wrong": [0.0, 2.0], "error": [-0.1, -0.1]}
    assert told["warnings"] == [
        "base.correct and the weights that a correct rollout is paid add up to 2, not 1",
        "a wrong rollout can earn more than a correct one",
    ]


def test_a_file_that_was_begun_is_valid_and_pays_as_egrpo(tmp_path):
    begun = run("init", "mine.yaml", cwd=tmp_path)
    valid = run("validate", "mine.yaml", cwd=tmp_path)
    same = run("diff", "egrpo", "mine.yaml", cwd=tmp_path)

    assert (begun.returncode, begun.stdout) == (0, "mine.yaml written\n")
    assert (valid.returncode, valid.stderr) == (0, "")
    assert valid.stdout == f"mine.yaml: valid, {shipped()['egrpo'].digest}\n"
    assert (same.returncode, same.stdout) == (0, "egrpo and mine.yaml compute the same\n")


def test_a_file_can_be_begun_from_any_profile(tmp_path):
    run("init", "mine.yaml", "--from", "carr", cwd=tmp_path)

    mine = parse_profile((tmp_path / "mine.yaml").read_text())
    assert (mine.name, mine.digest) == ("mine", shipped()["carr"].digest)


@pytest.mark.parametrize("name", ["egrpo.yaml", "mine", "mine.json", "there.yaml"])
def test_no_file_is_begun_where_it_would_not_work_or_replace_another(tmp_path, name):
    (tmp_path / "there.yaml").write_text("name: there\n")

    done = run("init", name, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert (tmp_path / "there.yaml").read_text() == "name: there\n"


def test_validate_warns_and_a_warning_is_no_error(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nreward: {terms: [{signal: f1, weight: 0.5, when: correct}]}\n"
    )

    done = run("validate", "mine.yaml", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stderr == (
        "warning: mine.yaml: base.correct and the weights that a correct rollout is paid add up to 1.5, not 1\n"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "reward:\n  terms:\n    - {signal: f1, weight: .nan}\n",
            "profile.reward.terms[0].weight must be finite, got nan (line 4)",
        ),
        ("reward: [\n", "invalid YAML"),
        ("reward:\n  bais: {correct: 1}\n", "profile.reward has unknown keys: bais (line 3)"),
    ],
)
def test_validate_names_the_line_and_checks_the_other_files_too(tmp_path, text, why):
    (tmp_path / "bad.yaml").write_text("name: bad\n" + text)
    (tmp_path / "good.yaml").write_text("name: good\n")

    done = run("validate", "bad.yaml", "good.yaml", "gone.yaml", cwd=tmp_path)

    assert done.returncode == 1
    bad, gone = done.stderr.splitlines()
    assert bad.startswith(f"error: bad.yaml: {why}")
    assert "gone.yaml" in gone
    assert done.stdout.startswith("good.yaml: valid, sha256:")


def test_diff_shows_computed_values_that_differ():
    done = run("diff", "egrpo", "carr")

    assert [line.split() for line in done.stdout.splitlines()] == [
        ["key", "egrpo", "carr"],
        ["reward.terms[0].signal", '"entity_match"', '"rubric"'],
        ["reward.terms[0].when", '"wrong"', '"correct"'],
        ["reward.base.correct", "1.0", "0.7"],
        ["estimator.floor", '"one_success"', "-"],
        ["reward.terms[0].map[0].clip", "-", "[0.0,", "1.0]"],
    ]


def test_an_unknown_profile_is_one_sentence():
    done = run("show", "nonsense")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_settings_that_cannot_be_read_are_one_sentence():
    done = run("list", REWARD_SERVICE_PORT="x")

    assert done.returncode == 1
    assert done.stderr.startswith("error: settings: ")
