"""What the ledger keeps of groups that are answered."""

from collections.abc import Iterator, Sequence

from reward_service.adapters.native import FactsGroupIn
from reward_service.core.types import GroupResult
from reward_service.serve.errors import GroupError
from reward_service.serve.ledger import Published
from reward_service.serve.scorer import Scored


def published_by(scored: Sequence[Scored]) -> Iterator[Published]:
    """Yield the groups that got a result here; refused ones have none."""
    for measured, result in ((one.measured, one.result) for one in scored):
        if result is not None and measured.truth is not None:
            call, index = measured.call, measured.truth.index
            yield Published(
                run_id=call.run_id,
                group_id=call.group_id,
                question_id=call.question.question_id,
                index_digest=index and index.digest,
                facts=measured.facts,
                result=result,
            )


def recorded(
    groups: Sequence[FactsGroupIn], rewarded: Sequence[GroupResult | GroupError]
) -> Iterator[Published]:
    """Yield the groups whose facts came with the call and got a result."""
    for group, result in zip(groups, rewarded, strict=True):
        if isinstance(result, GroupResult):
            yield Published(
                run_id=group.run_id,
                group_id=group.group_id,
                question_id=group.question_id,
                index_digest=group.index and group.index["digest"],
                facts=group.facts(),
                result=result,
            )
