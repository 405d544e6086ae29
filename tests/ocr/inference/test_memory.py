"""The memory that this process may use: its cgroup's limit, versions 1 and 2."""

import ctypes
import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from ocr.inference.memory import give_back, memory_limit, resident_bytes, return_freed_memory

CASES = {
    "none": ({}, "0::/\n", None),
    "v2 without limit": ({"memory.max": "max\n"}, "0::/\n", None),
    "v2": ({"memory.max": "1000000\n"}, "0::/\n", 900_000),
    "v2 nested": ({"a/memory.max": "2000", "a/b/memory.max": "3000"}, "0::/a/b\n", 1800),
    "v1": ({"memory/memory.limit_in_bytes": "1000"}, "5:memory:/\n", 900),
    "v1 without limit": ({"memory/memory.limit_in_bytes": "9223372036854771712"}, "5:memory:/\n", None),
}


@pytest.mark.parametrize("case", CASES)
def test_limit(case: str, tmp_path: Path) -> None:
    files, membership, limit = CASES[case]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "membership").write_text(membership)
    assert memory_limit(tmp_path, tmp_path / "membership") == limit


def test_resident_size_grows_with_what_is_held() -> None:
    before = resident_bytes()
    # Pages of the system's own: the allocator may hand out what earlier tests freed and the process still holds.
    with mmap.mmap(-1, 50_000_000) as held:
        held.write(b"x" * 50_000_000)
        assert resident_bytes() - before > 40_000_000


def test_freed_blocks_go_back_to_the_system() -> None:
    """In a process of its own: the setting is the whole process's."""
    code = (
        "from ocr.inference.memory import *\nassert return_freed_memory()\nbefore = resident_bytes()\n"
        "held = [bytearray(b'x' * 8_000_000) for _ in range(20)]\nkeep = bytes(1000)\ndel held\n"
        "assert resident_bytes() - before < 20_000_000"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not return_freed_memory()
    assert not give_back()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators are left alone")
def test_what_was_freed_is_given_back():
    kept = [bytearray(40_000) for _ in range(2000)]  # small enough to lie in the allocator's own pool
    del kept[:-1]
    before = resident_bytes()
    give_back()
    assert resident_bytes() < before - 40_000_000
