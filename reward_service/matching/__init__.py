"""Which ground-truth entities a rollout names in its own thoughts."""
