"""Batches form from whatever waits; one page that breaks the engine harms no other."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr.formats.sources import PageImage
from ocr.serving.batching import Batcher, Reading
from ocr.serving.budget import Budget
from ocr.serving.settings import Batching

HOW = Reading(Path("d"), Path("r"), 0.3)


class Recorder:
    """Stands for the engine: says what it was given, breaks on pages named so, waits when told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.free = threading.Event()

    def read(self, pages: list[PageImage], **how: Any) -> list[str]:
        assert self.free.wait(10)
        self.batches.append([page.source for page in pages])
        if any(page.source == "bad" for page in pages):
            raise ZeroDivisionError("bad page")
        return [f"{page.source} by {how['detector']}" for page in pages]


def page(name: str, side: int = 10) -> PageImage:
    return PageImage(name, 1, np.zeros((side, side, 3), np.uint8), [])


@pytest.fixture
def engine() -> Recorder:
    return Recorder()


@pytest.fixture
def make(engine: Recorder) -> Iterator[Callable[..., Batcher]]:
    made = []

    def begin(**limits: Any) -> Batcher:
        made.append(Batcher(engine, Batching(**limits), more=lambda: 0, observe=lambda *_: None))  # type: ignore[arg-type]
        return made[-1]

    yield begin
    engine.free.set()
    for batcher in made:
        batcher.close()


def held(batcher: Batcher) -> Any:
    """Let a first page occupy the engine, so that what comes next waits together."""
    first = batcher.submit(page("first"), HOW)
    while not first.running():
        time.sleep(0.001)
    return first


def test_pages_that_wait_are_one_batch(engine: Recorder, make: Callable[..., Batcher]) -> None:
    batcher = make(pages=3)
    futures = [held(batcher), *(batcher.submit(page(name), HOW) for name in "abcde")]
    assert batcher.depth() == 5
    engine.free.set()
    assert [future.result(10) for future in futures] == [f"{name} by d" for name in ("first", *"abcde")]
    assert engine.batches == [["first"], ["a", "b", "c"], ["d", "e"]]


def test_a_batch_is_of_one_way_of_reading_and_not_too_many_pixels(
    engine: Recorder, make: Callable[..., Batcher]
) -> None:
    batcher = make(pages=8, pixels=250)
    other = HOW._replace(detector=Path("other"))
    held(batcher)
    futures = [batcher.submit(page(*given), how) for given, how in (
        (("a",), HOW), (("b",), other), (("c",), HOW), (("d",), HOW), (("large", 100), HOW),
    )]  # fmt: skip
    engine.free.set()
    assert [future.result(10) for future in futures] == ["a by d", "b by other", "c by d", "d by d", "large by d"]
    assert engine.batches == [["first"], ["a", "c"], ["b"], ["d"], ["large"]]


def test_a_page_that_breaks_the_engine_harms_no_other(engine: Recorder, make: Callable[..., Batcher]) -> None:
    batcher = make()
    held(batcher)
    good, bad, also = (batcher.submit(page(name), HOW) for name in ("good", "bad", "also"))
    engine.free.set()
    assert good.result(10) == "good by d"
    assert also.result(10) == "also by d"
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    assert batcher.submit(page("after"), HOW).result(10) == "after by d"


def test_what_nobody_waits_for_is_not_read(engine: Recorder, make: Callable[..., Batcher]) -> None:
    batcher = make()
    held(batcher)
    gone, kept = batcher.submit(page("gone"), HOW), batcher.submit(page("kept"), HOW)
    assert gone.cancel()
    engine.free.set()
    kept.result(10)
    assert engine.batches == [["first"], ["kept"]]


def test_closing_reads_what_was_accepted_and_takes_no_more(engine: Recorder) -> None:
    batcher = Batcher(engine, Batching(), more=lambda: 0, observe=lambda *_: None)  # type: ignore[arg-type]
    futures = [held(batcher), batcher.submit(page("last"), HOW)]
    engine.free.set()
    batcher.close()
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="shutting down"):
        batcher.submit(page("late"), HOW)


def test_it_waits_a_moment_for_pages_that_are_being_decoded(engine: Recorder) -> None:
    batcher = Batcher(engine, Batching(wait_seconds=5), more=lambda: 1, observe=lambda *_: None)  # type: ignore[arg-type]
    engine.free.set()
    first = batcher.submit(page("a"), HOW)
    rest = [batcher.submit(page(name), HOW) for name in "bcdefgh"]
    assert first.result(10) == "a by d"
    assert [future.result(10) for future in rest][-1] == "h by d"
    assert engine.batches == [list("abcdefgh")]
    batcher.close()


def test_a_budget_is_never_overdrawn() -> None:
    budget = Budget(10)
    lowest: list[int] = []

    def work() -> None:
        for amount in (3, 7, 10, 25):
            assert budget.take(amount, until=time.monotonic() + 20)
            lowest.append(budget.used)
            budget.give(amount)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(lowest) <= 10
    assert budget.used == 0
    assert budget.take(10)
    assert not budget.take(1)
