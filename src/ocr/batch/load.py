"""The bytes of an item; what is remote is tried again."""

import time
from typing import Any

from findings.counted import counted
from ocr.batch.inputs import Item, as_os_errors, image_column, open_file
from ocr.errors import ImageError
from ocr.optional import safe_import


class Loader:
    """Loads items, keeping the last row group of a Parquet file: neighbours come from it."""

    def __init__(self, *, retries: int, column: str | None) -> None:
        self._retries = retries
        self._column = column
        self._group: tuple[str, int] | None = None
        self._rows: Any = None

    def load(self, item: Item) -> bytes:
        """The bytes of an item; raises ImageError when it cannot be had after all tries."""
        for attempt in range(self._retries + 1):
            try:
                with as_os_errors(item.url):
                    return self._load(item)
            except FileNotFoundError as error:
                raise ImageError(item.name, "is gone", "put it back, or plan the batch again") from error
            except OSError as error:
                if attempt == self._retries:
                    reason = f"cannot be read after {counted(attempt + 1, 'try')} ({error.strerror or error})"
                    raise ImageError(item.name, reason, "check the storage, then use --retry-failed") from error
                time.sleep(0.2 * 2**attempt)
        raise AssertionError("the last try returns or raises")

    def _load(self, item: Item) -> bytes:
        if item.kind == "row":
            return self._row(item)
        with open_file(item.url) as stream:
            if item.kind == "file":
                return bytes(stream.read())
            stream.seek(item.start)
            data = bytes(stream.read(item.size))
        if len(data) < item.size:
            raise ImageError(item.name, "is cut off: the tar changed since it was planned", "plan the batch again")
        return data

    def _row(self, item: Item) -> bytes:
        if self._group != (item.url, item.start):
            parquet = safe_import("pyarrow.parquet", extra="batch")
            try:
                with open_file(item.url) as stream:
                    file = parquet.ParquetFile(stream)
                    column = image_column(file, item.url, self._column)
                    table = file.read_row_group(item.start, columns=[column]).flatten()
            except safe_import("pyarrow").ArrowException as error:
                raise ImageError(item.name, f"its Parquet file is damaged ({error})", "copy the file again") from error
            self._rows = table.column(0)
            self._group = (item.url, item.start)
        value = self._rows[item.size].as_py()
        return bytes(value or b"")
