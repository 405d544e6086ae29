"""A batch from its inputs to its list of failures."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from durable.lock import LockTimeout, lock
from ocr.batch.folder import Folder
from ocr.batch.inputs import list_files, list_items
from ocr.batch.local import read_locally
from ocr.batch.on_ray import read_on_ray
from ocr.batch.plan import BatchSettings, Done, Plan, open_plan
from ocr.batch.work import WorkOptions
from ocr.bundles.bundle import load_bundle
from ocr.errors import BatchError

FAILED = "failed.jsonl"


class HowToRun(NamedTuple):
    """What may differ from one run of a batch to the next."""

    engine: str = "local"
    workers: int = 1
    threads: int = 1
    retries: int = 2
    page_seconds: float = 300.0
    retry_failed: bool = False
    address: str | None = None


class Summary(NamedTuple):
    """A batch so far: items planned, pages read now and before, pages that failed, files that came after the plan."""

    items: int
    pages: int
    pages_now: int
    failed: int
    unplanned: int


Watch = Callable[[Plan], Callable[[int | Done], None]]


def run_batch(out: str, settings: BatchSettings, how: HowToRun, watch: Watch) -> Summary:
    """Plan or go on, read what is not done, list what failed. Raises BatchError, BundleError.

    ``watch`` is given the plan and returns what is called with 1 for each page and a Done for each shard.
    """
    load_bundle(settings.detector, task="detection")
    load_bundle(settings.recognizer, task="recognition")
    folder = Folder(out)
    with ExitStack() as held:
        if folder.is_local:
            try:
                held.enter_context(lock(folder.path("plan.json"), timeout=0.5))
            except LockTimeout as error:
                raise BatchError(f"{out}: another batch works here; wait for it or give another --out") from error
        plan = open_plan(folder, settings, list_items(settings.inputs, column=settings.column))
        if how.retry_failed:
            plan.reopen_failed()
        report = watch(plan)
        pages_now = 0
        for event in _read(plan, how):
            report(event)
            pages_now += event.read if isinstance(event, Done) else 0
        return _collect(plan, pages_now)


def model_ids(*names: str) -> list[str]:
    """What bundles are, whatever they are called: the SHA-256 of each model."""
    return [load_bundle(name).sha256 for name in names]


def _read(plan: Plan, how: HowToRun) -> Iterator[int | Done]:
    options = WorkOptions(plan.folder.url, plan.settings, how.threads, how.retries, how.page_seconds)
    shards = plan.pending()
    if how.engine == "ray":
        return read_on_ray(shards, options, how.workers, address=how.address)
    return read_locally(shards, options, how.workers)


def _collect(plan: Plan, pages_now: int) -> Summary:
    pages = failed = 0

    def lines() -> Iterator[str]:
        nonlocal pages, failed
        for _, done in plan.done():
            pages += done.pages
            failed += len(done.failed)
            yield from (json.dumps(entry, ensure_ascii=False) for entry in done.failed)

    plan.folder.write_lines(FAILED, lines())
    return Summary(plan.items, pages, pages_now, failed, _unplanned(plan))


def _unplanned(plan: Plan) -> int:
    """How many files more are among the inputs now than when the batch was planned."""
    if not plan.is_old:
        return 0
    try:
        found = sum(not plan.folder.holds(url) for url in list_files(plan.settings.inputs))
    except BatchError:  # inputs may be gone once they are read
        return 0
    return max(found - plan.count_files(), 0)
