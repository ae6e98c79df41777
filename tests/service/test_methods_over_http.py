"""Published rewards, estimators and filters from facts over HTTP, against numbers from another program."""

import json
from pathlib import Path

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.core.fields import plain
from reward_service.core.types import Outcome, RolloutFacts
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.golden import test_estimators as estimators
from tests.golden import test_filters as filters
from tests.golden import test_methods as methods
from tests.golden.test_turns import close

EXAMPLES = Path(__file__).parents[2] / "examples" / "profiles"
SURVIVORS = {"policy": "survivors"}
# A profile that pays a number which is sent, and the filters of the golden file.
AS_SENT = "name: {name}\nreward: {{base: {{correct: 0}}, terms: [{{signal: sent, when: any}}]}}\n{more}\n"
# A profile that pays the terms of the golden file, which are sent.
TERMS = """
name: terms
reward:
  base: {correct: 0}
  terms: [{signal: a, weight: 1, when: any}, {signal: b, weight: 0.5, when: any}]
"""
FILTERS = filters.FILE["cases"]


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiles")
    for file in EXAMPLES.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "terms.yaml").write_text(TERMS, encoding="utf-8")
    (folder / "as-sent.yaml").write_text(AS_SENT.format(name="as-sent", more=""))
    for n, case in enumerate(FILTERS):
        more = f"filters: [{json.dumps(case['filter'])}]"
        (folder / f"filter-{n}.yaml").write_text(AS_SENT.format(name=f"filter-{n}", more=more))
    app = create_app(Settings(profiles=folder, canary_interval_s=3600))
    with serving(app) as base, httpx.Client(base_url=base) as client:
        yield client


def group_of(facts, group_id="g", sent=None):
    """A group of facts as the wire has it; `sent` is a number per rollout to be paid."""
    without = frozenset({"entities", "evidence"})
    rollouts = [plain(one, without=without) for one in facts]
    for n, rollout in enumerate(rollouts):
        rollout["rollout_id"] = str(n)
        if sent is not None and sent[n] is not None:
            rollout["signals"] = {**rollout["signals"], "sent": sent[n]}
            rollout |= {"status": "scored", "outcome": rollout["outcome"] or "wrong", "matched": 0}
        elif sent is not None:
            rollout |= {"status": "aborted", "outcome": None}
    return {"group_id": group_id, "entities": facts[0].entities, "rollouts": rollouts}


def rewarded(http, *groups, **more):
    reply = http.post("/v1/rewards", json={"groups": groups, "partial": SURVIVORS, **more})
    assert reply.status_code == 200, reply.text
    return [group["rollouts"] for group in reply.json()["groups"]]


@pytest.mark.parametrize("case", methods.FILE["cases"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_method_pays_the_same_over_http(http, case):
    group, call = group_of(methods.facts_of(case)), {"progress": case.get("progress")}
    published = methods.as_published(methods.profile_named(case["profile"]))
    [found] = rewarded(http, group, profile=case["profile"], **published, **call)

    for field in ("reward", "advantage"):
        assert [one[field] for one in found] == methods.close(case[field])


@pytest.mark.parametrize("case", methods.FLOORED, ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_profile_with_a_floor_pays_the_same_over_http(http, case):
    group = group_of(methods.facts_of(case))
    [found] = rewarded(http, group, profile=case["profile"], progress=case.get("progress"))

    assert [one["reward"] for one in found] == methods.close(case["reward"])
    assert [one["advantage"] for one in found] == methods.close(case["floored"])


@pytest.mark.parametrize("case", estimators.FILE["cases"], ids=lambda case: case["name"])
def test_an_estimator_gives_the_same_over_http(http, case):
    group = group_of(estimators.facts_of(case), sent=case["reward"])
    [found] = rewarded(http, group, profile="as-sent", estimator=case["estimator"])

    assert [one["advantage"] for one in found] == pytest.approx(
        case["advantage"], abs=estimators.FILE["tolerance"]
    )


@pytest.mark.parametrize(
    "case", [one for one in estimators.BATCH["cases"] if "reward" in one], ids=lambda case: case["name"]
)
def test_an_estimator_over_the_batch_gives_the_same_over_http(http, case):
    lengths = case.get("length") or [[1] * len(group) for group in case["reward"]]
    groups = [
        group_of(estimators.facts_of({"reward": rewards, "length": length}), group_id=str(n), sent=rewards)
        for n, (rewards, length) in enumerate(zip(case["reward"], lengths, strict=True))
    ]
    found = rewarded(http, *groups, profile="as-sent", estimator=case["estimator"])

    flat = [one["advantage"] for group in found for one in group]
    assert close(flat, case["advantage"])


@pytest.mark.parametrize(
    "case", [one for one in estimators.BATCH["cases"] if "terms" in one], ids=lambda case: case["name"]
)
def test_an_estimator_over_the_batch_gives_the_same_for_terms_over_http(http, case):
    assert case["weights"] == {"a": 1, "b": 0.5}
    a, b = case["terms"]["a"], case["terms"]["b"]
    lengths = case.get("length") or [[1] * len(group) for group in a]
    groups = [
        group_of(
            [
                RolloutFacts(
                    str(k), outcome=Outcome.WRONG, matched=0, length=length, signals={"a": one, "b": other}
                )
                for k, (length, one, other) in enumerate(zip(lengths[n], a[n], b[n], strict=True))
            ],
            group_id=str(n),
        )
        for n in range(len(a))
    ]
    found = rewarded(http, *groups, profile="terms", estimator=case["estimator"])

    flat = [one["advantage"] for group in found for one in group]
    assert close(flat, case["advantage"])


@pytest.mark.parametrize(("n", "case"), list(enumerate(FILTERS)), ids=[case["name"] for case in FILTERS])
def test_a_filter_weighs_the_same_over_http(http, n, case):
    [found] = rewarded(http, group_of(filters.facts_of(case), sent=case["reward"]), profile=f"filter-{n}")

    assert [one["weight"] for one in found] == case["weight"]
