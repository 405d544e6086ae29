"""The FastAPI application: routes over a service, every refusal in one form."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request

import ocr
from ocr.errors import OcrError
from ocr.serving import fields_api, jobs_api, operations_api, problems, read_api
from ocr.serving.guard import Guard
from ocr.serving.jobs import Jobs
from ocr.serving.problems import Problem
from ocr.serving.service import Service
from ocr.serving.settings import Settings

_DESCRIPTION = """Reads receipts and documents: text, boxes and confidence of every line, in reading order.

Every refusal is `application/problem+json` with a stable `code`. Answers carry `X-Request-Id`; send your own to find
a request in the logs. Where keys are in use, send one as `Authorization: Bearer KEY`."""
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}


def create_app(settings: Settings, jobs: Jobs) -> FastAPI:
    """Build the application; raises ServiceError, BundleError when it could not serve."""
    service = Service(settings, jobs)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="ocr",
        version=ocr.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # both pages would load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    for api in (read_api, fields_api, jobs_api, operations_api):
        app.include_router(api.router)
    app.add_exception_handler(Problem, _refuse)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OcrError, _unavailable)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Guard, keys=service.keys, telemetry=service.telemetry)
    # Added last, so outermost: a browser may see what the guard refuses too.
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    _describe_keys(app, needed=service.keys is not None)
    return app


def _describe_keys(app: FastAPI, *, needed: bool) -> None:
    """Name the key in the OpenAPI document where one is needed."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        schema = build()
        if needed:
            schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, methods in schema["paths"].items():
                for method in methods.values() if path.startswith("/v1/") else ():
                    method["security"] = [{"key": []}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    request.state.code = error.code
    return Response(
        problems.body(error, request.state.request_id),
        error.status,
        problems.headers(error),
        media_type=problems.MEDIA_TYPE,
    )


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "request"
    return await _refuse(request, Problem("invalid", f"{where}: {first['msg']}"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "bad_request")
    answer = await _refuse(
        request, Problem(code, f"{request.method} here: {error.detail}; GET /openapi.json lists all")
    )
    answer.headers.update(error.headers or {})
    return answer


async def _unavailable(request: Request, error: Exception) -> Response:
    """An engine that cannot read at all, such as one whose bundle was damaged on disk since the start."""
    logging.getLogger("ocr.serving").error("engine", extra={"fields": {"error": str(error)}})
    return await _refuse(request, Problem("not_ready", "the model cannot be used; the log says why", retry_after=60))


async def _broken(request: Request, error: Exception) -> Response:
    """A defect of ours. Answered outside of the guard, so the headers it would add are added here."""
    request_id = request.state.request_id
    fields = {"request_id": request_id, "error": type(error).__name__}
    logging.getLogger("ocr.serving").error("defect", extra={"fields": fields})  # the server logs its traceback
    answer = await _refuse(request, Problem("internal", "the service met a defect of its own; its log says more"))
    answer.headers["X-Request-Id"] = request_id
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
