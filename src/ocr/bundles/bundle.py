"""Bundles on disk: found by name or path, verified against their card, written whole."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from durable.replace import write_bytes, write_text
from ocr.bundles.card import BundleCard, Task
from ocr.errors import BundleError
from ocr.schema import Mismatch, from_json, from_shipped_json, to_json
from ocr.text.prior import Prior

MODEL_FILE = "model.onnx"
CARD_FILE = "card.json"
PRIOR_FILE = "prior.bin"
SHIPPED = Path(__file__).parent / "shipped"
DETECTOR = "detector"
RECOGNIZER = "recognizer"


class Bundle(NamedTuple):
    """A bundle whose model is the one its card speaks of; ``sha256`` is that of the model file."""

    card: BundleCard
    model_path: Path
    sha256: str


def shipped_names() -> list[str]:
    """Names of the bundles inside the package, sorted."""
    return sorted(folder.parent.name for folder in SHIPPED.glob(f"*/{CARD_FILE}"))


def load_bundle(name_or_path: str | Path, *, task: Task | None = None) -> Bundle:
    """Open a bundle by folder or by the name of a shipped one, and verify it.

    Raises BundleError when it is not there, incomplete, of another task than asked for, or when its model is not the
    one the card was written for.
    """
    folder = locate(name_or_path)
    card = read_card(folder)
    if task is not None and card.task != task:
        raise BundleError(f"{folder}: is a {card.task} bundle; a {task} bundle is needed here")
    model = folder / MODEL_FILE
    try:
        with model.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{model}: cannot be read ({error.strerror}); export or copy the bundle again") from error
    if sha256 != card.weights_sha256:
        raise BundleError(
            f"{model}: its SHA-256 starts with {sha256[:12]}, the card was written for {card.weights_sha256[:12]}; "
            "the file is damaged or from another export: copy both files of the bundle again"
        )
    return Bundle(card, model, sha256)


def load_prior(bundle: Bundle) -> Prior | None:
    """The character prior that the card's decode spec names, None when it names none.

    Raises BundleError when the file is missing, damaged or another one.
    """
    spec = bundle.card.decode.prior if bundle.card.decode else None
    if spec is None:
        return None
    path = bundle.model_path.with_name(PRIOR_FILE)
    remedy = "copy the bundle again, or make the prior anew with `ocr tune recognizer`"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    if hashlib.sha256(data).hexdigest() != spec.sha256:
        raise BundleError(f"{path}: is not the prior that the card was written for; {remedy}")
    try:
        return Prior.from_bytes(data)
    except ValueError as error:
        raise BundleError(f"{path}: {error}; {remedy}") from error


def read_card(folder: Path) -> BundleCard:
    """Read the card of a bundle folder; BundleError names the field that is wrong."""
    path = folder / CARD_FILE
    try:
        read = from_shipped_json if folder.parent == SHIPPED else from_json
        return read(BundleCard, path.read_bytes())
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); a bundle is a folder with it") from error
    except Mismatch as error:
        raise BundleError(f"{path}: {error}; export the bundle again with this version") from error


def write_bundle(folder: Path, model: bytes | Path, card: BundleCard, prior: bytes | None = None) -> Bundle:
    """Write ``model`` and ``card`` as a bundle; the card's ``weights_sha256`` is set to that of the model.

    ``prior`` is the content of the file that the card's decode spec names. The card comes last, each file is replaced
    whole: a reader in between is told that they do not belong together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = model if isinstance(model, bytes) else model.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    card = replace(card, weights_sha256=sha256)
    write_bytes(folder / MODEL_FILE, data)
    if prior is None:
        (folder / PRIOR_FILE).unlink(missing_ok=True)
    else:
        write_bytes(folder / PRIOR_FILE, prior)
    write_text(folder / CARD_FILE, to_json(card, indent=2) + "\n")
    return Bundle(card, folder / MODEL_FILE, sha256)


def locate(name_or_path: str | Path) -> Path:
    """Return the folder of a bundle named by its folder or as a shipped one; BundleError when there is none."""
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    shipped = SHIPPED / folder
    if len(folder.parts) == 1 and (shipped / CARD_FILE).is_file():
        return shipped
    if folder.exists():
        raise BundleError(f"{folder}: is a file; a bundle is a folder with {MODEL_FILE} and {CARD_FILE}")
    known = ", ".join(shipped_names()) or "none"
    raise BundleError(f"{folder}: no such bundle; give a bundle folder or one of the shipped bundles ({known})")
