"""Run a detector, a recognizer or both over a data set and judge what they give."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocr.datasets.annotations import Sample
from ocr.errors import ConfigError
from ocr.evaluation.errors import Found, PageErrors, misread_lines, page_errors, worst
from ocr.evaluation.judge import Truth, is_right, judge_detection, judge_reading, judge_texts
from ocr.evaluation.measures import PageCounts, summarise
from ocr.evaluation.report import Acceptance, Calibration, Report, Task
from ocr.evaluation.slices import Observation, confusions, slices
from ocr.formats.page import ModelInfo
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad
from ocr.inference.detector import Detector
from ocr.inference.engine import Reader
from ocr.inference.recognizer import Recognizer
from ocr.metrics.calibration import accepted, calibration_error
from ocr.specs.decode import Decoded
from ocr.text.charset import Charset

# Crops of several images are recognized together: a folder of single words would otherwise run one by one.
CROPS_AT_ONCE = 64
# Shares of wrong lines for which a report says how many could be accepted unseen.
ACCEPTED_ERRORS = (0.01, 0.02, 0.05)

Progress = Callable[[], None]


@dataclass
class _Judged:
    """What has been gathered so far."""

    pages: list[PageCounts] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    outside_charset: Counter[str] = field(default_factory=Counter)
    texts_outside: int = 0
    errors: list[PageErrors] = field(default_factory=list)

    def add_text(self, one: Observation, charset: Charset) -> None:
        """Keep a line that was to be read."""
        missing = charset.missing(one.text or "")
        self.outside_charset.update(missing)
        self.texts_outside += bool(missing)
        self.observations.append(one)


def evaluate(
    samples: Iterable[Sample],
    *,
    detector: Detector | None = None,
    recognizer: Recognizer | None = None,
    data: str,
    progress: Progress = lambda: None,
) -> Report:
    """Judge what is given: a detector by its polygons, a recognizer by the true regions' texts, both by whole pages.

    Args:
        samples: annotated images; polygons that do not validate are left out.
        detector: or None.
        recognizer: or None.
        data: the data set's name, for the records.
        progress: called after every image.

    Raises:
        ConfigError: nothing to judge was given, or the data has nothing to judge it by.
        ImageError: an image cannot be read.
    """
    judged = _Judged()
    task: Task
    if detector and recognizer:
        task = "endtoend"
        _judge_reader(judged, samples, Reader(detector, recognizer), progress)
    elif detector:
        task = "detection"
        _judge_detector(judged, samples, detector, progress)
    elif recognizer:
        task = "recognition"
        _judge_recognizer(judged, samples, recognizer, progress)
    else:
        raise ConfigError("nothing to evaluate: give a detector, a recognizer or both")
    if not any(one.text is not None or task == "detection" for one in judged.observations):
        raise ConfigError(f"{data}: has no {'regions' if task == 'detection' else 'texts'} to judge {task} by")
    return Report(
        task=task,
        data=data,
        images=len(judged.pages),
        models=[
            ModelInfo(name=part.bundle.card.name, sha256=part.bundle.sha256) for part in (detector, recognizer) if part
        ],
        metrics=summarise(judged.pages, data),
        slices=slices(judged.observations, detected=task != "recognition", recognized=task != "detection"),
        confusions=confusions(judged.observations),
        calibration=_calibration(judged.observations),
        notes=_notes(judged),
        pages=worst(judged.errors),
    )


def _judge_detector(judged: _Judged, samples: Iterable[Sample], detector: Detector, progress: Progress) -> None:
    for image, truth, (name, file) in _truths(samples):
        found = [one.polygon for one in detector.detect([image])[0]]
        counts, matching = judge_detection(truth, found)
        hits = {index for _, index in matching.pairs}
        judged.pages.append(counts)
        judged.errors.append(page_errors(name, file, truth, Found(found, None, matching)))
        judged.observations += [
            Observation(polygon, text, found=i in hits)
            for i, (polygon, text, skip) in enumerate(zip(*truth, strict=True))
            if not skip
        ]
        progress()


def _judge_reader(judged: _Judged, samples: Iterable[Sample], reader: Reader, progress: Progress) -> None:
    for image, truth, (name, file) in _truths(samples):
        page = reader.read(image, source="")
        polygons = [np.array(line.polygon, dtype=np.float32) for line in page.lines]
        texts = [line.text for line in page.lines]
        counts, matching = judge_reading(truth, polygons, texts)
        judged.errors.append(page_errors(name, file, truth, Found(polygons, texts, matching)))
        read = {index: page.lines[line] for line, index in matching.pairs}
        judged.pages.append(counts)
        for i, (polygon, text, skip) in enumerate(zip(*truth, strict=True)):
            if not skip and text:
                one = Observation(polygon, text, found=i in read)
                if i in read:
                    one = one._replace(read=read[i].text, certainty=read[i].confidence)
                judged.add_text(one, reader.recognizer.charset)
        progress()


def _judge_recognizer(judged: _Judged, samples: Iterable[Sample], recognizer: Recognizer, progress: Progress) -> None:
    for block in _blocks(_truths(samples)):
        crops = [crop_quad(image, polygon_quad(polygon)) for image, lines, _ in block for polygon, _ in lines]
        texts = iter(recognizer.recognize(crops))
        for _, lines, place in block:
            read = [_read(polygon, text, next(texts)) for polygon, text in lines]
            if read:
                judged.pages.append(judge_texts([(one.text or "", one.read or "") for one in read]))
                judged.errors.append(
                    misread_lines(*place, [(one.polygon, one.text or "", one.read or "") for one in read])
                )
            for one in read:
                judged.add_text(one, recognizer.charset)
            progress()


def _read(polygon: npt.NDArray[np.float32], text: str, read: Decoded) -> Observation:
    return Observation(polygon, text, read=read.text, certainty=read.certainty)


def _calibration(observations: Iterable[Observation]) -> Calibration | None:
    """How far confidence can be trusted, over the lines in which something was read; None without any."""
    judged = [
        (one.certainty, is_right(one.text, one.read))
        for one in observations
        if one.text and one.read and one.certainty is not None
    ]
    if not judged:
        return None
    certainty, right = zip(*judged, strict=True)
    accept = [Acceptance(error=one.error, share=one.share) for one in accepted(certainty, right, ACCEPTED_ERRORS)]
    return Calibration(n=len(judged), error=calibration_error(certainty, right), accept=accept)


class _True(NamedTuple):
    """An image, what is true of it, and its name and file."""

    image: npt.NDArray[np.uint8]
    truth: Truth
    place: tuple[str, str]


class _Lines(NamedTuple):
    """An image with its lines to read, and its name and file."""

    image: npt.NDArray[np.uint8]
    lines: list[tuple[npt.NDArray[np.float32], str]]
    place: tuple[str, str]


def _truths(samples: Iterable[Sample]) -> Iterator[_True]:
    for sample in samples:
        image = sample.load()
        sample = sample.valid((image.shape[1], image.shape[0]))
        place = (sample.name, str(sample.image.resolve()))
        yield _True(image, Truth(sample.polygons, sample.texts, sample.ignore), place)


def _blocks(truths: Iterable[_True]) -> Iterator[list[_Lines]]:
    """Images with their lines to read, gathered until there are enough crops to recognize together."""
    block: list[_Lines] = []
    for image, truth, place in truths:
        lines = [(polygon, text) for polygon, text, skip in zip(*truth, strict=True) if text and not skip]
        block.append(_Lines(image, lines, place))
        if sum(len(one.lines) for one in block) >= CROPS_AT_ONCE:
            yield block
            block = []
    if block:
        yield block


def _notes(judged: _Judged) -> list[str]:
    """What a reader of the figures should know."""
    notes = []
    if judged.outside_charset:
        listed = " ".join(character for character, _ in judged.outside_charset.most_common(20))
        notes.append(f"{judged.texts_outside} true texts have characters outside the recognizer's charset: {listed}")
    invalid = sum(page["detection"].invalid_predicted for page in judged.pages if "detection" in page)
    if invalid:
        notes.append(f"{invalid} predicted polygons were invalid and count as false")
    return notes
