from pathlib import Path

import pytest

from ocr.datasets.annotations import read_samples
from ocr.errors import ConfigError
from ocr.evaluation.tune import BINARIZE, BOX_THRESHOLD, is_test_set, tune_detector
from ocr.inference.detector import Detector
from ocr.specs.postprocess import PostprocessSpec


def test_thresholds_that_lose_every_line_come_last(pages, plain_detector):
    seen = []
    samples = list(read_samples(pages))
    trials = tune_detector(plain_detector, samples, threads=1, progress=lambda: seen.append(1))
    assert len(seen) == len(samples)
    assert {(trial.binarize, trial.box_threshold) for trial in trials} == {
        (a, b) for a in BINARIZE for b in BOX_THRESHOLD
    }
    assert trials[0][:3] == (0.3, 0.6, 0.4)  # the bundle's own, which no other beats
    assert trials[0].hmean == 0.75
    assert [trial.hmean for trial in trials] == sorted((trial.hmean for trial in trials), reverse=True)
    # The pages' lines are found with a score of 0.65.
    assert all(trial.hmean == 0 for trial in trials if trial.box_threshold >= 0.7)


def test_the_network_sees_every_page_once(pages, plain_detector, monkeypatch):
    seen = []
    look = Detector._map
    monkeypatch.setattr(Detector, "_map", lambda self, *where: seen.append(where) or look(self, *where))
    samples = list(read_samples(pages))
    tune_detector(plain_detector, samples, threads=1)
    assert len(seen) == len(samples)


def test_a_shrink_ratio_stays_one(pages, make_detector, tmp_path):
    bundle = make_detector(tmp_path / "near", postprocess=PostprocessSpec(shrink_ratio=0.97))
    trials = tune_detector(bundle, read_samples(pages), threads=1)
    assert {trial.shrink_ratio for trial in trials} == {0.92, 0.97}


def test_what_cannot_be_tuned_is_refused(pages, plain_detector, plain_recognizer):
    with pytest.raises(ConfigError, match="plain-recognizer: is a recognition bundle"):
        tune_detector(plain_recognizer, read_samples(pages))
    with pytest.raises(ConfigError, match="at least one annotated page"):
        tune_detector(plain_detector, [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/sroie/val", True),
        ("data/icdar2015/test", True),
        ("words/iiit5k_train", True),
        ("data/test/pages", True),
        ("sroie/train", False),
        ("mine/val", False),
    ],
)
def test_which_data_are_for_testing(path, expected, tmp_path):
    assert is_test_set(tmp_path.parents[-1] / Path(path)) is expected
