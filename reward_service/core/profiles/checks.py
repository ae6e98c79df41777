"""What a profile may not say: names that are in no table, and numbers outside their range. Errors begin with the path."""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from math import inf

from reward_service.core.advantages import ESTIMATORS, check_estimator, check_one_group
from reward_service.core.answers import ANSWER_KINDS
from reward_service.core.checkers import CHECKERS
from reward_service.core.filters import FILTERS, VALUES, signals_of_filters
from reward_service.core.judging.cascade import CASCADE, REJECTS
from reward_service.core.judging.kinds import (
    DIRECTIONS,
    ENTITIES,
    EQUIVALENCE,
    GAIN,
    SAMPLES,
    SUPPORT,
    VERDICT,
    kind_name,
)
from reward_service.core.judging.templates import templates
from reward_service.core.matching import FOLDED
from reward_service.core.names import is_name
from reward_service.core.profiles.spec import Profile
from reward_service.core.profiles.turn_checks import TURN_TERMS, check_difference, check_turns, terms_of
from reward_service.core.rewards.compose import BASE, NORMALIZERS, OPS, PASSED_BY, WHEN
from reward_service.core.rewards.turn_terms import TURN_NORMALIZERS
from reward_service.core.signals import MEASURED, SIGNALS, signals_of
from reward_service.core.trajectory import GRAMMARS
from reward_service.core.types import Asker, Knots, Map, Term

# A signal that is not measured here is sent with the rollout, under any name that is readable in JSON and in a log.
SIGNAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
QUORUMS = ("majority", "unanimous")
ABSTENTIONS = ("fail", "wrong")
VOTES = (1, 3)
AFTER = {SUPPORT: ENTITIES, GAIN: SAMPLES, VERDICT: EQUIVALENCE}
"""What an asker comes after, by kind. A verdict may also come after nothing."""


def check(profile: Profile) -> None:
    """Refuse a profile that cannot be computed.

    Raises:
        ValueError: with the path of what is wrong.
    """
    _check_batch(profile)
    _check_names(profile)
    _check_cascade(profile)
    for checked in (_check_after, _check_asker):
        for n, asker in enumerate(profile.askers):
            checked(asker, profile, f"{profile.name}.askers[{n}]")
    for where, term in terms_of(profile):
        _check_term(term, f"{profile.name}.{where}")
    if isinstance(profile.reward.turns.weight, tuple):
        _check_knots(profile.reward.turns.weight, f"{profile.name}.reward.turns.weight")
    check_turns(profile)
    _check_values(profile)
    _check_filters(profile)
    _check_mentions(profile)
    _check_early(profile)
    _check_floor(profile)


def _check_batch(profile: Profile) -> None:
    try:
        check_one_group(profile.estimator.type)
    except ValueError as error:
        raise ValueError(f"profile.estimator.type: {error}") from None


def _check_floor(profile: Profile) -> None:
    try:
        check_estimator(profile.estimator)
    except ValueError as error:
        raise ValueError(f"profile.estimator.{error}") from None


def _check_filters(profile: Profile) -> None:
    for n, one in enumerate(profile.filters):
        if one.type == "dagrpo" and not (one.signal and one.distance > 0):
            raise ValueError(f"{profile.name}.filters[{n}]: dagrpo needs a signal and a distance above 0")
        if one.type == "dppo" and not 0 < one.rate < 1:
            raise ValueError(f"{profile.name}.filters[{n}].rate must be above 0 and below 1, got {one.rate}")


def _check_mentions(profile: Profile) -> None:
    """Refuse `entity_f` where mentions are not counted: its precision would always be 1."""
    spec = profile.measure.matching
    counted = spec.kind == FOLDED and not (spec.listed_mentions is None and spec.precision_floor is None)
    if "entity_f" in signals_of(profile.reward) and not counted:
        raise ValueError(
            f"{profile.name}.reward.terms: entity_f needs mentions to be counted (measure.matching)"
        )


