"""The three shapes of a request's body (multipart field, JSON with base64, the file itself) as one upload."""

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ocr.serving.budget import Budget
from ocr.serving.problems import Problem
from ocr.serving.settings import Limits

NAME_LENGTH = 200
# A body above the limit is still received, up to so many times the limit, so that the sender gets to see the answer.
_DRAIN = 4
_RAW = re.compile(r"^(image/[\w.+-]+|application/(pdf|octet-stream))$")


class ReadBody(BaseModel):
    """A file inside JSON."""

    model_config = ConfigDict(extra="forbid")

    data: str = Field(description="the file in base64", min_length=1)
    name: str = Field(default="upload", description="what results call it", max_length=NAME_LENGTH)


@asynccontextmanager
async def received(request: Request, limits: Limits, room: Budget) -> AsyncIterator[tuple[bytes, str]]:
    """The file of a request and its name, for the length of a block; raises Problem for whatever is wrong with it."""
    kind = _content_type(request)
    size = await _size(request, limits)
    if not room.take(size):
        raise Problem("busy", "too much is being uploaded at once; try again in 2 s", retry_after=2)
    try:
        try:
            async with asyncio.timeout(limits.upload_seconds):
                data = await _bounded(request, limits.body_bytes)
        except TimeoutError as error:
            raise Problem("upload_too_slow", f"the body took longer than {limits.upload_seconds:g} s") from error
        except ClientDisconnect as error:
            raise Problem("interrupted", "the client went away") from error
        yield await _file(request, kind, data)
    finally:
        room.give(size)


def safe_name(name: str | None) -> str:
    """A file's name as results may show it: no folders, no control characters, not long."""
    last = re.split(r"[/\\]", name or "")[-1]
    clean = "".join(char for char in last if char.isprintable()).strip(". ")[:NAME_LENGTH]
    return clean or "upload"


def _content_type(request: Request) -> Message:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    kind = header.get_content_type()
    given = request.headers.get("content-type", "").strip()
    if not given or not (kind in ("multipart/form-data", "application/json") or _RAW.match(kind)):
        raise Problem(
            "unsupported_type",
            "send multipart/form-data with a field `file`, application/json with base64 in `data`, or the file itself "
            "as image/*, application/pdf or application/octet-stream",
        )
    return header


async def _size(request: Request, limits: Limits) -> int:
    """Bytes to keep room for: what the header says, or the most there may be."""
    stated = request.headers.get("content-length")
    if stated is None:
        return limits.body_bytes
    if not stated.isdecimal():
        raise Problem("bad_request", "Content-Length is not a number")
    size = int(stated)
    if size > limits.body_bytes:
        if size <= _DRAIN * limits.body_bytes:
            await _drain(request, limits)
        raise _too_large(limits.body_bytes)
    return size


async def _drain(request: Request, limits: Limits) -> None:
    try:
        async with asyncio.timeout(limits.upload_seconds):
            async for _ in request.stream():
                pass
    except (TimeoutError, ClientDisconnect):
        return  # it will not see the answer


async def _bounded(request: Request, limit: int) -> bytes:
    data = bytearray()
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > _DRAIN * limit:
            raise _too_large(limit)
        if seen <= limit:
            data += chunk
    if seen > limit:
        raise _too_large(limit)
    return bytes(data)


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"the body is above the limit of {limit} bytes; send a smaller file or fewer pages")


async def _file(request: Request, header: Message, data: bytes) -> tuple[bytes, str]:
    kind = header.get_content_type()
    if kind == "multipart/form-data":
        data, name = await _multipart(request, data)
    elif kind == "application/json":
        data, name = _json(data)
    else:
        name = "upload"
    if not data:
        raise Problem("unreadable", "the file is empty; send one with something in it")
    return data, safe_name(name)


def _json(data: bytes) -> tuple[bytes, str]:
    try:
        body = ReadBody.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise Problem("invalid", f"{where}: {first['msg']}") from error
    try:
        return base64.b64decode(body.data, validate=True), body.name
    except (binascii.Error, ValueError) as error:
        raise Problem("invalid", f"data: is not base64 ({error})") from error


class _InMemory(MultiPartParser):
    """Starlette's parser, but a part never goes to a temporary file: the body is in memory and bounded already."""

    spool_max_size = 1 << 40


async def _multipart(request: Request, data: bytes) -> tuple[bytes, str | None]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield data

    try:
        parser = _InMemory(request.headers, whole(), max_files=1, max_fields=8)
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:  # KeyError: no boundary
        raise Problem("bad_request", f"the multipart body is damaged ({error})") from error
    try:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            raise Problem("invalid", "the multipart body has no file in a field named `file`")
        return await part.read(), part.filename
    finally:
        await form.close()
