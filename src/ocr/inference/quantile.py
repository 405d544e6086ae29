"""Quantiles of a few numbers without NumPy's own, whose first use imports `numpy.ma`."""

import numpy as np
from numpy.typing import ArrayLike


def quantile(values: ArrayLike, share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` (N,) lie, N >= 1, linear between neighbours; NaN-free."""
    ordered = np.sort(np.asarray(values, np.float64))
    return float(np.interp(share * (len(ordered) - 1), np.arange(len(ordered)), ordered))
