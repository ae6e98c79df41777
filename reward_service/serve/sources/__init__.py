"""Signals from outside of the text: judges and models that are asked for one number per rollout.

- `protocol`: the interface of a source and its promises
- `asking`: the one place where sources are awaited, and where their failures become statuses
- `null`: a source without dependencies, for tests and dry runs
"""
