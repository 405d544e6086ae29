"""From a recognizer's logits to text and confidence: the spec and its one numpy implementation.

Validation, evaluation, the ONNX engine and the service all call `decode`, so they agree by construction.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from ocr.errors import ConfigError
from ocr.schema import Limits, Sha256, Strict, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ocr.specs.beam import Step
    from ocr.text.charset import Charset
    from ocr.text.prior import Prior

# Of a step's classes a beam search looks at those at least this probable.
_WORTH_A_LOOK = 0.01


@dataclass(frozen=True, kw_only=True)
class PriorSpec(Strict):
    """A character prior and how it weighs: the file by its SHA-256, and what `ocr.specs.beam` needs to use it.

    ``weight`` multiplies the prior's logarithms, ``bonus`` in nats is added for every character, without which the
    prior would favour short texts; the best ``width`` texts are followed.
    """

    sha256: Sha256
    weight: Annotated[float, Limits(gt=0)]
    bonus: float
    width: Annotated[int, Limits(ge=1)] = 4


@dataclass(frozen=True, kw_only=True)
class DecodeSpec(Strict):
    """How logits become text.

    ``ctc``: class 0 is blank, class i+1 is character i. ``parseq``: class 0 ends the text, class i+1 is character i.
    ``max_length`` is the longest text in characters; None sets no limit. With a ``prior`` a ``ctc`` text is the best
    of a beam search, without one that of the best path. ``certainty`` are points (share of certainty, share of texts
    found right) by which the certainty of a text becomes a probability, both rising; None leaves it as it is.
    """

    kind: Literal["ctc", "parseq"]
    max_length: Annotated[int, Limits(ge=1)] | None = None
    prior: PriorSpec | None = None
    certainty: Annotated[tuple[tuple[float, float], ...], Limits(min_length=2)] | None = None

    def __post_init__(self) -> None:
        if self.prior is not None and self.kind != "ctc":
            raise ValueError("prior: only a ctc recognizer can use one")
        if self.certainty is not None:
            points = [value for point in self.certainty for value in point]
            rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(self.certainty))
            if not rising or min(points) < 0 or max(points) > 1:
                raise ValueError("certainty: points must rise within 0 to 1")

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the spec's values."""
        return hashlib.sha256(json.dumps(to_plain(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Decoded:
    """One crop's text and how sure the recognizer is of it.

    ``confidence`` in [0, 1] is the mean, over the characters of the text (and the end token, for ``parseq``), of the
    softmax probability each was chosen with. A mean and not a product, so that one threshold serves a two-character
    price and a forty-character address alike: it tells text from noise. ``certainty`` in [0, 1] is how likely the whole
    text is right: the product of those probabilities, or with a prior the text's share of all that the beam search
    kept, brought to observed frequencies by the spec's points. An empty text has 0 of both: nothing was read.
    ``places`` tell for each character of a ``ctc`` text where it stands, as a share in [0, 1] of the crop's steps;
    attention tells no such thing, so a ``parseq`` text has none.
    """

    text: str
    confidence: float
    certainty: float = 0.0
    places: tuple[float, ...] = ()


def valid_steps(widths: NDArray[np.integer], padded_width: int, steps: int) -> NDArray[np.int64]:
    """How many of a batch's ``steps`` belong to each crop, for crops ``widths`` pixels wide padded to one width.

    ``widths`` (N,) >= 1; the result (N,) lies in [1, ``steps``]: pass it to `decode` as ``lengths``.
    """
    import numpy as np

    counts = -(-np.asarray(widths, np.int64) * steps // padded_width)
    return np.clip(counts, 1, steps)


def decode(
    spec: DecodeSpec,
    charset: Charset,
    logits: NDArray[np.floating],
    lengths: Sequence[int] | NDArray[np.integer] | None = None,
    prior: Prior | None = None,
) -> list[Decoded]:
    """Text and confidence of each crop from ``logits`` (N, L, C), C = len(charset) + 1.

    ``lengths`` (N,) are the valid steps of each crop (all L when None); what lies behind them, the padding that a
    wider crop of the batch caused, is not looked at. ``prior`` is the one the spec names. Raises `ConfigError` when C
    does not fit the charset, the spec names a prior and none is given, or a logit is not a number.
    """
    import numpy as np

    if logits.ndim != 3 or logits.shape[2] != len(charset) + 1:
        raise ConfigError(
            f"logits of shape {logits.shape} do not fit a charset of {len(charset)} characters: expected "
            f"(crops, steps, {len(charset) + 1}); use the charset the recognizer was trained with"
        )
    if (spec.prior is None) != (prior is None):
        raise ConfigError("a decode spec and a character prior go together: load both from one bundle")
    count, steps, _ = logits.shape
    if count == 0 or steps == 0:
        return [Decoded("", 0.0)] * count
    ids = logits.argmax(axis=2)
    limit = np.full(count, steps) if lengths is None else np.clip(np.asarray(lengths, np.int64), 0, steps)
    valid = np.arange(steps) < limit[:, None]
    if spec.prior is not None and prior is not None:
        return _searched(spec, spec.prior, prior, ("", *charset.characters), logits, valid)
    if spec.kind == "ctc":
        return _texts(spec, charset, limit, _collapse(logits, ids, valid))
    return _texts(spec, charset, limit, _until_end(logits, ids, valid))


class _Symbols(NamedTuple):
    """What stands in a batch of crops, in order: crop, class, probability and, where it is known, the middle step."""

    rows: NDArray[np.int64]
    classes: NDArray[np.int64]
    probability: NDArray[np.float32]
    steps: NDArray[np.float64] | None


def _chosen_probability(
    logits: NDArray[np.floating], rows: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Softmax probability of the highest class at the given places: 1 / sum(exp(x - max))."""
    import numpy as np

    chosen = logits[rows, steps].astype(np.float32)
    chosen -= chosen.max(axis=1, keepdims=True)
    return np.asarray(1.0 / _finite(np.exp(chosen).sum(axis=1)), np.float32)


def _finite(totals: NDArray[np.floating]) -> NDArray[np.floating]:
    """The sums of exponentials as they are; a logit that is no number makes its sum none."""
    import numpy as np

    if not np.isfinite(totals).all():
        raise ConfigError("the recognizer gives logits that are not numbers: use weights that have not diverged")
    return totals


def _collapse(logits: NDArray[np.floating], ids: NDArray[np.int64], valid: NDArray[np.bool_]) -> _Symbols:
    """Symbols with runs merged and blanks left out; a run counts its best step's probability."""
    import numpy as np

    ids = np.where(valid, ids, 0)
    starts = ids != 0
    starts[:, 1:] &= ids[:, 1:] != ids[:, :-1]
    rows, steps = np.nonzero(ids)
    probability = _chosen_probability(logits, rows, steps)
    first = np.flatnonzero(starts[rows, steps])
    best = np.maximum.reduceat(probability, first) if len(first) else probability
    middle = (steps[first] + steps[np.append(first[1:], len(steps)) - 1]) / 2 if len(first) else steps.astype(float)
    return _Symbols(rows[first], ids[rows[first], steps[first]], best, middle)


def _until_end(logits: NDArray[np.floating], ids: NDArray[np.int64], valid: NDArray[np.bool_]) -> _Symbols:
    """Tokens up to and with the first end token."""
    import numpy as np

    ended_before = np.cumsum(ids == 0, axis=1) - (ids == 0) > 0
    rows, steps = np.nonzero(valid & ~ended_before)
    return _Symbols(rows, ids[rows, steps], _chosen_probability(logits, rows, steps), None)


def _texts(spec: DecodeSpec, charset: Charset, lengths: NDArray[np.int64], symbols: _Symbols) -> list[Decoded]:
    import numpy as np

    characters = ("", *charset.characters)
    bounds = np.searchsorted(symbols.rows, np.arange(len(lengths) + 1)).tolist()
    decoded = []
    for length, (start, stop) in zip(lengths.tolist(), pairwise(bounds), strict=True):
        if spec.max_length is not None:
            stop = min(stop, start + spec.max_length)
        text = "".join([characters[symbol] for symbol in symbols.classes[start:stop].tolist()])
        if not text:
            decoded.append(Decoded("", 0.0))
            continue
        chosen = symbols.probability[start:stop]
        places = () if symbols.steps is None else _places(symbols.steps[start:stop].tolist(), length)
        certainty = observed(spec.certainty, float(chosen.prod()))
        decoded.append(Decoded(text, float(chosen.mean()), certainty, places))
    return decoded


def _places(steps: Sequence[float], length: int) -> tuple[float, ...]:
    """Middles of steps as shares of so many."""
    return tuple([(step + 0.5) / length for step in steps])


def _searched(
    spec: DecodeSpec,
    weights: PriorSpec,
    prior: Prior,
    characters: Sequence[str],
    logits: NDArray[np.floating],
    valid: NDArray[np.bool_],
) -> list[Decoded]:
    """The best text of each crop's beam search."""
    from ocr.specs.beam import Beam, search

    beam = Beam(weights.width, weights.weight, weights.bonus)
    decoded = []
    for crop in _crops_steps(logits, valid):
        found = search(crop, characters, prior, beam)
        text = found.text[: spec.max_length]
        if not text:
            decoded.append(Decoded("", 0.0))
            continue
        chosen, steps = zip(*found.peaks[: spec.max_length], strict=True)
        certainty = observed(spec.certainty, found.share)
        decoded.append(Decoded(text, sum(chosen) / len(chosen), certainty, _places(steps, len(crop))))
    return decoded


def _crops_steps(logits: NDArray[np.floating], valid: NDArray[np.bool_]) -> Iterator[list[Step]]:
    """For each crop its valid steps, each with the classes worth a look and their probabilities."""
    import numpy as np

    weight = logits.astype(np.float32)
    weight -= weight.max(axis=2, keepdims=True)
    np.exp(weight, out=weight)
    total = np.where(valid, weight.sum(axis=2), 1.0)
    _finite(total)
    # The likeliest class, whose weight is 1, is worth a look however many share the rest.
    least = np.where(valid, np.minimum(_WORTH_A_LOOK * total, 1.0), np.inf)
    crops, steps, classes = np.nonzero(weight >= least[:, :, None])
    values = (weight[crops, steps, classes] / total[crops, steps]).tolist()
    looked_at = list(zip(classes.tolist(), values, strict=True))
    count, length = valid.shape
    bounds = np.searchsorted(crops * length + steps, np.arange(count * length + 1)).tolist()
    for row, its_steps in enumerate(valid.sum(axis=1).tolist()):
        at = bounds[row * length : row * length + its_steps + 1]
        yield [looked_at[i:j] for i, j in pairwise(at)]


def observed(points: Sequence[tuple[float, float]] | None, certainty: float) -> float:
    """Bring a certainty to the frequency observed for such, between the points; without points it stays as it is."""
    import numpy as np

    if points is None:
        return certainty
    at, shares = zip(*points, strict=True)
    return float(np.interp(certainty, at, shares))
