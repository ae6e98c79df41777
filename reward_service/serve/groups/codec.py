"""Runs and group states as bytes: versioned JSON of facts and digests, never text.

Members are rows under one line of column names. Columns that an earlier version did not have get their defaults. A blob
with columns that this version does not know is refused as a whole (`EngineMismatch`) rather than guessed at; a damaged
one is `CorruptState`. Empty is never the answer to either: a group
that silently lost members would pay the others wrongly.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any, TypeVar

from reward_service.core.fields import built, field_names, plain, required_fields
from reward_service.core.types import (
    Defaults,
    Estimator,
    GroupResult,
    GroupStatus,
    IndexVersion,
    PartialPolicy,
    Reading,
    RolloutFacts,
    RolloutResult,
)
from reward_service.serve import errors
from reward_service.serve.groups.state import Declaration, GroupState, Member, Pins, Run

VERSION = 2
T = TypeVar("T")

TEXT = frozenset({"evidence"})
COLUMNS = ("digest", *field_names(RolloutFacts, TEXT))
RESULT_COLUMNS = field_names(RolloutResult, TEXT)
LAYOUT = {"columns": list(COLUMNS), "result_columns": list(RESULT_COLUMNS)}
REQUIRED = {
    "columns": {"digest", *required_fields(RolloutFacts)},
    "result_columns": set(required_fields(RolloutResult)),
}


def encode_run(run: Run) -> bytes:
    """Return a run as bytes; the same run is the same bytes."""
    document = asdict(run)
    if run.declared.defaults == Defaults():
        del document["declared"]["defaults"]  # as a service wrote it that did not know of any
    for name in ("judge_calls", "judge_tokens"):
        if document["declared"][name] is None:
            del document["declared"][name]  # the same
    if run.declared.total_steps is None:
        del document["declared"]["total_steps"]  # likewise
    return _dump(document)


@lru_cache(maxsize=64)
def decode_run(blob: bytes) -> Run:
    """Return the run that was stored.

    Raises:
        EngineMismatch: another version of the service wrote it.
        CorruptState: the bytes are damaged.
    """
    return _decode(blob, _run)


def encode_group(state: GroupState) -> bytes:
    """Return a group's state as bytes; the same state is the same bytes."""
    head = {name: getattr(state, name) for name in field_names(GroupState, frozenset({"members"}))}
    return _dump(
        {
            **head,
            **LAYOUT,
            "pins": asdict(state.pins),
            "rows": [_row(one) for one in state.members],
            "result": state.result and _result_document(state.result),
        }
    )


def decode_group(blob: bytes) -> GroupState:
    """Return the group's state that was stored.

    Raises:
        EngineMismatch: another version of the service wrote it.
        CorruptState: the bytes are damaged.
    """
    return _decode(blob, _group)


def _dump(fields_of_it: dict[str, Any]) -> bytes:
    document = {"version": VERSION, **fields_of_it}
    # Keys stay in their order: a stored result is answered again byte for byte, and its mappings have an order.
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _decode(blob: bytes, build: Callable[[dict[str, Any]], T]) -> T:
    try:
        document = json.loads(blob)
        if document.pop("version") != VERSION or not _is_known(document):
            raise errors.EngineMismatch("the state was written by another version of the service")
        return build(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.CorruptState(f"the stored state cannot be decoded: {type(error).__name__}") from error


def _is_known(document: dict[str, Any]) -> bool:
    """Return whether every column of a group is known, and none is missing that has no default."""
    return all(
        REQUIRED[name] <= set(document.get(name, LAYOUT[name])) <= set(LAYOUT[name]) for name in LAYOUT
    )


def _run(document: dict[str, Any]) -> Run:
    declared, index = document["declared"], document["index"]
    defaults = declared.get("defaults")
    return Run(
        **{
            **document,
            "declared": Declaration(
                **{
                    **declared,
                    "partial": PartialPolicy(**declared["partial"]),
                    "defaults": Defaults(defaults["format"], Reading(**defaults["reading"]))
                    if defaults
                    else Defaults(),
                }
            ),
            "estimator": Estimator(**document["estimator"]),
            "index": index and IndexVersion(*index),
        }
    )


def _row(member: Member) -> list[Any]:
    return [member.digest, *plain(member.facts, without=TEXT).values()]


def _group(document: dict[str, Any]) -> GroupState:
    rows, columns = document.pop("rows"), document.pop("columns")
    result_columns = document.pop("result_columns")
    return GroupState(
        **{
            **document,
            "pins": Pins(**document["pins"]),
            "masked": tuple(document["masked"]),
            "unmatchable": tuple(document["unmatchable"]),
            "status": GroupStatus(document["status"]),
            "members": tuple(_member(columns, row) for row in rows),
            "result": document["result"] and _result(result_columns, document["result"]),
        }
    )


def _result_document(result: GroupResult) -> dict[str, Any]:
    rows = [list(plain(one, without=TEXT).values()) for one in result.rollouts]
    return {**plain(result, without=frozenset({"rollouts"})), "rollouts": rows}


def _result(columns: list[str], document: dict[str, Any]) -> GroupResult:
    rollouts = [built(RolloutResult, dict(zip(columns, row, strict=True))) for row in document["rollouts"]]
    return built(GroupResult, {**document, "rollouts": rollouts})


def _member(columns: list[str], row: list[Any]) -> Member:
    document = dict(zip(columns, row, strict=True))
    digest = document.pop("digest")
    return Member(built(RolloutFacts, document), digest)
