"""``ocr bench``: accuracy against time for every bundle and option."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from findings.counted import counted
from ocr.cli.progress import steps

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def bench(
    data: Annotated[Path, typer.Option(help="Annotated pages.")],
    detector: Annotated[
        list[str] | None,
        typer.Option(help="Detection bundle or checkpoint; may be repeated. Default: the shipped one."),
    ] = None,
    recognizer: Annotated[list[str] | None, typer.Option(help="Recognition bundle or checkpoint, likewise.")] = None,
    side: Annotated[
        list[int] | None, typer.Option(min=32, help="Long side in pixels of the detector's input; may be repeated.")
    ] = None,
    own: Annotated[
        bool, typer.Option("--own", help="Only the cards' own priors and second looks, not also without them.")
    ] = False,
    layout: Annotated[str, typer.Option(help="Layout of the data, where it is not recognised.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first pages only.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw accuracy against time into this file (SVG).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores it may use.")] = None,
) -> None:
    """Read annotated pages in every way that is asked for; print what each gives and costs, the fastest first.

    A star marks what nothing else beats in both word F1 and CPU time. Times are medians per page without decoding the
    image; the ways take turns page by page.

    Examples:

      ocr bench --data splits/val.split.json --side 960 --side 1280 --plot bench.svg

      ocr bench --data splits/val.split.json --recognizer recognizer --recognizer my_recognizer --json
    """
    from ocr.optional import safe_import

    for module in ("numpy", "cv2", "onnxruntime", "shapely"):
        safe_import(module)
    import dataclasses
    from json import dumps

    from durable.replace import write_text
    from ocr.datasets.annotations import read_samples
    from ocr.evaluation.bench import bench as measure
    from ocr.evaluation.bench import ways
    from ocr.evaluation.bench_plot import pareto_svg
    from ocr.evaluation.exported import open_model

    detectors = [open_model(name, task="detection") for name in detector or ["detector"]]
    recognizers = [open_model(name, task="recognition") for name in recognizer or ["recognizer"]]
    chosen = ways(detectors, side or [], recognizers, every=not own)
    samples = list(islice(read_samples(data, layout=layout), limit))
    with steps("reading", len(samples) * len(chosen)) as step:
        rows = measure(chosen, samples, threads=threads, progress=step)
    if plot is not None:
        write_text(plot, pareto_svg(rows, f"{counted(len(samples), 'page')} of {data.name}"))
    if json:
        print(dumps({"pages": len(samples), "ways": [dataclasses.asdict(row) for row in rows]}, indent=1))
        return
    print("  ms CPU  ms wall   hmean  word F1  page CER   way")
    for row in rows:
        figures = f"{row.hmean:7.4f}  {row.word_f1:7.4f}  {row.page_cer:8.4f}"
        print(f"{row.cpu_ms:8.1f} {row.wall_ms:8.1f} {figures} {'*' if row.pareto else ' '} {row.name}")
