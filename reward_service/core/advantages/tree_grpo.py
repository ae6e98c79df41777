"""Tree-GRPO: rollouts that grew from one root are compared with each other too (arXiv:2509.21240)."""

from collections.abc import Sequence

from reward_service.core.spread import standardized
from reward_service.core.types import Estimator


def tree_grpo(rewards: Sequence[float], estimator: Estimator, tree: Sequence[str]) -> list[float]:
    """Add the advantage within the group to the advantage within the tree.

        Aᵢ = z of Rᵢ in the group + z of Rᵢ among the leaves of its tree;   the second is 0 in a tree of one leaf

    Args:
        rewards: R, shape (G,), G >= 2, not all equal.
        estimator: its `ddof`, `epsilon` and `floor`.
        tree: the name of each rollout's tree.

    Returns:
        A, shape (G,).
    """
    trees = {
        name: iter(standardized([r for r, of in zip(rewards, tree, strict=True) if of == name], estimator))
        for name in set(tree)
    }
    return [
        whole + next(trees[name]) for whole, name in zip(standardized(rewards, estimator), tree, strict=True)
    ]
