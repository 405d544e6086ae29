"""From a recognizer's logits to text and confidence: the spec and its one numpy implementation.

Validation, evaluation, the ONNX engine and the service all call `decode`, so they agree by construction.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from ocr.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ocr.text.charset import Charset


class DecodeSpec(BaseModel):
    """How logits become text.

    ``ctc``: class 0 is blank, class i+1 is character i. ``parseq``: class 0 ends the text, class i+1 is character i.
    ``max_length`` is the longest text in characters; None sets no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ctc", "parseq"]
    max_length: int | None = Field(default=None, ge=1)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the spec's values."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Decoded:
    """One crop's text and how sure the recognizer is of it.

    ``confidence`` in [0, 1] is the mean, over the characters of the text (and the end token, for ``parseq``), of the
    softmax probability each was chosen with. A mean and not a product, so that one threshold serves a two-character
    price and a forty-character address alike. An empty text has confidence 0: nothing was read.
    """

    text: str
    confidence: float


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
) -> list[Decoded]:
    """Best-path text and confidence of each crop from ``logits`` (N, L, C), C = len(charset) + 1.

    ``lengths`` (N,) are the valid steps of each crop (all L when None); what lies behind them, the padding that a
    wider crop of the batch caused, is not looked at. Raises `ConfigError` when C does not fit the charset.
    """
    import numpy as np

    if logits.ndim != 3 or logits.shape[2] != len(charset) + 1:
        raise ConfigError(
            f"logits of shape {logits.shape} do not fit a charset of {len(charset)} characters: expected "
            f"(crops, steps, {len(charset) + 1}); use the charset the recognizer was trained with"
        )
    count, steps, _ = logits.shape
    if count == 0 or steps == 0:
        return [Decoded("", 0.0)] * count
    ids = logits.argmax(axis=2)
    limit = np.full(count, steps) if lengths is None else np.clip(np.asarray(lengths, np.int64), 0, steps)
    valid = np.arange(steps) < limit[:, None]
    if spec.kind == "ctc":
        rows, symbols, probability = _collapse(logits, ids, valid)
    else:
        rows, symbols, probability = _until_end(logits, ids, valid)
    return _texts(spec, charset, count, rows, symbols, probability)


def _chosen_probability(
    logits: NDArray[np.floating], rows: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Softmax probability of the highest class at the given places: 1 / sum(exp(x - max))."""
    import numpy as np

    chosen = logits[rows, steps].astype(np.float32)
    chosen -= chosen.max(axis=1, keepdims=True)
    return np.asarray(1.0 / np.exp(chosen).sum(axis=1), np.float32)


def _collapse(
    logits: NDArray[np.floating], ids: NDArray[np.int64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Crop, class and probability of each symbol, runs merged and blanks left out; a run counts its best step."""
    import numpy as np

    ids = np.where(valid, ids, 0)
    starts = ids != 0
    starts[:, 1:] &= ids[:, 1:] != ids[:, :-1]
    rows, steps = np.nonzero(ids)
    probability = _chosen_probability(logits, rows, steps)
    first = np.flatnonzero(starts[rows, steps])
    best = np.maximum.reduceat(probability, first) if len(first) else probability
    return rows[first], ids[rows[first], steps[first]], best


def _until_end(
    logits: NDArray[np.floating], ids: NDArray[np.int64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Crop, class and probability of each token up to and with the first end token."""
    import numpy as np

    ended_before = np.cumsum(ids == 0, axis=1) - (ids == 0) > 0
    rows, steps = np.nonzero(valid & ~ended_before)
    return rows, ids[rows, steps], _chosen_probability(logits, rows, steps)


def _texts(
    spec: DecodeSpec,
    charset: Charset,
    count: int,
    rows: NDArray[np.int64],
    symbols: NDArray[np.int64],
    probability: NDArray[np.float32],
) -> list[Decoded]:
    import numpy as np

    characters = ("", *charset.characters)
    bounds = np.searchsorted(rows, np.arange(count + 1))
    decoded = []
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if spec.max_length is not None:
            stop = min(stop, start + spec.max_length)
        text = "".join([characters[symbol] for symbol in symbols[start:stop].tolist()])
        decoded.append(Decoded(text, float(probability[start:stop].mean()) if text else 0.0))
    return decoded
