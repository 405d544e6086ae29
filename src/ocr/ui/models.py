"""Detectors and recognizers that the pages offer, and the shared engine that reads with them."""

from pathlib import Path
from typing import NamedTuple

from ocr.bundles.bundle import CARD_FILE, DETECTOR, RECOGNIZER, locate, read_card, shipped_names
from ocr.bundles.card import Task
from ocr.errors import BundleError
from ocr.evaluation.exported import SUFFIX, cache_folder, export_once
from ocr.formats.page import Page
from ocr.formats.sources import PageImage
from ocr.inference.shared import shared_engine
from ocr.records.catalog import Catalog
from ocr.records.compatibility import can_read
from ocr.ui.settings import bundle_folder, roots
from ocr.ui.thresholds import Thresholds, reader_at


class Choice(NamedTuple):
    """A model to choose: what it is called on a page, and the bundle's name or folder or the checkpoint's file."""

    label: str
    model: str


def choices(task: Task) -> list[Choice]:
    """Models of a task: shipped bundles, those of the bundle folder, and checkpoints that can be exported."""
    found = [Choice(f"{name} (shipped)", name) for name in shipped_names() if _task(name) == task]
    found.sort(key=lambda choice: choice.model != {"detection": DETECTOR, "recognition": RECOGNIZER}[task])
    folder = bundle_folder()
    for card in sorted(folder.glob(f"*/{CARD_FILE}")) if folder else []:
        if _task(str(card.parent)) == task:
            found.append(Choice(f"{card.parent.name} (bundle)", str(card.parent)))
    there = roots()
    for row in Catalog(there).find() if there else []:
        if row.get("task") == task and can_read(row):
            path = Path(row["path"])
            score = f" {row['score']:.3f}" if isinstance(row.get("score"), float) else ""
            found.append(Choice(f"{path.parent.parent.name}/{path.stem}{score} (checkpoint)", row["path"]))
    return found


def needs_export(model: str) -> bool:
    """Whether a model is a checkpoint, which is exported once before it reads."""
    return Path(model).suffix == SUFFIX


def opened(model: str) -> str:
    """The bundle to read with: the model itself, or the cached export of a checkpoint, made by `ocr export` if need be.

    Raises CheckpointError when the checkpoint cannot be exported.
    """
    return str(export_once(Path(model), cache_folder())) if needs_export(model) else model


def read(
    image: PageImage, detector: str, recognizer: str, *, doubtful: bool = False, thresholds: Thresholds | None = None
) -> Page:
    """One page read by two bundles with the engine of this process; None: at the detector's own thresholds.

    ``doubtful`` keeps lines that `ocr read` leaves out as unsure. With ``thresholds`` the maps are kept for the next.
    """
    engine = shared_engine()
    if thresholds is None:
        return engine.read([image], detector=detector, recognizer=recognizer, noise=doubtful)[0]
    reader = reader_at(thresholds, detector, recognizer, noise=doubtful)
    engine.make_room([image])
    return reader.read(image.image, source=image.source, page=image.page, notes=image.notes)


def _task(name: str) -> Task | None:
    try:
        return read_card(locate(name)).task
    except BundleError:
        return None  # what cannot be opened is not offered
