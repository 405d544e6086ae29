import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr.datasets.annotations import read_samples
from ocr.geometry.polygon import iou
from ocr.metrics.detection import DetectionCounts, DetectionScores, match, pair_up, scores


def quad(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float32)


rectangles = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(2, 60), st.integers(2, 60)).map(
        lambda r: quad(r[0], r[1], r[0] + r[2], r[1] + r[3])
    ),
    max_size=12,
)


def test_every_true_line_found_scores_one(ocr_data):
    counts = DetectionCounts()
    for sample in list(read_samples(ocr_data / "sroie" / "val"))[:3]:
        counts += match(sample.polygons, sample.polygons, sample.ignore)
    assert counts.matched == counts.truth == counts.predicted > 100
    assert scores(counts) == DetectionScores(1.0, 1.0, 1.0)


def test_unreadable_scene_text_does_not_count(ocr_data):
    sample = max(read_samples(ocr_data / "icdar2015" / "test"), key=lambda one: one.ignore.count(False))
    counts = match(sample.polygons, sample.polygons, sample.ignore)
    assert 0 < sum(sample.ignore) < len(sample.ignore)
    assert counts.predicted == counts.truth == counts.matched == len(sample.ignore) - sum(sample.ignore)


def test_iou_of_exactly_the_threshold_is_not_enough():
    assert match([quad(0, 0, 10, 5)], [quad(0, 0, 10, 10)], [False]).matched == 0
    assert match([quad(0, 0, 10, 5.1)], [quad(0, 0, 10, 10)], [False]).matched == 1


def test_each_side_is_used_once_and_the_better_fit_wins():
    matching = pair_up([quad(0, 0, 10, 9), quad(0, 0, 10, 10)], [quad(0, 0, 10, 10)], [False])
    assert matching.pairs == [(1, 0)]
    assert matching.counts == DetectionCounts(matched=1, predicted=2, truth=1)


def test_a_detection_mostly_in_an_ignored_region_is_left_out():
    region = quad(0, 0, 100, 100)
    inside, half, outside = quad(10, 10, 50, 20), quad(90, 50, 110, 60), quad(95, 50, 115, 60)
    matching = pair_up([inside, half, outside], [region], [True])
    assert matching.dropped == [0]
    assert matching.counts == DetectionCounts(predicted=2)


def test_invalid_polygons_are_counted():
    nothing, not_finite = np.zeros((4, 2), np.float32), np.full((4, 2), np.nan, np.float32)
    counts = match([nothing, not_finite, quad(0, 0, 10, 10)], [quad(0, 0, 10, 10), nothing], [False, False])
    assert counts == DetectionCounts(matched=1, predicted=3, truth=1, invalid_predicted=2, invalid_truth=1)


def test_indices_are_those_of_the_input_when_invalid_ones_are_between():
    nothing = np.zeros((4, 2), np.float32)
    matching = pair_up([nothing, quad(0, 0, 10, 10)], [nothing, quad(50, 50, 60, 60), quad(0, 0, 10, 10)], [False] * 3)
    assert matching.pairs == [(1, 2)]


def test_flags_must_fit_the_truth():
    with pytest.raises(ValueError, match="1 true polygons but 0 ignore flags"):
        match([], [quad(0, 0, 1, 1)], [])


@pytest.mark.parametrize(("predicted", "truth"), [([], []), ([quad(0, 0, 5, 5)], []), ([], [quad(0, 0, 5, 5)])])
def test_empty_sides_score_zero(predicted, truth):
    counts = match(predicted, truth, [False] * len(truth))
    assert (counts.matched, counts.predicted, counts.truth) == (0, len(predicted), len(truth))
    assert scores(counts) == DetectionScores(0.0, 0.0, 0.0)


def test_pages_add_up_before_the_ratio_is_taken():
    assert scores(DetectionCounts(1, 1, 1) + DetectionCounts(0, 3, 1)) == DetectionScores(
        0.25, 0.5, pytest.approx(1 / 3)
    )


@given(rectangles, rectangles)
def test_pairs_agree_with_every_iou_computed_on_its_own(predicted, truth):
    table = np.array([[iou(p, t) for t in truth] for p in predicted]).reshape(len(predicted), len(truth))
    pairs = pair_up(predicted, truth, [False] * len(truth)).pairs
    assert all(table[pair] > 0.5 for pair in pairs)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    left = np.delete(np.delete(table, [row for row, _ in pairs], axis=0), [column for _, column in pairs], axis=1)
    assert left.size == 0 or left.max() <= 0.5 + 1e-6


@given(rectangles, st.randoms())
def test_the_order_of_predictions_does_not_matter(truth, random):
    predicted = [polygon + 1 for polygon in truth]
    shuffled = random.sample(predicted, len(predicted))
    ignore = [i % 3 == 0 for i in range(len(truth))]
    assert match(predicted, truth, ignore).predicted == match(shuffled, truth, ignore).predicted
