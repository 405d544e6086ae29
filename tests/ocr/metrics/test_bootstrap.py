import numpy as np
import pytest

from ocr.metrics.bootstrap import interval


def share(sums):
    return sums[:, 0] / sums[:, 1]


def test_interval_of_independent_trials_is_near_the_normal_one():
    hits = np.arange(1000) % 4 == 0
    found = interval(np.stack([hits, np.ones(1000)], axis=1), share)
    half = 1.96 * np.sqrt(0.25 * 0.75 / 1000)
    assert found.low == pytest.approx(0.25 - half, abs=0.004)
    assert found.high == pytest.approx(0.25 + half, abs=0.004)


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    counts = np.random.default_rng(1).integers(1, 9, (50, 2)).astype(float)
    assert interval(counts, share, seed=3) == interval(counts, share, seed=3)
    assert interval(counts, share, seed=3) != interval(counts, share, seed=4)


def test_pages_that_are_all_alike_leave_no_room():
    found = interval(np.full((10, 2), (3.0, 4.0)), share)
    assert found.low == found.high == 0.75


def test_a_narrower_level_is_inside_a_wider_one():
    counts = np.random.default_rng(1).integers(1, 9, (50, 2)).astype(float)
    wide, narrow = interval(counts, share, level=0.99), interval(counts, share, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_many_crops_are_drawn_in_blocks():
    counts = np.ones((300_000, 2))
    assert interval(counts, share, resamples=10).high == 1.0


@pytest.mark.parametrize("counts", [np.zeros((0, 2)), np.zeros(3)])
def test_counts_must_be_a_table_with_pages(counts):
    with pytest.raises(ValueError, match="expected counts"):
        interval(counts, share)
