"""Models in this process that score one or two texts: entailment, equivalence of answers, reward models.

- `folder`: what a folder may hold, and its digest
- `shapes`: the shapes that batches have
- `waiting`: what waits to be computed, and which of it comes next
- `activation`: from a model's numbers to probabilities
- `engine`: the thread that computes
- `network`: the model itself; the only module that needs torch
- `local`: a backend that is such a model

The same text gives the same bits, whatever is computed with it: it is padded to a shape that depends on its own length.
"""
