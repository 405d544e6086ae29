"""The card of a bundle: what a model is, how to feed it, how well it does and where it comes from.

    python -m ocr.bundles.card > docs/schemas/bundle-card.schema.json

No numpy and no torch: the light catalog reads cards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Literal

from ocr.schema import Limits, Sha256, Strict, schema_text
from ocr.specs.decode import DecodeSpec
from ocr.specs.postprocess import PostprocessSpec
from ocr.specs.preprocess import PreprocessSpec

Task = Literal["detection", "recognition"]
Name = Annotated[str, Limits(min_length=1)]
# The least width, as a share, to which a crop is narrowed for a second look; below it texts suffer.
NARROWEST = 0.5


@dataclass(frozen=True, kw_only=True)
class MetricRecord(Strict):
    """One measured figure: value, ends of its 95% interval, number of items, data and the rule it was taken by."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: Annotated[int, Limits(ge=0)]
    data: str
    protocol: str


@dataclass(frozen=True, kw_only=True)
class StartRecord(Strict):
    """The weights a training run started from."""

    name: str
    source: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class SecondLook(Strict):
    """The larger recognizer that reads again what this one is less sure of than ``below``: see `Decoded.certainty`.

    ``bundle`` is a shipped bundle's name, or a folder as seen from that of this card. A crop at most ``short`` times
    as wide as high costs little, so ``below_short`` may be higher. ``character_width`` is how many pixels a character
    needs in the larger one's input: where the first text says that they have more, the crop is made narrower.
    """

    bundle: Name
    below: Annotated[float, Limits(gt=0, le=1)]
    short: Annotated[float, Limits(ge=0)] = 0.0
    below_short: Annotated[float, Limits(ge=0, le=1)] = 0.0
    character_width: Annotated[float, Limits(gt=0)] | None = None

    def wanted(self, certainty: float, aspect: float) -> bool:
        """Whether to read again a crop ``aspect`` times as wide as high."""
        return certainty < (max(self.below, self.below_short) if aspect <= self.short else self.below)

    def width_scale(self, width: float, places: Sequence[float]) -> float:
        """How much narrower to make ``width`` pixels with characters at such shares of them, in [`NARROWEST`, 1].

        What counts is the median step from one character to the next: a wide gap makes no character wider.
        """
        if self.character_width is None or len(places) < 2:
            return 1.0
        steps = sorted([after - before for before, after in pairwise(places)])
        step = steps[len(steps) // 2] * width
        return min(1.0, max(NARROWEST, self.character_width / step)) if step > 0 else 1.0


@dataclass(frozen=True, kw_only=True)
class BundleCard(Strict):
    """What a model bundle says of itself; every part of it is needed to read the same text again."""

    schema_version: Literal[1] = 1
    name: Name
    task: Task
    architecture: str
    preprocess: PreprocessSpec
    postprocess: PostprocessSpec | None = None
    decode: DecodeSpec | None = None
    charset: list[str] | None = None
    second_look: SecondLook | None = None
    metrics: list[MetricRecord] = field(default_factory=list)
    run_id: str | None = None
    git_revision: str | None = None
    data_manifest_hash: str | None = None
    licence: str
    start: StartRecord | None = None
    weights_sha256: Sha256
    notes: str = ""

    def __post_init__(self) -> None:
        needed = {"detection": {"postprocess"}, "recognition": {"decode", "charset"}}[self.task]
        given = {name for name in ("postprocess", "decode", "charset") if getattr(self, name) is not None}
        if needed - given:
            raise ValueError(f"a {self.task} card needs {', '.join(sorted(needed - given))}")
        if given - needed:
            raise ValueError(f"a {self.task} card has no {', '.join(sorted(given - needed))}")
        if self.second_look is not None and self.task != "recognition":
            raise ValueError(f"a {self.task} card has no second_look")


if __name__ == "__main__":
    print(schema_text(BundleCard), end="")
