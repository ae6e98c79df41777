"""Ground truth for search agents: questions, their answers and their entities, in immutable versions."""
