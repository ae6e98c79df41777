"""Facts of one group -> rewards.

- `entity_match`: match rate and normalised match rate, on integers (E-GRPO)
- `compose`: the algebra every shaped reward is written in
- `outcome`: which of correct, wrong, error a rollout is, in which order of evidence

No text beyond the final answer is looked at here, and nothing of how entities are found is known.
"""

REWARD_VERSION = 1
