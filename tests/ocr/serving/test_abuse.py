"""Made-up requests and mutated files: no 500, no crash, no growth, no file."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from starlette.testclient import TestClient

Draw = Callable[..., bytes]
KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")


def _fuzz(client: TestClient, examples: int) -> None:
    """Requests made from the OpenAPI document, right ones and wrong ones, each answered as it says."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    names = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        names.add(f"{operation.method.upper()} {operation.path}")
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=examples,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                derandomize=True,
                database=None,
            )
            @schemathesis.hypothesis.given(case=strategy) if False else _given(strategy)
            def one(case: Any) -> None:
                response = case.call(session=None)
                case.validate_response(response, checks=checks)

            one()
    assert "POST /v1/read" in names
    assert len(names) >= 10
