"""Checks of numbers given as options that Click's own range does not make."""

import math

import typer


def finite(value: float) -> float:
    """Refuse `inf` and `nan`, which are numbers to Python and within every range to Click."""
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to count with")
    return value
