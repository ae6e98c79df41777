"""Entities for questions that have none: which names lie on the way from a question to its answer.

Each source looks at what is known about one question and proposes names with a confidence and the evidence for it:

- `documents`: names that occur in passages with the question's names and with the answer
- `rollouts`: names that correct rollouts read and then wrote in a thought, and wrong ones did not
- `structure`: what the data set itself says: triples, trees, hops
- `judge`: what a language model lists, as far as a passage says it too

`combined` puts the sources together. Names in the question are never proposed, because repeating it would earn credit, nor
is an answer, because it would be rewarded twice.

- `values`: what goes in and what comes out
- `names`: names in a text, by how they are written
- `corpus`: passages for a question from a file of documents
- `spellings`: aliases for what was proposed
"""
