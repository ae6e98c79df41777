"""One module per trainer: the hook that trainer calls, in its own signature."""
