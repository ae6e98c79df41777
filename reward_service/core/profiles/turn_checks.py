"""What a profile may not say about turns. Errors begin with the path."""

from collections.abc import Iterator
from dataclasses import fields

from reward_service.core.advantages.turns import RULES, check_turn_rule, key_of, needs_of_turns
from reward_service.core.profiles.spec import Profile
from reward_service.core.rewards.maps import ALIGNMENTS
from reward_service.core.rewards.turn_terms import Z_SCORES
from reward_service.core.signals import SIGNALS
from reward_service.core.signals.by_turn import GROUP_TURN_SIGNALS, TURN_SIGNALS
from reward_service.core.types import StateDifference, Term, TurnRule

TERMS, TURN_TERMS = "reward.terms", "reward.turn_terms"


def terms_of(profile: Profile) -> Iterator[tuple[str, Term]]:
    """Yield every term with its path."""
    for path, terms in ((TERMS, profile.reward.terms), (TURN_TERMS, profile.reward.turn_terms)):
        for n, term in enumerate(terms):
            yield f"{path}[{n}]", term


def check_difference(one: StateDifference, where: str) -> None:
    """Refuse states that are taken at no known time, and a discount out of range.

    Raises:
        ValueError: with the path.
    """
    if one.at not in ALIGNMENTS:
        raise ValueError(f"{where}.at must be one of {', '.join(ALIGNMENTS)}, got {one.at!r}")
    if not 0 <= one.discount <= 1:
        raise ValueError(f"{where}.discount must be in [0, 1], got {one.discount}")
    if one.start and one.at != "after":
        raise ValueError(f"{where}.start has no effect with {one.at}, got {one.start}")


def check_turns(profile: Profile) -> None:
    """Refuse terms and rules for turns that cannot be computed.

    Raises:
        ValueError: with the path.
    """
    for where, term in terms_of(profile):
        if where.startswith(TURN_TERMS):
            _check_turn_term(profile, term, f"{profile.name}.{where}")
        else:
            _check_rollout_term(term, f"{profile.name}.{where}")
    needs = needs_of_turns(profile.reward) if _is_known(profile.reward.turns) else ()
    names = [need.name for need in needs]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{profile.name}.reward: {repeated[0]} cannot have both T and T + 1 values")
    _check_rule(profile, f"{profile.name}.reward.turns")


def _check_turn_term(profile: Profile, term: Term, where: str) -> None:
    if term.signal in SIGNALS:
        raise ValueError(f"{where}: {term.signal} has one number per rollout, so it belongs in terms")
    if Z_SCORES in term.normalizers and not profile.reward.turns_stand_apart:
        raise ValueError(f"{where}: {Z_SCORES} needs turns that stand apart: separate statistics, or add")
    if any(one.difference is not None for one in term.map[1:]):
        raise ValueError(f"{where}.map: a difference must come first")


def _check_rollout_term(term: Term, where: str) -> None:
    if term.signal in TURN_SIGNALS or term.signal in GROUP_TURN_SIGNALS:
        raise ValueError(f"{where}: {term.signal} has one number per turn, so it belongs in turn_terms")
    if any(one.difference is not None for one in term.map):
        raise ValueError(f"{where}.map: a difference is for turns, so it belongs in turn_terms")


def _is_known(rule: TurnRule) -> bool:
    return rule.combine == "none" or key_of(rule) in RULES


def _check_rule(profile: Profile, where: str) -> None:
    rule = profile.reward.turns
    if not _is_known(rule):
        known = ", ".join(" ".join(key).strip() for key in RULES)
        raise ValueError(f"{where} must be one of none, {known}, got {' '.join(key_of(rule)).strip()}")
    used = frozenset() if rule.combine == "none" else RULES[key_of(rule)].parameters
    named = {"statistics"} if rule.combine == "return" else {"rule"} if rule.combine != "none" else set()
    for one in fields(TurnRule):
        value = getattr(rule, one.name)
        if one.name not in used | named | {"combine"} and value != one.default:
            raise ValueError(
                f"{where}.{one.name} has no effect on {' '.join(key_of(rule)).strip()}, got {value!r}"
            )
    if "signal" in used and not rule.signal:
        raise ValueError(f"{where}.signal is missing: {rule.rule} reads a signal of turns")
    _check_ranges(rule, where)
    try:
        check_turn_rule(rule, profile.estimator)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _check_ranges(rule: TurnRule, where: str) -> None:
    if not 0 <= rule.discount <= 1:
        raise ValueError(f"{where}.discount must be in [0, 1], got {rule.discount}")
    if not 0 <= rule.cap < 1:
        raise ValueError(f"{where}.cap must be in [0, 1), got {rule.cap}")
    if rule.horizon < 1:
        raise ValueError(f"{where}.horizon must be at least 1, got {rule.horizon}")
