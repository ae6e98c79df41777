"""Entity-aware group rewards (E-GRPO) for training LLM search agents."""

__version__ = "0.1.0"
