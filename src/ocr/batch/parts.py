"""The results of a shard as one file, written and read back: JSON lines, or Parquet with a row a page."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from ocr.formats.page import FailedPage, Page
from ocr.optional import safe_import
from ocr.schema import to_plain

Result = Page | FailedPage
Row = dict[str, Any]


class PartFormat(NamedTuple):
    """How a page becomes a row, rows become the bytes of a part, and those become the same rows again."""

    row: Callable[[Result], Row]
    write: Callable[[Sequence[Row]], bytes]
    read: Callable[[bytes], list[Row]]


def place(row: Row) -> tuple[str, int | None]:
    """Where the page of a row came from: name of the item, number of the page; None for the whole item."""
    image = row.get("image", row)
    return image["source"], image["page"]


def has_failed(row: Row) -> bool:
    """Whether a row stands for a page that could not be read."""
    return row.get("error") is not None


def _json_row(page: Result) -> Row:
    row: Row = to_plain(page)
    return row


def _write_json_lines(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for row in rows)


def _read_json_lines(data: bytes) -> list[Row]:
    return [json.loads(line) for line in data.splitlines()]


def _parquet_row(page: Result) -> Row:
    fields = asdict(page)
    row = {**fields["image"], "error": fields.get("error")}
    if isinstance(page, Page):
        row |= {"text": page.text, "lines": fields["lines"], "notes": fields["notes"]}
    return row


def _write_parquet(rows: Sequence[Row]) -> bytes:
    arrow = safe_import("pyarrow", extra="batch")
    table = arrow.Table.from_pylist(list(rows), schema=_schema(arrow))
    stream = io.BytesIO()
    safe_import("pyarrow.parquet", extra="batch").write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _read_parquet(data: bytes) -> list[Row]:
    rows: list[Row] = safe_import("pyarrow.parquet", extra="batch").read_table(io.BytesIO(data)).to_pylist()
    return rows


def _schema(arrow: Any) -> Any:
    text, number, real = arrow.string(), arrow.int32(), arrow.float64()
    line = arrow.struct(
        [
            ("polygon", arrow.list_(arrow.list_(real))),
            ("text", text),
            ("confidence", real),
            ("detection_score", real),
            ("spans", arrow.list_(arrow.list_(real))),
        ]
    )
    return arrow.schema(
        [
            arrow.field("source", text, nullable=False),
            ("page", number),
            ("width", number),
            ("height", number),
            ("text", text),
            ("lines", arrow.list_(line)),
            ("notes", arrow.list_(text)),
            ("error", arrow.struct([("reason", text), ("remedy", text)])),
        ]
    )


# A part's name ends in the name of its format.
FORMATS = {
    "parquet": PartFormat(_parquet_row, _write_parquet, _read_parquet),
    "jsonl": PartFormat(_json_row, _write_json_lines, _read_json_lines),
}
