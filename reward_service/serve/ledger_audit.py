"""The audit of a ledger: every reward is computed again from what its line records.

A line has one group. Where an estimator compared the groups of a call, its lines name the call, and advantages are computed
again once all of them have been read; if some are no longer there, the rewards alone are.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reward_service.core.advantages import BATCH_ESTIMATORS
from reward_service.core.fields import built
from reward_service.core.judging.recorded import Derived, derive
from reward_service.core.profiles import PluginPin, Profile
from reward_service.core.scoring import reward, reward_batch
from reward_service.core.types import Estimator, GroupResult, PartialPolicy, RolloutFacts, RolloutStatus
from reward_service.serve.ledger import FORMULAS, PLAIN, VERSION, RecordedBatch, published_numbers
from reward_service.serve.ledger_chain import Ends, Seal, parted

OF_A_BATCH = frozenset({"advantage", "turn_advantages", "weight"})
"""Numbers that depend on all groups that an estimator compares: advantages, and filters that look at them."""


class Finding(NamedTuple):
    """What verifying one line showed."""

    line: int
    group_id: str
    problem: str | None
    """None: the same rewards, bit for bit."""
    run_id: str = "?"
    profile: str = "?"
    """Name and digest of the profile that paid."""
    rewards_alone: bool = False
    """Whether advantages were not computed again, because the ledger does not have all groups of the batch."""
    derived: Sequence[Derived] = ()
    """Of the outcomes and signals of its rollouts that judges gave, whether they follow from the judgements."""


NO_LINE = "not a ledger line"


class _Recorded(NamedTuple):
    """A line of a group that can be paid again."""

    line: Mapping[str, Any]
    profile: Profile
    estimator: Estimator
    batch: RecordedBatch | None = None
    """The groups that its estimator compared with each other; None if it compared none, or the line does not say."""

    @property
    def is_over_batch(self) -> bool:
        """Whether the estimator compared groups with each other."""
        return self.estimator.type in BATCH_ESTIMATORS


def verify(
    lines: Iterable[bytes],
    profiles: Mapping[str, Profile],
    *,
    seal: Seal = PLAIN,
    ends: Ends | None = None,
    judgements: bool = False,
) -> list[Finding]:
    """Compute every reward of a ledger again.

    Args:
        lines: of one file or of several, oldest first.
        profiles: known profiles by digest.
        seal: how the lines are sealed.
        ends: where the chain begins and ends; without them, lines missing at either end do not show.
        judgements: whether to derive outcomes and signals from the recorded judgements, too.
    """
    before = ends and ends.begin
    seen, findings, batches = {before}, list[Finding](), _Batches()
    for number, raw in enumerate(lines, start=1):
        body, digest = parted(raw)
        finding, recorded = _looked_at(number, body, seal.problem(body, digest, before), profiles)
        findings.append(_with_judgements(finding, recorded) if judgements else finding)
        for n, differs in batches.add(number, recorded):
            problem = differs or findings[n - 1].problem
            findings[n - 1] = findings[n - 1]._replace(problem=problem, rewards_alone=False)
        before = digest
        seen.add(digest)
    if ends is not None and ends.end not in seen:  # it may be behind the file: a crash comes between the two
        findings.append(Finding(len(findings) + 1, "?", "lines at the end are missing"))
    return findings


def _looked_at(
    number: int, body: str, broken: str | None, profiles: Mapping[str, Profile]
) -> tuple[Finding, _Recorded | None]:
    """Return what verifying a line by itself shows, and what it records if its rewards are right."""
    try:
        line = json.loads(body)
        paid_by = f"{line['profile']['name']} {line['profile']['digest']}"
        found = broken or _recorded(line, profiles)
        problem = found if isinstance(found, str) else _problem(found)
        about = (str(line.get("group_id")), problem, str(line.get("run_id")), paid_by)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Finding(number, "?", NO_LINE), None
    if isinstance(found, str) or problem is not None:
        return Finding(number, *about), None
    return Finding(number, *about, found.is_over_batch), found


def _with_judgements(finding: Finding, recorded: _Recorded | None) -> Finding:
    """Return a finding with what the judgements of its line say."""
    try:
        derived = [] if recorded is None else _derived(recorded)
    except (ArithmeticError, ValueError, KeyError, TypeError, AttributeError):
        return finding._replace(problem=NO_LINE)
    problem = next((one.problem for one in derived if one.problem), None)
    return finding._replace(problem=finding.problem or problem, derived=derived)


def _derived(recorded: _Recorded) -> list[Derived]:
    """Return what the judgements of the scored rollouts of a line say; nothing if its profile asks nothing."""
    profile = recorded.profile
    askers = {"outcome_askers": profile.outcome_askers, "signal_askers": profile.signal_askers}
    return [
        one._replace(problem=one.problem and f"rollout {fact.rollout_id}: {one.problem}")
        for fact in (_facts(recorded.line) if profile.asks else ())
        if fact.status is RolloutStatus.SCORED
        for one in derive(fact, **askers)
    ]


def _problem(recorded: _Recorded) -> str | None:
    """Return how the numbers of a line that do not depend on other lines differ; None where they do not."""
    [problem] = _differences([recorded], OF_A_BATCH if recorded.is_over_batch else frozenset())
    return problem


class _Batches:
    """Lines whose groups were compared with each other, until all of a batch are there."""

    def __init__(self) -> None:
        self._lines: dict[RecordedBatch, dict[int, _Recorded]] = {}

    def add(self, number: int, recorded: _Recorded | None) -> list[tuple[int, str | None]]:
        """Add a line; returns the numbers of all lines of its batch with how each differs, once they are there."""
        if recorded is None or recorded.batch is None:
            return []
        found = self._lines.setdefault(recorded.batch, {})
        found[number] = recorded
        if len(found) < recorded.batch.groups:
            return []
        del self._lines[recorded.batch]
        return list(zip(found, _differences(list(found.values())), strict=True))


def changes_of_profile(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield the lines from which a run is paid by another profile, each with the profile before it."""
    paid_by: dict[str, str] = {}
    for finding in findings:
        before = paid_by.setdefault(finding.run_id, finding.profile)
        if before != finding.profile:
            yield finding, before
            paid_by[finding.run_id] = finding.profile


