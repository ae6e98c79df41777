"""Which segments belong to one turn of the policy.

A turn begins at the policy's first segment after a tool response, or at the start, and includes the responses that
follow; parallel calls are one turn. The last turn is the answer turn, even if it was cut. There is always one.
"""

from bisect import bisect_right
from collections.abc import Sequence

from reward_service.core.types import Segment, SegmentKind

Turns = tuple[tuple[int, ...], ...]


def turns_of(segments: Sequence[Segment]) -> Turns:
    """Return the positions of the segments of each turn, at least one turn.

    Responses that come before anything the policy wrote belong to the first turn.
    """
    turns: list[list[int]] = [[]]
    has_spoken = is_answered = False
    for position, segment in enumerate(segments):
        is_response = segment.kind is SegmentKind.TOOL_RESPONSE
        if is_answered and not is_response:
            turns.append([])
        is_answered = is_response and has_spoken
        has_spoken |= not is_response
        turns[-1].append(position)
    return tuple(map(tuple, turns))


def named_by_turn(turns: Turns, named: Sequence[tuple[int, int]]) -> Turns:
    """Return the entities that each turn names, ascending, one tuple per turn.

    Args:
        turns: positions of the segments of each turn.
        named: positions of a segment and of an entity that it names.
    """
    if not named:
        return ((),) * len(turns)
    firsts = [turn[0] for turn in turns]
    entities: list[set[int]] = [set() for _ in turns]
    for segment, entity in named:
        entities[bisect_right(firsts, segment) - 1].add(entity)
    return tuple(tuple(sorted(one)) for one in entities)
