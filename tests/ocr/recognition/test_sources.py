from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from ocr.datasets.lmdb_crops import LmdbWriter
from ocr.datasets.synthetic import line
from ocr.errors import AnnotationError, ConfigError
from ocr.recognition.sources import FolderSource, LmdbSource, SyntheticSource, source_of
from ocr.text.charset import Charset

DEFAULT = Charset.default()


@pytest.fixture(scope="module")
def database(tmp_path_factory, encoded):
    folder = tmp_path_factory.mktemp("crops") / "crops.lmdb"
    with LmdbWriter(folder) as writer:
        for number, (text, meta) in enumerate(
            [(" TOTAL  1.00", {"case_free": True}), ("한국", {"case_free": False}), ("Cash", {}), ("A" * 30, {})]
        ):
            writer.add(f"page {number}", [(encoded(line(number, "any")[0]), text, meta)])
    return folder


def test_lmdb_gives_usable_crops_with_the_case_mark_of_each(database):
    source = LmdbSource(path=str(database))
    assert len(source) == 4
    report = source.select(DEFAULT, 25, {})
    assert (report.kept, report.outside_charset, report.too_long) == (2, 1, 1)
    crops = [source.load(i, 0) for i in range(len(source))]
    assert [(crop.text, crop.case_free) for crop in crops] == [("TOTAL 1.00", True), ("Cash", False)]
    assert crops[0].image.dtype == np.uint8


@pytest.mark.parametrize("case_free", [True, False])
def test_the_case_mark_can_be_set_for_a_whole_source(database, case_free):
    source = LmdbSource(path=str(database), case_free=case_free)
    assert {source.load(i, 0).case_free for i in range(len(source))} == {case_free}


def test_sources_travel_to_worker_processes(database):
    source = LmdbSource(path=str(database))
    source.select(DEFAULT, None, {})
    source.load(0, 0)
    for method in ("fork", "spawn"):
        with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
            assert pool.submit(source.load, 1, 0).result().text == "Cash"


@pytest.mark.parametrize("name", ["ic15_train", "iiit5k_train", "korean"])
def test_word_folders_are_read(ocr_data, name):
    source = FolderSource(path=str(ocr_data / "words" / name))
    report = source.select(DEFAULT, None, {})
    assert report.kept + report.dropped == len(source.texts())
    assert (report.kept == 0) == (name == "korean")
    for position in range(min(len(source), 3)):
        crop = source.load(position, 0)
        assert crop.image.ndim == 3
        assert not crop.case_free
        assert not DEFAULT.missing(crop.text)


def test_a_table_without_tabs_names_the_line(tmp_path):
    (tmp_path / "labels.tsv").write_text("a.png\tok\nb.png no tab\n")
    with pytest.raises(AnnotationError, match=r"labels.tsv:2: there is no tab; write: image path, tab, label"):
        FolderSource(path=str(tmp_path)).texts()
    with pytest.raises(AnnotationError, match="cannot be read"):
        FolderSource(path=str(tmp_path / "none.tsv")).texts()


def test_drawn_lines_repeat_with_their_seed_and_fit_charset_and_length():
    digits = Charset(tuple("0123456789."))
    source = SyntheticSource(count=5, seed=1)
    source.select(digits, 6, {})
    assert source.texts() == []
    assert len(source) == 5
    crops = [source.load(i, 7) for i in range(5)]
    assert all(crop.text and len(crop.text) <= 6 and not digits.missing(crop.text) for crop in crops)
    assert not any(crop.case_free for crop in crops)
    assert np.array_equal(source.load(2, 7).image, crops[2].image)
    assert [source.load(i, 8).text for i in range(5)] != [crop.text for crop in crops]


def test_paths_say_what_they_are(database, tmp_path):
    (tmp_path / "labels.tsv").write_text("")
    assert isinstance(source_of(str(database)), LmdbSource)
    assert isinstance(source_of(str(tmp_path)), FolderSource)
    assert isinstance(source_of(str(tmp_path / "labels.tsv")), FolderSource)


def test_a_weight_must_be_positive():
    with pytest.raises(ConfigError, match="weight 0 must be positive; leave the source out"):
        SyntheticSource(count=5, seed=1, weight=0)


def test_a_table_may_have_blank_lines_and_labels_with_rare_separators(tmp_path):
    (tmp_path / "labels.tsv").write_text("a.png\tone\u2028two\n\nb.png\tnext\x85line\n\n", encoding="utf-8")
    assert FolderSource(path=str(tmp_path)).texts() == ["one\u2028two", "next\x85line"]
