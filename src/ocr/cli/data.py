"""``ocr data``: check, crop, split, convert and make data."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findings.counted import counted

if TYPE_CHECKING:
    from ocr.datasets.check import CheckReport
    from ocr.text.charset import Charset

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Check, crop, split, convert and make data. Layouts are recognised; docs/data.md describes them.",
)

CORES = os.cpu_count() or 1
EXAMPLES = 3  # problems of one kind that the table shows; --json shows all

Layout = Annotated[str, typer.Option(help="Layout of the data, where it is not recognised.")]
Workers = Annotated[int, typer.Option(min=1, help="Images worked on at once.")]
CharsetFile = Annotated[
    Path | None, typer.Option("--charset", help="File of characters; default: printable ASCII and € £ ¥ ₩ ° ©.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


class Kind(StrEnum):
    """What `synth` makes."""

    pages = "pages"
    lines = "lines"


class Grouping(StrEnum):
    """What `split` keeps together."""

    image = "image"
    merchant = "merchant"


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Data sets; several are taken as splits of one another.")],
    charset: CharsetFile = None,
    max_length: Annotated[int, typer.Option(min=1, help="Characters a label may have.")] = 100,
    max_side: Annotated[int, typer.Option(min=32, help="Long side of the detector's input in pixels.")] = 960,
    layout: Layout = "auto",
    workers: Workers = CORES,
    as_json: AsJson = False,
) -> None:
    """Report what is wrong with data before any training.

    Looked for: images that cannot be read or are turned by EXIF; polygons outside, degenerate or crossing themselves;
    labels that are empty, too long, not NFC or outside the charset; the same image in two splits. Also told: how high
    the text is at the model's input.

    Exits 0 when all is well, 1 when something was found, 2 on wrong use.

    Examples:

      ocr data check sroie/train sroie/val

      ocr data check crops.lmdb --charset hangul.txt --max-length 25 --json
    """
    _need_extras()
    from ocr.datasets import check as checking

    limits = checking.Limits(_charset(charset), max_length, max_side)
    with _progress("checking", paths, layout) as step:
        report = checking.check(paths, limits, layout=layout, workers=workers, done=step)
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
    else:
        _print_check(report)
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def crops(
    sources: Annotated[list[Path], typer.Argument(help="Data sets with polygons and transcripts.")],
    out: Annotated[Path, typer.Option(help="LMDB folder to write, or to go on with.")],
    workers: Workers = CORES,
    layout: Layout = "auto",
    case_free: Annotated[
        bool | None,
        typer.Option("--case-free/--cased", help="Whether labels tell case; default: as the layout says."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Cut perspective-corrected line crops into LMDB, for a recognizer to learn from.

    Stopped at any moment and started again with the same words it goes on where it was, without duplicates. Each crop
    keeps its source image, its line number, its size and whether its label is case-free (SROIE's are: capitals only).

    Exits 0 when all images were read, 1 when some were not, 2 on wrong use.

    Examples:

      ocr data crops sroie/train sroie/train_more --out crops/train.lmdb

      ocr data crops train.split.json --out crops/train.lmdb --workers 8
    """
    _need_extras()
    from ocr.datasets.crops import write_crops

    with _progress("cutting", sources, layout) as step:
        report = write_crops(sources, out, layout=layout, workers=workers, case_free=case_free, done=step)
    if as_json:
        counts = {"added": report.added, "images_done_before": report.already, "left_out": dict(report.left_out)}
        print(json.dumps(counts | {"unreadable": report.unreadable}, ensure_ascii=False, indent=1))
    else:
        left_out = "".join(f", {count} left out ({reason})" for reason, count in sorted(report.left_out.items()))
        before = f", {counted(report.already, 'image')} done before" if report.already else ""
        print(f"{out}: {counted(report.added, 'crop')} added{before}{left_out}")
    for problem in report.unreadable:
        print(f"ocr data crops: {problem}", file=sys.stderr)
    raise typer.Exit(1 if report.unreadable else 0)


