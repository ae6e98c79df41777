"""What the data set itself says: the entities that its reader finds in triples, trees, graphs and hops.

They need no guess, so their confidence is high; one that the data set gives a distance of at most `NEAR` steps from the answer
is surer than one farther away or of unknown distance. What is missing from the record is missing here: questions published
without their structure give nothing.
"""

from collections.abc import Sequence

from entity_index.propose.values import Material, Proposal, Reason, padded, plainly, quote
from entity_index.types import Entity

NEAR = 2
SURE, LIKELY = 0.95, 0.9
FROM_DATA = "data set"


def propose(material: Material) -> Sequence[Proposal]:
    """Return the entities of the record, those near the answer first."""
    found = [_proposal(one, material) for one in material.question.entities if material.allows(one.name)]
    return sorted(found, key=lambda one: (-one.confidence, one.distance or 0, one.name))


def _proposal(entity: Entity, material: Material) -> Proposal:
    is_near = entity.distance is not None and entity.distance <= NEAR
    claims = [claim for claim in material.claims if plainly(entity.name) in padded(claim)]
    return Proposal(
        entity.name,
        SURE if is_near else LIKELY,
        tuple(Reason("structure", "", quote(claim, entity.name)) for claim in claims[:1])
        or (Reason("structure", ""),),
        tuple((alias, FROM_DATA) for alias in entity.aliases),
        entity.distance,
        entity.entity_id,
    )
