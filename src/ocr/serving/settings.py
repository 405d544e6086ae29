"""What a service may take and how much of it; every limit has a default."""

from dataclasses import dataclass, field
from pathlib import Path

from ocr.bundles.bundle import CARD_FILE, SHIPPED, Bundle, load_bundle
from ocr.bundles.card import Task
from ocr.errors import ServiceError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes and pixels, times in seconds; what goes above one is refused with a status that says so."""

    body_bytes: int = 25 * MEGABYTE
    # Bodies of all requests in memory at once.
    bodies_bytes: int = 250 * MEGABYTE
    page_pixels: int = 40_000_000
    # Decoded pages of all requests in memory at once, three bytes each: at least one page of the size allowed.
    pages_pixels: int = 160_000_000
    pages: int = 50
    job_pages: int = 2_000
    # Requests being read or waiting for it; one more is answered with 429.
    requests: int = 32
    read_seconds: float = 120.0
    upload_seconds: float = 30.0
    header_seconds: float = 10.0
    jobs_waiting: int = 200
    jobs_bytes: int = 2_000 * MEGABYTE
    job_hours: float = 24.0
    # How often a job may be begun: one that ends the process each time is not tried for ever.
    job_attempts: int = 3


@dataclass(frozen=True)
class Batching:
    """How pages of different requests are read together."""

    pages: int = 8
    pixels: int = 60_000_000
    # How long the first page of a batch waits for pages of requests that are still being decoded.
    wait_seconds: float = 0.005


@dataclass(frozen=True)
class Settings:
    """A service: where it keeps jobs, who may use it, and which models it offers."""

    work: Path
    keys: Path | None = None
    models: Path | None = None
    cors_origins: tuple[str, ...] = ()
    threads: int | None = None
    limits: Limits = field(default_factory=Limits)
    batching: Batching = field(default_factory=Batching)


class Offered:
    """The bundles that requests may name: those of the package and of one folder. A name is never a path."""

    def __init__(self, folder: Path | None) -> None:
        """Verify every bundle of ``folder``; raises BundleError, and ServiceError when there is no such folder."""
        self._folders: dict[str, Path] = {}
        self.bundles: dict[str, Bundle] = {}
        if folder is not None and not folder.is_dir():
            raise ServiceError(f"{folder}: no such folder; give --models a folder of bundles")
        for root in (SHIPPED, *([folder] if folder else [])):
            for card in sorted(root.glob(f"*/{CARD_FILE}")):
                self._folders[card.parent.name] = card.parent
                self.bundles[card.parent.name] = load_bundle(card.parent)

    def folder(self, name: str, task: Task) -> Path | None:
        """Folder of the bundle of that name and task; None when none is offered."""
        bundle = self.bundles.get(name)
        return self._folders[name] if bundle is not None and bundle.card.task == task else None

    def names(self, task: Task) -> list[str]:
        """Names offered for a task, sorted."""
        return sorted(name for name, bundle in self.bundles.items() if bundle.card.task == task)
