import pytest

from ocr.bundles.bundle import load_bundle
from ocr.datasets.annotations import Sample, read_samples
from ocr.errors import ConfigError, InputError
from ocr.evaluation.prior_texts import read_texts
from ocr.evaluation.tune_recognizer import BONUSES, WEIGHTS, tune_recognizer
from ocr.specs.decode import DecodeSpec
from ocr.text.prior import build_prior

from .conftest import quad, write_page


@pytest.fixture
def doubtful(tmp_path):
    """A page whose line is a shade nearer to "c" than to "d", though it says "d"."""
    import cv2

    line = quad(20, 20, 220, 60)
    write_page(tmp_path / "set", "1", [], [(line, "d")])
    path = tmp_path / "set" / "img" / "1.png"
    image = cv2.imread(str(path))
    image[10:70, 10:230] = 159
    cv2.imwrite(str(path), image)
    return tmp_path / "set"


def test_a_prior_that_helps_is_taken_and_one_that_does_not_is_left(doubtful, plain_recognizer):
    samples = list(read_samples(doubtful))
    helped = tune_recognizer(plain_recognizer, samples, build_prior(["d"] * 50), threads=1)
    assert helped.spec.prior is not None
    assert helped.spec.prior.weight in WEIGHTS
    assert helped.spec.prior.bonus in BONUSES
    assert helped.trials[0].word_f1 == 1.0
    assert helped.trials[-1] == (0.0, 0.0, 0.0)
    assert helped.lines == 1
    left = tune_recognizer(plain_recognizer, samples, build_prior(["c"] * 50), threads=1)
    assert left.spec.prior is None
    assert left.spec.certainty == ((0.0, 0.0), (1.0, 1.0))  # one line says nothing


def test_without_texts_only_the_certainty_is_fitted(pages, plain_recognizer):
    seen = []
    tuned = tune_recognizer(plain_recognizer, read_samples(pages), None, threads=1, progress=lambda: seen.append(1))
    assert len(seen) == 2
    assert tuned.spec == DecodeSpec(kind="ctc", certainty=((0.0, 0.0), (1.0, 1.0)))
    assert len(tuned.trials) == 1


def test_certainty_comes_nearer_to_what_is_seen_on_real_receipts(ocr_data):
    samples = list(read_samples(ocr_data / "sroie" / "train"))[:6]
    bundle = load_bundle("recognizer", task="recognition")
    tuned = tune_recognizer(bundle, samples, None)
    assert tuned.spec.prior == bundle.card.decode.prior
    assert tuned.lines > 200
    assert tuned.error_after < 0.1
    assert len(tuned.spec.certainty) > 2


def test_what_cannot_be_tuned_is_refused(pages, plain_recognizer, make_recognizer, tmp_path):
    empty = Sample(image=pages / "img" / "1.png", polygons=[], texts=[], ignore=[], name="1")
    with pytest.raises(ConfigError, match="at least one annotated line"):
        tune_recognizer(plain_recognizer, [empty], None)
    parseq = make_recognizer(tmp_path / "parseq", decode=DecodeSpec(kind="parseq"))
    with pytest.raises(ConfigError, match="only a ctc recognizer can use a prior"):
        tune_recognizer(parseq, read_samples(pages), build_prior(["a"]))


def test_texts_come_from_data_sets_and_plain_files(pages, tmp_path):
    (tmp_path / "more.txt").write_text("one line\n\nanother\n", encoding="utf-8")
    assert sorted(read_texts([pages, tmp_path / "more.txt"])) == sorted(["D", "ab", "d", "cé", "one line", "another"])
    (tmp_path / "more.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        list(read_texts([tmp_path / "more.txt"]))
