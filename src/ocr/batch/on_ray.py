"""Workers as actors of Ray Data, on this machine or on a cluster that shares input and output."""

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

from ocr.batch.inputs import Item
from ocr.batch.plan import BatchSettings, Done, Shard
from ocr.batch.work import Worker, WorkOptions
from ocr.errors import BatchError
from ocr.inference.threads import available_cores
from ocr.optional import safe_import

# Less than a core for each, so that with an actor on every core Ray's own tasks still find room; what an actor takes is
# bounded by its threads, not by this number.
_ACTOR_CPUS = 0.5
# Room for what goes between tasks: shards and their summaries, a few kilobytes each.
_STORE_BYTES = 200_000_000
# Shards go to the actors in so many blocks for each: small enough to even out, few enough for the scheduler.
_BLOCKS = 64
# Ray gives its processes half a minute to start; on a busy machine that can be too little.
_STARTS = 3
# An execution in which nothing at all ends for so long is given up rather than waited for.
_STUCK_SECONDS = 1800


class ShardReader:
    """The actor: a worker whose shards come as rows of text, and whose summaries go as rows of text."""

    def __init__(self, settings: dict[str, Any], options: dict[str, Any]) -> None:
        self._worker = Worker(WorkOptions(settings=BatchSettings.model_validate(settings), **options))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Read the shards of a batch; one that an earlier life of this task did is not read again."""
        done = []
        for text in batch["shard"]:
            number, items = json.loads(str(text))
            shard = Shard(number, [Item(*item) for item in items])
            done.append((self._worker.done(shard) or self._worker.read(shard)).model_dump_json())
        return {"done": done}


def read_on_ray(
    shards: Iterator[Shard], options: WorkOptions, workers: int, *, address: str | None
) -> Iterator[int | Done]:
    """Read shards with ``workers`` actors; yields 1 for each page and a Done for each shard, when the shard is done.

    Ray starts an actor that dies again and gives it its shards again. Raises BatchError when Ray cannot be reached or
    gives up.
    """
    ray = safe_import("ray", extra="batch")
    data = safe_import("ray.data", extra="batch")
    rows = [{"shard": json.dumps(shard, ensure_ascii=False)} for shard in shards]
    if not rows:
        return
    is_ours = not ray.is_initialized()
    # Ray says on stdout that an actor died: that is where our summary goes.
    said = redirect_stdout(sys.stderr)
    said.__enter__()
    try:
        if is_ours:
            _connect(ray, workers, address)
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_no_progress_timeout_s = _STUCK_SECONDS
        work = options._asdict()
        settings = work.pop("settings").model_dump()
        read = data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS * workers)).map_batches(
            ShardReader,
            fn_constructor_args=(settings, work),
            batch_size=1,
            num_cpus=_ACTOR_CPUS,
            compute=data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        )
        for row in read.iter_rows():
            done = Done.model_validate_json(row["done"])
            yield from (1 for _ in range(done.read))
            yield done
    except ray.exceptions.RayError as error:
        raise BatchError(
            f"Ray gave up ({str(error).strip().splitlines()[-1]}); run the command again to go on"
        ) from error
    finally:
        if is_ours:
            ray.shutdown()
        said.__exit__(None, None, None)


def _connect(ray: Any, workers: int, address: str | None) -> None:
    """Start Ray here, or join the cluster at ``address``."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # workers use the environment this runs in
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    own = {
        "num_cpus": max(available_cores(), round(workers * _ACTOR_CPUS) + 1),
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
    }
    if address and ":" in address and "://" not in address:
        _check_reachable(address)
    for attempt in range(_STARTS):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **({} if address else own))
            return
        except Exception as error:
            ray.shutdown()
            # Ray raises this very class when its processes are slow to start, and the others for what it cannot join.
            known = (ray.exceptions.RayError, OSError, RuntimeError, ValueError)
            if type(error) is not Exception and not isinstance(error, known):
                raise
            if attempt == _STARTS - 1:
                raise BatchError(f"Ray at {address or 'this machine'} cannot be used ({error})") from error


def _check_reachable(address: str) -> None:
    """Ray itself would look for a cluster that is not there for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, ValueError) as error:
        raise BatchError(f"Ray at {address} cannot be used ({error}); check --address") from error