@app.command()
def split(
    sources: Annotated[list[Path], typer.Argument(help="Data sets to split together.")],
    out: Annotated[Path, typer.Option(help="Folder for the lists, one NAME.split.json a part.")],
    parts: Annotated[str, typer.Option(help="Names and shares.")] = "train=0.9,val=0.1",
    by: Annotated[Grouping, typer.Option(help="What must not be in two parts.")] = Grouping.image,
    seed: Annotated[int, typer.Option(help="Another seed is another split.")] = 0,
    layout: Layout = "auto",
) -> None:
    """Split data sets into lists that every command takes as a data set; the same words give the same split.

    By merchant, receipts of one shop stay together: from a splits.tsv with key and merchant_group beside the data, or
    from the company in SROIE's key/ID.json. Each list holds the hash of what it listed.

    Examples:

      ocr data split sroie/train sroie/train_more --by merchant --out splits

      ocr data split pages --parts train=0.8,val=0.1,test=0.1 --seed 7 --out splits
    """
    _need_extras()
    from ocr.datasets import split as splitting

    shares = splitting.parse_parts(parts)
    members = splitting.split(sources, shares, seed=seed, by=by.value, layout=layout)
    for path, part in zip(splitting.write_split(members, out, seed=seed, by=by.value), members.values(), strict=True):
        print(f"{path}: {counted(len(part), 'image')}")


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Data set in any layout that is read.")],
    to: Annotated[
        str,
        typer.Option(
            help="Layout to write: label_studio, ppocrlabel, icdar2015, sroie, competition, submission, cvat, "
            "coco_text or cord."
        ),
    ],
    out: Annotated[Path, typer.Option(help="New folder.")],
    layout: Layout = "auto",
    images: Annotated[bool, typer.Option("--images/--no-images", help="Copy the images too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Write a data set in another layout: for a label tool, a trainer, or the competition.

    Exits 0 when everything was written, 1 when something had to be left out, 2 on wrong use.

    Examples:

      ocr data convert sroie/train --to label_studio --out for_label_studio

      ocr data convert project-1.json --to competition --out labelled

      ocr data convert annotations.xml --to sroie --out from_cvat

      ocr data convert predictions.json --to submission --no-images --out submission
    """
    _need_extras()
    from ocr.datasets import convert as converting

    with _progress("converting", [source], layout) as step:
        done = converting.convert(source, to, out, layout=layout, images=images, done=step)
    if as_json:
        print(json.dumps(vars(done), ensure_ascii=False, indent=1))
    else:
        without = counted(done.lines_without_place, "line")
        rest = f"; {without} left out, for which {to} has no place" if done.lines_without_place else ""
        print(f"{out}: {counted(done.images, 'image')}, {counted(done.lines, 'line')}{rest}")
    for problem in done.left_out:
        print(f"ocr data convert: {problem}", file=sys.stderr)
    raise typer.Exit(1 if done.left_out else 0)


@app.command()
def synth(
    kind: Annotated[Kind, typer.Option(help="Receipts with polygons and texts, or lines for a recognizer.")],
    n: Annotated[int, typer.Option(min=1, help="How many.")],
    out: Annotated[Path, typer.Option(help="Folder to write: pages as JPEG and annotations.json, lines as LMDB.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 0,
    charset: CharsetFile = None,
) -> None:
    """Make receipts or lines of text with their truth. With Hangul in the charset half of them are Korean.

    Examples:

      ocr data synth --kind pages --n 50 --seed 1 --out pages

      ocr data synth --kind lines --n 20000 --out lines.lmdb --charset hangul.txt
    """
    _need_extras()
    from ocr.datasets.synthesize import write_lines, write_pages

    write = write_pages if kind is Kind.pages else write_lines
    with _bar("making", n) as step:
        write(out, n, seed, charset=_charset(charset), done=step)
    print(f"{out}: {n} {kind.value}")


def _need_extras() -> None:
    from ocr.optional import safe_import

    for module in ("numpy", "cv2", "PIL", "shapely", "pyclipper", "lmdb"):
        safe_import(module)


def _charset(path: Path | None) -> "Charset":
    from ocr.text.charset import Charset

    return Charset.default() if path is None else Charset.from_file(path)


def _print_check(report: "CheckReport") -> None:
    """Print what each data set holds, each kind of problem with a few examples, and the height of text."""
    from ocr.datasets.check import CODES, SMALL_TEXT

    for data in report.sets:
        print(
            f"{data.path} ({data.layout}): {counted(data.images, 'image')}, {counted(data.polygons, 'polygon')}, "
            f"{data.ignored} ignored"
        )
    for code, (severity, meaning) in CODES.items():
        found = [problem for problem in report.problems if problem.code == code]
        if found:
            print(f"\n{severity} {code}: {len(found)} in {len({p.file for p in found})} files; {meaning}")
            for problem in found[:EXAMPLES]:
                print(f"  {problem.file}: {problem.message}")
            if len(found) > EXAMPLES:
                print(f"  and {len(found) - EXAMPLES} more (--json lists all)")
    if report.missing:
        print("\ncharacters outside the charset: " + "  ".join(f"{c} {n}" for c, n in report.missing.most_common(40)))
    if heights := report.text_height():
        small = heights.pop(f"share_below_{SMALL_TEXT}")
        values = "  ".join(f"{name} {value:g}" for name, value in heights.items())
        print(f"\ntext height at model input, pixels: {values}; {small:.1%} under {SMALL_TEXT}")
    if not report.problems:
        print("no problems found")


def _progress(what: str, paths: Iterable[Path], layout: str) -> AbstractContextManager[Callable[[], object]]:
    """Return a bar over the images of the data sets."""
    if not sys.stderr.isatty():
        return _bar(what, 0)
    from ocr.datasets.annotations import read_samples

    return _bar(what, sum(1 for path in paths for _ in read_samples(path, layout=layout, report=lambda _: None)))


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], object]]:
    """Yield what to call after each step; somebody who watches sees a bar on stderr."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        row = progress.add_task(what, total=total)
        yield lambda: progress.advance(row)
