"""``/v1/read`` and ``/v1/models``."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from ocr.bundles.card import Task
from ocr.formats.page import Document
from ocr.serving.body import ReadBody, received
from ocr.serving.documents import Upload
from ocr.serving.options import ReadOptions, reading
from ocr.serving.problems import MEDIA_TYPE, ProblemBody
from ocr.serving.results import MEDIA_TYPES, Format, write
from ocr.serving.service import Service

router = APIRouter()

_LINE = {
    "polygon": [[20.0, 10.0], [180.0, 10.0], [180.0, 34.0], [20.0, 34.0]],
    "text": "TOTAL 9.00",
    "confidence": 0.98,
    "detection_score": 0.91,
    "spans": [[0.01, 0.52], [0.58, 0.99]],
}
EXAMPLE = {
    "schema_version": 1,
    "pages": [
        {
            "schema_version": 1,
            "image": {"source": "receipt.jpg", "page": 1, "width": 600, "height": 800},
            "lines": [_LINE],
            "timings_ms": {"detect": 60.1, "recognize": 40.2, "total": 101.0},
            "models": {
                "detector": {"name": "detector", "sha256": "0" * 64},
                "recognizer": {"name": "recognizer", "sha256": "1" * 64},
            },
            "notes": [],
        }
    ],
}
# 8 x 8 white pixels.
_TINY_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAH0lEQVQIHSXB"
    "sQEAAACCIP3/aBsC44wzzjjjjDPOuAE8XwgBlrTI2gAAAABJRU5ErkJggg=="
)
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/json": {
                "schema": ReadBody.model_json_schema(),
                "example": {"data": _TINY_PNG, "name": "blank.png"},
            },
            "application/octet-stream": BINARY,
            "application/pdf": BINARY,
            "image/*": BINARY,
        },
    }
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of refusals with these statuses."""
    return {
        status: {
            "model": ProblemBody,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
        }
        for status in statuses
    }


class ReadQuery(ReadOptions):
    """Options of a reading, and the form of its answer."""

    format: Format = Field(default=Format("json"), description="form of the answer")


def service_of(request: Request) -> Service:
    """The service that an application was built on."""
    service: Service = request.app.state.service
    return service


@router.post(
    "/v1/read",
    response_class=Response,
    summary="Read an image or a document",
    openapi_extra=BODY,
    responses={
        200: {
            "model": Document,
            "description": "What was read, pages in order; a page that could not be read has an error entry",
            "content": {
                "application/json": {"example": EXAMPLE},
                **{kind.partition(";")[0]: {} for name, kind in MEDIA_TYPES.items() if name != "json"},
            },
        },
        **refusals(400, 401, 408, 413, 415, 422, 429, 503),
    },
)
async def read(request: Request, query: Annotated[ReadQuery, Query()]) -> Response:
    """Send the file as multipart field `file`, as base64 in JSON, or as the body itself.

    JPEG, PNG, WebP, BMP, GIF, TIFF and PDF. Answers 422 when no page at all could be read.
    """
    service = service_of(request)
    how = reading(query, service.offered)
    async with received(request, service.limits, service.bodies) as (data, name):
        upload = Upload(data, name, query.dpi)
        document = await service.read(request, upload, how)
        request.state.facts = {"bytes": len(data), "pages": len(document.pages)}
        pixels = service.limits.page_pixels
        body = await run_in_threadpool(write, document, query.format, upload, page_pixels=pixels)
    return Response(body, media_type=MEDIA_TYPES[query.format])


class ModelEntry(BaseModel):
    """A bundle that requests may name."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "detector",
                "task": "detection",
                "architecture": "DBNet",
                "sha256": "0" * 64,
                "licence": "Apache-2.0",
                "loaded": True,
            }
        }
    )

    name: str
    task: Task
    architecture: str
    sha256: str
    licence: str
    loaded: bool


class ModelList(BaseModel):
    """Every bundle of a service."""

    models: list[ModelEntry]


@router.get("/v1/models", summary="List the models", responses=refusals(401))
async def models(request: Request) -> ModelList:
    """Name one in `detector` or `recognizer` of a request."""
    service = service_of(request)
    loaded = {item.sha256 for item in service.engine.loaded()}
    entries = [
        ModelEntry(
            name=name,
            task=bundle.card.task,
            architecture=bundle.card.architecture,
            sha256=bundle.sha256,
            licence=bundle.card.licence,
            loaded=bundle.sha256 in loaded,
        )
        for name, bundle in sorted(service.offered.bundles.items())
    ]
    return ModelList(models=entries)
