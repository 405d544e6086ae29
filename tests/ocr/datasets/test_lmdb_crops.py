"""LMDB crops: written once per source, read anywhere, never mixed up."""

import copy
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from ocr.datasets.lmdb_crops import LmdbCrops, LmdbWriter, encode_jpeg
from ocr.errors import AnnotationError, InputError, OcrError


def crop(value: int, text: str) -> tuple[bytes, str, dict]:
    return encode_jpeg(np.full((16, 40, 3), value, np.uint8)), text, {"source": "a.jpg", "case_free": True}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with LmdbWriter(tmp_path / "x.lmdb") as writer:
        assert writer.add("a.jpg", [crop(0, "one"), crop(90, "합계")]) == 2
        assert writer.add("b.jpg", []) == 0
        assert writer.add("c.jpg", [crop(255, "three")]) == 1
        assert len(writer) == 3
    return tmp_path / "x.lmdb"


def test_crops_come_back_in_order_with_text_and_meta(database: Path) -> None:
    crops = LmdbCrops(database)
    assert [text for _, text, _ in crops] == ["one", "합계", "three"]
    image, text, meta = crops[1]
    assert image.shape == (16, 40, 3)
    assert abs(int(image.mean()) - 90) < 2
    assert meta == {"source": "a.jpg", "case_free": True}
    assert crops.label(1) == (text, meta)
    with pytest.raises(IndexError):
        crops[3]


def test_a_source_is_written_once(database: Path) -> None:
    with LmdbWriter(database) as writer:
        assert writer.has("a.jpg")
        assert writer.has("b.jpg")
        assert not writer.has("d.jpg")
        assert writer.add("a.jpg", [crop(0, "again")]) == 0
        assert len(writer) == 3


def test_an_error_in_the_middle_of_a_source_leaves_nothing_of_it(database: Path) -> None:
    def failing():
        yield crop(1, "half")
        raise RuntimeError("disk unplugged")

    with LmdbWriter(database) as writer:
        with pytest.raises(RuntimeError):
            writer.add("d.jpg", failing())
        assert (len(writer), writer.has("d.jpg")) == (3, False)


def test_going_on_with_another_spec_is_refused(database: Path) -> None:
    with pytest.raises(OcrError, match=r"was written with \{\}, not .*choose another folder or remove it"):
        LmdbWriter(database, spec={"format": 2})


def read_label(crops: LmdbCrops) -> str:
    return crops[1][1]


def test_workers_open_it_for_themselves(database: Path) -> None:
    crops = LmdbCrops(database)
    assert crops[0][1] == "one"
    assert copy.copy(crops)[2][1] == "three"  # what a spawned worker is sent: no open environment
    assert LmdbCrops(database)[2][1] == "three"
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert pool.submit(read_label, crops).result() == "합계"


def test_what_is_no_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="is not an LMDB folder"):
        LmdbCrops(tmp_path / "nowhere")
    (tmp_path / "data.mdb").write_bytes(b"x" * 10_000)
    with pytest.raises(AnnotationError, match="is not an LMDB folder"):
        LmdbCrops(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written as LMDB"):
        LmdbWriter(tmp_path / "file")


def test_a_database_without_a_count_or_of_another_writer_is_not_appended_to(tmp_path: Path) -> None:
    import lmdb

    with lmdb.open(str(tmp_path / "other"), map_size=1 << 20) as env, env.begin(write=True) as transaction:
        transaction.put(b"key", b"value")
    with pytest.raises(AnnotationError, match="has no num-samples"):
        LmdbCrops(tmp_path / "other")
    with lmdb.open(str(tmp_path / "other"), map_size=1 << 20) as env, env.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"7")
    with pytest.raises(OcrError, match="written by another program"):
        LmdbWriter(tmp_path / "other")


def test_a_full_database_is_one_clear_line_and_keeps_what_it_has(tmp_path: Path) -> None:
    with LmdbWriter(tmp_path / "x.lmdb", map_size=1 << 17) as writer:
        writer.add("a.jpg", [crop(0, "one")])
        with pytest.raises(
            InputError, match=r"cannot be written .*make room and start again: what was committed is kept"
        ):
            writer.add("b.jpg", [(bytes(200_000), "large", {})])
    assert [text for _, text, _ in LmdbCrops(tmp_path / "x.lmdb")] == ["one"]
