"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def ocr_data() -> Path:
    """The folder of real receipts and documents: ``OCR_DATA``, else ``../shared/data``; skips when it is absent."""
    folder = Path(os.environ.get("OCR_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "sroie").is_dir():
        pytest.skip(f"no real data at {folder}; set OCR_DATA to a folder laid out as its README says")
    return folder
