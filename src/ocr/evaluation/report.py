"""What an evaluation says: figures with their protocol, n and interval, slices and confusions."""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.console import Console
from rich.table import Table

from findings.counted import counted
from ocr.bundles.card import MetricRecord
from ocr.evaluation.errors import PageErrors
from ocr.evaluation.slices import Confusion, Slice
from ocr.formats.page import ModelInfo

Task = Literal["detection", "recognition", "endtoend"]


class Acceptance(BaseModel):
    """The largest share of lines that can be accepted by their confidence with at most ``error`` of them wrong."""

    model_config = ConfigDict(frozen=True)

    error: float
    share: float


class Calibration(BaseModel):
    """How far confidence is from the share of lines read right, case and spaces ignored; ``error`` is the ECE."""

    model_config = ConfigDict(frozen=True)

    n: int
    error: float
    accept: list[Acceptance]


class Report(BaseModel):
    """One evaluation; ``images`` is how many were judged and what the intervals were resampled over.

    ``pages`` are those with errors, the worst first.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    task: Task
    data: str
    images: int
    models: list[ModelInfo]
    metrics: list[MetricRecord]
    slices: list[Slice]
    confusions: list[Confusion]
    calibration: Calibration | None = None
    notes: list[str]
    pages: list[PageErrors] = []


def print_report(report: Report, console: Console, *, details: bool) -> None:
    """Print the figures, and with ``details`` the slices and confusions, as tables."""
    models = ", ".join(f"{model.name} ({model.sha256[:12]})" for model in report.models)
    console.print(f"{report.task} of {models} on {report.data}: {counted(report.images, 'image')}", highlight=False)
    table = Table("figure", "value", "95% interval", "n", box=box.SIMPLE_HEAD)
    protocols: dict[str, list[str]] = {}
    for record in report.metrics:
        ends = "" if record.low is None or record.high is None else f"{record.low:.4f} to {record.high:.4f}"
        table.add_row(record.name, f"{record.value:.4f}", ends, str(record.n))
        protocols.setdefault(record.protocol, []).append(record.name)
    console.print(table)
    for protocol, names in protocols.items():
        console.print(f"{', '.join(names)}: {protocol}", highlight=False)
    if report.calibration is not None:
        _print_calibration(report.calibration, console)
    if details:
        _print_details(report, console)
    for note in report.notes:
        console.print(f"note: {note}", highlight=False)


def _print_calibration(calibration: Calibration, console: Console) -> None:
    shares = "; ".join(f"{one.share:.1%} at {one.error:.0%} error" for one in calibration.accept)
    console.print(
        f"confidence of {counted(calibration.n, 'line')}, case and spaces ignored: "
        f"calibration error {calibration.error:.4f}; can be accepted: {shares}",
        highlight=False,
    )


def _print_details(report: Report, console: Console) -> None:
    table = Table("by", "range", "n", "found", "read, any case", box=box.SIMPLE_HEAD)
    for one in report.slices:
        shares = ("" if share is None else f"{share:.3f}" for share in (one.found, one.read))
        table.add_row(one.by, one.range, str(one.n), *shares)
    console.print(table)
    if report.confusions:
        table = Table("truth", "read", "count", box=box.SIMPLE_HEAD)
        for pair in report.confusions:
            table.add_row(pair.truth or "(nothing)", pair.read or "(nothing)", str(pair.count))
        console.print(table)
