"""Made-up requests and mutated files against a real service: no 500, no crash, no growth, no file."""

import asyncio
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

Draw = Callable[..., bytes]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PDF")


def _fuzz(server: Any, examples: int) -> set[str]:
    """Send requests made from the OpenAPI document, right ones and wrong ones; return the operations tried."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        tried.add(f"{operation.method.upper()} {operation.path}")
        for mode in GenerationMode:

            @settings(
                max_examples=examples,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                derandomize=True,
                database=None,
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: Any) -> None:
                response = case.call()
                assert response.status_code < 500 or response.status_code == 503
                case.validate_response(response, checks=CHECKS)

            try:
                one()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE  # nothing about the operation can be wrong
    return tried


def _mutants(seeds: list[bytes], count: int) -> list[bytes]:
    """Files with bytes flipped, cut out, doubled, swapped for extreme numbers, or two files spliced."""
    chance = random.Random(7)
    made = []
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 8))):
            place = chance.randrange(min(len(data), chance.choice((64, 512, 1 << 30))))
            kind = chance.randrange(6)
            if kind == 0:
                data[place] ^= 1 << chance.randrange(8)
            elif kind == 1:
                del data[place : place + chance.choice((1, 4, 200))]
            elif kind == 2:
                data[place:place] = data[place : place + chance.choice((1, 64))] * 3
            elif kind == 3:
                data[place : place + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
            elif kind == 4:
                del data[max(place, 1) :]
            else:
                data[place:] = chance.choice(seeds)[place:]
            data = data or bytearray(b"\0")
        made.append(bytes(data))
    return made


def _storm(server: Any, bodies: list[bytes]) -> dict[int, int]:
    """Send all bodies, four at a time; count the statuses."""

    async def main() -> list[int]:
        gate = asyncio.Semaphore(4)
        async with httpx.AsyncClient(base_url=server.url, timeout=120, trust_env=False) as client:

            async def one(body: bytes) -> int:
                async with gate:
                    headers = {"content-type": "application/octet-stream"}
                    return (await client.post("/v1/read?dpi=60", content=body, headers=headers)).status_code

            return await asyncio.gather(*map(one, bodies))

    statuses = asyncio.run(main())
    return {status: statuses.count(status) for status in set(statuses)}


@pytest.fixture
def seeds(picture: Draw, document: Draw) -> list[bytes]:
    """A small page in every kind of file that is read."""
    pages = [picture(kind=kind) for kind in KINDS if kind != "PDF"]
    progressive = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(progressive, "JPEG", progressive=True)
    return [*pages, progressive.getvalue(), document(2), document(2, "TIFF")]


def _check_mutants(server: Any, seeds: list[bytes], count: int, tmp_path: Path) -> None:
    process = psutil.Process(server.process.pid)
    mutants = _mutants(seeds, count)
    warm = count // 4
    statuses = _storm(server, mutants[:warm])
    _storm(server, seeds[:1])  # a small page, so that what is measured does not depend on which mutant came last
    before = process.memory_info().rss
    files = len(process.open_files())
    storm = _storm(server, mutants[warm:])
    _storm(server, seeds[:1])
    for status, times in storm.items():
        statuses[status] = statuses.get(status, 0) + times
    assert set(statuses) <= {200, 413, 422}, statuses
    assert statuses[200] > count // 20  # some mutants are whole enough to be read
    assert statuses[422] > count // 20
    assert process.memory_info().rss < 1.3 * before + 50_000_000
    assert len(process.open_files()) <= files
    assert {path.name for path in tmp_path.iterdir()} == {"work"}
    assert not [line for line in server.lines if "Traceback" in line]


def test_mutated_files(start: Callable[..., Any], seeds: list[bytes], tmp_path: Path) -> None:
    _check_mutants(start(), seeds, 120, tmp_path)


@pytest.mark.slow
def test_two_thousand_mutated_files(start: Callable[..., Any], seeds: list[bytes], tmp_path: Path) -> None:
    _check_mutants(start(), seeds, 2000, tmp_path)


def test_requests_from_the_schema(start: Callable[..., Any]) -> None:
    server = start()
    assert "POST /v1/read" in _fuzz(server, 5)
    assert not [line for line in server.lines if "Traceback" in line]


@pytest.mark.slow
def test_many_requests_from_the_schema(start: Callable[..., Any]) -> None:
    server = start()
    assert len(_fuzz(server, 100)) >= 10
    assert not [line for line in server.lines if "Traceback" in line]
