"""Accuracy against time for every way of reading there is: bundles, detector sizes, priors and second looks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import median

import numpy as np

from ocr.bundles.bundle import Bundle
from ocr.bundles.card import BundleCard
from ocr.datasets.annotations import Sample
from ocr.errors import ConfigError
from ocr.evaluation.judge import Truth, judge_reading
from ocr.evaluation.measures import PageCounts, summarise
from ocr.inference.detector import Detector
from ocr.inference.engine import Reader
from ocr.inference.recognizer import Recognizer


@dataclass(frozen=True)
class Way:
    """One way of reading: a detector at a long side in pixels, a recognizer, with its prior and second look or not."""

    detector: Bundle
    side: int
    recognizer: Bundle
    prior: bool
    second_look: bool

    @property
    def name(self) -> str:
        """The way in a few words."""
        parts = [f"{self.detector.card.name}@{self.side}", self.recognizer.card.name]
        decode, second = self.recognizer.card.decode, self.recognizer.card.second_look
        if decode and decode.prior:
            parts.append("prior" if self.prior else "no prior")
        if second:
            parts.append("second look" if self.second_look else "one look")
        return ", ".join(parts)


@dataclass(frozen=True)
class Measured:
    """What a way gives and costs, medians per page; ``pareto`` says that none is both better and faster."""

    name: str
    hmean: float
    word_f1: float
    page_cer: float
    wall_ms: float
    cpu_ms: float
    pareto: bool = False


def ways(
    detectors: Sequence[Bundle], sides: Sequence[int], recognizers: Sequence[Bundle], *, every: bool = True
) -> list[Way]:
    """All combinations; without ``every`` only the cards' own priors and second looks. No ``sides``: the card's own.

    Raises ConfigError when a side is smaller than a detector's multiple.
    """
    found: dict[tuple[str, int, str, bool, bool], Way] = {}
    for detector, recognizer in product(detectors, recognizers):
        decode, second = recognizer.card.decode, recognizer.card.second_look
        priors = (True, False) if every and decode and decode.prior else (True,)
        looks = (True, False) if every and second else (True,)
        for side, prior, look in product(sides or [_side(detector.card)], priors, looks):
            if side < detector.card.preprocess.multiple:
                raise ConfigError(f"side {side}: at least {detector.card.preprocess.multiple} is needed")
            key = (detector.sha256, side, recognizer.sha256, prior, look)
            found[key] = Way(detector, side, recognizer, prior, look)
    return list(found.values())


def bench(
    chosen: Sequence[Way],
    samples: Sequence[Sample],
    *,
    threads: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Measured]:
    """Read all samples in every way, page by page so that a busy moment hits all alike; the fastest first.

    ``progress`` is called after every page read. Raises ConfigError when there are no samples.
    """
    if not samples:
        raise ConfigError("a benchmark needs at least one annotated page")
    readers = [_open(way, threads) for way in chosen]
    counts: list[list[PageCounts]] = [[] for _ in chosen]
    costs: list[list[tuple[float, float]]] = [[] for _ in chosen]
    for index, sample in enumerate(samples):
        image = sample.load()
        valid = sample.valid((image.shape[1], image.shape[0]))
        truth = Truth(valid.polygons, valid.texts, valid.ignore)
        for reader, count, cost in zip(readers, counts, costs, strict=True):
            if index == 0:
                reader.read(image, source="")  # the first page of a session is slower than all others
            wall, cpu = time.perf_counter(), time.process_time()
            page = reader.read(image, source="")
            cost.append((time.perf_counter() - wall, time.process_time() - cpu))
            polygons = [np.array(line.polygon, dtype=np.float32) for line in page.lines]
            count.append(judge_reading(truth, polygons, [line.text for line in page.lines])[0])
            progress()
    rows = [_row(way.name, count, cost) for way, count, cost in zip(chosen, counts, costs, strict=True)]
    return with_pareto(sorted(rows, key=lambda row: row.cpu_ms))


def with_pareto(rows: Sequence[Measured]) -> list[Measured]:
    """Mark the rows for which no other has at least their word F1 for less CPU time, or more for the same."""
    marked = []
    for row in rows:
        beaten = any(
            other.word_f1 >= row.word_f1
            and other.cpu_ms <= row.cpu_ms
            and (other.word_f1, other.cpu_ms) != (row.word_f1, row.cpu_ms)
            for other in rows
        )
        marked.append(replace(row, pareto=not beaten))
    return marked


def _side(card: BundleCard) -> int:
    """Long side that a detector's card asks for."""
    side = card.preprocess.max_side
    if side is None:
        raise ConfigError(f"{card.name}: its card sets no long side; only detectors that limit it can be compared")
    return side


def _open(way: Way, threads: int | None) -> Reader:
    card = way.detector.card
    before = replace(card.preprocess, max_side=way.side)
    detector = way.detector._replace(card=replace(card, preprocess=before))
    recognizer = way.recognizer
    if not way.prior and recognizer.card.decode:
        plain = replace(recognizer.card.decode, prior=None, certainty=None)
        recognizer = recognizer._replace(card=replace(recognizer.card, decode=plain))
    return Reader(
        Detector(detector, threads=threads), Recognizer(recognizer, threads=threads, second_look=way.second_look)
    )


def _row(name: str, counts: Sequence[PageCounts], costs: Sequence[tuple[float, float]]) -> Measured:
    figures = {record.name: record.value for record in summarise(counts, "", resamples=1)}
    walls, cpus = zip(*costs, strict=True)
    return Measured(
        name=name,
        hmean=figures["hmean"],
        word_f1=figures["word_f1"],
        page_cer=figures["page_cer"],
        wall_ms=1000 * median(walls),
        cpu_ms=1000 * median(cpus),
    )
