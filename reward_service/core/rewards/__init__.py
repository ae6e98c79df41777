"""Facts of one group -> rewards.

- `compose`: the algebra every shaped reward is written in, over the signals of `core.signals`
- `outcome`: which of correct, wrong, error a rollout is, in which order of evidence

No text beyond the final answer is looked at here, and nothing of how entities are found is known.
"""

REWARD_VERSION = 1
