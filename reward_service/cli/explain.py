"""One rollout explained: from a body of the API, or from files beside its group."""

import sys
from collections.abc import Sequence
from pathlib import Path

from entity_index.readers.containers import STANDARD_INPUT, named
from reward_service.adapters.native import ExplainIn, decode
from reward_service.adapters.records.groups import Grouped
from reward_service.adapters.replies import ExplainOut, explain_out
from reward_service.cli.flags import FileFlags
from reward_service.cli.rollouts import BadOption
from reward_service.cli.score import read_file, result_of, score_group
from reward_service.cli.seeing.rollout import sum_of
from reward_service.cli.shell import err
from reward_service.serve.errors import CallError
from reward_service.serve.scorer import Scorer


async def explain_alone(scorer: Scorer, path: Path, profile: str | None) -> tuple[ExplainOut, str]:
    """Explain the rollout of a body of `POST /v1/rollouts/explain`.

    Raises:
        BadOption: the file holds something else.
    """
    body = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()  # noqa: ASYNC240  # nothing else runs
    try:
        call = decode(body, ExplainIn)
    except CallError as error:
        raise BadOption(
            f"{named(path)} is no body of POST /v1/rollouts/explain ({error.detail}); in a file of rollouts, --group and "
            "--rollout name one"
        ) from None
    chosen = scorer.profiles.named(call.profile) if profile is None else scorer.profiles.resolve(profile)
    explained = await scorer.explain(call.truth(), call.rollout.to_domain(), chosen, best=call.group_max)
    return explain_out(*explained, chosen), ""


async def explain_in_file(
    scorer: Scorer,
    paths: Sequence[Path],
    flags: FileFlags,
    *,
    profile: str | None,
    of: tuple[str, str | None],
) -> tuple[ExplainOut, str]:
    """Explain a rollout of files beside its group, and say how its reward comes about.

    Args:
        scorer: what scores.
        paths: the files.
        flags: how they are read.
        profile: name or path of the profile; None takes the default one.
        of: the id of the group, and of the rollout; None takes the group's first.

    Raises:
        BadOption: the files hold no such group or rollout, or its ground truth is not known.
    """
    chosen = scorer.profiles.resolve(profile)
    read = await read_file(
        scorer, paths, flags.asked, dataset=flags.dataset, strict=flags.strict, console=err
    )
    grouped, k = _found(read.groups, *of)
    scored = await score_group(scorer, grouped, chosen, flags.pays, explain=True)
    measured = scored.measured
    if measured.truth is None or measured.error is not None:
        raise BadOption(str(measured.error))
    group = result_of(scored)
    reply = explain_out(measured.truth, measured.facts[k], group.rollouts[k], chosen)
    return reply, sum_of(group.rollouts[k], group, chosen)


def _found(groups: Sequence[Grouped], group_id: str, rollout_id: str | None) -> tuple[Grouped, int]:
    grouped = next((one for one in groups if one.call.group_id == group_id), None)
    if grouped is None:
        raise BadOption(f"--group: the files hold no group {group_id!r}")
    ids = [one.rollout_id for one in grouped.call.rollouts]
    if rollout_id is not None and rollout_id not in ids:
        raise BadOption(f"--rollout: the rollouts of the group are {', '.join(ids)}")
    return grouped, 0 if rollout_id is None else ids.index(rollout_id)
