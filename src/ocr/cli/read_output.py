"""Where `ocr read` puts its results: stdout, one file, or a folder with a file for each input."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from durable.replace import write_bytes
from ocr.errors import ConfigError
from ocr.formats.free_names import FreeNames
from ocr.formats.page import FailedPage, Page
from ocr.formats.render import FORMATS, render
from ocr.formats.searchable_pdf import Scan, encode

TABLE = "table"
_PRINTED_AS_READ = (TABLE, "text")


class Result(NamedTuple):
    """A page and the image it was read from; None when there is none."""

    page: Page | FailedPage
    image: Scan | None


def choose(format: str | None, out: Path | None) -> str:
    """Return the format: the one given, else what ``out`` is called, else a table.

    Raises ConfigError when ``out`` is a folder or has an unknown suffix and no format is given, when a table should
    go to a file, and when a PDF should go to a terminal.
    """
    if out is None:
        if format == "pdf" and sys.stdout.isatty():
            raise ConfigError("a PDF is nothing for a terminal; give --out FILE.pdf")
        return format or TABLE
    if format is None:
        by_suffix = {known.suffix: name for name, known in FORMATS.items() if known.suffix != ".xml"}
        if out.is_dir() or out.suffix not in by_suffix:
            names = ", ".join(FORMATS)
            raise ConfigError(f"--out {out}: its name does not tell the format; give --format, one of {names}")
        return by_suffix[out.suffix]
    if format == TABLE:
        raise ConfigError("a table is for the screen; with --out give --format text, csv or another")
    return format


def refuse_input(out: Path | None, names: FreeNames) -> None:
    """Raise ConfigError when the one file that everything goes to is one of the inputs."""
    if out is not None and not _is_folder(out) and names.is_input(out):
        raise ConfigError(f"--out {out}: is one of the files to read, and would be replaced; give another name")


def deliver(
    results: Iterable[Result], format: str, out: Path | None, dpi: int, names: FreeNames
) -> Iterator[Page | FailedPage]:
    """Write the results as they come and pass their pages on.

    A folder gets a file as soon as all pages of an input are read. Raises ConfigError where the format asks for what
    is not given, OSError where nothing can be written.
    """
    if out is None and format in _PRINTED_AS_READ:
        for number, (page, _) in enumerate(results):
            if format != TABLE:  # as `tables.write_text` has it, but page by page
                text = f"{page.text}\n" if isinstance(page, Page) else ""
                print(("\f" if number else "") + text, end="", flush=True)
            yield page
    elif out is None or not _is_folder(out):
        held: list[Result] = []
        for result in results:
            held.append(_held(result, format))
            if format == "page" and len(held) > 1:
                raise ConfigError("PAGE-XML holds one page a file, and there are several: give --out FOLDER")
            yield result.page
        if not _is_worth_a_file(held, format):
            return
        data = _rendered(held, format, dpi)
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(out, data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
    else:
        yield from _deliver_to_folder(results, format, out, dpi, names)


def _deliver_to_folder(
    results: Iterable[Result], format: str, out: Path, dpi: int, names: FreeNames
) -> Iterator[Page | FailedPage]:
    out.mkdir(parents=True, exist_ok=True)
    # PAGE-XML holds one page a file.
    parts = groupby(results, key=lambda one: (one.page.image.source, one.page.image.page if format == "page" else 0))
    for (source, page), group in parts:
        held: list[Result] = []
        for result in group:
            held.append(_held(result, format))
            yield result.page
        if _is_worth_a_file(held, format):
            stem = Path(source).stem + (f"-page{page}" if (page or 0) > 1 else "")
            write_bytes(names.take(out, stem, FORMATS[format].suffix), _rendered(held, format, dpi))


def _is_folder(out: Path) -> bool:
    return out.is_dir() or not out.suffix


def _is_worth_a_file(results: list[Result], format: str) -> bool:
    """Whether some page was read, or the format says why it was not."""
    return FORMATS[format].describes_failures or any(isinstance(one.page, Page) for one in results)


def _held(result: Result, format: str) -> Result:
    """What has to be kept of a result: the image for a PDF only, encoded, as there may be hundreds."""
    if format != "pdf" or result.image is None or isinstance(result.image, bytes):
        return Result(result.page, None)
    return Result(result.page, encode(result.image))


def _rendered(results: list[Result], format: str, dpi: int) -> bytes:
    images = (one.image for one in results if one.image is not None)
    return render([one.page for one in results], format, images=images, dpi=dpi)
