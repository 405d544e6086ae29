"""Detector, recognizer and reader on two graphs whose output can be worked out by hand (see conftest)."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocr.bundles.bundle import Bundle, load_bundle, write_bundle
from ocr.bundles.card import SecondLook
from ocr.errors import BundleError
from ocr.geometry.crop import crop_quad
from ocr.geometry.polygon import bounding_box, iou
from ocr.geometry.quad import box_quad
from ocr.inference.detector import Detector
from ocr.inference.engine import Reader, open_reader
from ocr.inference.onnx import Model, OnnxModel
from ocr.inference.recognizer import Recognizer
from ocr.specs.postprocess import PostprocessSpec

SHADES = {"a": 0, "b": 64, "c": 128, "d": 192}  # as in conftest
RATIO = 0.4


def stripes(text: str, cell: int = 16) -> np.ndarray:
    """A crop that reads as ``text``: a cell in the shade of each character, a white one between any two."""
    image = np.full((8, cell * (2 * len(text) + 1), 3), 255, np.uint8)
    for index, character in enumerate(text):
        image[:, cell * (2 * index + 1) : cell * (2 * index + 2)] = SHADES[character]
    return image


def page(boxes: list[tuple[int, int, int, int]], size: tuple[int, int]) -> np.ndarray:
    """A white page with black boxes (x_min, y_min, x_max, y_max)."""
    image = np.full((size[1], size[0], 3), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1] = 0
    return image


def grown(box: tuple[int, int, int, int]) -> np.ndarray:
    """The rectangle whose shrunk form is the box: what a detector must report."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    k = 1 - RATIO**2
    roots = np.roots([8 - 4 * k, 2 * (1 - k) * (width + height), -k * width * height])
    d = float(roots.max())
    return box_quad(x0 - d, y0 - d, x1 + d, y1 + d)


@pytest.fixture(scope="module")
def detector(plain_detector: Bundle) -> Detector:
    return Detector(plain_detector, threads=1)


@pytest.fixture(scope="module", params=[1, 2], ids=["one thread", "two threads"])
def recognizer(plain_recognizer: Bundle, request: pytest.FixtureRequest) -> Recognizer:
    return Recognizer(plain_recognizer, threads=request.param)


def test_detector_finds_and_unclips(detector: Detector) -> None:
    boxes = [(60, 60, 260, 90), (60, 140, 420, 170), (300, 220, 420, 240)]
    first, none = detector.detect([page(boxes, (480, 320)), page([], (200, 100))])
    assert none == []
    assert len(first) == 3
    for box in boxes:
        assert max(iou(grown(box), found.polygon) for found in first) > 0.9


@pytest.mark.parametrize("size", [(320, 4000), (4000, 320), (1300, 1900)])
def test_long_pages_lose_no_line_and_large_ones_are_shrunk(detector: Detector, size: tuple[int, int]) -> None:
    boxes = [(x, y, x + 200, y + 24) for y in range(60, size[1] - 60, 110) for x in range(50, size[0] - 250, 310)]
    (found,) = detector.detect([page(boxes, size)])
    assert len(found) == len(boxes)
    for box in boxes:
        assert max(iou(grown(box), item.polygon) for item in found) > 0.75


def test_recognizer_reads_in_the_order_given(recognizer: Recognizer) -> None:
    texts = ["abcd", "d", "cabbadab" * 6, "ba", "dddd", ""]
    read = recognizer.recognize([stripes(text) for text in texts])
    assert [item.text for item in read] == texts
    assert all(item.confidence > 0.9 for item, text in zip(read, texts, strict=True) if text)
    assert recognizer.recognize([]) == []


@given(st.lists(st.text("abcd", min_size=1, max_size=30), min_size=1, max_size=8), st.integers(9, 24))
def test_a_crop_reads_the_same_in_any_company(recognizer: Recognizer, texts: list[str], cell: int) -> None:
    noise = np.random.default_rng(cell)
    crops = [
        np.clip(stripes(text, cell).astype(int) + noise.integers(-20, 20), 0, 255).astype(np.uint8) for text in texts
    ]
    together = recognizer.recognize(crops)
    alone = [recognizer.recognize([crop])[0] for crop in crops]
    for a, b in zip(together, alone, strict=True):
        assert a.text == b.text
        assert abs(a.confidence - b.confidence) < 1e-4


