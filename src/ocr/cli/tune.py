"""``ocr tune``: choose on validation data what is not learnt: thresholds, a character prior, calibration."""

import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted
from ocr.cli.progress import steps

if TYPE_CHECKING:
    from ocr.bundles.card import BundleCard
    from ocr.datasets.annotations import Sample

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Choose on validation data what is not learnt: thresholds, a character prior, calibration.",
)

_Data = Annotated[Path, typer.Option(help="Annotated validation images: nothing the figures are later reported on.")]
_Layout = Annotated[str, typer.Option(help="Layout of the data, where it is not recognised.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="Use the first images only.")]
_To = Annotated[Path | None, typer.Option(help="Write the bundle with the best choice to this folder.")]
_Threads = Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores it may use.")]
_Json = Annotated[bool, typer.Option("--json", help="Print what was tried as JSON.")]
_SHOWN = 12


@app.command()
def detector(
    data: _Data,
    bundle: Annotated[str, typer.Option(help="Detection bundle or checkpoint.")] = "detector",
    to: _To = None,
    layout: _Layout = "auto",
    limit: _Limit = None,
    json: _Json = False,
    threads: _Threads = None,
) -> None:
    """Try a detector's thresholds (binarisation, box, unclip); the network sees every page once.

    Examples:

      ocr tune detector --data splits/val.split.json

      ocr tune detector --bundle my_detector --data splits/val.split.json --to my_detector
    """
    from ocr.bundles.bundle import write_bundle
    from ocr.evaluation.exported import open_model
    from ocr.evaluation.tune import tune_detector

    samples = _samples(data, layout, limit)
    opened = open_model(bundle, task="detection")
    with steps("tuning", len(samples)) as step:
        trials = tune_detector(opened, samples, threads=threads, progress=step)
    best = trials[0]
    if to is not None:
        assert opened.card.postprocess is not None
        chosen = {name: getattr(best, name) for name in ("binarize", "box_threshold", "shrink_ratio")}
        changed = replace(opened.card.postprocess, **chosen)
        noted = _noted(opened.card, "Thresholds", data)
        write_bundle(to, opened.model_path, replace(opened.card, postprocess=changed, notes=noted))
    if json:
        _print_json({"trials": [trial._asdict() for trial in trials], "bundle": to and str(to)})
        return
    print("binarize  box_threshold  shrink_ratio   hmean")
    for trial in trials[:_SHOWN]:
        print(f"{trial.binarize:8.2f}  {trial.box_threshold:13.2f}  {trial.shrink_ratio:12.2f}  {trial.hmean:6.4f}")
    _say_written(to)


@app.command()
def recognizer(
    data: _Data,
    bundle: Annotated[str, typer.Option(help="Recognition bundle or checkpoint.")] = "recognizer",
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Training data or .txt files whose texts a new character prior learns; may be repeated."),
    ] = None,
    order: Annotated[int, typer.Option(min=1, max=9, help="Characters that the prior looks at together.")] = 5,
    to: _To = None,
    layout: _Layout = "auto",
    limit: _Limit = None,
    json: _Json = False,
    threads: _Threads = None,
) -> None:
    """Calibrate a recognizer's certainty, and with --texts give it a character prior; the network sees every line once.

    Examples:

      ocr tune recognizer --data splits/val.split.json

      ocr tune recognizer --data splits/val.split.json --texts splits/train.split.json --to my_recognizer
    """
    from ocr.bundles.bundle import load_prior, write_bundle
    from ocr.evaluation.exported import open_model
    from ocr.evaluation.prior_texts import read_texts
    from ocr.evaluation.tune_recognizer import tune_recognizer
    from ocr.text.prior import build_prior

    samples = _samples(data, layout, limit)
    opened = open_model(bundle, task="recognition")
    prior = build_prior(read_texts(texts), order=order) if texts else None
    with steps("tuning", len(samples)) as step:
        tuned = tune_recognizer(opened, samples, prior, threads=threads, progress=step)
    if to is not None:
        used = (prior or load_prior(opened)) if tuned.spec.prior else None
        noted = _noted(opened.card, "Prior and calibration" if used else "Calibration", data)
        card = replace(opened.card, decode=tuned.spec, notes=noted)
        write_bundle(to, opened.model_path, card, used.to_bytes() if used else None)
    if json:
        _print_json(
            {
                "trials": [trial._asdict() for trial in tuned.trials],
                "lines": tuned.lines,
                "calibration_error": {"before": tuned.error_before, "after": tuned.error_after},
                "bundle": to and str(to),
            }
        )
        return
    print("prior weight  bonus  word F1")
    for trial in tuned.trials[:_SHOWN]:
        print(f"{trial.weight:12.2f}  {trial.bonus:5.2f}  {trial.word_f1:7.4f}")
    print(
        f"calibration error of {counted(tuned.lines, 'line')}: {tuned.error_before:.4f}; "
        f"calibrated {tuned.error_after:.4f}"
    )
    _say_written(to)


def _samples(data: Path, layout: str, limit: int | None) -> "list[Sample]":
    """The samples to choose on; a line on stderr when they are for testing."""
    from ocr.datasets.annotations import read_samples
    from ocr.evaluation.tune import is_test_set
    from ocr.optional import safe_import

    for module in ("numpy", "cv2", "onnxruntime", "shapely"):
        safe_import(module)
    if is_test_set(data):
        print(
            f"ocr tune: warning: {data} is a test set; what is chosen on it can no longer be judged on it: "
            "tune on validation images",
            file=sys.stderr,
        )
    return list(islice(read_samples(data, layout=layout), limit))


def _noted(card: "BundleCard", what: str, data: Path) -> str:
    """The card's notes, and what was chosen where: its figures are from before that."""
    from ocr.datasets.annotations import data_name

    return f"{card.notes} {what} chosen on {data_name(data)} by ocr tune, after the figures here were taken.".strip()


def _print_json(result: dict[str, object]) -> None:
    from json import dumps

    print(dumps(result, indent=1))


def _say_written(to: Path | None) -> None:
    if to is not None:
        print(f"{to}: bundle with the first of these")