def _recorded(line: Mapping[str, Any], profiles: Mapping[str, Profile]) -> _Recorded | str:
    """Return what a line records, or why it cannot be computed again."""
    profile = _paying(line["profile"], profiles)
    if profile is None:
        return f"no known profile has the digest recorded for {line['profile']['name']}"
    if line["v"] > VERSION:
        return "written by a newer version of the service"
    if line["formulas"] != FORMULAS:
        return "computed by another version of the formulas"
    alone, batch = _Recorded(line, profile, Estimator(**line["estimator"])), line.get("batch")
    if batch is None or not alone.is_over_batch:
        return alone
    return alone._replace(batch=RecordedBatch(str(batch["id"]), int(batch["groups"])))


def _differences(recorded: Sequence[_Recorded], aside: frozenset[str] = frozenset()) -> list[str | None]:
    """Return how the rewards of each line differ from what they should be; None where they do not.

    Args:
        recorded: one line, or all of a batch.
        aside: numbers that are not compared.
    """
    return [
        _difference(published_numbers(result), one.line["published"], aside)
        for one, result in zip(recorded, _paid_again(recorded), strict=True)
    ]


def _difference(again: Mapping[str, Any], before: Mapping[str, Any], aside: frozenset[str]) -> str | None:
    kept = [{name: column for name, column in one.items() if name not in aside} for one in (again, before)]
    # As text: -0.0 is not 0.0.
    return None if json.dumps(kept[0]) == json.dumps(kept[1]) else "recomputing gives different rewards"


def _paid_again(recorded: Sequence[_Recorded]) -> list[GroupResult]:
    """Pay the groups of lines that have their terms in common, each as it was paid."""
    one, *_ = recorded
    terms: dict[str, Any] = {
        "profile": one.profile,
        "estimator": one.estimator,
        "partial": PartialPolicy(**one.line["policy"]),
        "progress": one.line["progress"],
    }
    groups = [_facts(each.line) for each in recorded]
    places = [(each.line["run_id"], each.line["group_id"]) for each in recorded]
    if one.is_over_batch:
        return reward_batch(groups, **terms, places=places)
    [facts], [place] = groups, places
    return [reward(facts, **terms, missing=one.line["missing"], place=place)]


def _facts(line: Mapping[str, Any]) -> list[RolloutFacts]:
    return [built(RolloutFacts, {**fact, "entities": line["entities"]}) for fact in line["rollouts"]]


def _paying(receipt: Mapping[str, Any], profiles: Mapping[str, Profile]) -> Profile | None:
    """Return the profile of a receipt, whichever plug-ins are installed now: their numbers are in the facts."""
    if receipt["digest"] in profiles:
        return profiles[receipt["digest"]]
    pins = tuple(PluginPin(**pin) for pin in receipt.get("plugins", ()))
    bound = {one.digest: one for one in (replace(one, plugins=pins) for one in profiles.values())}
    return bound.get(receipt["digest"])
