"""Plug-ins: which are loaded, what a profile pins of them, and what becomes of a rollout whose plug-in fails."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from math import inf, nan

import pytest

from entity_index.types import Question
from reward_service import RolloutView
from reward_service.core.profiles import PluginPin, parse_profile, shipped
from reward_service.core.scoring import measure_group, reward
from reward_service.core.types import PartialPolicy, Rollout, RolloutStatus, Segment, SegmentKind, Text
from reward_service.serve import plugins
from reward_service.serve.config import Settings
from reward_service.serve.errors import BadPlugin, BadProfile
from reward_service.serve.ledger import Ledger, Published, Terms, read
from reward_service.serve.ledger_audit import verify
from reward_service.serve.ledger_chain import parted
from reward_service.serve.profiles import load
from tests.plugin_package import PROJECT, installed_in

PIN = PluginPin("short_answer", "example-signals", "0.1.0")
MINE = replace(
    parse_profile("name: mine\nreward: {terms: [{signal: short_answer, weight: 0.5, when: any}]}"),
    plugins=(PIN,),
)
QUESTION = Question("Who?", ("Marie Curie",))
TEXT = "<think>x</think><answer>Marie Curie</answer>"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return installed_in(tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def installed(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("example_signals", None)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "brief.yaml").write_bytes((PROJECT / "brief.yaml").read_bytes())
    return tmp_path


def paid(plugin, *texts):
    rollouts = [Rollout(str(n), Text(text)) for n, text in enumerate(texts or [TEXT])]
    facts = measure_group(rollouts, QUESTION, MINE, plugins={"short_answer": plugin})
    return reward(facts, MINE, partial=PartialPolicy("survivors"))


def test_a_rollout_without_a_verdict_is_not_given_to_a_plug_in():
    seen = []
    asked = {"short_answer": lambda view: seen.append(view) or 1}
    [facts] = measure_group([Rollout("0", Text(TEXT))], Question("Who?"), MINE, plugins=asked)

    assert (facts.status, seen) == (RolloutStatus.INVALID_ROLLOUT, [])


def test_a_plug_in_is_given_the_rollout():
    seen = []

    paid(lambda view: seen.append(view) or 1)

    assert seen == [
        RolloutView(
            (Segment(SegmentKind.THOUGHT, "x"), Segment(SegmentKind.ANSWER, "Marie Curie")),
            "Marie Curie",
            "Who?",
            ("Marie Curie",),
            (),
        )
    ]


def test_its_number_is_paid():
    assert paid(lambda _view: 0.25).rollouts[0].components == {"base": 1.0, "short_answer": 0.125}


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (nan, "short_answer: the plug-in returned no finite number"),
        (-inf, "short_answer: the plug-in returned no finite number"),
        (None, "short_answer: the plug-in failed with TypeError"),
    ],
)
def test_without_a_finite_number_the_rollout_has_no_reward(number, why):
    [result] = paid(lambda _view: number).rollouts

    assert (result.status, result.detail, result.reward) == (RolloutStatus.SIGNAL_FAILED, why, None)


def test_a_plug_in_that_raises_takes_no_other_rollout_with_it():
    def picky(view):
        if "secret" in view.answer:
            raise ValueError(view.answer)
        return 1.0

    one, other = paid(picky, TEXT, "<think>x</think><answer>secret</answer>").rollouts

    assert (one.status, one.reward) == (RolloutStatus.SCORED, 1.5)
    assert (other.status, other.reward) == (RolloutStatus.SIGNAL_FAILED, None)
    assert other.detail == "short_answer: the plug-in failed with ValueError"


def test_rollouts_that_are_not_scored_are_not_shown_to_a_plug_in():
    rollouts = [Rollout("0", Text(TEXT), outcome_error="no verdict"), Rollout("1", Text(TEXT))]
    seen = []

    measure_group(rollouts, QUESTION, MINE, plugins={"short_answer": lambda view: seen.append(view) or 1})

    assert len(seen) == 1


def test_a_profile_that_does_not_pin_a_plug_in_does_not_ask_it():
    other = replace(MINE, plugins=())

    [facts] = measure_group(
        [Rollout("0", Text(TEXT))], QUESTION, other, plugins={"short_answer": lambda _view: 1}
    )

    assert facts.status is RolloutStatus.SIGNAL_MISSING


def test_the_example_is_loaded_and_pinned(installed, folder):
    profiles = load(Settings(plugins="short_answer", profiles=folder))

    brief = profiles.named("brief")
    assert brief.plugins == (PIN,)
    assert brief.digest != replace(brief, plugins=()).digest
    assert brief.sent_signals == ()
    assert profiles.resolve(str(folder / "brief.yaml")) == brief


def test_a_shipped_profile_gets_no_signal_from_a_plug_in(installed):
    assert load(Settings(plugins="short_answer")).known == shipped()


def test_a_plug_in_that_is_not_named_is_not_loaded(installed, folder):
    assert load(Settings(profiles=folder)).named("brief").sent_signals == ("short_answer",)
    assert "example_signals" not in sys.modules


def test_a_file_may_ask_for_a_version(installed, folder):
    file = folder / "brief.yaml"
    pinned = "plugins: [{signal: short_answer, package: example-signals, version: 0.1.0}]\n"
    file.write_text(pinned + file.read_text())

    assert load(Settings(plugins="short_answer", profiles=folder)).named("brief").plugins == (PIN,)

    file.write_text(file.read_text().replace("version: 0.1.0", "version: 0.2.0"))
    with pytest.raises(
        BadProfile, match=r"asks for short_answer of example-signals 0\.2\.0; in use are short_answer of"
    ):
        load(Settings(plugins="short_answer", profiles=folder))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "nonsense",
            r"no installed package offers the signal nonsense \(entry points reward_service\.signals: short_answer\)",
        ),
        ("f1", "f1 is measured by the service: a plug-in needs another name"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_sentence(installed, name, why):
    with pytest.raises(BadPlugin, match=why):
        load(Settings(plugins=name))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no_such_module:f", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("math:pi", "is no function: math:pi"),
    ],
)
def test_a_plug_in_that_cannot_be_imported_is_one_sentence(tmp_path, monkeypatch, line, why):
    package = tmp_path / "broken-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (package / "entry_points.txt").write_text(f"[reward_service.signals]\nbroken = {line}\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(BadPlugin, match=why):
        plugins.load(["broken"])


def test_a_service_without_the_plug_in_does_not_start():
    command = [sys.executable, "-m", "reward_service", "profile", "list"]

    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"REWARD_SERVICE_PLUGINS": "nonsense"}
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no installed package offers the signal nonsense")


def test_the_examples_own_test_passes(site):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        str(PROJECT / "pyproject.toml"),
        "-p",
        "no:cacheprovider",
    ]

    done = subprocess.run(
        [*command, str(PROJECT / "tests")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{PROJECT.parents[1]}"},
    )

    assert done.returncode == 0, done.stdout


def test_the_ledger_says_which_package_gave_a_signal_and_verifies_without_it(tmp_path):
    facts = measure_group(
        [Rollout("0", Text(TEXT))], QUESTION, MINE, plugins={"short_answer": lambda _view: 0.25}
    )
    ledger = Ledger(tmp_path / "ledger", max_bytes=1 << 20)
    ledger.write(
        [Published("r", "g", None, None, facts, reward(facts, MINE))],
        Terms("", MINE, MINE.estimator, PartialPolicy()),
    )
    ledger.close()
    lines = list(read(tmp_path / "ledger"))
    unbound = replace(MINE, plugins=())

    assert json.loads(parted(lines[0])[0])["profile"]["plugins"] == [asdict(PIN)]
    assert [one.problem for one in verify(lines, {unbound.digest: unbound})] == [None]
    assert [one.problem for one in verify(lines, shipped())] == [
        "no known profile has the digest recorded for mine"
    ]
