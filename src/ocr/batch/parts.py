"""The results of a shard as one file: JSON lines, or Parquet with a row a page."""

import io
from collections.abc import Callable, Sequence
from typing import Any

from ocr.formats.page import FailedPage, Page
from ocr.optional import safe_import

Result = Page | FailedPage


def _jsonl(pages: Sequence[Result]) -> bytes:
    return b"".join(page.model_dump_json().encode() + b"\n" for page in pages)


def _parquet(pages: Sequence[Result]) -> bytes:
    arrow = safe_import("pyarrow", extra="batch")
    table = arrow.Table.from_pylist([_row(page) for page in pages], schema=_schema(arrow))
    stream = io.BytesIO()
    safe_import("pyarrow.parquet", extra="batch").write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _schema(arrow: Any) -> Any:
    text, number, real = arrow.string(), arrow.int32(), arrow.float64()
    line = arrow.struct(
        [
            ("polygon", arrow.list_(arrow.list_(real))),
            ("text", text),
            ("confidence", real),
            ("detection_score", real),
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


def _row(page: Result) -> dict[str, Any]:
    fields = page.model_dump()
    row = {**fields["image"], "error": fields.get("error")}
    if isinstance(page, Page):
        row |= {"text": page.text, "lines": fields["lines"], "notes": fields["notes"]}
    return row


# Format: how pages become bytes. A part's name ends in the format's.
WRITERS: dict[str, Callable[[Sequence[Result]], bytes]] = {"parquet": _parquet, "jsonl": _jsonl}
