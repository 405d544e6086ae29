import numpy as np
import pytest

from ocr.evaluation.disagreement import Pairing, disagreement
from ocr.evaluation.errors import Found, misread_lines, page_errors, worst
from ocr.evaluation.judge import Truth, judge_detection, judge_reading
from ocr.formats.page import ImageInfo, Line, ModelInfo, Models, Page


def box(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)


def judged(truth, found):
    """Errors of a page from (box, text) of what is true and what was read."""
    true = Truth([one for one, _ in truth], [text for _, text in truth], [text == "###" for _, text in truth])
    polygons, texts = [one for one, _ in found], [text for _, text in found]
    _, matching = judge_reading(true, polygons, texts)
    return page_errors("page", "page.png", true, Found(polygons, texts, matching))


LINE, BELOW = box(0, 0, 100, 10), box(0, 12, 100, 22)


@pytest.mark.parametrize(
    ("truth", "found", "kinds", "reads"),
    [
        ([(LINE, "Total")], [(LINE, "TOTAL")], [], []),
        ([(LINE, "Total")], [(LINE, "Tota1")], ["misread"], ["Tota1"]),
        ([(LINE, "Total")], [], ["missed"], [None]),
        ([(LINE, "Total")], [(box(0, 0, 30, 10), "To"), (box(32, 0, 60, 10), "ta")], ["split"], ["To | ta"]),
        ([(LINE, "a"), (BELOW, "b")], [(box(0, 0, 100, 22), "ab")], ["merged", "merged"], ["ab", "ab"]),
        ([(LINE, "a")], [(LINE, "a"), (box(0, 50, 90, 60), "x")], ["false"], ["x"]),
        ([(LINE, "a"), (BELOW, "###")], [(LINE, "a"), (BELOW, "x")], [], []),
        ([(LINE, "a"), (BELOW, None)], [(LINE, "a")], [], []),
    ],
)
def test_each_kind_of_error_is_told(truth, found, kinds, reads):
    page = judged(truth, found)
    assert [error.kind for error in page.errors] == kinds
    assert [error.read for error in page.errors] == reads


def test_detection_alone_judges_regions_without_texts():
    true = Truth([LINE, BELOW], [None, None], [False, False])
    _, matching = judge_detection(true, [LINE])
    page = page_errors("page", "page.png", true, Found([LINE], None, matching))
    assert [(error.kind, error.read) for error in page.errors] == [("missed", None)]
    assert (page.lines, page.right, page.score) == (2, 1, 0.5)


def test_the_worst_page_comes_first_and_pages_without_errors_are_left_out():
    pages = [
        misread_lines(name, f"{name}.png", [(LINE, "a", "a")] * right + [(LINE, "a", "b")] * wrong)
        for name, right, wrong in (("good", 3, 0), ("bad", 1, 2), ("so-so", 2, 1))
    ]
    assert [page.name for page in worst(pages)] == ["bad", "so-so"]


def reading(*lines):
    models = Models(detector=ModelInfo(name="d", sha256="0"), recognizer=ModelInfo(name="r", sha256="0"))
    found = [Line(polygon=one.tolist(), text=text, confidence=1, detection_score=1) for one, text in lines]
    return Page(image=ImageInfo(source="a", width=200, height=100), lines=found, timings_ms={}, models=models)


def test_two_readings_are_paired_by_place():
    a = reading((LINE, "Total"), (BELOW, "12.50"), (box(0, 30, 50, 40), "only"))
    b = reading((BELOW, "12.60"), (LINE, "Total"), (box(120, 60, 180, 70), "new"))
    assert disagreement(a, b) == [
        Pairing(0, 1, "same"),
        Pairing(1, 0, "text"),
        Pairing(2, None, "only a"),
        Pairing(None, 2, "only b"),
    ]
    assert disagreement(a, a) == [Pairing(i, i, "same") for i in range(3)]
