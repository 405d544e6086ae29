"""What `ocr ui` was told, handed to the pages through the environment of their process."""

import os
from pathlib import Path

ROOTS = "OCR_UI_ROOTS"
BUNDLES = "OCR_UI_BUNDLES"


def set_folders(roots: list[Path], bundles: Path | None) -> None:
    """Keep the folders that hold runs, and the one that holds bundles, for the pages."""
    os.environ[ROOTS] = os.pathsep.join(str(root.resolve()) for root in roots)
    if bundles is not None:
        os.environ[BUNDLES] = str(bundles.resolve())


def roots() -> list[Path]:
    """Folders that hold runs; those that are not there are left out."""
    named = os.environ.get(ROOTS, "outputs").split(os.pathsep)
    return [Path(name) for name in named if Path(name).is_dir()]


def nothing_yet(kind: str, there: list[Path]) -> str:
    """What a page says where folders of runs hold none of a kind."""
    return (
        f"No {kind} in {', '.join(f'`{root}`' for root in there)} yet. `ocr train` makes some; `--root` names others."
    )


def bundle_folder() -> Path | None:
    """Folder of bundles offered beside the shipped ones, if any was named."""
    return Path(os.environ[BUNDLES]) if BUNDLES in os.environ else None
