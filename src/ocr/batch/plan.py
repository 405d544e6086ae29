"""A batch on disk: which shards there are, which are done, what failed.

plan.json            settings, number of shards and items; written last: with it the plan is whole
plan.jsonl           a line per shard: its items
part-00000000.*      the results of a shard, replaced whole
done/00000000.json   written after the part: the shard counts as done; pages, failed pages, SHA-256 of the part
again/00000000.json  in its place while failed pages are to be read again: what the part holds besides them stays
begun/00000000.json  while a shard is read: the item under way, and how often each item ended its process
failed.jsonl         every failed page, collected at the end
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from ocr.batch.folder import AS_JSON, Folder
from ocr.batch.inputs import Item
from ocr.errors import BatchError

_PLAN = "plan.json"
_SHARDS = "plan.jsonl"


class BatchSettings(BaseModel):
    """All that decides what the output is; a batch goes on only with the settings it was begun with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: list[str]
    format: str
    detector: str
    recognizer: str
    models: list[str]
    dpi: int
    column: str | None
    shard_items: int


class Shard(NamedTuple):
    """A few items that one worker reads, and whose results are one file."""

    number: int
    items: list[Item]

    @property
    def name(self) -> str:
        """Its number, as files are named by it."""
        return f"{self.number:08}"


class Done(BaseModel):
    """What is known of a shard that is done; ``read`` of its pages were read the last time, the others before."""

    model_config = ConfigDict(extra="forbid")

    pages: int
    read: int = 0
    failed: list[dict[str, Any]]
    sha256: str


class Plan(NamedTuple):
    """A planned batch and its size; ``is_old`` when an earlier run planned it."""

    folder: Folder
    settings: BatchSettings
    shards: int
    items: int
    is_old: bool = False

    def count_files(self) -> int:
        """How many files its items are or lie in: items of one file were planned one after the other."""
        return sum(1 for _ in groupby(item.url for shard in self._shards() for item in shard.items))

    def reopen_failed(self) -> None:
        """Make shards with failed pages pending again, for these pages alone."""
        for number, done in self.done():
            if done.failed:
                self.folder.write(f"again/{number:08}.json", done.model_dump_json().encode())
                self.folder.remove(f"begun/{number:08}.json")
                self.folder.remove(f"done/{number:08}.json")

    def pending(self) -> Iterator[Shard]:
        """Shards that are not done; one in memory at a time."""
        finished = set(self.folder.names("done"))
        for shard in self._shards():
            if f"{shard.name}.json" not in finished:
                yield shard

    def done(self) -> Iterator[tuple[int, Done]]:
        """Shards that are done."""
        for name in self.folder.names("done"):
            data = self.folder.read(f"done/{name}")
            if data is not None:
                yield int(name.partition(".")[0]), Done.model_validate_json(data)

    def _shards(self) -> Iterator[Shard]:
        for line in self.folder.lines(_SHARDS):
            number, items = json.loads(line)
            yield Shard(number, [Item(*item) for item in items])


def open_plan(folder: Folder, settings: BatchSettings, items: Iterable[Item]) -> Plan:
    """Go on with the plan in the folder, or make it from ``items``; BatchError when it was made with other settings."""
    data = folder.read(_PLAN)
    if data is not None:
        kept = json.loads(data)
        before = BatchSettings.model_validate(kept["settings"])
        _check_same(folder, before.model_dump(), settings.model_dump())
        return Plan(folder, settings, kept["shards"], kept["items"], is_old=True)
    if folder.names("done"):
        raise BatchError(f"{folder.url}: holds results but no plan; give an empty folder as --out")
    stream = iter(items)
    shards = count = 0

    def lines() -> Iterator[str]:
        nonlocal shards, count
        while group := list(islice(stream, settings.shard_items)):
            yield json.dumps([shards, group], ensure_ascii=False, separators=(",", ":"))
            shards += 1
            count += len(group)

    folder.write_lines(_SHARDS, lines())
    if not count:
        raise BatchError("there is nothing to read; give images, PDFs, folders, .tar or .parquet files")
    kept = {"settings": settings.model_dump(), "shards": shards, "items": count}
    folder.write(_PLAN, json.dumps(kept, ensure_ascii=False, indent=1).encode(errors=AS_JSON) + b"\n")
    return Plan(folder, settings, shards, count)


def _check_same(folder: Folder, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for key, value in before.items():
        if now[key] != value:
            raise BatchError(
                f"{folder.url}: was begun with {key} {_shown(value)}, now it is {_shown(now[key])}; "
                "go on with the same, or give another --out"
            )


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 100 else text[:100] + "..."
