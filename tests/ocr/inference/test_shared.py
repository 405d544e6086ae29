"""The shared engine: one load for all threads, no file written, the same pages alone and together."""

import ast
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ocr.bundles.bundle import Bundle
from ocr.errors import BundleError, MemoryLimitError
from ocr.formats.page import Page
from ocr.formats.sources import PageImage, page_images
from ocr.inference import shared
from ocr.inference.shared import Engine, shared_engine

SRC = Path(__file__).resolve().parents[3] / "src/ocr"


def blank(side: int = 64) -> PageImage:
    return PageImage("blank", 1, np.full((side, side, 3), 255, np.uint8), [])


def essence(pages: list[Page]) -> list[Page]:
    return [replace(page, timings_ms={}) for page in pages]


@pytest.fixture(scope="module")
def receipts(ocr_data: Path) -> list[PageImage]:
    files = sorted((ocr_data / "sroie/val/img").glob("*.jpg"))[:3]
    upside_down = ocr_data / "docs"
    assert upside_down.is_dir()
    pages = [page for file in files for page in page_images(file)]
    turned = PageImage("turned", 1, np.ascontiguousarray(pages[0].image[::-1, ::-1]), ["a note"])
    return [*pages, turned, blank()]


def test_pages_read_together_are_those_read_alone(receipts: list[PageImage]) -> None:
    engine = Engine(threads=2)
    alone = [engine.read([page])[0] for page in receipts]
    together = engine.read(receipts)
    assert [page.text for page in together] == [page.text for page in alone]
    for one, many in zip(alone, together, strict=True):
        assert [line.confidence for line in many.lines] == pytest.approx(
            [line.confidence for line in one.lines], abs=1e-4
        )
        assert many.image == one.image
        assert many.notes == one.notes
    assert together[3].notes == ["a note", "turned by 180 degrees counter-clockwise for reading"]
    assert together[4].lines == []
    assert engine.read([]) == []


def test_timings_of_pages_read_together_are_each_page_s_own(receipts: list[PageImage]) -> None:
    start = time.perf_counter()
    pages = Engine(threads=1).read(receipts)
    elapsed = 1000 * (time.perf_counter() - start)
    rounding = 0.02
    for spent in (page.timings_ms for page in pages):
        assert spent["detect"] + spent["recognize"] <= spent["total"] + rounding
        assert spent["total"] <= elapsed + rounding
    read = pages[0].timings_ms
    assert read["detect"] + read["recognize"] > 0.9 * read["total"]
    assert pages[0].timings_ms["recognize"] > 2 * pages[-1].timings_ms["recognize"]  # the last one is blank