def _check_early(profile: Profile) -> None:
    """Refuse `named_before_seen` under the matcher that does not look into tool responses."""
    if "named_before_seen" in profile.signals and profile.measure.matching.kind != FOLDED:
        raise ValueError(
            f"{profile.name}.reward.terms: named_before_seen needs measure.matching.kind {FOLDED}"
        )


def _check_names(profile: Profile) -> None:
    """Refuse names that are in no table, unreadable names of signals, and terms that share a name."""
    for where, name, table in _chosen(profile):
        if name not in table:
            raise ValueError(f"{profile.name}.{where} must be one of {', '.join(table)}, got {name!r}")
    names = [term.name or term.signal for _, term in terms_of(profile)]
    for name in [*signals_of(profile.reward), *names, *signals_of_filters(profile.filters)]:
        if not SIGNAL_NAME.fullmatch(name):
            pattern = SIGNAL_NAME.pattern
            raise ValueError(f"{profile.name}.reward.terms: a name must match {pattern}, got {name!r}")
    for name in names:
        if name == BASE or names.count(name) > 1:
            raise ValueError(
                f"{profile.name}.reward.terms must have different names, none of them {BASE}: got {name}"
            )


def _chosen(profile: Profile) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield where a profile names an entry of a table, the name, and the table."""
    yield "measure.grammar", profile.measure.grammar, GRAMMARS
    yield "measure.checker", profile.measure.checker, (*CHECKERS, CASCADE)
    if profile.measure.cascade is not None:
        yield "measure.cascade.accept", profile.measure.cascade.accept, CHECKERS
        yield "measure.cascade.reject", profile.measure.cascade.reject, REJECTS
    for n, asker in enumerate(profile.askers):
        yield f"askers[{n}].template", asker.template, templates()
        yield f"askers[{n}].quorum", asker.quorum, QUORUMS
        yield f"askers[{n}].abstain", asker.abstain, ABSTENTIONS
        yield f"askers[{n}].directions", asker.directions, DIRECTIONS
    for kind in profile.measure.answer_from:
        yield "measure.answer_from", kind, ANSWER_KINDS
    yield "estimator.type", profile.estimator.type, ESTIMATORS
    for where, term in terms_of(profile):
        table: Collection[str] = TURN_NORMALIZERS if where.startswith(TURN_TERMS) else NORMALIZERS
        for name in term.normalizers:
            yield f"{where}.normalize", name, table
        yield f"{where}.when", term.when, WHEN
        for k, gate in enumerate(term.gates):
            yield f"{where}.gates[{k}].op", gate.op, OPS
            yield f"{where}.gates[{k}].by", gate.by, PASSED_BY
    for n, one in enumerate(profile.filters):
        yield f"filters[{n}].type", one.type, FILTERS
        yield f"filters[{n}].of", one.of, VALUES


def _check_cascade(profile: Profile) -> None:
    """Refuse a cascade without its checker or the other way round, and a judge that gives no verdict."""
    spec, name = profile.measure, profile.name
    if (spec.checker == CASCADE) != (spec.cascade is not None):
        raise ValueError(f"{name}.measure: the checker {CASCADE} and the key {CASCADE} need each other")
    verdicts = [one.name for one in profile.askers if kind_name(one) in {VERDICT, EQUIVALENCE}]
    if spec.cascade is not None and spec.cascade.judge not in verdicts:
        raise ValueError(
            f"{name}.measure.cascade.judge must be the name of an asker that gives a verdict, got {spec.cascade.judge!r}"
        )


def _check_asker(asker: Asker, profile: Profile, where: str) -> None:
    if not SIGNAL_NAME.fullmatch(asker.name) or asker.name in {*SIGNALS, *MEASURED}:
        raise ValueError(f"{where}.name must be a name that no measured signal has, got {asker.name!r}")
    if [one.name for one in profile.askers].count(asker.name) > 1:
        raise ValueError(f"{where}.name must be different from those of other askers, got {asker.name!r}")
    if not is_name(asker.model):
        raise ValueError(f"{where}.model must be the name of a model, got {asker.model!r}")
    if asker.votes not in VOTES or (asker.votes > 1 and kind_name(asker) != VERDICT):
        raise ValueError(f"{where}.votes must be 1, or 3 for a verdict, got {asker.votes}")
    used = {one.name for one in (*profile.signal_askers, *profile.outcome_askers)}
    if asker.name not in used:
        raise ValueError(f"{where}: neither the cascade nor a term of the reward uses {asker.name}")


def _check_after(asker: Asker, profile: Profile, where: str) -> None:
    """Refuse an asker that needs what no other one finds."""
    kind = kind_name(asker)
    if not asker.after and kind not in {SUPPORT, GAIN}:
        return
    if kind not in AFTER:
        raise ValueError(f"{where}.after is only for askers for {', '.join(AFTER)}")
    if asker.after not in [one.name for one in profile.askers if kind_name(one) == AFTER[kind]]:
        raise ValueError(f"{where}.after must be the name of an asker for {AFTER[kind]}, got {asker.after!r}")


def _check_term(term: Term, where: str) -> None:
    if isinstance(term.weight, tuple):
        _check_knots(term.weight, f"{where}.weight")
    for n, one in enumerate(term.map):
        _check_map(one, f"{where}.map[{n}]")


def _check_map(one: Map, where: str) -> None:
    if [one.knots, one.clip, one.difference].count(None) != 2:
        raise ValueError(f"{where} must have exactly one of knots, clip and difference")
    if one.difference is not None:
        check_difference(one.difference, f"{where}.difference")
    elif one.knots is not None:
        _check_knots(one.knots, f"{where}.knots")
    elif one.outside is not None:
        raise ValueError(f"{where}.outside needs knots")
    elif len(one.clip or ()) != 2 or sorted(one.clip or ()) != list(one.clip or ()):
        raise ValueError(f"{where}.clip must be a low and a high number, got {list(one.clip or ())}")


def _check_knots(knots: Knots, where: str) -> None:
    if not knots or any(len(knot) != 2 for knot in knots):
        raise ValueError(f"{where} must be a list of points [x, y], got {[list(knot) for knot in knots]}")
    if any(one[0] > two[0] for one, two in pairwise(knots)):
        raise ValueError(f"{where} must be in the order of x, got {[list(knot) for knot in knots]}")


def _check_values(profile: Profile) -> None:
    """Refuse a name that no id may have, and numbers outside their range."""
    if not is_name(profile.name):
        raise ValueError(
            "profile.name must be 1 to 256 characters without control characters, / or \\, and not end in .yaml "
            f"or .yml, got {profile.name!r}"
        )
    ranges = [
        ("measure.threshold", profile.measure.threshold, 0, 1),
        ("estimator.ddof", profile.estimator.ddof, 0, 1),
        ("estimator.epsilon", profile.estimator.epsilon, 0, inf),
    ]
    ranges += [(f"filters[{n}].tolerance", one.tolerance, 0, inf) for n, one in enumerate(profile.filters)]
    for n, asker in enumerate(profile.askers):
        ranges += [
            (f"askers[{n}].temperature", asker.temperature, 0, 2),
            (f"askers[{n}].max_tokens", asker.max_tokens, 1, inf),
            (f"askers[{n}].answer_chars", asker.answer_chars, 1, inf),
            (f"askers[{n}].max_items", asker.max_items, 1, inf),
            (f"askers[{n}].samples", asker.samples, 1, 64),
            (f"askers[{n}].accept_from", asker.accept_from, 0, 1),
            (f"askers[{n}].reject_below", asker.reject_below or 0.0, 0, asker.accept_from),
        ]
    for where, number, low, high in ranges:
        if not low <= number <= high:
            raise ValueError(f"profile.{where} must be in [{low}, {high}], got {number}")
