"""Groups that arrive one rollout at a time.

- `values`: runs, claims, group states, decisions
- `assembler`: the only place that decides what becomes of a rollout and of its group
- `digests`: when two rollouts, or two questions, are the same
- `codec`: runs and group states as bytes
- `stores`: where those bytes live: in memory, or in Redis; and what each operation took
- `watch`: the requests of this process that wait for a group
"""
