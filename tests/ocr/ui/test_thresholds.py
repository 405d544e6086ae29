"""Thresholds on the Read page: as `ocr read` at the bundle's own, live at others, the network run once a page."""

import json

import cv2
import numpy as np
import pytest

from ocr.cli.main import main
from ocr.datasets.synthetic import receipt
from ocr.formats.sources import PageImage, page_images
from ocr.inference.onnx import OnnxModel
from ocr.schema import to_plain
from ocr.ui import models
from ocr.ui.thresholds import KeptMaps, MapCache, Thresholds, own_thresholds, reader_at

SHIPPED = ("detector", "recognizer")


@pytest.fixture(scope="module")
def worn_png():
    image = cv2.cvtColor(receipt(3, severity=1.0).image, cv2.COLOR_RGB2BGR)
    return lambda turned: cv2.imencode(".png", np.rot90(image, turned))[1].tobytes()


def ocr_read(paths, capsys) -> list[dict]:
    """Pages that `ocr read --json` gives."""
    with pytest.raises(SystemExit) as ended:
        main(["read", *map(str, paths), "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)["pages"]


def page_of(data: bytes) -> PageImage:
    (page,) = page_images(data, name="page.png")
    assert isinstance(page, PageImage)
    return page


def lines_of(page) -> list[dict]:
    return to_plain(page)["lines"]


@pytest.fixture
def runs(monkeypatch):
    """How often a detector's network runs."""
    counted = []
    run = OnnxModel.run
    monkeypatch.setattr(OnnxModel, "run", lambda self, batch: counted.append(batch.shape) or run(self, batch))
    return lambda: sum(shape[2] > 64 for shape in counted)


@pytest.mark.parametrize("turned", [0, 1, 2])
def test_at_the_bundle_s_own_thresholds_a_page_reads_as_with_ocr_read(turned, worn_png, tmp_path, capsys):
    path = tmp_path / "page.png"
    path.write_bytes(worn_png(turned))
    (expected,) = ocr_read([path], capsys)
    assert len(expected["lines"]) > 5
    for _ in range(2):  # the second time from the maps that were kept
        found = models.read(page_of(path.read_bytes()), *SHIPPED, thresholds=own_thresholds("detector"))
        assert lines_of(found) == expected["lines"]


def test_real_receipts_read_as_with_ocr_read(ocr_data, capsys):
    paths = sorted((ocr_data / "sroie" / "val" / "img").glob("*.jpg"))[:3]
    for path, page in zip(paths, ocr_read(paths, capsys), strict=True):
        (image,) = page_images(path)
        assert isinstance(image, PageImage)
        found = models.read(image, *SHIPPED, thresholds=own_thresholds("detector"))
        assert [line.text for line in found.lines] == [line["text"] for line in page["lines"]]
        assert lines_of(found) == page["lines"]


def test_other_thresholds_find_other_boxes_and_the_network_runs_once(worn_png, runs):
    page = page_of(worn_png(0)[:])
    page = page._replace(image=np.ascontiguousarray(page.image[:, :-3]))  # a page that nobody has seen
    strict, loose = Thresholds(0.3, 0.97), Thresholds(0.3, 0.1)
    counts = {}
    for thresholds in (own_thresholds("detector"), strict, loose):
        counts[thresholds] = len(models.read(page, *SHIPPED, thresholds=thresholds, doubtful=True).lines)
    assert counts[strict] < counts[loose]
    assert runs() == 1


def test_a_threshold_is_only_that_reader_s():
    before = own_thresholds("detector")
    changed = reader_at(Thresholds(0.9, 0.9), *SHIPPED)
    assert changed.detector.bundle.card.postprocess.binarize == 0.9
    assert own_thresholds("detector") == before
    again = reader_at(before, *SHIPPED)
    assert (again.detector.bundle.card.postprocess.binarize, again.detector.bundle.sha256) == (
        before.binarize,
        changed.detector.bundle.sha256,
    )


def test_maps_are_bounded_and_told_apart_by_content_shape_and_network():
    class Counting:
        def __init__(self):
            self.output_shape = [None]
            self.calls = 0

        def run(self, batch):
            self.calls += 1
            return batch[:, :1] + self.calls

    cache, model = MapCache(3 * 4 * 64), Counting()
    first = KeptMaps(model, "a", cache)
    zeros = np.zeros((1, 3, 8, 8), np.float32)
    assert first.run(zeros) is first.run(zeros)
    first.run(zeros.reshape(1, 3, 4, 16))
    KeptMaps(model, "b", cache).run(zeros)
    assert model.calls == 3
    first.run(zeros + 1)  # a fourth: the least recently used goes
    first.run(zeros)
    assert model.calls == 5


def test_sliders_act_and_go_back(open_page, outputs, runs):
    app = open_page("read")
    seen = runs()
    own = own_thresholds("detector")
    sliders = {name: app.slider(key=f"{name}-detector") for name in own._fields}
    assert [slider.value for slider in sliders.values()] == list(own)
    assert app.button(key="own-thresholds").disabled
    before = app.caption[0].value.split(" · ")[1]
    app.slider(key="box_threshold-detector").set_value(0.97).run()
    assert not app.exception
    assert app.caption[0].value.split(" · ")[1] not in (before, "0 lines")
    assert not app.button(key="own-thresholds").disabled
    app.button(key="own-thresholds").click().run()
    assert app.caption[0].value.split(" · ")[1] == before
    assert runs() == seen


def test_thresholds_that_find_nothing_are_no_error(open_page, outputs):
    app = open_page("read")
    app.slider(key="binarize-detector").set_value(1.0).run()
    assert not app.exception
    assert not app.error
    assert "0 lines" in app.caption[0].value


def test_thresholds_are_a_detector_s():
    with pytest.raises(Exception, match="choose a detector"):
        own_thresholds("recognizer")
