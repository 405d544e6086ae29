"""``ocr quantize``: a recognizer's bundle in eight-bit integers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted
from ocr.cli.progress import steps

if TYPE_CHECKING:
    from ocr.training.quantize import Data

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def quantize(
    bundle: Annotated[str, typer.Argument(help="Recognition bundle: a folder, or a shipped one's name.")],
    fit: Annotated[Path, typer.Option(help="Annotated training images, to whose lines the weights are fitted.")],
    data: Annotated[Path, typer.Option(help="Annotated held-out images that decide whether it still reads as well.")],
    to: Annotated[Path, typer.Option(help="Folder of the new bundle; an old bundle in it is replaced.")],
    lines: Annotated[int, typer.Option(min=20, help="Lines to fit to.")] = 300,
    most_noise: Annotated[
        float,
        typer.Option(
            min=0,
            help="Share of the deviation of its results that a convolution may lose to rounded inputs; one that would "
            "lose more stays in floats.",
        ),
    ] = 0.035,
    most_loss: Annotated[float, typer.Option(min=0, max=1, help="Share of held-out lines that may be lost.")] = 0.002,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Round a recognizer's pointwise convolutions to eight bits: it then takes half to two thirds of its time.

    The bundle is written only when it reads held-out lines as well as before, but for --most-loss. Fit it to what it
    was trained on, and judge it by what it was not. A detector would gain nothing. A training can start from a bundle
    in eight bits as from any other.

    Examples:

      ocr quantize my_recognizer --fit splits/train.split.json --data splits/val.split.json --to my_recognizer_int8
    """
    from ocr.optional import safe_import

    for package in ("torch", "onnx", "onnxruntime", "onnx2torch"):
        safe_import(package)
    from ocr.bundles.bundle import load_bundle
    from ocr.training.quantize import quantize as round_bundle

    opened = load_bundle(bundle, task="recognition")
    with steps("rounding and judging", None) as step:
        done = round_bundle(
            opened, _data(fit), _data(data), to, lines=lines, most_noise=most_noise, most_loss=most_loss, progress=step
        )
    before, after = opened.model_path.stat().st_size / 1e6, done.bundle.model_path.stat().st_size / 1e6
    if json:
        from json import dumps

        result = {
            "bundle": str(to),
            "sha256": done.bundle.sha256,
            "megabytes": {"before": round(before, 2), "after": round(after, 2)},
            "convolutions": {"eight_bits": done.convolutions, "floats": done.left},
            "line_accuracy": {"before": done.before.value, "after": done.after.value, "n": done.after.n},
        }
        print(dumps(result, indent=1))
        return
    left = f", {done.left} left in floats" if done.left else ""
    print(
        f"{to}: {counted(done.convolutions, 'convolution')} in eight bits{left}; "
        f"{after:.1f} MB instead of {before:.1f}; "
        f"{done.after.value:.2%} of {counted(done.after.n, 'line')} read exactly, {done.before.value:.2%} before"
    )


def _data(path: Path) -> "Data":
    from ocr.datasets.annotations import data_name, read_samples
    from ocr.training.quantize import Data

    return Data(data_name(path), list(read_samples(path)))
