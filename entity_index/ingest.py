"""From rows to a version in any index: built in place, or beside it and pushed where the index is a Redis."""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from entity_index.build import BuildReport, build
from entity_index.push import push
from entity_index.readers.rows import Refusal, Row
from entity_index.stores.protocols import WritableCatalogue
from entity_index.stores.redis import RedisCatalogue
from entity_index.stores.sqlite import SqliteCatalogue


def ingest(
    rows: Iterable[Row | Refusal],
    catalogue: WritableCatalogue | RedisCatalogue,
    *,
    dataset: str,
    version: str | None = None,
    activate: bool = True,
    strict: bool = False,
    pushed: Callable[[int], None] = lambda _: None,
) -> BuildReport:
    """Write a version of a data set.

    Args:
        rows: what a reader made of its lines.
        catalogue: where the version goes.
        dataset: name of the data set.
        version: name of the version; None names it after its content.
        activate: whether the version becomes the one that is opened by default.
        strict: whether the first refused line ends the build.
        pushed: is told how many records have reached a Redis since it was told last.

    Raises:
        EntityIndexError: what `build` raises.
        IndexUnreachable: the Redis does not answer; the same call again goes on where it ended.
    """
    if not isinstance(catalogue, RedisCatalogue):
        return build(rows, catalogue, dataset=dataset, version=version, activate=activate, strict=strict)
    with TemporaryDirectory(prefix="entity-index-") as folder:
        aside = SqliteCatalogue(Path(folder))
        report = build(rows, aside, dataset=dataset, version=version, activate=False, strict=strict)
        with closing(aside.open(dataset, report.info.version)) as store:
            push(store, catalogue, progress=pushed)
    if activate:
        catalogue.activate(dataset, report.info.version)
    return report
