"""Fixtures shared by all tests."""

import os
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then those with many: one begun last would keep one process busy and no other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -tests[item.path], item.path))


@pytest.fixture(scope="session")
def ocr_data() -> Path:
    """The folder of real receipts and documents: ``OCR_DATA``, else ``../shared/data``; skips when it is absent."""
    folder = Path(os.environ.get("OCR_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "sroie").is_dir():
        pytest.skip(f"no real data at {folder}; set OCR_DATA to a folder laid out as its README says")
    return folder
