"""``ocr train``: the Hydra application that trains; ``runners/train.py`` is the same."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ocr.errors import OcrError


def main(argv: Sequence[str] | None = None) -> int:
    """Train with Hydra overrides as arguments; return 2 for what the user can mend, 130 or 143 when stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    from ocr.optional import safe_import

    try:
        for package in ("torch", "hydra", "lightning"):
            safe_import(package)
        from ocr.training.fit import fit
        from ocr.training.hydra_app import launch

        launch(fit, arguments, script=Path(__file__))
    except OcrError as error:
        print(f"ocr train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ocr train: interrupted; resume=latest goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
