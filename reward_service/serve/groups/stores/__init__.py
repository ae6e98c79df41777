"""Where runs and groups live between two requests.

- `protocols`: what a store is
- `memory`: for one process
- `redis`: for several
- `urls`: how a Redis is named and reached
"""
