"""What may be named as input, and what it becomes."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocr.batch.inputs import list_items
from ocr.batch.load import Loader
from ocr.errors import BatchError, ImageError

Draw = Callable[[Path, str], Path]


def names(*inputs: object, column: str | None = None) -> list[str]:
    return [item.name for item in list_items(map(str, inputs), column=column)]


@pytest.fixture
def loader() -> Loader:
    return Loader(retries=1, column=None)


@pytest.fixture
def tar(tmp_path: Path, draw_page: Draw) -> Path:
    with tarfile.open(tmp_path / "pages.tar", "w") as archive:
        for name in ("b.png", "a.png"):
            archive.add(draw_page(tmp_path / "tar" / name, name), name)
        archive.add(tmp_path / "tar/a.png", "notes.txt")
        archive.add(tmp_path / "tar", "folder", recursive=False)
    return tmp_path / "pages.tar"


def parquet(path: Path, columns: dict[str, list[object]]) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_folders_patterns_and_files(scans: Path, tmp_path: Path) -> None:
    (scans / "notes.txt").write_text("no page")
    (scans / "deeper").mkdir()
    (scans / "deeper/x.PDF").write_bytes(b"%PDF")
    assert names(scans)[:2] == [str(scans / "00.png"), str(scans / "01.png")]
    assert len(names(scans)) == 31
    assert names(scans / "1*.png") == [str(scans / f"1{digit}.png") for digit in range(10)]
    assert names(scans / "notes.txt") == [str(scans / "notes.txt")]  # named by itself: reading it says what is wrong


def test_members_of_a_tar_are_read_where_they_lie(tar: Path, tmp_path: Path, loader: Loader) -> None:
    items = list(list_items([str(tar)]))
    assert [item.name for item in items] == [f"{tar}#b.png", f"{tar}#a.png"]
    for item, name in zip(items, ("b.png", "a.png"), strict=True):
        assert loader.load(item) == (tmp_path / "tar" / name).read_bytes()
    tar.write_bytes(tar.read_bytes()[: items[1].start + 10])
    with pytest.raises(ImageError, match="changed since it was planned"):
        loader.load(items[1])


def test_rows_of_parquet(tmp_path: Path, loader: Loader) -> None:
    plain = parquet(tmp_path / "plain.parquet", {"id": [1, 2, 3], "image": [b"one", b"two", None]})
    nested = parquet(tmp_path / "nested.parquet", {"image": [{"bytes": b"x", "path": "p"}] * 3})
    named = parquet(tmp_path / "named.parquet", {"scan": [b"y"]})
    assert names(plain) == [f"{plain}#0", f"{plain}#1", f"{plain}#2"]
    assert [loader.load(item) for item in list_items([str(plain)])] == [b"one", b"two", b""]
    assert [loader.load(item) for item in list_items([str(nested)])] == [b"x"] * 3
    assert names(named, column="scan") == [f"{named}#0"]
    with pytest.raises(BatchError, match=r"no column of images \(scan\).*--column"):
        names(named)
    with pytest.raises(BatchError, match="no column of images"):
        names(plain, column="id")


@pytest.fixture
def memory(scans: Path) -> Iterator[str]:
    """The pages behind a URL of another file system."""
    import fsspec

    files = fsspec.filesystem("memory")
    for path in scans.iterdir():
        files.pipe_file(f"/shelf/{path.name}", path.read_bytes())
    yield "memory://shelf"
    files.rm("/shelf", recursive=True)


def test_urls(memory: str, scans: Path, loader: Loader) -> None:
    assert len(names(memory)) == 30
    assert names(f"{memory}/0*.png")[0] == "memory:///shelf/00.png"
    (item,) = list_items([f"{memory}/07.png"])
    assert loader.load(item) == (scans / "07.png").read_bytes()
    with pytest.raises(BatchError, match="nothing to read there"):
        names("memory://other")
    with pytest.raises(BatchError, match="cannot be listed"):
        names("nothing-like-it://x")
    assert len(names(f"file://{scans}")) == 30


def test_what_is_no_input(tmp_path: Path, scans: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.tar").write_bytes(b"x" * 1000)
    (tmp_path / "broken.parquet").write_bytes(b"x" * 1000)
    for name, words in (
        ("none", "no such file or folder"),
        ("none/*.png", "no file matches it"),
        ("empty", "nothing to read in this folder"),
        ("broken.tar", "is not a whole tar"),
        ("broken.parquet", "is not a whole Parquet file"),
        ("x.tar.gz", "unpack it"),
    ):
        (tmp_path / "x.tar.gz").write_bytes(b"")
        with pytest.raises(BatchError, match=words):
            names(tmp_path / name)


def test_loading_is_tried_again_and_then_says_so(scans: Path, monkeypatch: pytest.MonkeyPatch, loader: Loader) -> None:
    (item,) = list_items([str(scans / "00.png")])
    data = (scans / "00.png").read_bytes()
    failures = [OSError(5, "Input/output error")]

    def flaky(url: str) -> io.BytesIO:
        if failures:
            raise failures.pop()
        return io.BytesIO(data)

    monkeypatch.setattr("ocr.batch.load.open_file", flaky)
    assert loader.load(item) == data
    failures += [OSError(5, "Input/output error")] * 2
    with pytest.raises(ImageError, match=r"after 2 tries \(Input/output error\).*--retry-failed"):
        loader.load(item)
    monkeypatch.undo()
    (scans / "00.png").unlink()
    with pytest.raises(ImageError, match="is gone"):
        loader.load(item)
