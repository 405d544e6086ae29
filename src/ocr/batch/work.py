"""What a worker does, whoever runs it: read the items of a shard, write its part, then say that it is done.

A process may die at any point of it. The part is replaced whole and counts only with the file in ``done``, so a shard
is done once; ``begun`` tells the next process at which item the last one died, and one that ended three is left out.
A shard that is read again for its failed pages takes all others from the part that is there.
"""

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from ocr.batch.folder import Folder
from ocr.batch.inputs import Item
from ocr.batch.load import Loader
from ocr.batch.parts import FORMATS, Result, Row, has_failed, place
from ocr.batch.plan import BatchSettings, Done, Shard
from ocr.errors import ImageError, InputError, MemoryLimitError
from ocr.formats.page import FailedPage
from ocr.formats.sources import failed_page, page_images
from ocr.inference.memory import return_freed_memory
from ocr.inference.shared import shared_engine
from ocr.schema import to_plain

DEATHS = 3
_TOO_SLOW = 70  # exit code of a process that its own watchdog ended


class WorkOptions(NamedTuple):
    """How a worker works, as opposed to what comes out."""

    out: str
    settings: BatchSettings
    threads: int
    retries: int
    page_seconds: float


class Worker:
    """Reads shards with the engine of its process."""

    def __init__(self, options: WorkOptions) -> None:
        self._options = options
        self._settings = options.settings
        self._folder = Folder(options.out)
        return_freed_memory()
        self._engine = shared_engine(options.threads)
        self._engine.warm_up(self._settings.detector, self._settings.recognizer)
        self._loader = Loader(retries=options.retries, column=self._settings.column)
        self._watchdog = _Watchdog(options.page_seconds)
        self._format = FORMATS[self._settings.format]

    def done(self, shard: Shard) -> Done | None:
        """What is known of a shard that is done already."""
        data = self._folder.read(f"done/{shard.name}.json")
        return Done.model_validate_json(data) if data else None

    def read(self, shard: Shard, beat: Callable[[], None] = lambda: None) -> Done:
        """Read a shard and leave its results in the folder; ``beat`` is called after each page."""
        marks = _Marks(self._folder, shard)
        kept = self._kept(shard)
        rows: list[Row] = []
        failed: list[Row] = []
        read = 0
        for index, item in enumerate(shard.items):
            before = kept.get(item.name, {})
            whole = {page: row for page, row in before.items() if page and not has_failed(row)}
            now: list[Row] = []
            if len(whole) < len(before) or not before:
                for page in self._pages(item, index, marks, skip=whole):
                    now.append(self._format.row(page))
                    if isinstance(page, FailedPage):
                        failed.append(to_plain(page))
                    read += 1
                    beat()
            rows += sorted([*whole.values(), *now], key=_page_order)
        data = self._format.write(rows)
        self._folder.write(self._part(shard), data)
        done = Done(pages=len(rows), read=read, failed=failed, sha256=hashlib.sha256(data).hexdigest())
        self._folder.write(f"done/{shard.name}.json", done.model_dump_json().encode())
        self._folder.remove(f"again/{shard.name}.json")
        marks.end()
        return done

    def _part(self, shard: Shard) -> str:
        return f"part-{shard.name}.{self._settings.format}"

    def _kept(self, shard: Shard) -> dict[str, dict[int | None, Row]]:
        """What the part holds of a shard that is read again for its failed pages, by item and page."""
        kept: dict[str, dict[int | None, Row]] = {}
        if self._folder.read(f"again/{shard.name}.json") and (data := self._folder.read(self._part(shard))):
            try:
                rows = self._format.read(data)
            except (ValueError, OSError):
                return {}  # a part that somebody damaged: then all of it is read again
            names = Counter(item.name for item in set(shard.items))
            for row in rows:
                name, page = place(row)
                if names[name] == 1:  # a tar may hold a name twice: which row is whose cannot be told
                    kept.setdefault(name, {})[page] = row
        return kept

    def _pages(self, item: Item, index: int, marks: "_Marks", skip: Container[int]) -> Iterator[Result]:
        if marks.is_deadly(index):
            reason = f"ended the process that read it {DEATHS} times (killed, out of memory, or too slow)"
            error = ImageError(item.name, reason, "read it by itself, or use --retry-failed with more memory or time")
            yield failed_page(item.name, None, error)
        else:
            marks.begin(index)
            yield from self._read(item, skip)

    def _read(self, item: Item, skip: Container[int]) -> Iterator[Result]:
        with self._watchdog.watching() as still_alive:
            try:
                data = self._loader.load(item)
            except InputError as error:
                yield failed_page(item.name, None, error)
                return
            for page in page_images(data, name=item.name, dpi=self._settings.dpi, skip=skip):
                if isinstance(page, FailedPage):
                    yield page
                    continue
                try:
                    (read,) = self._engine.read(
                        [page], detector=self._settings.detector, recognizer=self._settings.recognizer
                    )
                except MemoryLimitError as error:
                    yield failed_page(item.name, page.page, ImageError(item.name, str(error), "give it more memory"))
                    continue
                # How long it took is no result: the same pages give the same bytes wherever they are read.
                yield replace(read, timings_ms={})
                still_alive()


def _page_order(row: Row) -> tuple[bool, int]:
    """By page; what stands for the whole item comes last."""
    _, page = place(row)
    return page is None, page or 0


class _Marks:
    """The file in ``begun`` of one shard: which item is read, and how many processes each item ended.

    Behind a URL a write an item would cost more than it saves: there the file says no more than that the shard was
    begun, until it ends a process; whoever reads it again marks each item.
    """

    def __init__(self, folder: Folder, shard: Shard) -> None:
        self._folder = folder
        self._name = f"begun/{shard.name}.json"
        self._deaths: dict[str, int] = {}
        data = folder.read(self._name)
        if data:
            before = json.loads(data)
            self._deaths = before["deaths"]
            if before["at"] is not None:
                at = str(before["at"])
                self._deaths[at] = self._deaths.get(at, 0) + 1
        self._each = folder.is_local or data is not None
        if not self._each:
            self._write(None)

    def is_deadly(self, index: int) -> bool:
        """Whether this item ended too many processes."""
        return self._deaths.get(str(index), 0) >= DEATHS

    def begin(self, index: int) -> None:
        """Say which item is read from now on."""
        if self._each:
            self._write(index)

    def end(self) -> None:
        """The shard is done."""
        self._folder.remove(self._name)

    def _write(self, at: int | None) -> None:
        self._folder.note(self._name, json.dumps({"at": at, "deaths": self._deaths}).encode())


class _Watchdog:
    """Ends this process when one page takes too long: no thread can be stopped inside a decoder."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: threading.Timer | None = None

    @contextmanager
    def watching(self) -> Iterator[Callable[[], None]]:
        """Watch a block; the function given to it starts the time anew."""
        self._start()
        try:
            yield self._start
        finally:
            self._cancel()

    def _start(self) -> None:
        self._cancel()
        self._timer = threading.Timer(self._seconds, os._exit, (_TOO_SLOW,))
        self._timer.daemon = True
        self._timer.start()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
