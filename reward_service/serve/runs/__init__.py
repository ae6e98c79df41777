"""Runs, and the groups that their rollouts are collected into.

A rollout is measured when it arrives, and only its facts are stored. This process holds nothing that another replica
would miss: any replica can continue where another one stopped, and a group's result is computed from its members each
time it is read.

- `access`: which runs a caller may use
- `view`: a group at one moment, with its rewards
- `groups`: reads and changes runs and groups in the store
- `reaper`: closes groups that are due, and notifies the requests that wait for a group
- `recent`: the latest groups that this process has closed
- `service`: the calls of the API
"""
