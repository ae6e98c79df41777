"""Ground truth for search agents: questions, their answers and their entities, in immutable versions.

types       a question and its entities, as values
folding     the one text normalisation
spelling    a text as folding spells it, without the way back
usable      which names may be searched for
packed      gold answers that are a list in disguise
clean       one record made fit to be ground truth
codec       a question as bytes, and the digest of many
errors      what can go wrong
stores      where versions are kept: in memory, in a folder, in Redis
readers     data sets as they are published, one module a shape
build       from rows to a version, with a report
push        from one index into a Redis
diff        what changed between two versions
reporting   the report for people and for programs
describe    what a version holds
extract     entities for data sets that have none
lint        what may be wrong with a data set
cli         the command `entity-index`

    from entity_index.stores.sqlite import SqliteCatalogue  # not imported here: the client and the core need no database

    catalogue = SqliteCatalogue(Path("index"))
    with Path("questions.jsonl").open("rb") as lines:
        report = build(READERS["jsonl"](lines), catalogue, dataset="mine")
    [question] = catalogue.open("mine").get_many(["q1"])
"""

from entity_index.build import BuildReport, build
from entity_index.errors import EntityIndexError
from entity_index.folding import fold
from entity_index.readers import READERS
from entity_index.stores.memory import MemoryCatalogue
from entity_index.stores.protocols import Catalogue, EntityStore, VersionInfo
from entity_index.types import Entity, Question
from entity_index.usable import why_unusable

__all__ = [
    "READERS",
    "BuildReport",
    "Catalogue",
    "Entity",
    "EntityIndexError",
    "EntityStore",
    "MemoryCatalogue",
    "Question",
    "VersionInfo",
    "build",
    "fold",
    "why_unusable",
]
