"""The experiment: when does the entity-aware reward help? `make experiment` runs what is missing and writes the page.

- `plan`: task, metric and settings, fixed before the reporting seeds run
- `runs`: carries the plan out, two runs side by side, each finished run one file in results/
- `statistics`: bootstrap over seeds and questions
- `figures`, `page`: docs/experiment.md
"""
