"""A recognizer's bundle to one in eight bits, behind a gate: it must read held-out lines all but as well."""

import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ocr.bundles.bundle import MODEL_FILE, Bundle, load_prior, write_bundle
from ocr.bundles.card import MetricRecord
from ocr.datasets.annotations import Sample
from ocr.errors import ConfigError, ParityError
from ocr.evaluation.evaluate import evaluate
from ocr.geometry.crop import crop_quad
from ocr.geometry.quad import polygon_quad
from ocr.images.load import Rgb
from ocr.inference.onnx import OnnxModel
from ocr.inference.recognizer import Recognizer
from ocr.nn.onnx_graph import read_graph
from ocr.specs import preprocess
from ocr.training.eight_bits import MOST_NOISE, in_eight_bits, pointwise
from ocr.training.graph import stored_in_half

LINES = 300
# Of one page at most so many lines are fitted to: a few of many pages show more than many of few.
_LINES_A_PAGE = 4
# Share of lines that may be lost.
MOST_LOSS = 0.002
_FIGURE = "accuracy_any_case_no_spaces"


class Data(NamedTuple):
    """Annotated images and what they are called."""

    name: str
    samples: Sequence[Sample]


class Quantized(NamedTuple):
    """What was written, how many convolutions are in eight bits, and the share of held-out lines read."""

    bundle: Bundle
    convolutions: int
    left: int
    before: MetricRecord
    after: MetricRecord


def quantize(
    bundle: Bundle,
    fit: Data,
    held_out: Data,
    to: Path,
    *,
    lines: int = LINES,
    most_noise: float = MOST_NOISE,
    most_loss: float = MOST_LOSS,
    progress: Callable[[], None] = lambda: None,
) -> Quantized:
    """Round a recognition bundle to eight bits, fitted to ``lines`` of one data set, and write it to folder ``to``.

    ``progress`` is called after every convolution that was looked at and every image that was judged. Raises
    ParityError, and writes nothing, when the share of held-out lines read exactly, case and spaces put aside, falls by
    more than ``most_loss``; ConfigError when there is nothing to fit to, to judge by or to round.
    """
    graph = read_graph(str(bundle.model_path))
    if not pointwise(graph):
        raise ConfigError(f"{bundle.model_path.parent}: has no convolutions that eight bits would speed up")
    images = [preprocess.apply(bundle.card.preprocess, crop).array[None] for crop in _crops(fit, lines)]
    rounded = in_eight_bits(graph, images, most_noise=most_noise, step=progress)
    smaller = stored_in_half(rounded.graph)  # what was in half precision and is left in floats
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / MODEL_FILE
        trial.write_bytes(smaller)
        before, after = (_judge(bundle, path, held_out, progress) for path in (bundle.model_path, trial))
    if before.value - after.value > most_loss:
        raise ParityError(
            f"{bundle.card.name}: in eight bits it reads {after.value:.2%} of {before.n} lines of {held_out.name} "
            f"instead of {before.value:.2%}, a loss of more than {most_loss:.2%}; nothing was written: fit it to more "
            "lines like them"
        )
    note = (
        f"In eight bits, fitted to {len(images)} lines of {fit.name} by ocr quantize: reads {after.value:.2%} of "
        f"{after.n} lines of {held_out.name}, {before.value:.2%} before; other figures here are from before."
    )
    card = replace(bundle.card, notes=f"{bundle.card.notes} {note}".strip())
    prior = load_prior(bundle)
    written = write_bundle(to, smaller, card, None if prior is None else prior.to_bytes())
    return Quantized(written, rounded.convolutions, rounded.left, before, after)


def _crops(data: Data, count: int) -> Iterable[Rgb]:
    """Up to ``count`` lines of the data set, some of each page."""
    chance = random.Random(0)
    found = 0
    for sample in chance.sample(data.samples, len(data.samples)):
        image, lines = sample.load_lines()
        for polygon, _ in chance.sample(lines, min(_LINES_A_PAGE, len(lines), count - found)):
            found += 1
            yield crop_quad(image, polygon_quad(polygon))
        if found == count:
            return
    if not found:
        raise ConfigError(f"{data.name}: has no line with a text to fit to; name annotated images")


def _judge(bundle: Bundle, graph: Path, held_out: Data, progress: Callable[[], None]) -> MetricRecord:
    """Share of held-out lines that the bundle reads with a graph in its place, without a second look."""
    recognizer = Recognizer(bundle, model=OnnxModel(bundle._replace(model_path=graph), threads=1))
    report = evaluate(held_out.samples, recognizer=recognizer, data=held_out.name, progress=progress)
    return next(record for record in report.metrics if record.name == _FIGURE)
