"""Give a recognizer a character prior and a calibrated certainty, both chosen on validation lines."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from ocr.bundles.bundle import Bundle, load_prior
from ocr.datasets.annotations import Sample
from ocr.errors import ConfigError
from ocr.evaluation.judge import is_right
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad
from ocr.inference.recognizer import Floats, Recognizer
from ocr.metrics.calibration import calibration_error, fit_points
from ocr.metrics.endtoend import WordCounts, count_words, word_scores
from ocr.specs.decode import Decoded, DecodeSpec, PriorSpec, decode, observed
from ocr.text.charset import Charset
from ocr.text.prior import Prior

WEIGHTS = (0.2, 0.3, 0.4, 0.5)
BONUSES = (0.4, 0.6, 0.8)


class PriorTrial(NamedTuple):
    """Weights of the prior (0 without one) and the word F1, case ignored, they give over the lines of each page."""

    weight: float
    bonus: float
    word_f1: float


class Tuned(NamedTuple):
    """The spec to use, what was tried, best first, and the calibration error before and after.

    The error after is of halves of the pages, each by the points fitted on the other.
    """

    spec: DecodeSpec
    trials: list[PriorTrial]
    lines: int
    error_before: float
    error_after: float


class _Page(NamedTuple):
    """Logits of a page's lines and their true texts."""

    logits: list[Floats]
    texts: list[str]


def tune_recognizer(
    bundle: Bundle,
    samples: Iterable[Sample],
    prior: Prior | None,
    *,
    threads: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Tuned:
    """Weigh ``prior`` (None: keep the one the bundle has, if any) and calibrate the certainty on the lines of samples.

    The network sees every line once. ``progress`` is called after every page. Raises ConfigError when the bundle is no
    ctc recognizer and a prior is given, or when no sample has a line with a text.
    """
    recognizer = Recognizer(bundle, threads=threads, second_look=False)
    spec = bundle.card.decode
    assert spec is not None  # a recognizer has one
    if prior is not None and spec.kind != "ctc":
        raise ConfigError(f"{bundle.card.name}: decodes by {spec.kind}; only a ctc recognizer can use a prior")
    pages = list(_pages(recognizer, samples, progress))
    if not any(page.texts for page in pages):
        raise ConfigError("tuning needs at least one annotated line with a text")
    plain = replace(spec, certainty=None)
    specs = [plain] if prior is None else [replace(plain, prior=None), *_weighed(plain, prior)]
    used = prior or load_prior(bundle)
    tried = []
    for one in specs:
        read = _read(one, recognizer.charset, pages, used if one.prior else None)
        counts = sum(
            (count_words(page.texts, [text.text for text in texts]) for page, texts in zip(pages, read, strict=True)),
            WordCounts(),
        )
        tried.append((word_scores(counts).f1, one, read))
    tried.sort(key=lambda item: -item[0])
    _, best, read = tried[0]
    judged = [_certainties(page, texts) for page, texts in zip(pages, read, strict=True)]
    everything = [item for page in judged for item in page]
    points = fit_points(*_columns(everything))
    trials = [
        PriorTrial(one.prior.weight if one.prior else 0.0, one.prior.bonus if one.prior else 0.0, f1)
        for f1, one, _ in tried
    ]
    before, after = calibration_error(*_columns(everything)), _crossed_error(judged)
    return Tuned(replace(best, certainty=tuple(points)), trials, len(everything), before, after)


def _weighed(spec: DecodeSpec, prior: Prior) -> list[DecodeSpec]:
    sha256 = hashlib.sha256(prior.to_bytes()).hexdigest()
    return [
        replace(spec, prior=PriorSpec(sha256=sha256, weight=weight, bonus=bonus))
        for weight, bonus in product(WEIGHTS, BONUSES)
    ]


def _pages(recognizer: Recognizer, samples: Iterable[Sample], progress: Callable[[], None]) -> Iterable[_Page]:
    for sample in samples:
        image, lines = sample.load_lines()
        crops = [crop_quad(image, polygon_quad(polygon)) for polygon, _ in lines]
        yield _Page(recognizer.logits(crops), [text for _, text in lines])
        progress()


def _read(spec: DecodeSpec, charset: Charset, pages: Sequence[_Page], prior: Prior | None) -> list[list[Decoded]]:
    return [[decode(spec, charset, line[None], prior=prior)[0] for line in page.logits] for page in pages]


def _certainties(page: _Page, read: Sequence[Decoded]) -> list[tuple[float, bool]]:
    """For each line in which something was read: its certainty, and whether it is right."""
    return [(one.certainty, is_right(text, one.text)) for text, one in zip(page.texts, read, strict=True) if one.text]


def _columns(judged: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [certainty for certainty, _ in judged], [right for _, right in judged]


def _crossed_error(pages: Sequence[Sequence[tuple[float, bool]]]) -> float:
    """Calibration error of each half of the pages by the points fitted on the other half."""
    halves = [[item for page in pages[begin::2] for item in page] for begin in (0, 1)]
    mapped: list[tuple[float, bool]] = []
    for fitted, judged in (halves, halves[::-1]):
        points = fit_points(*_columns(fitted))
        mapped += [(observed(points, certainty), right) for certainty, right in judged]
    return calibration_error(*_columns(mapped))
