"""Cores: affinity and cgroup quota, whichever is less."""

import os
from pathlib import Path

import pytest

from ocr.inference.threads import available_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


def cgroup(tmp_path: Path, files: dict[str, str], membership: str) -> tuple[Path, Path]:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "membership").write_text(membership)
    return tmp_path, tmp_path / "membership"


CASES = {
    "no cgroup files": ({}, "0::/\n", 8),
    "v2 without limit": ({"cpu.max": "max 100000\n"}, "0::/\n", 8),
    "v2 two cores": ({"cpu.max": "200000 100000\n"}, "0::/\n", 2),
    "v2 a core and a half": ({"cpu.max": "150000 100000\n"}, "0::/\n", 1),
    "v2 half a core": ({"cpu.max": "50000 100000\n"}, "0::/\n", 1),
    "v2 more than there are": ({"cpu.max": "3200000 100000\n"}, "0::/\n", 8),
    "v2 nested, the parent is tighter": (
        {"a/cpu.max": "300000 100000", "a/b/cpu.max": "400000 100000"},
        "0::/a/b\n",
        3,
    ),
    "v1": ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, "1:cpu:/\n", 2),
    "v1 without limit": ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "1:cpu:/\n", 8),
    "v1 nested": (
        {"cpu,cpuacct/x/cpu.cfs_quota_us": "500000", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"},
        "4:memory:/y\n3:cpu,cpuacct:/x\n",
        5,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_quota(case: str, tmp_path: Path) -> None:
    files, membership, cores = CASES[case]
    assert available_cores(*cgroup(tmp_path, files, membership)) == cores


def test_without_affinity_or_cgroups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores(tmp_path / "none", tmp_path / "none") == 1