@pytest.fixture(scope="module")
def doubting(plain_recognizer: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A recognizer of a, b, c, d, whose second look says A, B, C, D."""
    folder = tmp_path_factory.mktemp("bundles") / "first"
    wider = replace(plain_recognizer.card, name="second", charset=["A", "B", "C", "D"])
    write_bundle(folder / "beside", plain_recognizer.model_path, wider)
    look = SecondLook(bundle="beside", below=0.95)
    return write_bundle(folder, plain_recognizer.model_path, replace(plain_recognizer.card, second_look=look))


def faint(crop: np.ndarray) -> np.ndarray:
    """The same stripes, of which a recognizer is less sure."""
    return np.clip(crop.astype(int) + 31, 0, 255).astype(np.uint8)


@given(st.lists(st.tuples(st.text("abcd", min_size=1, max_size=12), st.booleans()), max_size=12), st.integers(1, 4))
def test_second_looks_say_the_same_between_first_ones_and_after_them(
    doubting: Bundle, lines: list[tuple[str, bool]], threads: int
) -> None:
    reader = Recognizer(doubting, threads=threads)
    crops = [faint(stripes(text)) if is_faint else stripes(text) for text, is_faint in lines]
    firsts = reader.look(crops)
    assert firsts.again == {}
    after = reader.look_again(crops, firsts)
    assert [item.text for item in after] == [
        text.upper() if first.certainty < 0.95 else text for (text, _), first in zip(lines, firsts.first, strict=True)
    ]
    assert reader.recognize(crops) == after
    some = reader.look(crops, may_look_again=lambda known: len(known) > 3)
    assert reader.look_again(crops, some) == after


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_of_a_second_look_is_not_swallowed(
    doubting: Bundle, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Recognizer(doubting, threads=threads)

    def fail(crop: np.ndarray, width_scale: float) -> None:
        raise IndexError("broken")

    monkeypatch.setattr(reader.second, "_read", fail)
    with pytest.raises(IndexError, match="broken"):
        reader.recognize([faint(stripes("abcd"))] * 3)


def test_what_is_doubtful_is_read_again_by_the_bundle_that_the_card_names(doubting: Bundle, tmp_path: Path) -> None:
    shutil.copytree(doubting.model_path.parent, tmp_path / "first")
    first = load_bundle(tmp_path / "first")
    sure, doubtful = stripes("abcd"), faint(stripes("abcd"))
    both = Recognizer(first, threads=1)
    assert both.second is not None
    assert both.look([doubtful]).first[0].certainty < 0.95 < both.look([sure]).first[0].certainty
    assert [item.text for item in both.recognize([sure, doubtful, sure])] == ["abcd", "ABCD", "abcd"]
    alone = Recognizer(first, threads=1, second_look=False)
    assert alone.second is None
    assert [item.text for item in alone.recognize([sure, doubtful])] == ["abcd", "abcd"]
    (tmp_path / "first" / "beside" / "card.json").unlink()
    with pytest.raises(BundleError, match=r"beside.card\.json: cannot be read"):
        Recognizer(first)


def test_a_short_crop_may_be_read_again_at_a_higher_certainty_than_a_long_one() -> None:
    look = SecondLook(bundle="larger", below=0.7, short=6, below_short=0.9)
    assert look.wanted(0.69, 20)
    assert not look.wanted(0.8, 20)
    assert look.wanted(0.8, 6)
    assert not look.wanted(0.9, 6)
    assert SecondLook(bundle="larger", below=0.7).wanted(0.69, 0.1)


class Widths:
    """A model that notes how wide what it gets is."""

    def __init__(self, model: Model, seen: list[int]) -> None:
        self.model, self.seen, self.output_shape = model, seen, model.output_shape

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen.append(batch.shape[3])
        return self.model.run(batch)


def test_a_second_look_sees_wide_print_narrower_down_to_half(doubting: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    card = doubting.card
    assert card.second_look is not None
    # The crop of "abcd" is 9 cells of 16 pixels wide, and from one character to the next it is two of them.
    for needed, width in [(None, 144), (40.0, 144), (32.0, 144), (24.0, 108), (16.0, 72), (1.0, 72)]:
        look = replace(card.second_look, character_width=needed)
        reader = Recognizer(doubting._replace(card=replace(card, second_look=look)), threads=1)
        assert reader.second is not None
        monkeypatch.setattr(reader.second, "_model", Widths(reader.second._model, seen))
        reader.recognize([faint(stripes("abcd"))])
        multiple = reader.second.bundle.card.preprocess.multiple
        assert seen.pop() == -(-width // multiple) * multiple


def test_a_gap_between_columns_makes_print_no_wider() -> None:
    look = SecondLook(bundle="larger", below=0.7, character_width=16)
    even = [(index + 0.5) / 10 for index in range(10)]
    assert look.width_scale(200, even) == pytest.approx(0.8)
    columns = [place / 2 for place in even[:5]] + [0.5 + place / 2 for place in even[5:]]
    assert look.width_scale(400, columns) == pytest.approx(0.8)
    assert look.width_scale(200, even[:1]) == look.width_scale(200, []) == 1
    assert look.width_scale(200, [0.5, 0.5, 0.5]) == 1


def test_reader_gives_lines_in_order_with_polygons_in_its_pixels(detector: Detector, recognizer: Recognizer) -> None:
    reader = Reader(detector, recognizer)
    boxes = [(300, 60, 420, 90), (60, 62, 260, 92), (60, 140, 420, 170)]
    image = page(boxes, (480, 320))
    result = reader.read(image, source="drawn", page=3, notes=["by hand"])
    assert (result.image.source, result.image.page, result.image.width, result.image.height) == ("drawn", 3, 480, 320)
    order = [boxes[1], boxes[0], boxes[2]]
    for line, box in zip(result.lines, order, strict=True):
        quad = np.array(line.polygon, np.float32)
        assert iou(quad, grown(box)) > 0.9
        assert line.text == recognizer.recognize([crop_quad(image, quad)])[0].text
        assert 0.9 < line.detection_score <= 1
    assert set(result.timings_ms) == {"detect", "recognize", "total"}
    assert result.models.detector.sha256 == detector.bundle.sha256
    assert result.notes == ["by hand"]
    assert result.text.splitlines() == [line.text for line in result.lines]


def test_reader_leaves_out_what_it_cannot_read(detector: Detector, recognizer: Recognizer) -> None:
    image = page([(60, 60, 260, 90)], (480, 320))
    assert Reader(detector, recognizer, min_confidence=1.0).read(image, source="x").lines == []
    assert Reader(detector, recognizer).read(page([], (40, 40)), source="x").lines == []


def test_a_page_of_one_shade_has_no_lines(detector: Detector, recognizer: Recognizer) -> None:
    reader = Reader(detector, recognizer)
    for shade in (200, 255):
        assert reader.read(np.full((300, 500, 3), shade, np.uint8), source="x").lines == []


def test_polygons_of_more_points_are_cut_by_their_quad(
    tmp_path: Path, make_detector: Callable[..., Bundle], recognizer: Recognizer
) -> None:
    bundle = make_detector(tmp_path, postprocess=PostprocessSpec(shape="polygon"))
    reader = Reader(Detector(bundle), recognizer)
    result = reader.read(page([(60, 60, 260, 90)], (480, 320)), source="x")
    assert len(result.lines) == 1
    x0, y0, x1, y1 = bounding_box(np.array(result.lines[0].polygon))
    assert x0 < 60 < 260 < x1
    assert y0 < 60 < 90 < y1


# --- bundles that do not fit ---------------------------------------------------------------------------------------


def test_the_other_kind_of_bundle_is_refused(plain_detector: Bundle, plain_recognizer: Bundle) -> None:
    with pytest.raises(BundleError, match="is a recognition bundle; a detector is needed"):
        Detector(plain_recognizer)
    with pytest.raises(BundleError, match="is a detection bundle; a recognizer is needed"):
        Recognizer(plain_detector)
    with pytest.raises(BundleError, match="a detection bundle is needed here"):
        open_reader(plain_recognizer.model_path.parent, plain_recognizer.model_path.parent)
    reader = open_reader(plain_detector.model_path.parent, plain_recognizer.model_path.parent, threads=1)
    assert reader.models.recognizer.name == "plain-recognizer"


def test_a_charset_of_another_size_is_refused(plain_recognizer: Bundle, tmp_path: Path) -> None:
    card = replace(plain_recognizer.card, charset=["a", "b"])
    bundle = write_bundle(tmp_path, plain_recognizer.model_path, card)
    with pytest.raises(BundleError, match="the graph has 5 classes, the card's charset needs 3"):
        Recognizer(bundle)


def test_a_file_that_is_no_graph_is_refused(plain_detector: Bundle, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, b"not a graph", plain_detector.card)
    with pytest.raises(BundleError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        OnnxModel(bundle)


def test_a_graph_of_another_shape_is_refused(plain_detector: Bundle, tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "two-dimensional",
        [value("x", TensorProto.FLOAT, ["N", 3])],
        [value("y", TensorProto.FLOAT, ["N", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    bundle = write_bundle(tmp_path, model.SerializeToString(), plain_detector.card)
    with pytest.raises(BundleError, match="one image batch"):
        OnnxModel(bundle)


def test_fine_print_on_a_large_page_is_seen(detector: Detector) -> None:
    """At the first look these lines are under two pixels high."""
    boxes = [(x, y, x + 90, y + 6) for y in range(100, 1900, 100) for x in range(100, 1800, 300)]
    (found,) = detector.detect([page(boxes, (2000, 2000))])
    assert len(found) == len(boxes)
