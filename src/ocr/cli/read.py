"""``ocr read``: images and PDFs in, their text out."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted

if TYPE_CHECKING:
    from ocr.cli.read_output import Result
    from ocr.fields.receipt import Receipt
    from ocr.formats.free_names import FreeNames
    from ocr.formats.page import FailedPage, Page
    from ocr.inference.engine import Reader

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How results are printed or written: a table to look at, or a key of `ocr.formats.render.FORMATS`."""

    table = "table"
    json = "json"
    hocr = "hocr"
    alto = "alto"
    page = "page"
    pdf = "pdf"
    csv = "csv"
    markdown = "markdown"
    text = "text"


@app.command()
def read(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Images, PDFs, folders of them, or patterns such as 'scans/*.png'."),
    ],
    format: Annotated[
        Format | None, typer.Option(help="How to give the results. [default: as --out is called, else a table]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="File for all results, or folder for a file per input, in place of stdout.")
    ] = None,
    save_image: Annotated[Path | None, typer.Option(help="Folder for copies of the pages with boxes drawn.")] = None,
    detector: Annotated[str, typer.Option(help="Detection bundle: a shipped one's name, or a folder.")] = "detector",
    recognizer: Annotated[str, typer.Option(help="Recognition bundle, likewise.")] = "recognizer",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores it may use.")] = None,
    dpi: Annotated[int, typer.Option(min=20, max=1200, help="Resolution at which PDF pages are rendered.")] = 200,
) -> None:
    """Read text from images (JPEG, PNG, WebP, TIFF, BMP, GIF) and PDFs.

    Exit code 0: everything was read. 1: some pages could not be (each has an error entry). 2: none could be.

    Examples:

      ocr read receipt.jpg

      ocr read scans/ --json > pages.json

      ocr read contract.pdf --dpi 300 --save-image boxes/

      ocr read scans/ --format pdf --out searchable/

      ocr read letter.tif --out letter.hocr
    """
    from ocr.cli import read_output
    from ocr.formats.free_names import FreeNames
    from ocr.formats.page import Page
    from ocr.formats.sources import expand
    from ocr.inference.shared import shared_engine

    chosen = read_output.choose("json" if json else format, out)
    inputs = expand(files)
    names = FreeNames(inputs)
    read_output.refuse_input(out, names)
    reader = shared_engine(threads).reader(detector, recognizer)
    results: list[Page | FailedPage] = []
    for result in read_output.deliver(_read_all(reader, inputs, dpi, save_image, names), chosen, out, dpi, names):
        results.append(result)
        if not isinstance(result, Page):
            print(f"ocr read: {place(result)}: {result.error.reason}; {result.error.remedy}", file=sys.stderr)
        elif chosen == "table":
            print(_table(result), flush=True)
    failed = sum(not isinstance(result, Page) for result in results)
    raise typer.Exit(0 if not failed else 1 if failed < len(results) else 2)


def _read_all(
    reader: "Reader", files: list[Path], dpi: int, save_image: Path | None, names: "FreeNames"
) -> Iterator["Result"]:
    from ocr.cli.read_output import Result
    from ocr.formats.page import FailedPage
    from ocr.formats.sources import page_images
    from ocr.inference.render import save

    for path in with_progress(files):
        for source in page_images(path, dpi=dpi):
            if isinstance(source, FailedPage):
                yield Result(source, None)
                continue
            page = reader.read(source.image, source=source.source, page=source.page, notes=source.notes)
            if save_image is not None:
                save(save_image, source.image, page, names)
            yield Result(page, source.image)


def with_progress(files: list[Path]) -> Iterator[Path]:
    """Yield the files, with a progress bar on stderr when there are several and somebody watches."""
    if len(files) < 2 or not sys.stderr.isatty():
        yield from files
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(files, description="reading", console=Console(stderr=True), transient=True)


def place(page: "Page | FailedPage | Receipt") -> str:
    """Return the name of a page's file, and its number where there is more than one, or one failed, of many perhaps."""
    first = None if hasattr(page, "error") else 1
    return page.image.source + ("" if page.image.page in (None, first) else f" page {page.image.page}")


def _table(page: "Page") -> str:
    """Return a heading and a row per line of text: confidence, top left corner, text."""
    image = page.image
    heading = f"{place(page)}  {image.width} x {image.height}, {counted(len(page.lines), 'line')}"
    rows = [heading + "".join(f"; {note}" for note in page.notes)]
    for line in page.lines:
        x, y = line.polygon[0]
        rows.append(f"{line.confidence:5.0%} {x:6.0f} {y:6.0f}  {line.text}")
    return "\n".join(rows)
