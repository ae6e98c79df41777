"""A profile as a frozen value, known by a digest.

The digest covers what a profile computes: canonical JSON of every field that differs from its default, and a schema
number, so that a new field with a default does not break old pins. Name and prose are not part of it.
"""

import hashlib
import json
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

from reward_service.core.advantages.turns import needs_of_turns
from reward_service.core.answers import ANSWER
from reward_service.core.filters import signals_of_filters
from reward_service.core.judging.conclusions import in_order
from reward_service.core.judging.kinds import kind_of
from reward_service.core.judging.templates import templates
from reward_service.core.matching import FOLDED, MatchSpec
from reward_service.core.signals import MEASURED, can_lack, sent, signals_of
from reward_service.core.signals.by_turn import MEASURED_TURNS, TurnNeed
from reward_service.core.types import Asker, Cascade, Estimator, Filter, RewardSpec

SCHEMA = 1
ALWAYS_MEASURED = "answer_seen"


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """How text becomes facts."""

    grammar: str = "balanced"
    """Format rules for text input, a name in `reward_service.core.trajectory.GRAMMARS`."""
    checker: str = "exact_match"
    """How an answer is compared with the gold answers, a name in `reward_service.core.checkers.CHECKERS`, or
    `cascade`: as the key of that name says."""
    cascade: Cascade | None = None
    """With the checker `cascade`: which strings decide, and which asker decides the rest."""
    threshold: float = 0.8
    """Word F1 from which the checker `f1` calls an answer correct, in [0, 1]."""
    answer_from: tuple[str, ...] = (ANSWER,)
    """Where an answer may be, names in `reward_service.core.answers.ANSWER_KINDS`; `answer` is the dialect's marks or the last text."""
    answer_tools: tuple[str, ...] = ()
    """Tools whose call is the answer, by name."""
    answer_may_be_cut: bool = False
    """Whether an answer that the end of the text cuts is whole: a stop string can remove its closing mark."""
    matching: MatchSpec = field(default_factory=MatchSpec)
    """How entities are found in thoughts."""


@dataclass(frozen=True, slots=True)
class PluginPin:
    """Where a signal comes from that a plug-in gives."""

    signal: str
    """Name of the signal, and of the plug-in's entry point."""
    package: str
    """The installed package."""
    version: str
    """Of that package."""


@dataclass(frozen=True)
class Profile:
    """One profile."""

    name: str
    about: str = ""
    """One sentence for people."""
    measure: MeasureSpec = field(default_factory=MeasureSpec)
    reward: RewardSpec = field(default_factory=RewardSpec)
    estimator: Estimator = field(default_factory=Estimator)
    """Used where a call or a run names none."""
    askers: tuple[Asker, ...] = ()
    """What language models are asked about a rollout."""
    filters: tuple[Filter, ...] = ()
    """Their product is each rollout's weight."""
    plugins: tuple[PluginPin, ...] = ()
    """Plug-ins that give signals it reads. The service that has them fills this in, so that the digest covers their versions."""

    @cached_property
    def signals(self) -> tuple[str, ...]:
        """Names of all signals that it reads, each once."""
        return tuple(dict.fromkeys([*signals_of(self.reward), *signals_of_filters(self.filters)]))

    @cached_property
    def needed_signals(self) -> tuple[str, ...]:
        """Names of the signals that a rollout can lack."""
        return tuple(name for name in self.signals if can_lack(name))

    @cached_property
    def sent_signals(self) -> tuple[str, ...]:
        """Names of the numbers that are neither measured nor given by a plug-in: sent with each rollout, or judged."""
        given = [pin.signal for pin in self.plugins]
        return tuple(name for name in sent(self.signals) if name not in given)

    @cached_property
    def measured_signals(self) -> tuple[str, ...]:
        """Names of the numbers that are measured from the text.

        `answer_seen` is among them even if it is not read, because it tells a bad policy from a bad search. Under the
        paper's matcher, which does not fold, it would take several times as long as everything else, so there it is not.
        """
        always = (ALWAYS_MEASURED,) if self.measure.matching.kind == FOLDED else ()
        return tuple(name for name in MEASURED if name in (*self.signals, *always))

    @cached_property
    def measured_turn_signals(self) -> tuple[str, ...]:
        """Names of the numbers per turn that are measured from the text."""
        return tuple(need.name for need in self.turn_needs if need.name in MEASURED_TURNS)

    @cached_property
    def turn_needs(self) -> tuple[TurnNeed, ...]:
        """The numbers per turn that each rollout has to bring, or has to have been measured for."""
        return needs_of_turns(self.reward)

    @cached_property
    def judge(self) -> Asker | None:
        """The asker that decides what strings do not; None if strings decide everything."""
        cascade = self.measure.cascade
        return None if cascade is None else next(one for one in self.askers if one.name == cascade.judge)

    @cached_property
    def outcome_askers(self) -> tuple[Asker, ...]:
        """The asker that decides what strings do not, behind the one it comes after, if there is one."""
        return () if self.judge is None else in_order(self.askers, [self.judge.name])

    @cached_property
    def judged_signals(self) -> tuple[str, ...]:
        """Names of the askers whose number the reward needs."""
        names = {one.name for one in self.askers if kind_of(one).number is not None}
        return tuple(name for name in self.sent_signals if name in names)

    @cached_property
    def signal_askers(self) -> tuple[Asker, ...]:
        """The askers that are asked for those numbers, each behind the one it comes after."""
        return in_order(self.askers, self.judged_signals)

    @cached_property
    def asks(self) -> bool:
        """Whether a judge may be asked about a rollout."""
        return self.judge is not None or bool(self.signal_askers)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and the hash of what the profile computes."""
        computed = {"schema": SCHEMA, **_differences(self)}
        computed.pop("name")
        computed.pop("about", None)
        if self.askers:
            computed["templates"] = {one.template: templates()[one.template].digest for one in self.askers}
        canonical = json.dumps(computed, sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _differences(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults, nested ones likewise."""
    found = {}
    for spec in fields(value):
        default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
        if (own := getattr(value, spec.name)) != default:
            found[spec.name] = _plain(own)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _differences(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
