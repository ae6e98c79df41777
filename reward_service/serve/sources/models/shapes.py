"""The shapes of batches.

A sum of floats depends on its order, and a matrix product on a shape of its own order. So a text always gets the same
shape: the bucket of its own length, filled up with padding to all rows of the bucket. What is computed with it is in
other rows, which do not touch it.
"""

from collections.abc import Sequence
from typing import NamedTuple


class BatchShape(NamedTuple):
    """Rows and columns of a batch, in texts and tokens."""

    rows: int
    length: int

    @property
    def tokens(self) -> int:
        """All of it, with padding."""
        return self.rows * self.length


def shapes_of(buckets: Sequence[int], *, rows: int, max_tokens: int) -> tuple[BatchShape, ...]:
    """Return the shape of each bucket.

    Args:
        buckets: lengths in tokens, rising, the last at most `max_tokens`.
        rows: most texts in a batch.
        max_tokens: most tokens in a batch, with padding.
    """
    return tuple(BatchShape(min(rows, max_tokens // length), length) for length in buckets)


def bucket_of(tokens: int, shapes: Sequence[BatchShape]) -> int | None:
    """Return the position of the shape for a text of so many tokens; None if it is too long for all of them."""
    return next((n for n, shape in enumerate(shapes) if tokens <= shape.length), None)


def fitted(lengths: Sequence[int]) -> BatchShape:
    """Return the smallest shape for texts of these lengths: what a batch has if nothing is to be the same."""
    return BatchShape(len(lengths), max(lengths))


def halved(shape: BatchShape) -> BatchShape:
    """Return the shape with half the rows, at least one."""
    return shape._replace(rows=max(shape.rows // 2, 1))
