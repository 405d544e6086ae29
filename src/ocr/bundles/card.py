"""The card of a bundle: what a model is, how to feed it, how well it does and where it comes from.

    python -m ocr.bundles.card > docs/schemas/bundle-card.schema.json

No numpy and no torch: the light catalog reads cards.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ocr.schema import schema_text
from ocr.specs.decode import DecodeSpec
from ocr.specs.postprocess import PostprocessSpec
from ocr.specs.preprocess import PreprocessSpec

Task = Literal["detection", "recognition"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class MetricRecord(BaseModel):
    """One measured figure: value, ends of its 95% interval, number of items, data and the rule it was taken by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = Field(ge=0)
    data: str
    protocol: str


class StartRecord(BaseModel):
    """The weights a training run started from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    licence: str


class SecondLook(BaseModel):
    """The larger recognizer that reads again what this one is less sure of than ``below``: see `Decoded.certainty`.

    ``bundle`` is a shipped bundle's name, or a folder as seen from that of this card. A crop at most ``short`` times
    as wide as high costs little, so ``below_short`` may be higher.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle: str = Field(min_length=1)
    below: float = Field(gt=0, le=1)
    short: float = Field(default=0.0, ge=0)
    below_short: float = Field(default=0.0, ge=0, le=1)

    def wanted(self, certainty: float, aspect: float) -> bool:
        """Whether to read again a crop ``aspect`` times as wide as high."""
        return certainty < (max(self.below, self.below_short) if aspect <= self.short else self.below)


class BundleCard(BaseModel):
    """What a model bundle says of itself; every part of it is needed to read the same text again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1)
    task: Task
    architecture: str
    preprocess: PreprocessSpec
    postprocess: PostprocessSpec | None = None
    decode: DecodeSpec | None = None
    charset: list[str] | None = None
    second_look: SecondLook | None = None
    metrics: list[MetricRecord] = Field(default_factory=list)
    run_id: str | None = None
    git_revision: str | None = None
    data_manifest_hash: str | None = None
    licence: str
    start: StartRecord | None = None
    weights_sha256: Sha256
    notes: str = ""

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        needed = {"detection": {"postprocess"}, "recognition": {"decode", "charset"}}[self.task]
        given = {name for name in ("postprocess", "decode", "charset") if getattr(self, name) is not None}
        if needed - given:
            raise ValueError(f"a {self.task} card needs {', '.join(sorted(needed - given))}")
        if given - needed:
            raise ValueError(f"a {self.task} card has no {', '.join(sorted(given - needed))}")
        if self.second_look is not None and self.task != "recognition":
            raise ValueError(f"a {self.task} card has no second_look")
        return self


if __name__ == "__main__":
    print(schema_text(BundleCard), end="")
