"""What every request passes first: an id, its key, and one line and one count of how it ended."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocr.serving import problems
from ocr.serving.keys import KeyRing
from ocr.serving.problems import Problem
from ocr.serving.telemetry import Telemetry, log, timer

_GIVEN_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_PROTECTED = "/v1/"


class Guard:
    """ASGI middleware. A request without a right key is answered before its body is received."""

    def __init__(self, app: ASGIApp, *, keys: KeyRing | None, telemetry: Telemetry) -> None:
        self._app = app
        self._keys = keys
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP goes straight through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        state = scope.setdefault("state", {})
        state["request_id"] = given if _GIVEN_ID.match(given) else secrets.token_hex(16)
        state["owner"] = ""
        status = 500
        seconds = timer()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = MutableHeaders(scope=message)
                added["X-Request-Id"] = state["request_id"]
                added["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            refusal = self._check(scope, headers)
            if refusal is None:
                await self._app(scope, receive, watched)
            else:
                state["code"] = refusal.code
                await respond(refusal, state["request_id"], watched)
        finally:
            self._record(scope, status, seconds())

    def _check(self, scope: Scope, headers: Headers) -> Problem | None:
        if self._keys is None or not scope["path"].startswith(_PROTECTED) or scope["method"] == "OPTIONS":
            return None
        kind, _, text = headers.get("authorization", "").partition(" ")
        text = text.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
        if not text:
            return Problem("no_key", "send an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
        key = self._keys.check(text)
        if key is None:
            return Problem("wrong_key", "this API key is not one of this service's")
        scope["state"]["owner"] = key.id
        return None

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        route = getattr(scope.get("route"), "path", "none")  # the template: ids and names stay out of labels and logs
        self._telemetry.requests.labels(route, scope["method"] if route != "none" else "any", str(status)).inc()
        self._telemetry.latency.labels(route).observe(seconds)
        fields = {"request_id": state["request_id"], "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        if "code" in state:
            self._telemetry.refused.labels(state["code"]).inc()
            fields["code"] = state["code"]
        log("request", **fields, **state.get("facts", {}), **({"key": state["owner"]} if state["owner"] else {}))


async def respond(problem: Problem, request_id: str, send: Send) -> None:
    """Send a refusal."""
    body = problems.body(problem, request_id)
    headers = {
        "content-type": problems.MEDIA_TYPE,
        "content-length": str(len(body)),
        **{name.lower(): value for name, value in problems.headers(problem).items()},
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
