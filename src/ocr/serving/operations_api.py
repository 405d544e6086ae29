"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run the service, without a key."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ocr.serving.problems import Problem
from ocr.serving.read_api import refusals, service_of

router = APIRouter()


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Whether the process answers")
async def healthz() -> Health:
    """Restart it when this fails."""
    return Health()


@router.get("/readyz", summary="Whether requests should be sent here", responses=refusals(503))
async def readyz(request: Request) -> Health:
    """503 until the models are warm, and again while the service ends."""
    if not service_of(request).is_ready:
        raise Problem("not_ready", "the models are being loaded, or the service ends", retry_after=2)
    return Health()


@router.get(
    "/metrics",
    response_class=Response,
    summary="Metrics for Prometheus",
    responses={200: {"content": {"text/plain": {"example": "ocr_queued_pages 0.0\n"}}}},
)
async def metrics(request: Request) -> Response:
    """Labels are routes, codes and outcomes, never names or ids."""
    return Response(service_of(request).telemetry.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
