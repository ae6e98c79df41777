"""Runs and their groups over time: the shell around the assembler.

A rollout is measured when it comes, and only its facts are kept. Nothing that matters is in this process: any replica
can go on where another one stopped, and a group's result is computed from its members whenever it is asked for.

- `seen`: a group at one moment, and what it pays
- `standing`: runs and groups as they stand in the store, and how they change
- `keeper`: closes what is due, and wakes who waits
- `service`: what callers ask for
"""
