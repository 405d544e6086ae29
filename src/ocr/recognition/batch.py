"""What data hands to losses and validation: a batch of text crops."""

from typing import NamedTuple

from torch import Tensor


class CropBatch(NamedTuple):
    """``images`` (N,3,H,W), normalised and padded on the right; per crop its width before padding in pixels, its text,
    and whether the text's case is unknown (``case_free``).

    Texts, widths and flags stay plain Python: losses turn them into ids without asking the accelerator.
    """

    images: Tensor
    widths: tuple[int, ...]
    texts: tuple[str, ...]
    case_free: tuple[bool, ...]
