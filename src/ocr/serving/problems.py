"""Refusals: a status, a stable code and one sentence that says what to do, as application/problem+json."""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"

# code: status. The table is the service's whole vocabulary of refusals; docs/serving.md lists it.
CODES: dict[str, int] = {
    "bad_request": 400,
    "no_key": 401,
    "wrong_key": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "upload_too_slow": 408,
    "not_finished": 409,
    "too_large": 413,
    "too_many_pages": 413,
    "unsupported_type": 415,
    "unreadable": 422,
    "invalid": 422,
    "busy": 429,
    "interrupted": 499,
    "internal": 500,
    "no_memory": 503,
    "not_ready": 503,
    "too_slow": 503,
}


class Problem(Exception):
    """A request that is refused; ``retry_after`` is in seconds."""

    def __init__(self, code: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.status = CODES[code]
        self.detail = detail
        self.retry_after = retry_after


class ProblemBody(BaseModel):
    """What a refusal looks like (RFC 9457), with a stable ``code``."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Too Many Requests",
                "status": 429,
                "code": "busy",
                "detail": "32 requests are being read; try again in 2 s",
                "request_id": "4b0c5f0f6d1e4f4f8a7d6a5a1b2c3d4e",
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description=", ".join(sorted(CODES)))
    detail: str
    request_id: str


def body(problem: Problem, request_id: str) -> bytes:
    """The JSON of a refusal."""
    title = "Client Closed Request" if problem.status == 499 else HTTPStatus(problem.status).phrase
    return (
        ProblemBody(title=title, status=problem.status, code=problem.code, detail=problem.detail, request_id=request_id)
        .model_dump_json()
        .encode()
    )


def headers(problem: Problem) -> dict[str, str]:
    """Headers that belong to a refusal."""
    found = {}
    if problem.retry_after is not None:
        found["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        found["WWW-Authenticate"] = "Bearer"
    return found
