"""The recognizer: texts of line crops, by an exported bundle and, where the card asks for it, a second one."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple, TypeVar

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


class Looks(NamedTuple):
    """Texts of a first look at crops, in their order, and those of a second one taken so far, by index."""

    first: list[Decoded]
    again: dict[int, Decoded]


class Recognizer:
    """Texts from line crops, each read by itself, so that a text does not depend on what else is read.

    Crops side by side in one batch would gain nothing on a CPU (`docs/decisions/0008-eight-bits.md`).

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
        # Crops are read side by side, a core each: nothing waits inside an operator, as cores sharing one would.
        self._model = model or OnnxModel(bundle, threads=1)
        threads = threads or available_cores()
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
            self._second = in_background(Recognizer, self.second_bundle, threads=1)

    @property
    def second(self) -> "Recognizer | None":
        """The larger recognizer, if there is one; it is loaded while the first page is looked at."""
        return None if self._second is None else self._second.result()

    def recognize(self, crops: Sequence[Rgb]) -> list[Decoded]:
        """Text and confidence of each RGB uint8 crop (H,W,3), in the order given."""
        return self.look_again(crops, self.look(crops, may_look_again=lambda _: True))

    def look(
        self, crops: Sequence[Rgb], *, may_look_again: Callable[[Sequence[Decoded]], bool] = lambda _: False
    ) -> Looks:
        """A first look at crops; as soon as ``may_look_again`` says so of the texts so far, second ones in between.

        A larger recognizer takes long for a line: begun late, its last would keep one core waiting for another.
        """
        known: list[Decoded] = []
        doubtful: deque[tuple[int, Decoded]] = deque()
        again: dict[int, Decoded] = {}

        def read(index: int) -> Decoded:
            text = self._read(crops[index])
            known.append(text)
            if self._is_doubtful(text, crops[index]):
                doubtful.append((index, text))
            if doubtful and may_look_again(known):
                try:
                    other, first = doubtful.popleft()
                except IndexError:
                    return text  # another thread took the last
                again[other] = self._read_again(crops[other], first)
            return text

        return Looks(self._each(crops, read), again)

    def look_again(self, crops: Sequence[Rgb], looks: Looks) -> list[Decoded]:
        """Texts of a first look, those it is not sure of read again by the larger recognizer, if there is one."""
        left = [
            index
            for index, (crop, text) in enumerate(zip(crops, looks.first, strict=True))
            if index not in looks.again and self._is_doubtful(text, crop)
        ]

        def read_again(index: int) -> Decoded:
            return self._read_again(crops[left[index]], looks.first[left[index]])

        read = self._each([crops[index] for index in left], read_again)
        again = looks.again | dict(zip(left, read, strict=True))
        return [again.get(index, text) for index, text in enumerate(looks.first)]

    def logits(self, crops: Sequence[Rgb]) -> list[Floats]:
        """Logits (L,C) of each crop at its own steps, in the order given: for those who decode them in several ways."""
        return self._each(crops, lambda index: self._valid_logits(crops[index]))

    def _each(self, crops: Sequence[Rgb], read: Callable[[int], _Item]) -> list[_Item]:
        """What ``read`` gives for the index of each crop, in their order."""
        # The widest first: the last to end is then a small one.
        order = sorted(range(len(crops)), key=lambda index: -crops[index].shape[1] / crops[index].shape[0])
        answers = self._workers.map(read, order) if self._workers else map(read, order)
        by_index = dict(zip(order, answers, strict=True))
        return [by_index[index] for index in range(len(crops))]

    def _is_doubtful(self, text: Decoded, crop: Rgb) -> bool:
        look = self.bundle.card.second_look
        return (
            self._second is not None and look is not None and look.wanted(text.certainty, crop.shape[1] / crop.shape[0])
        )

    def _read_again(self, crop: Rgb, first: Decoded) -> Decoded:
        look, second = self.bundle.card.second_look, self.second
        assert look is not None
        assert second is not None
        height = second._before.height or crop.shape[0]
        return second._read(crop, look.width_scale(crop.shape[1] * height / crop.shape[0], first.places))

    def _read(self, crop: Rgb, width_scale: float = 1.0) -> Decoded:
        logits, steps, filled = self._run(crop, width_scale)
        text = decoding.decode(self._decode, self.charset, logits, [steps], prior=self._prior)[0]
        # The last step may stand for padding in part.
        return replace(text, places=tuple([min(1.0, place * steps / filled) for place in text.places]))

    def _valid_logits(self, crop: Rgb) -> Floats:
        logits, steps, _ = self._run(crop)
        return logits[0, :steps]

    def _run(self, crop: Rgb, width_scale: float = 1.0) -> tuple[Floats, int, float]:
        """Logits (1,L,C) of a crop, how many of the steps are its own and not of its padding, and how many it fills.

        The crop is made as narrow as ``width_scale`` says, or the card, unless the network takes one width only.
        """
        before = self._before
        if before.resize == "height" and width_scale < before.width_scale:
            before = replace(before, width_scale=width_scale)
        prepared = preprocess.apply(before, crop)
        logits = self._model.run(prepared.array[None])
        if self._decode.kind != "ctc":
            return logits, logits.shape[1], logits.shape[1]
        padded, steps = prepared.array.shape[2], logits.shape[1]
        valid = decoding.valid_steps(np.array([prepared.valid_width]), padded, steps)
        return logits, int(valid[0]), prepared.valid_width * steps / padded


def second_bundle(bundle: Bundle, name: str) -> Bundle:
    """The recognition bundle that the card of ``bundle`` calls ``name``: a folder beside it, or a shipped one."""
    beside = bundle.model_path.parent / name
    return load_bundle(beside if beside.is_dir() else name, task="recognition")
