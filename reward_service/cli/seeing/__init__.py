"""Seeing the signal of a run: the views of `report` and `view`, and `compare`.

- `groups`: scored groups as values, their filters and orders
- `load`: files -> scored groups and the documents of all of them
- `numbers`: the documents of the views Run and Data set
- `rollout`: the document of one rollout, with its text
- `compare`: two profiles, or two files
- `store`, `source`: the cache of numbers, and text from the user's file
- `app`: the local server
- `report`: one file, or a folder of files
"""