def test_threads_that_come_at_once_load_once(plain_detector: Bundle, plain_recognizer: Bundle) -> None:
    engine = Engine(threads=2)
    folders = plain_detector.model_path.parent, plain_recognizer.model_path.parent
    results: list[Page] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(5):
            results.extend(engine.read([blank(), blank(96)], detector=folders[0], recognizer=folders[1]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert engine.loads == 2
    assert [(item.task, item.name) for item in engine.loaded()] == [
        ("detection", "plain-detector"),
        ("recognition", "plain-recognizer"),
    ]


def test_the_same_bundle_under_another_name_is_not_loaded_twice(
    tmp_path: Path, plain_detector: Bundle, plain_recognizer: Bundle
) -> None:
    engine = Engine(threads=1)
    copy = tmp_path / "copy"
    shutil.copytree(plain_detector.model_path.parent, copy)
    for folder in (plain_detector.model_path.parent, copy):
        engine.reader(folder, plain_recognizer.model_path.parent)
    assert engine.loads == 2


def test_a_bundle_that_changed_on_disk_is_loaded_anew(
    tmp_path: Path, make_detector: Callable[..., Bundle], plain_recognizer: Bundle
) -> None:
    engine = Engine(threads=1)
    names = []
    for name in ("first", "second"):
        folder = make_detector(tmp_path / "bundle", name=name).model_path.parent
        names.append(engine.reader(folder, plain_recognizer.model_path.parent).models.detector.name)
    assert names == ["first", "second"]


def test_the_least_recently_used_goes_first(
    tmp_path: Path, make_detector: Callable[..., Bundle], plain_recognizer: Bundle
) -> None:
    engine = Engine(threads=1, capacity=2)
    folders = [make_detector(tmp_path / name, name=name).model_path.parent for name in "abc"]
    for index in (0, 1, 0, 2):
        engine.reader(folders[index], plain_recognizer.model_path.parent)
    assert [item.name for item in engine.loaded() if item.task == "detection"] == ["a", "c"]


def test_many_bundles_do_not_pile_up(
    tmp_path: Path, make_detector: Callable[..., Bundle], plain_recognizer: Bundle
) -> None:
    engine = Engine(threads=1, capacity=1)
    for index in range(12):
        engine.reader(
            make_detector(tmp_path / str(index), name=str(index)).model_path.parent, plain_recognizer.model_path.parent
        )
    assert len(engine.loaded()) == 2
    assert len(engine._bundles) <= 9


def test_what_is_no_bundle_raises(tmp_path: Path, plain_recognizer: Bundle) -> None:
    engine = Engine(threads=1)
    with pytest.raises(BundleError, match="no such bundle"):
        engine.read([blank()], detector="none")
    with pytest.raises(BundleError, match="cannot be read"):
        engine.read([blank()], detector=tmp_path)
    with pytest.raises(BundleError, match="a detection bundle is needed"):
        engine.read([blank()], detector=plain_recognizer.model_path.parent)


def test_above_the_memory_ceiling_other_models_go_and_then_it_raises(
    tmp_path: Path, make_detector: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(threads=1, memory_bytes=1_000_000_000)
    other = make_detector(tmp_path / "other").model_path.parent
    in_use = iter([1000, 999_999_000, 1000])  # whatever this process holds
    monkeypatch.setattr(shared, "resident_bytes", lambda: next(in_use))
    engine.read([blank()], detector=other)
    assert len(engine.read([blank()])) == 1
    assert [item.name for item in engine.loaded() if item.task == "detection"] != ["plain-detector"]
    monkeypatch.setattr(shared, "resident_bytes", lambda: 999_999_000)
    with pytest.raises(MemoryLimitError, match=r"1000 of 1000 MB are in use; send smaller pages"):
        engine.read([blank()])


# In a process of its own: a hook stays for good, and slows whatever a thread does to be traced.
WATCH = """
import sys, tempfile
from pathlib import Path
from ocr.formats.sources import page_images
from ocr.inference.shared import Engine

pages = [page for file in sys.argv[1:] for page in page_images(Path(file))]
written = []

def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes | Path):
        path, mode, flags = arguments
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & 0o3):
            written.append(str(path))
    elif event.startswith(("tempfile.", "os.mkdir", "os.rename", "shutil.")):
        written.append(f"{event} {arguments}")

sys.addaudithook(hook)
engine = Engine(threads=2)
engine.warm_up()
lines = sum(len(page.lines) for page in engine.read(pages))
print(lines, written)
tempfile.TemporaryFile().close()
print(len(written) > 0)
"""


def test_reading_writes_no_file(ocr_data: Path, tmp_path: Path) -> None:
    """Neither loading nor reading opens a file for writing or makes a temporary one."""
    files = sorted((ocr_data / "sroie/val/img").glob("*.jpg"))[:3]
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, *map(str, files)],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path)},  # where native code would put what no hook sees
        capture_output=True,
        text=True,
        check=True,
    )
    read, watched = done.stdout.splitlines()
    assert re.fullmatch(r"[1-9]\d+ \[\]", read)
    assert watched == "True"
    assert list(tmp_path.iterdir()) == []


def test_warm_up_loads_what_the_first_page_needs() -> None:
    engine = Engine(threads=2)
    engine.warm_up()
    assert engine.loads == 2
    engine.read([blank()])
    assert engine.loads == 2


def test_a_process_has_one_engine() -> None:
    assert shared_engine() is shared_engine(3)


def test_every_skin_reads_with_the_shared_engine() -> None:
    """No command, service, page or batch makes a reader, a detector, a recognizer or an engine of its own.

    `ocr eval` alone loads one half or the other by itself: it judges each apart.
    """
    makers = {"open_reader", "Reader", "Detector", "Recognizer", "Engine", "OnnxModel", "InferenceSession"}
    found = []
    for layer in ("cli", "ui", "serving", "batch"):
        for path in (SRC / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                    if name in makers and path.name != "eval.py":
                        found.append(f"{path.name}:{node.lineno} {name}")
    assert found == []
