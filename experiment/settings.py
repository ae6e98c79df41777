"""What all runs have in common: the task, how its success rate is set, and what one run is."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from reward_service.trainer.options import TrainingOptions, parse

STEPS = 50
FIXED = (
    *("--hops", "4", "--steps", str(STEPS), "--warmup-steps", "900", "--test-questions", "512"),
    *("--eval-every", "5", "--checkpoint-every", "10", "--threads", "1", "--device", "cpu"),
    *("--no-figure", "--quiet"),
)
STOP_EARLY = {"0.2 %": 0.874, "0.6 %": 0.818, "10 %": 0.536}
"""Chance to stop at each of three entities on the way, so that (1 - chance)^3 is the success rate aimed at."""
MIDDLE = "0.6 %"
PROFILES = "experiment/profiles"
"""Profiles of the experiment, seen from the root of the repository, where it is run."""
RESULTS = Path(__file__).parent / "results"
Arguments = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One training of the plan."""

    part: str
    """The question it belongs to."""
    setting: str
    """What is varied beside the method: p0, a checker, a profile, a number."""
    method: str
    seed: int
    arguments: Arguments
    """Beside `FIXED`; where both name an option, these count."""

    @property
    def options(self) -> TrainingOptions:
        """The trainer's options, without where it runs."""
        return parse([*FIXED, "--seed", str(self.seed), *self.arguments])

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of everything that decides the result; the length of the run included."""
        text = json.dumps([self.options.digest, STEPS])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """Name of its result's file, without the ending."""
        words = f"{self.part}-{self.setting}-{self.method}".lower()
        kept = "".join(c if c.isalnum() or c == "." else "-" for c in words.replace(" %", ""))
        return f"{'-'.join(filter(None, kept.split('-')))}-{self.seed}"


def from_p0(p0: str) -> Arguments:
    """Return the options that set the success rate to begin with."""
    return ("--stop-early", str(STOP_EARLY[p0]))


def profile(name: str) -> Arguments:
    """Return the options for a profile of the experiment."""
    return ("--profile", f"{PROFILES}/{name}.yaml")
