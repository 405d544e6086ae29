"""``ocr export``: a checkpoint in, a bundle out."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from findings.counted import counted
from ocr.cli.listing import OUTPUTS, Roots

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def export(
    checkpoint: Annotated[str, typer.Argument(help="A .ckpt file, a run folder, a run id, `latest` or `best@QUERY`.")],
    to: Annotated[Path, typer.Option(help="Folder of the bundle; an old bundle in it is replaced.")],
    data: Annotated[
        Path | None, typer.Option(help="Data set or folder of images to compare graph and network on (20 or more).")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights in half precision: half the size.")] = False,
    threshold_map: Annotated[
        bool,
        typer.Option("--threshold-map", help="Keep a detector's threshold map too: to look at; reading needs none."),
    ] = False,
    average: Annotated[
        list[str] | None,
        typer.Option(
            help="Another checkpoint, such as that of a neighbouring epoch, to average with; may be repeated."
        ),
    ] = None,
    start_share: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of the weights from the graph that the training started from; 0 is as trained."
        ),
    ] = 0.0,
    root: Roots = OUTPUTS,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn a checkpoint into a bundle (model.onnx and card.json) that `ocr read` uses.

    The bundle is written only when the ONNX graph and the trained network agree on real pages: every box with an IoU
    of at least 0.99, every text the same.

    A model fine-tuned from a published graph may read both its own and other text better with a part of its start mixed
    back in (--start-share; try 0.3 to 0.7), and so may the mean of some epochs (--average); judge what comes out on
    held-out data with `ocr eval`.

    Examples:

      ocr export outputs/2026-01-31/12-00-00/checkpoints/best.ckpt --to my_detector --data sroie/val

      ocr export best@task=detection --to my_detector

      ocr read receipt.jpg --detector my_detector
    """
    from ocr.optional import safe_import

    for package in ("torch", "onnx", "onnxruntime", "lightning"):
        safe_import(package)
    from ocr.records.find import checkpoint_path
    from ocr.records.layout import BEST
    from ocr.training.export import export as export_checkpoint
    from ocr.training.parity import ENOUGH

    path = checkpoint_path(checkpoint, root, alias=BEST)
    bundle, parity = export_checkpoint(
        path,
        to,
        pages=data,
        half=half,
        threshold_map=threshold_map,
        average=[checkpoint_path(other, root, alias=BEST) for other in average or []],
        start_share=start_share,
    )
    if not parity.is_enough:
        seen = "synthetic pages only" if parity.synthetic else f"{counted(parity.pages, 'real page')} only"
        print(f"ocr export: compared on {seen}; name {ENOUGH} or more real ones with --data", file=sys.stderr)
    megabytes = bundle.model_path.stat().st_size / 1e6
    if json:
        from json import dumps

        result = {
            "bundle": str(to),
            "name": bundle.card.name,
            "task": bundle.card.task,
            "sha256": bundle.sha256,
            "megabytes": round(megabytes, 2),
            "parity": {
                "pages": parity.pages,
                "synthetic": parity.synthetic,
                "items": parity.items,
                "difference": parity.difference,
            },
        }
        print(dumps(result, indent=1))
    else:
        print(f"{to}: {bundle.card.task} bundle {bundle.card.name!r}, {megabytes:.1f} MB; {parity}")
