"""Stops a runner that would run another copy of the code than the one it lies in."""

import sys
from pathlib import Path


def require_own_tree() -> None:
    """Exit with 2 and one line when `ocr` is not the one beside this folder."""
    import ocr

    own = Path(__file__).resolve().parents[1] / "src" / "ocr"
    found = Path(ocr.__file__).resolve().parent
    if found != own:
        print(f"ocr comes from {found}, not from {own}: install this tree with `make setup`", file=sys.stderr)
        raise SystemExit(2)
