"""Groups whose rollouts arrive one by one.

- `state`: runs, claims, group states and decisions, as frozen values
- `assembler`: decides what becomes of a rollout and of its group; the only place with these rules
- `digests`: whether two rollouts, or two questions, are the same
- `codec`: runs and group states as bytes
- `stores`: keep those bytes in memory or in Redis, and time each operation
- `waiters`: the requests of this process that wait for a group
"""
