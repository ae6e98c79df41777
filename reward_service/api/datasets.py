"""Data sets: one function a call. All of these paths begin with /v1/datasets/, which needs the scope `ingest`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from typing_extensions import TypedDict

from entity_index import reporting
from entity_index.build import BuildReport
from entity_index.codec import to_json
from entity_index.readers import READERS
from entity_index.stores.names import NAME
from entity_index.stores.protocols import VersionInfo
from reward_service.adapters.native import IndexOut
from reward_service.api.documents import json_response, problems_of
from reward_service.api.record import record_of
from reward_service.serve.datasets import Datasets, Ingest
from reward_service.serve.errors import (
    BodyTooLarge,
    IndexUnavailable,
    IngestBusy,
    InvalidRequest,
    UnknownDataset,
    UnknownQuestion,
    UnsupportedMediaType,
    VersionConflict,
)

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
PATTERN = f"^{NAME.pattern}$"


class RefusedOut(TypedDict):
    """The lines refused for the same reason."""

    count: int
    lines: list[int]


class IngestOut(TypedDict):
    """The outcome of ingesting a data set, by line."""

    dataset: str
    version: str
    digest: str
    active: bool
    read: int
    kept: int
    refused: dict[str, RefusedOut]
    dropped: dict[str, int]
    entities: int
    aliases: int
    merged: int
    in_question: int
    share_in_question: float
    without_entities: int
    only_in_question: int
    warning: str | None


class VersionOut(TypedDict):
    """A version of a data set."""

    version: str
    active: bool
    questions: int
    digest: str
    codec: int
    fold: int


class DatasetDetailsOut(TypedDict):
    """A data set with its versions."""

    name: str
    active: str | None
    versions: list[VersionOut]


class ActiveOut(TypedDict):
    """The active version of a data set."""

    name: str
    active: str


class QuestionOut(TypedDict):
    """A question as stored in the index; fields with their default value are omitted."""

    index: IndexOut
    question: dict[str, Any]


async def datasets_of(request: Request) -> Datasets:
    """Return the application's data sets."""
    datasets: Datasets = request.app.state.datasets
    return datasets


Known = Annotated[Datasets, Depends(datasets_of)]
Name = Annotated[str, Path(description="Name of the data set.", pattern=PATTERN)]
Version = Annotated[str, Path(description="Name of the version.", pattern=PATTERN)]
Reference = Annotated[str, Path(description="`name` for the active version, or `name@version`.")]
router = APIRouter(tags=["datasets"])


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in NDJSON:
        raise UnsupportedMediaType(f"send the header Content-Type: {NDJSON[0]}")


def _ingest_out(report: BuildReport, *, active: bool) -> IngestOut:
    return {
        "dataset": report.info.dataset,
        "version": report.info.version,
        "digest": report.info.digest,
        "active": active,
        "read": report.read,
        "kept": report.kept,
        "refused": {
            why: {"count": refused.count, "lines": list(refused.lines)}
            for why, refused in report.refused.items()
        },
        "dropped": dict(report.dropped),
        "entities": report.entities,
        "aliases": report.aliases,
        "merged": report.merged,
        "in_question": report.in_question,
        "share_in_question": report.share_in_question,
        "without_entities": report.without_entities,
        "only_in_question": report.only_in_question,
        "warning": reporting.warning(report),
    }


def _version_out(info: VersionInfo, active: str | None) -> VersionOut:
    return {
        "version": info.version,
        "active": info.version == active,
        "questions": info.count,
        "digest": info.digest,
        "codec": info.codec,
        "fold": info.fold,
    }


@router.put(
    "/v1/datasets/{name}/versions/{version}",
    response_model=IngestOut,
    responses=problems_of(
        *(UnknownDataset, BodyTooLarge, UnsupportedMediaType, InvalidRequest, VersionConflict),
        *(IngestBusy, IndexUnavailable),
    ),
    openapi_extra={"requestBody": {"required": True, "content": {NDJSON[0]: {"schema": {"type": "string"}}}}},
)
async def put_version(
    request: Request,
    datasets: Known,
    name: Name,
    version: Version,
    *,
    reader: Annotated[str, Query(description=f"Format of the lines: {', '.join(READERS)}.")] = "jsonl",
    activate: Annotated[bool, Query(description="Activate the version, so that it is served.")] = False,
    strict: Annotated[bool, Query(description="Refuse the whole data set if one line is refused.")] = False,
) -> Response:
    """Ingest a version of a data set, one question per line. Sending the same content again changes nothing."""
    _check_media_type(request)
    record_of(request).timings.deadline = None  # a data set takes as long as it takes
    wanted = Ingest(name, version, reader, activate, strict)
    report = await datasets.put(request.stream(), wanted)
    return json_response(_ingest_out(report, active=activate))


@router.post(
    "/v1/datasets/{name}/versions/{version}/activate",
    response_model=ActiveOut,
    responses=problems_of(UnknownDataset, IndexUnavailable),
)
async def activate_version(datasets: Known, name: Name, version: Version) -> ActiveOut:
    """Activate a version, so that it is served; activate the previous one to roll back."""
    await datasets.activate(name, version)
    return {"name": name, "active": version}


@router.get(
    "/v1/datasets/{name}",
    response_model=DatasetDetailsOut,
    responses=problems_of(UnknownDataset, IndexUnavailable),
)
async def dataset(datasets: Known, name: Name) -> DatasetDetailsOut:
    """Return the versions of a data set."""
    found = await datasets.details(name)
    versions = [_version_out(info, found.active) for info in found.versions]
    return {"name": found.name, "active": found.active, "versions": versions}


@router.get(
    "/v1/datasets/{reference}/questions/{question_id:path}",
    response_model=QuestionOut,
    responses=problems_of(UnknownDataset, UnknownQuestion, IndexUnavailable),
)
async def question(datasets: Known, reference: Reference, question_id: str) -> Response:
    """Return a question with its answers and entities. This is the ground truth, so restrict access to it."""
    index, found = await datasets.question(reference, question_id)
    return json_response({"index": index._asdict(), "question": to_json(found)})
