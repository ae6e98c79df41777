"""Published rewards, estimators and filters from rollouts over HTTP, against numbers from another program."""

import json
from pathlib import Path

import httpx
import pytest
import yaml

from reward_service.api.app import create_app
from reward_service.core.filters import draw
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.golden.test_methods import as_published, profile_named

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "golden" / "cases"
NAMES = ("Zanderheim", "Quillock", "Marvenholt", "Thessaly", "Ostrava", "Pellworm", "Birkenau", "Lindwurm")
STRANGERS = ("Xantippe", "Yggdrasil", "Wolfram")
# A profile that pays the number it is sent: the input of estimators and filters.
VALUE = {"name": "value", "reward": {"base": {"correct": 0}, "terms": [{"signal": "value", "when": "any"}]}}


def cases_of(file):
    return json.loads((CASES / file).read_text(encoding="utf-8"))


METHODS, ESTIMATORS, FILTERS = map(cases_of, ("methods.json", "estimators.json", "filters.json"))


def filter_profile(n):
    return {**VALUE, "name": f"filter-{n}", "filters": [FILTERS["cases"][n]["filter"]]}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service with the profiles of examples/, and one for each golden case of a filter."""
    folder = tmp_path_factory.mktemp("profiles")
    for file in (ROOT / "examples" / "profiles").glob("*.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    for profile in (VALUE, *map(filter_profile, range(len(FILTERS["cases"])))):
        (folder / f"{profile['name']}.yaml").write_text(yaml.safe_dump(profile))
    with serving(create_app(Settings(profiles=folder))) as base, httpx.Client(base_url=base) as client:
        yield client


def thought(matched, mentions):
    """Return a thought that names so many entities, and so many things in all."""
    strangers = STRANGERS[: max(0, mentions - matched)]
    return "then " + " and then ".join((*NAMES[:matched], *strangers, "nothing"))


def rollout(n, outcome, *, matched=0, mentions=0, **more):
    ended = {"outcome": outcome} if outcome else {"stop_reason": "aborted"}
    return {
        "rollout_id": str(n),
        "steps": [{"type": "thought", "text": thought(matched or 0, mentions or 0)}],
        **ended,
        **{name: value for name, value in more.items() if value is not None},
    }


def score(service, rollouts, *, entities=0, **call):
    question = {"text": "Who?", "entities": [{"name": name} for name in NAMES[:entities]]}
    body = {
        "partial": {"policy": "survivors"},
        "groups": [{"group_id": "g", "question": question, "rollouts": rollouts}],
        **call,
    }
    reply = service.post("/v1/groups/score", json=body)
    assert reply.status_code == 200, reply.text
    [group] = reply.json()["groups"]
    return group["rollouts"]


def column(rollouts, name):
    return [one[name] for one in rollouts]


def close(values, **tolerance):
    return [value if value is None else pytest.approx(value, **tolerance) for value in values]


@pytest.mark.parametrize("case", METHODS["cases"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_profile_pays_what_its_method_pays(service, case):
    size = len(case["outcome"])
    matched, mentions = (case.get(name, [0] * size) for name in ("matched", "mentions"))
    rollouts = [
        rollout(
            n,
            outcome,
            matched=matched[n],
            mentions=mentions[n],
            signals={name: values[n] for name, values in case.get("signals", {}).items() if outcome},
        )
        for n, outcome in enumerate(case["outcome"])
    ]

    paid = score(
        service,
        rollouts,
        entities=case["entities"],
        profile=case["profile"],
        **as_published(profile_named(case["profile"])),
        **({"progress": case["progress"]} if "progress" in case else {}),
    )

    for name in ("reward", "advantage"):
        assert column(paid, name) == close(case[name], rel=METHODS["relative"], abs=METHODS["absolute"])


@pytest.mark.parametrize("case", ESTIMATORS["cases"], ids=lambda case: case["name"])
def test_an_estimator_estimates_what_its_formula_says(service, case):
    size = len(case["reward"])
    outcome, length, tree = (case.get(name, [None] * size) for name in ("outcome", "length", "tree"))
    rollouts = [
        rollout(
            n,
            None if value is None else outcome[n] or "wrong",
            signals={} if value is None else {"value": value},
            length=length[n],
            tree=tree[n],
        )
        for n, value in enumerate(case["reward"])
    ]

    paid = score(service, rollouts, profile="value", estimator=case["estimator"])

    assert column(paid, "advantage") == close(case["advantage"], rel=ESTIMATORS["tolerance"], abs=1e-9)


@pytest.mark.parametrize("n", range(len(FILTERS["cases"])), ids=lambda n: FILTERS["cases"][n]["name"])
def test_a_filter_weighs_as_its_rule_says(service, n):
    case = FILTERS["cases"][n]
    size = len(case["reward"])
    outcome, quality = (case.get(name, [None] * size) for name in ("outcome", "quality"))
    rollouts = [
        rollout(
            i,
            None if value is None else outcome[i] or "wrong",
            signals={
                name: sent for name, sent in (("value", value), ("quality", quality[i])) if sent is not None
            },
        )
        for i, value in enumerate(case["reward"])
    ]

    assert column(score(service, rollouts, profile=f"filter-{n}"), "weight") == case["weight"]


def test_rollouts_are_drawn_by_the_ids_of_the_call(service):
    advantages = [1.5, -0.5, -0.5, -0.5]
    rollouts = [rollout(n, outcome) for n, outcome in enumerate(("correct", "wrong", "wrong", "wrong"))]
    group = {"question": {"text": "Who?"}, "rollouts": rollouts}
    groups = [{**group, "run_id": "run", "group_id": f"g{n}"} for n in range(50)]

    reply = service.post("/v1/groups/score", json={"profile": "dppo", "groups": groups}).json()

    for one in reply["groups"]:
        assert column(one["rollouts"], "advantage") == close(advantages, rel=1e-5)
        assert column(one["rollouts"], "weight") == [
            1.0,
            *(2.0 if draw(("run", one["group_id"]), str(n)) < 0.5 else 0.0 for n in (1, 2, 3)),
        ]


@pytest.mark.parametrize("case", FILTERS["overlength"], ids=lambda case: case["name"])
def test_an_overlength_rollout_votes_and_leaves_the_loss(service, case):
    rollouts = [
        rollout(n, outcome, stop_reason="max_tokens") if over else rollout(n, outcome)
        for n, (outcome, over) in enumerate(zip(case["outcome"], case["overlength"], strict=True))
    ]

    paid = score(service, rollouts, profile="grpo")

    for name in ("reward", "advantage", "in_baseline", "in_loss"):
        assert column(paid, name) == close(case[name], rel=FILTERS["tolerance"])
