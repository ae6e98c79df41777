"""A real spaCy pipeline, small enough to be trained where it is needed."""

import random

import spacy
from spacy.training import Example

PEOPLE = ("Marie Curie", "Pierre Curie", "Ada Lovelace", "Alan Turing", "Emmy Noether", "Lise Meitner")
PLACES = ("Paris", "Vienna", "London", "Berlin", "Warsaw", "Zurich")
SENTENCES = (
    "{person} was born in {place}.",
    "The work of {person} began in {place}.",
    "In {place} lived {person}.",
    "{person} left {place} in {year}.",
)


def train(folder):
    """Train a pipeline until it knows its sentences, and save it; returns the folder as text."""
    rng = random.Random(7)
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    examples = []
    for _ in range(120):
        values = {
            "person": rng.choice(PEOPLE), "place": rng.choice(PLACES), "year": str(rng.randrange(1800, 1950))
        }  # fmt: skip
        text = rng.choice(SENTENCES).format(**values)
        spans = [
            (text.index(values[name]), text.index(values[name]) + len(values[name]), label)
            for name, label in (("person", "PERSON"), ("place", "GPE"), ("year", "CARDINAL"))
            if values[name] in text
        ]
        examples.append(Example.from_dict(nlp.make_doc(text), {"entities": spans}))
    for label in ("PERSON", "GPE", "CARDINAL"):
        ner.add_label(label)
    spacy.util.fix_random_seed(7)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(8):
        rng.shuffle(examples)
        for batch in spacy.util.minibatch(examples, size=16):
            nlp.update(batch, sgd=optimizer)
    nlp.to_disk(folder)
    return str(folder)
