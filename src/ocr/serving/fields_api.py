"""``/v1/fields``: what a receipt says, rather than its lines."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from ocr.fields.extract import extract
from ocr.fields.receipt import Receipts
from ocr.formats.page import Document, Page
from ocr.serving.body import received
from ocr.serving.documents import Upload
from ocr.serving.options import ReadOptions, reading
from ocr.serving.read_api import BODY, refusals, service_of

router = APIRouter()

EXAMPLE = {
    "schema_version": 1,
    "pages": [
        {
            "schema_version": 1,
            "image": {"source": "receipt.jpg", "page": 1, "width": 600, "height": 800},
            "merchant": {"text": "INDAH GIFT & HOME DECO", "confidence": 0.93, "lines": [1]},
            "date": {"text": "19/10/2018", "confidence": 0.98, "lines": [6], "iso": "2018-10-19", "ambiguous": False},
            "address": None,
            "total": {"text": "60.30", "confidence": 0.97, "lines": [20], "value": 60.3, "currency": "RM"},
            "subtotal": None,
            "tax": None,
            "items": [],
            "doubts": [],
        }
    ],
}


@router.post(
    "/v1/fields",
    response_class=Response,
    summary="Extract the fields of receipts",
    openapi_extra=BODY,
    responses={
        200: {"model": Receipts, "content": {"application/json": {"example": EXAMPLE}}},
        **refusals(400, 401, 408, 413, 415, 422, 429, 503),
    },
)
async def fields(request: Request, query: Annotated[ReadOptions, Query()]) -> Response:
    """Send the file as to `/v1/read`: merchant, date, address, totals, tax and items of each page, as `ocr extract`.

    `lines` are indices into the lines that `/v1/read` gives; `doubts` is empty when all checks agree.
    """
    service = service_of(request)
    how = reading(query, service.offered)
    async with received(request, service.limits, service.bodies) as (data, name):
        document = await service.read(request, Upload(data, name, query.dpi), how)
        request.state.facts = {"bytes": len(data), "pages": len(document.pages)}
    return Response(await run_in_threadpool(_extract, document), media_type="application/json")


def _extract(document: Document) -> bytes:
    pages = [extract(page) if isinstance(page, Page) else page for page in document.pages]
    return Receipts(pages=pages).model_dump_json().encode()
