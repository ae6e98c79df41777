"""Estimator presets against the trainers' own code: the largest difference on random groups.

`make presets`, after the environments of `make test-trainers`; `NEMO_RL` names a checkout of NeMo-RL, whose package needs
a newer Python, and without it that row is left out. open-instruct has no function to call; its formula is in the tests.
"""

import json
import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import Report
from reward_service.core.advantages import PRESETS, advantages

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = Path(os.environ.get("TRAINER_ENVS", ".venv-trainers")).absolute()
SIZES = (4, 8, 16)
COUNT = 200
# Preset, the environment it is computed in, and what there computes it.
OWN = (
    ("verl", "verl", "core_algos.compute_grpo_outcome_advantage"),
    ("openrlhf", "openrlhf", "RemoteExperienceMaker.compute_advantages_and_returns, group_norm"),
    ("trl", "trl", "a run of GRPOTrainer"),
    ("nemo_rl", "verl", "GRPOAdvantageEstimator, leave-one-out, from source"),
)
Groups = list[list[float]]


def paid(size: int, rng: random.Random) -> list[float]:
    """Return rewards as E-GRPO pays them: 1 for a correct rollout, up to 0.3 for another."""
    matched = [rng.randint(0, 4) for _ in range(size)]
    most = max(matched) or 1
    return [1.0 if rng.random() < 0.2 else 0.3 * one / most for one in matched]


def uniform(size: int, rng: random.Random) -> list[float]:
    """Return rewards from all of [0, 1]."""
    return [rng.random() for _ in range(size)]


def one_differs(size: int, rng: random.Random) -> list[float]:
    """Return a group in which all rollouts but one have the same reward."""
    return [rng.choice([0.1, 0.15, 0.3])] * (size - 1) + [1.0]


def equal_as_paid(size: int, rng: random.Random) -> list[float]:
    """Return equal rewards, as E-GRPO pays where nobody, all or all alike deserve something."""
    return [rng.choice([0.0, 0.3, 1.0])] * size


def equal(size: int, rng: random.Random) -> list[float]:
    """Return equal rewards, any."""
    return [rng.random()] * size


KINDS = (paid, uniform, one_differs, equal_as_paid, equal)


def own(preset: str, environment: str, groups: Groups) -> Groups:
    """Return what the trainer's own code makes of groups."""
    done = subprocess.run(
        [ENVIRONMENTS / environment / "bin" / "python", "tests/trainers/own_advantages.py", preset],
        input=json.dumps(groups).encode(),
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "WANDB_DISABLED": "true"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    answer: Groups = json.loads(done.stdout)
    return answer


def largest(theirs: Sequence[Sequence[float]], ours: Sequence[Sequence[float | None]]) -> float:
    """Return the largest difference between advantages."""
    pairs = zip(theirs, ours, strict=True)
    return max(abs(a - (b or 0.0)) for one, other in pairs for a, b in zip(one, other, strict=True))


def differences(preset: str, environment: str) -> list[str]:
    """Return the largest difference for each kind of group."""
    worst = dict.fromkeys(KINDS, 0.0)
    for size in SIZES:
        rng = random.Random(size)
        by_kind = {kind: [kind(size, rng) for _ in range(COUNT)] for kind in KINDS}
        theirs = iter(own(preset, environment, [group for groups in by_kind.values() for group in groups]))
        for kind, groups in by_kind.items():
            ours = [advantages(group, PRESETS[preset]) for group in groups]
            worst[kind] = max(worst[kind], largest([next(theirs) for _ in groups], ours))
    return [f"{worst[kind]:.1e}" for kind in KINDS]


def environment_version(preset: str, environment: str) -> str:
    """Return which trainer answers, by the file its environment is made of; nothing for one that is not installed."""
    pinned = (ROOT / "tests" / "trainers" / "environments" / f"{environment}.txt").read_text().splitlines()
    return "".join(f"{line.replace('==', ' ')}: " for line in pinned if line.startswith(f"{preset}=="))


def main() -> None:
    """Compare them all."""
    with Report("presets", packages=()) as report:
        rows = [
            [preset, f"{environment_version(preset, environment)}{what}", *differences(preset, environment)]
            for preset, environment, what in OWN
            if preset != "nemo_rl" or "NEMO_RL" in os.environ
        ]
        head = ["preset", "the trainer's own", *(kind.__name__.replace("_", " ") for kind in KINDS)]
        title = f"Largest difference on {COUNT} groups of each kind and of each of the sizes {SIZES}"
        report.table(title, head, rows)
        report.say(
            "Trainers compute in float32, the service in float64, and a group of equal rewards has advantage 0 there. In float32 "
            "the mean of equal rewards need not be that reward: what is left is rounding noise, and a trainer divides it by "
            "rounding noise and its epsilon. NeMo-RL takes the spread as the difference of two float32 numbers that are almost "
            "equal, and divides by that wherever rollouts differ little or all but one are the same."
        )


if __name__ == "__main__":
    main()
