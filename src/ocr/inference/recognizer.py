"""The recognizer: texts of line crops, by an exported bundle and, where the card asks for it, a second one."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import Bundle, load_bundle, load_prior
from ocr.errors import BundleError
from ocr.images.load import Rgb
from ocr.inference.onnx import Model, OnnxModel
from ocr.inference.threads import available_cores, in_background
from ocr.specs import decode as decoding
from ocr.specs import preprocess
from ocr.specs.decode import Decoded
from ocr.text.charset import Charset

Floats = NDArray[np.float32]
_Item = TypeVar("_Item")

# Width of one recognizer batch, all crops together, in pixels: bounds its memory, and leaves work for every core.
_BATCH_COLUMNS = 1024
# Batches that each worker gets at least, where there are crops enough.
_BATCHES_EACH = 4


class Recognizer:
    """Texts from line crops. A crop is padded by its own width alone, so its text does not depend on its batch.

    When the card names a second look, a larger recognizer reads again what this one is not sure of: most of what it
    gets right for a fraction of its time.
    """

    def __init__(
        self, bundle: Bundle, *, threads: int | None = None, model: Model | None = None, second_look: bool = True
    ) -> None:
        """Load a recognition bundle; raises BundleError when its graph and charset do not belong together.

        ``model`` runs in place of the bundle's graph, as in a detector, and alone; so does the graph itself when
        ``second_look`` is false.
        """
        spec, characters = bundle.card.decode, bundle.card.charset
        if spec is None or characters is None:
            raise BundleError(
                f"{bundle.model_path.parent}: is a {bundle.card.task} bundle; a recognizer is needed here"
            )
        self.bundle = bundle
        self.charset = Charset(tuple(characters))
        self._before = bundle.card.preprocess
        self._decode = spec
        self._prior = load_prior(bundle)
        # Batches run side by side, a core each: nothing waits inside an operator, as it would with cores sharing one.
        self._model = model or OnnxModel(bundle, threads=1)
        self._threads = threads = threads or available_cores()
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="recognizer") if threads > 1 else None
        classes = self._model.output_shape[-1]
        if isinstance(classes, int) and classes != len(self.charset) + 1:
            raise BundleError(
                f"{bundle.model_path.parent}: the graph has {classes} classes, the card's charset needs "
                f"{len(self.charset) + 1}; graph and card are of different exports: export the bundle again"
            )
        self.second_bundle: Bundle | None = None
        self._second: Future[Recognizer] | None = None
        if second_look and model is None and bundle.card.second_look is not None:
            self.second_bundle = second_bundle(bundle, bundle.card.second_look.bundle)
            self._second = in_background(Recognizer, self.second_bundle, threads=threads)

    @property
    def second(self) -> "Recognizer | None":
        """The larger recognizer, if there is one; it is loaded while the first page is looked at."""
        return None if self._second is None else self._second.result()

    def recognize(self, crops: Sequence[Rgb]) -> list[Decoded]:
        """Text and confidence of each RGB uint8 crop (H,W,3), in the order given."""
        return self.look_again(crops, self.first_look(crops))

    def first_look(self, crops: Sequence[Rgb]) -> list[Decoded]:
        """As ``recognize``, without a second look."""
        return self._in_batches(crops, self._read_batch)

    def look_again(self, crops: Sequence[Rgb], texts: list[Decoded]) -> list[Decoded]:
        """``texts`` of a first look, those it is not sure of read again by the larger recognizer, if there is one."""
        second = self.second
        if second is None:
            return texts
        look = self.bundle.card.second_look
        assert look is not None
        doubtful = [
            index
            for index, (crop, text) in enumerate(zip(crops, texts, strict=True))
            if look.wanted(text.certainty, crop.shape[1] / crop.shape[0])
        ]
        again = second.recognize([crops[index] for index in doubtful])
        read = dict(zip(doubtful, again, strict=True))
        return [read.get(index, text) for index, text in enumerate(texts)]

    def logits(self, crops: Sequence[Rgb]) -> list[Floats]:
        """Logits (L,C) of each crop at its own steps, in the order given: for those who decode them in several ways."""
        return self._in_batches(crops, self._valid_logits)

    def _in_batches(self, crops: Sequence[Rgb], read: Callable[[list[Rgb], int], Sequence[_Item]]) -> list[_Item]:
        """Give ``read`` crops of one padded width at a time, with that width, and return its answers in their order."""
        widths = [self._padded_width(crop) for crop in crops]
        # The widest first: the last batch to end is then a small one.
        order = sorted(range(len(crops)), key=lambda index: -widths[index])
        columns = _BATCH_COLUMNS
        if self._workers:
            # Few crops make small batches: else one worker would have nothing to do while another ends its own.
            columns = min(columns, sum(widths) // (_BATCHES_EACH * self._threads))
        batches: list[list[int]] = []
        for index in order:
            width = widths[index]
            if not batches or widths[batches[-1][0]] != width or len(batches[-1]) >= max(1, columns // width):
                batches.append([])
            batches[-1].append(index)

        def run(members: list[int]) -> Sequence[_Item]:
            return read([crops[index] for index in members], widths[members[0]])

        answers = self._workers.map(run, batches) if self._workers else map(run, batches)
        by_index: dict[int, _Item] = {}
        for members, batch in zip(batches, answers, strict=True):
            by_index.update(zip(members, batch, strict=True))
        return [by_index[index] for index in range(len(crops))]

    def _padded_width(self, crop: Rgb) -> int:
        width, _ = preprocess.target_size(self._before, crop.shape[1], crop.shape[0])
        return bucket_width(width, self._before.multiple) if self._before.resize == "height" else width

    def _read_batch(self, crops: list[Rgb], width: int) -> list[Decoded]:
        return decoding.decode(self._decode, self.charset, *self._run(crops, width), prior=self._prior)

    def _valid_logits(self, crops: list[Rgb], width: int) -> list[Floats]:
        logits, lengths = self._run(crops, width)
        return list(logits) if lengths is None else [row[:steps] for row, steps in zip(logits, lengths, strict=True)]

    def _run(self, crops: list[Rgb], width: int) -> tuple[Floats, NDArray[np.int64] | None]:
        """Logits (N,L,C) of a batch and, where they may hold padding, how many steps of each are the crop's own."""
        prepared = [preprocess.apply(self._before, crop) for crop in crops]
        batch = np.full((len(crops), *prepared[0].array.shape[:2], width), self._before.pad_value, np.float32)
        for row, item in zip(batch, prepared, strict=True):
            row[:, :, : item.array.shape[2]] = item.array
        logits = self._model.run(batch)
        if self._decode.kind != "ctc":
            return logits, None
        return logits, decoding.valid_steps(np.array([item.valid_width for item in prepared]), width, logits.shape[1])


def second_bundle(bundle: Bundle, name: str) -> Bundle:
    """The recognition bundle that the card of ``bundle`` calls ``name``: a folder beside it, or a shipped one."""
    beside = bundle.model_path.parent / name
    return load_bundle(beside if beside.is_dir() else name, task="recognition")


def bucket_width(width: int, multiple: int) -> int:
    """Width in pixels that a crop is padded to: the next of 16, 32 ... 256, then steps of a sixteenth of the width.

    It is a multiple of ``multiple`` as well.
    """
    step = 16
    while step * 16 < width:
        step *= 2
    step = math.lcm(step, multiple)
    return -(-width // step) * step
