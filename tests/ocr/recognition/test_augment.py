import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr.datasets.synthetic import line
from ocr.recognition.augment import STEPS, WORKING_HEIGHT, Augment

SIZES = [(1, 1), (3, 200), (40, 5), (32, 300)]


@pytest.mark.parametrize("change", [change for change, _ in STEPS], ids=lambda change: change.__name__)
@pytest.mark.parametrize("size", SIZES)
def test_every_change_gives_an_image_and_leaves_its_input_alone(change, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    before = image.copy()
    for seed in range(12):
        changed = change(image, np.random.default_rng(seed))
        assert changed.dtype == np.uint8
        assert changed.ndim == 3
        assert changed.shape[2] == 3
        assert changed.size
    assert np.array_equal(image, before)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_print_stays_readable(seed):
    """What is left still has contrast, and about the shape of the line."""
    image, _ = line(seed, "Total 12.00")
    changed = Augment(strength=1.0)(image, np.random.default_rng(seed))
    grey = changed.mean(axis=2)
    assert np.ptp(grey) > 8
    ratio = (changed.shape[1] / changed.shape[0]) / (image.shape[1] / image.shape[0])
    assert 0.5 < ratio < 2


def test_a_seed_repeats_and_another_differs():
    image, _ = line(3, "Total 12.00")
    augment = Augment(strength=1.0)
    first, again, other = (augment(image, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_strength_zero_changes_nothing():
    image, _ = line(3, "Total 12.00")
    assert Augment(strength=0.0)(image, np.random.default_rng(0)) is image


def test_tall_crops_are_worked_on_at_the_height_a_recognizer_sees():
    image = np.full((600, 3000, 3), 255, np.uint8)
    assert Augment(strength=1e-9)(image, np.random.default_rng(0)).shape == (WORKING_HEIGHT, 320, 3)
