"""The checkpoint that a word on the command line means."""

from collections.abc import Sequence
from pathlib import Path

from ocr.errors import CheckpointError, RecordError
from ocr.records.catalog import Catalog, Row
from ocr.records.layout import LAST, RECORD, old_layouts

BEST_OF = "best@"


def checkpoint_path(name: str, roots: Sequence[Path], alias: Path = LAST) -> Path:
    """The file that `name` means: a file, a run folder, a run id or its beginning, ``latest``, or ``best@QUERY``.

    Of a run it is the checkpoint that `alias` (LAST or BEST) points to. Raises RecordError or CheckpointError when
    there is none, or several.
    """
    if name.startswith(BEST_OF):
        return Path(Catalog(roots).best(name.removeprefix(BEST_OF))[0]["path"])
    path = Path(name)
    if old_layouts() and (path.suffix or len(path.parts) > 1 or path.is_dir()):
        from ocr.records.old_paths import current_path

        path = current_path(path, roots)
    if path.is_file():
        return path.resolve()
    if path.suffix == ".ckpt":
        raise CheckpointError(f"{path}: no such checkpoint")
    folder = path if path.is_dir() else run_folder(name, roots, having=alias)
    if not (folder / alias).exists():
        raise RecordError(f"{folder}: holds no {alias}; name another run")
    return (folder / alias).resolve()


def run_folder(name: str, roots: Sequence[Path], having: Path = Path(RECORD)) -> Path:
    """Folder of the run that `name` means: a folder, an id or its beginning, or ``latest``, the newest with `having`.

    Raises RecordError for none or several.
    """
    if Path(name, RECORD).is_file():
        return Path(name)
    where = ", ".join(map(str, roots))
    rows = _runs(roots)
    if name == "latest":
        rows = [row for row in rows if Path(row["folder"], having).exists()]
        if not rows:
            raise RecordError(f"{where}: no run with {having} below it; train one first")
        return Path(max(rows, key=lambda row: str(row["started"]))["folder"])
    rows = [row for row in rows if row["id"].startswith(name)]
    found = [row for row in rows if row["id"] == name] or rows
    if len(found) == 1:
        return Path(found[0]["folder"])
    if not found:
        raise RecordError(f"{name}: no such file, folder or run below {where}; see `ocr runs list`")
    ids = ", ".join(row["id"] for row in found[:5])
    raise RecordError(f"{name}: means {len(found)} runs: {ids}; give more of it")


def _runs(roots: Sequence[Path]) -> list[Row]:
    there = [root for root in roots if root.is_dir()]
    return [row for row in Catalog(there).runs() if "id" in row]
