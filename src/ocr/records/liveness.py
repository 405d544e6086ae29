"""Whether a run that says it is running still is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocr.records import host
from ocr.records.layout import HEARTBEAT

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 120.0


def true_status(folder: Path, record: Mapping[str, Any], now: float | None = None) -> str:
    """Status of a run by its record, but ``interrupted`` when its process is gone.

    On the run's own machine and boot the process is looked up; elsewhere the age of the heartbeat decides.
    """
    status = str(record["status"])
    if status not in ("created", "running"):
        return status
    if record["host"] == host.host_name() and record["boot_id"]:
        if record["boot_id"] != host.boot_id():
            return "interrupted"  # the machine was started again since
        start = host.process_start(record["pid"])
        return status if start is not None and start == record["process_start"] else "interrupted"
    try:
        beat = (folder / HEARTBEAT).stat().st_mtime
    except OSError:
        beat = datetime.fromisoformat(str(record["updated"])).timestamp()
    # A clock behind the run's makes the age negative: the run wrote "in the future", so it is not stale.
    age = (datetime.now(UTC).timestamp() if now is None else now) - beat
    return "interrupted" if age > STALE_SECONDS else status
