"""``ocr eval``: score a bundle or checkpoint on annotated data."""

from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ocr.cli.progress import steps

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Task(StrEnum):
    """What is judged."""

    detection = "detection"
    recognition = "recognition"
    endtoend = "endtoend"


@app.command(name="eval")
def evaluate(
    data: Annotated[Path, typer.Option(help="Annotated images: a folder or file of a known layout.")],
    detector: Annotated[
        str | None, typer.Option(help="Detection bundle, a shipped one's name or a folder, or a checkpoint (.ckpt).")
    ] = None,
    recognizer: Annotated[str | None, typer.Option(help="Recognition bundle or checkpoint, likewise.")] = None,
    task: Annotated[Task | None, typer.Option(help="What to judge; default: what the models given are for.")] = None,
    layout: Annotated[str, typer.Option(help="Layout of the data, where it is not recognised.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Judge the first images only.")] = None,
    details: Annotated[bool, typer.Option("--details", help="Print slices and confusions too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write the report as JSON to this file too.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores it may use.")] = None,
) -> None:
    """Score a detector by its boxes, a recognizer by the text of the true boxes, both together by what they read.

    Every figure comes with its protocol, its n and a 95% interval from resampled images. A model that is needed and
    not given is the shipped one. A checkpoint is exported first; its bundle is kept in a cache.

    Examples:

      ocr eval --data sroie/val

      ocr eval --detector outputs/2026-01-31/12-00-00/checkpoints/best.ckpt --data sroie/val --details

      ocr eval --recognizer my_bundle --data words/iiit5k_train --json --save report.json
    """
    from ocr.optional import safe_import

    for module in ("numpy", "cv2", "onnxruntime", "shapely"):
        safe_import(module)
    from rich.console import Console

    from durable.replace import write_text
    from ocr.datasets.annotations import data_name, read_samples
    from ocr.evaluation.evaluate import evaluate as judge
    from ocr.evaluation.exported import open_model
    from ocr.evaluation.report import print_report
    from ocr.inference.detector import Detector
    from ocr.inference.recognizer import Recognizer

    if save:
        save.parent.mkdir(parents=True, exist_ok=True)  # rather now than when all is judged
    chosen = task or _task_of(detector, recognizer)
    detection = recognition = None
    if chosen is not Task.recognition:
        detection = Detector(open_model(detector or "detector", task="detection"), threads=threads)
    if chosen is not Task.detection:
        recognition = Recognizer(open_model(recognizer or "recognizer", task="recognition"), threads=threads)
    samples = islice(read_samples(data, layout=layout), limit)
    with steps("judging", limit) as step:
        report = judge(samples, detector=detection, recognizer=recognition, data=data_name(data), progress=step)
    text = report.model_dump_json(indent=1)
    if json:
        print(text)
    else:
        print_report(report, Console(), details=details)
    if save:
        write_text(save, text + "\n")


def _task_of(detector: str | None, recognizer: str | None) -> Task:
    if bool(detector) == bool(recognizer):
        return Task.endtoend
    return Task.detection if detector else Task.recognition
