"""Same as `ocr train`."""

import sys

from own_tree import require_own_tree

if __name__ == "__main__":
    require_own_tree()
    from ocr.cli.main import main

    raise SystemExit(main(["train", *sys.argv[1:]]))
