"""Task, metric and settings. Fixed in a commit before the reporting seeds run; a change afterwards makes new runs.

Primary metric: accuracy on 512 held-out questions, sampled at T = 1, after the last step. The comparison that counts is
E-GRPO against GRPO at each p0, paired by seed. Everything else is secondary.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from reward_service.trainer.options import TrainingOptions, parse

SEEDS = (11, 12, 13, 14, 15)
"""They set world, questions, warm-up and sampling. None of them was used while settings were looked for."""
STEPS = 50
FIXED = (
    *("--hops", "4", "--steps", str(STEPS), "--warmup-steps", "900", "--test-questions", "512"),
    *(
        "--eval-every",
        "5",
        "--checkpoint-every",
        "10",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--no-figure",
        "--quiet",
    ),
)
STOP_EARLY = {"0.2 %": 0.874, "0.6 %": 0.818, "10 %": 0.536}
"""Chance to stop at each of three entities on the way, so that (1 - chance)^3 is the success rate aimed at."""
METHODS: dict[str, tuple[str, ...]] = {
    "GRPO": ("--profile", "grpo"),
    "E-GRPO": ("--profile", "egrpo-paper"),
    "GRPO, dynamic sampling": ("--profile", "grpo", "--dynamic-sampling", "--resample-rounds", "4"),
}
MIDDLE = "0.6 %"
ALPHAS = ("0.1", "0.5")
"""Beside 0, which is GRPO, and 0.3, which is E-GRPO; both stand in the main part."""
PROFILES = "experiment/profiles"
"""Their profiles, seen from the root of the repository, where the experiment is run."""
STUFFING = ("--stop-early", "0.7", "--restate", "0.1", "--listing", "0.1")
"""Few thoughts restate what was found, some list every name that was read."""
STUFFING_PROFILES = ("egrpo-paper", "egrpo", "egrpo-guarded")


@dataclass(frozen=True, slots=True)
class Run:
    """One training of the plan."""

    part: str
    """main, alpha or stuffing."""
    setting: str
    """Of main: p0. Of alpha: alpha. Of stuffing: the profile."""
    method: str
    seed: int
    arguments: tuple[str, ...]

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


def main_runs(seed: int) -> list[Run]:
    """Return p0 times method."""
    return [
        Run("main", p0, method, seed, ("--stop-early", str(stop), *arguments))
        for method, arguments in METHODS.items()
        for p0, stop in STOP_EARLY.items()
    ]


def alpha_runs(seed: int) -> list[Run]:
    """Return the weights of partial credit that the main part has not."""
    stop = ("--stop-early", str(STOP_EARLY[MIDDLE]))
    return [
        Run("alpha", alpha, "E-GRPO", seed, (*stop, "--profile", f"{PROFILES}/alpha-{alpha}.yaml"))
        for alpha in ALPHAS
    ]


def stuffing_runs(seed: int) -> list[Run]:
    """Return the three profiles, where demonstrations tempt to list names."""
    return [
        Run("stuffing", profile, "E-GRPO", seed, (*STUFFING, "--profile", profile))
        for profile in STUFFING_PROFILES
    ]


def all_runs() -> list[Run]:
    """Return every run in the order they are carried out: what is cut short has whole seeds of the main part first."""
    early, late = SEEDS[:3], SEEDS[3:]
    runs = [run for seed in early for run in main_runs(seed)]
    runs += [run for seed in early for run in (*alpha_runs(seed), *stuffing_runs(seed))]
    runs += [run for seed in late for run in main_runs(seed)]
    return runs + [run for seed in late for run in (*alpha_runs(seed), *stuffing_runs(seed))]


RESULTS = Path(__file__).parent / "results"
