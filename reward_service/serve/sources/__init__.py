"""Signals that come from outside of the text: judges and models that are asked for a number a rollout.

- `protocol`: what a source is and promises
- `asking`: the one place where sources are awaited, and where their failures become statuses
- `null`: a source that needs nothing, for tests and dry runs
"""
