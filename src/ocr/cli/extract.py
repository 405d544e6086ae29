"""``ocr extract``: receipts in; merchant, date, address, totals, tax and line items out."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted
from ocr.cli.listing import Format, How, Json
from ocr.cli.read import place, with_progress

if TYPE_CHECKING:
    from ocr.fields.receipt import Receipt
    from ocr.formats.page import FailedPage
    from ocr.inference.engine import Reader

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def extract(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Receipts: images, PDFs, folders of them, or patterns.")
    ],
    format: How = Format.text,
    json: Json = False,
    truth: Annotated[
        Path | None, typer.Option(help="Folder of ID.json with the true company, date, address, total: score them.")
    ] = None,
    detector: Annotated[str, typer.Option(help="Detection bundle: a shipped one's name, or a folder.")] = "detector",
    recognizer: Annotated[str, typer.Option(help="Recognition bundle, likewise.")] = "recognizer",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores it may use.")] = None,
    dpi: Annotated[int, typer.Option(min=20, max=1200, help="Resolution at which PDF pages are rendered.")] = 200,
) -> None:
    """Extract the fields of receipts, each with its confidence and the lines it came from.

    A page whose sums or date do not agree is marked doubtful. Exit code 0: everything was read. 1: some pages could
    not be. 2: none could be, or wrong use.

    Examples:

      ocr extract receipt.jpg

      ocr extract receipts/ --json > receipts.json

      ocr extract sroie/val/img --truth sroie/val/key
    """
    from ocr.evaluation.fields import read_keys
    from ocr.fields.receipt import Receipt, Receipts
    from ocr.formats.sources import expand
    from ocr.inference.shared import shared_engine

    keys = None if truth is None else read_keys(truth)
    reader = shared_engine(threads).reader(detector, recognizer)
    as_json = json or format is Format.json
    results: list[Receipt | FailedPage] = []
    for result in _extract_all(reader, expand(files), dpi):
        results.append(result)
        if not isinstance(result, Receipt):
            print(f"ocr extract: {place(result)}: {result.error.reason}; {result.error.remedy}", file=sys.stderr)
        elif not as_json and keys is None:
            print(_table(result), flush=True)
    if keys is not None:
        _score(results, keys, str(truth), as_json=as_json)
    elif as_json:
        print(Receipts(pages=results).model_dump_json(indent=1))
    failed = sum(not isinstance(result, Receipt) for result in results)
    raise typer.Exit(0 if not failed else 1 if failed < len(results) else 2)


def _extract_all(reader: "Reader", files: list[Path], dpi: int) -> Iterator["Receipt | FailedPage"]:
    from ocr.fields.extract import extract as extract_fields
    from ocr.formats.page import FailedPage
    from ocr.formats.sources import page_images

    for path in with_progress(files):
        for source in page_images(path, dpi=dpi):
            if isinstance(source, FailedPage):
                yield source
            else:
                read = reader.read(source.image, source=source.source, page=source.page, notes=source.notes)
                yield extract_fields(read)


def _table(receipt: "Receipt") -> str:
    """Return a heading, a row per field and item with its confidence, and the doubts."""
    rows = [place(receipt)]
    for name in ("merchant", "date", "address", "subtotal", "tax", "total"):
        field = getattr(receipt, name)
        if field is not None:
            rows.append(f"{field.confidence:5.0%}  {name:8}  {field.text}")
    for item in receipt.items:
        count = "" if item.quantity is None else f"{item.quantity:g} x "
        rows.append(f"{item.confidence:5.0%}  item      {count}{item.description}  {item.amount:.2f}")
    rows += [f"    ?  doubtful  {doubt.message}" for doubt in receipt.doubts]
    return "\n".join(rows)


def _score(results: "list[Receipt | FailedPage]", keys: dict[str, dict[str, str]], data: str, *, as_json: bool) -> None:
    """Print F1 by both protocols with their intervals and what was wrong; a key without a receipt counts as missed."""
    from ocr.evaluation.fields import judge
    from ocr.fields.receipt import Receipt

    by_name: dict[str, Receipt | None] = dict.fromkeys(keys)
    for result in results:
        name = Path(result.image.source).stem
        if isinstance(result, Receipt) and by_name.get(name, result) is None:
            by_name[name] = result
    report = judge(by_name, keys, data=data)
    if as_json:
        print(report.model_dump_json(indent=1))
        return
    print(f"fields of {counted(report.receipts, 'receipt')}, {data}")
    for metric in report.metrics:
        print(f"{metric.name:24} {metric.value:.4f}  95%: {metric.low:.4f} to {metric.high:.4f}  n = {metric.n}")
    for protocol in dict.fromkeys(metric.protocol for metric in report.metrics):
        names = [metric.name for metric in report.metrics if metric.protocol == protocol]
        print(f"{names[0]} ...: {protocol}")
