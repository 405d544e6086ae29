"""Where a run begins: the checkpoint it resumes, or the weights it starts from."""

import logging
from pathlib import Path
from typing import Any

from ocr.bundles.card import StartRecord
from ocr.errors import CardError, CheckpointError, RecordError
from ocr.records.checkpoint import read_card
from ocr.records.find import newest_run, run_by_id
from ocr.training import weights

log = logging.getLogger(__name__)

LAST = Path("checkpoints") / "last.ckpt"


def resume_path(name: str | None, root: Path) -> Path | None:
    """The checkpoint that `name` means: a file, a run folder, a run id, or ``latest`` below `root`; None for None.

    Raises RecordError or CheckpointError when there is none.
    """
    if name is None:
        return None
    path = Path(name)
    if path.is_file():
        return path.resolve()
    if path.is_dir():
        folder = path
    elif name == "latest":
        folder = newest_run(root, having=LAST)
    elif path.suffix == ".ckpt":
        raise CheckpointError(f"{path}: no such checkpoint")
    else:
        folder = run_by_id(root, name)
    last = folder / LAST
    if not last.exists():
        raise RecordError(f"{folder}: holds no {LAST}; resume another run, or start anew without resume=")
    return last.resolve()


def load_start(module: Any, checkpoint: Path) -> StartRecord:
    """Copy into `module` the weights of `checkpoint` that fit it, and say which did not; return what cards say of it.

    Raises CheckpointError when nothing fits.
    """
    state = weights.load(checkpoint)["state_dict"]
    own = module.state_dict()
    fitting = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
    if not fitting:
        raise CheckpointError(f"{checkpoint}: none of its weights fit this model; choose a start of its architecture")
    left = sorted(set(own) - set(fitting))
    module.load_state_dict(own | fitting)
    log.info("start: %d of %d tensors from %s", len(fitting), len(own), checkpoint)
    if left:
        log.warning("start: these begin anew, as the start has none of their shape: %s", ", ".join(left[:8]))
    try:
        card = read_card(checkpoint)
    except CardError:
        return StartRecord(name=checkpoint.stem, source=str(checkpoint), licence="unknown: the start has no card")
    return StartRecord(name=card.name, source=f"run {card.run_id}", licence=card.licence)
