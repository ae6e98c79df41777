"""Wire formats <-> domain values, one module a format. Pure functions.

- `native`: the service's own calls; these models are also its OpenAPI schema
- `records`: rollouts as lines of a file
"""
