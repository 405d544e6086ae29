"""docTR's own training script, a step at a turn: run by docTR's interpreter, not by ours.

    venv/bin/python benchmarks/train_doctr.py CLONE/references/detection/train.py ARCH ARGUMENT...

The script runs as it is; its progress bar is exchanged for one that waits for turns, and no weights are downloaded.
"""

import importlib.util
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from doctr.models import detection
from train_turns import Turns


class Bar:
    """What stands in for the script's progress bar: each batch is fetched and used in a turn of its own."""

    def __init__(self, loader: Any = (), **_: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        turns, batches = Turns(), iter(self.loader)
        while True:
            turns.begin()
            batch = next(batches, None)
            if batch is None:
                batches = iter(self.loader)
                batch = next(batches)
            yield batch
            turns.end()

    def set_description(self, text: str) -> None:
        """Say nothing."""

    def write(self, text: str) -> None:
        """Pass on what the script says, apart from the turns."""
        print(text, file=sys.stderr)


def main() -> None:
    """Load the script, exchange its bar, run it."""
    path = Path(sys.argv[1])
    sys.path.insert(0, str(path.parent))  # it imports its neighbour
    spec = importlib.util.spec_from_file_location("doctr_reference", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.tqdm = Bar
    architecture = sys.argv[2]
    setattr(detection, architecture, partial(getattr(detection, architecture), pretrained_backbone=False))
    torch.set_num_threads(1)
    sys.argv = [str(path), *sys.argv[2:]]
    script.main(script.parse_args())


if __name__ == "__main__":
    main()
