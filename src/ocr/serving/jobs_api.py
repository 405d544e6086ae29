"""``/v1/jobs``: documents too long for one request."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from findings.counted import counted
from ocr.formats.page import Document
from ocr.schema import from_json
from ocr.serving.body import received
from ocr.serving.documents import Upload
from ocr.serving.jobs import Job
from ocr.serving.options import ReadOptions, reading
from ocr.serving.problems import Problem
from ocr.serving.read_api import BODY, EXAMPLE, refusals, service_of
from ocr.serving.results import MEDIA_TYPES, Format, write
from ocr.serving.service import Service

router = APIRouter()
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="what POST /v1/jobs answered")]


class JobStatus(BaseModel):
    """How far a job is; only the key that sent it can see it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "3f2a9c0d5e6b7a8190aabbccddeeff00",
                "state": "running",
                "name": "contract.pdf",
                "created": "2026-01-31T12:00:00+00:00",
                "finished": None,
                "pages_total": 120,
                "pages_done": 31,
                "error": None,
            }
        }
    )

    id: str
    state: Literal["queued", "running", "done", "failed"]
    name: str
    created: datetime
    finished: datetime | None
    pages_total: int
    pages_done: int
    error: str | None


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobStatus]


@router.post(
    "/v1/jobs",
    status_code=202,
    summary="Queue a long document",
    openapi_extra=BODY,
    responses=refusals(400, 401, 408, 413, 415, 422, 429, 503),
)
async def add(request: Request, query: Annotated[ReadOptions, Query()]) -> JobStatus:
    """Send the file as to `/v1/read`. Once this is answered the job is on the disk and survives a restart."""
    service = service_of(request)
    reading(query, service.offered)
    async with received(request, service.limits, service.bodies) as (data, name):
        job = await run_in_threadpool(_add, service, request.state.owner, query, Upload(data, name, query.dpi))
        request.state.facts = {"bytes": len(data), "pages": job.pages_total, "job": job.id}
    service.worker.wake()
    return _status(job)


def _add(service: Service, owner: str, query: ReadOptions, upload: Upload) -> Job:
    limits = service.limits
    pages = service.reader.count_pages(upload, limits.job_pages)
    if service.jobs.waiting() >= limits.jobs_waiting:
        raise Problem("busy", f"{limits.jobs_waiting} jobs wait; try again in 60 s", retry_after=60)
    if service.jobs.bytes() + len(upload.data) > limits.jobs_bytes:
        detail = "the room for jobs is used up; delete finished ones with DELETE /v1/jobs/ID, or try again in 600 s"
        raise Problem("busy", detail, retry_after=600)
    return service.jobs.add(owner, upload.name, query.model_dump_json(), upload.data, pages)


@router.get("/v1/jobs", summary="List your jobs", responses=refusals(401, 422))
async def jobs(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> JobList:
    """The newest first."""
    service = service_of(request)
    found = await run_in_threadpool(service.jobs.of_owner, request.state.owner, limit)
    return JobList(jobs=[_status(job) for job in found])


@router.get("/v1/jobs/{job_id}", summary="How far a job is", responses=refusals(401, 404, 422))
async def job(request: Request, job_id: JobId) -> JobStatus:
    """Ask again until `state` is `done` or `failed`."""
    return _status(await run_in_threadpool(_find, service_of(request), job_id, request.state.owner))


class ResultQuery(BaseModel):
    """The form of an answer."""

    model_config = ConfigDict(extra="forbid")

    format: Format = Field(default=Format("json"), description="form of the answer")


@router.get(
    "/v1/jobs/{job_id}/result",
    response_class=Response,
    summary="What a job read",
    responses={
        200: {"model": Document, "content": {"application/json": {"example": EXAMPLE}}},
        **refusals(401, 404, 409, 422),
    },
)
async def result(request: Request, job_id: JobId, query: Annotated[ResultQuery, Query()]) -> Response:
    """As `/v1/read` answers; 409 until the job is done."""
    service = service_of(request)
    found = await run_in_threadpool(_find, service, job_id, request.state.owner)
    if found.state != "done":
        reason = found.error or f"{found.pages_done} of {counted(found.pages_total, 'page')} read so far"
        raise Problem("not_finished", f"the job is {found.state}: {reason}")
    body = await run_in_threadpool(_result, service, found, query.format)
    return Response(body, media_type=MEDIA_TYPES[query.format])


@router.delete(
    "/v1/jobs/{job_id}", status_code=204, summary="Delete a job and its file", responses=refusals(401, 404, 422)
)
async def delete(request: Request, job_id: JobId) -> None:
    """One that is being read stops at its next page."""
    if not await run_in_threadpool(service_of(request).jobs.delete, job_id, request.state.owner):
        raise _unknown()


def _find(service: Service, job_id: str, owner: str) -> Job:
    found = service.jobs.get(job_id, owner)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return Problem("not_found", "there is no such job, or it was sent with another key")


def _result(service: Service, job: Job, format: str) -> bytes:
    data = service.jobs.file(job.id)
    if data is None:
        raise _unknown()
    document = from_json(Document, f'{{"pages": [{",".join(service.jobs.pages(job.id))}]}}')
    upload = Upload(data, job.name, ReadOptions.model_validate_json(job.options).dpi)
    return write(document, format, upload, page_pixels=service.limits.page_pixels)


def _status(job: Job) -> JobStatus:
    return JobStatus(
        id=job.id,
        state=job.state,  # type: ignore[arg-type]
        name=job.name,
        created=datetime.fromtimestamp(job.created, UTC),
        finished=None if job.finished is None else datetime.fromtimestamp(job.finished, UTC),
        pages_total=job.pages_total,
        pages_done=job.pages_done,
        error=job.error,
    )
