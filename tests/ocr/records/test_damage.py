"""Writers that are killed or run out of disk: what is offered as whole is, and what was there before stays."""

import os
import random
import resource
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ocr.errors import CardError, CheckpointError, RecordError
from ocr.records.catalog import Catalog
from ocr.records.checkpoint import file_sha256, read_card, write_card
from ocr.records.layout import WHOLE, card_path
from ocr.records.run import Run, edit_record, read_record
from ocr.records.verify import verify
from ocr.training.callbacks import UniqueModelCheckpoint
from ocr.training.checkpoint_io import DurableCheckpointIO

MEGABYTE = 1_000_000


class Writer:
    """A callback that checkpoints, with as much of a trainer as it touches."""

    def __init__(self, folder: Path, pattern: Path):
        io = DurableCheckpointIO()
        strategy = SimpleNamespace(checkpoint_io=io, broadcast=lambda x: x, remove_checkpoint=io.remove_checkpoint)
        self.callback = UniqueModelCheckpoint(monitor="val/hmean", mode="max", top_k=10**6)
        card = read_card(pattern)

        def make_card(**facts):
            kept = {key: facts[key] for key in ("epoch", "step", "size")}
            return replace(card, **kept, weights_sha256=facts["sha256"])

        self.callback.record(folder, None, make_card)
        self.trainer = SimpleNamespace(
            strategy=strategy,
            callback_metrics={"val/hmean": 0.5},
            global_step=0,
            current_epoch=0,
            is_global_zero=True,
            sanity_checking=False,
            fast_dev_run=False,
            world_size=1,
            state=SimpleNamespace(fn="fit"),
            save_checkpoint=self._save,
        )
        self.callback.setup(self.trainer, None, "fit")

    def _save(self, path, weights_only):
        content = {"state_dict": {"w": torch.rand(200_000)}, "epoch": 0, "global_step": self.trainer.global_step}
        self.trainer.strategy.checkpoint_io.save_checkpoint(content, path)

    def write(self):
        self.trainer.global_step += 1
        self.callback.on_validation_end(self.trainer, None)


@pytest.fixture
def pattern(tmp_path, make_checkpoint) -> Path:
    return make_checkpoint(tmp_path / "pattern", "a")


@pytest.fixture
def small_files():
    """Let no file grow beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_kill_9_at_any_moment_leaves_no_false_whole_and_loses_nothing(tmp_path, pattern):
    root = tmp_path / "outputs"
    draw = random.Random(5)
    whole: set[str] = set()
    for _ in range(20):
        begun = len(list(root.rglob("*"))) if root.exists() else 0
        pid = os.fork()
        if pid == 0:
            writer = Writer(root / "run" / "checkpoints", pattern)
            writer.trainer.global_step = os.getpid() * 1000
            while True:
                writer.write()
        while not root.exists() or len(list(root.rglob("*"))) <= begun:
            time.sleep(0.001)
        time.sleep(draw.uniform(0.0, 0.05))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        offered = {row["path"] for row in Catalog([root]).checkpoints() if row["state"] == WHOLE}
        assert whole <= offered
        assert [verify(Path(path)) for path in offered - whole] == [WHOLE] * len(offered - whole)
        whole = offered
        last = root / "run" / "checkpoints" / "last.ckpt"
        assert not last.is_symlink() or str(last.resolve()) in whole
    assert whole


def test_a_full_disk_leaves_the_checkpoints_before_and_says_so(tmp_path, pattern, small_files):
    folder = tmp_path / "checkpoints"
    writer = Writer(folder, pattern)
    writer.write()
    before = sorted(path.name for path in folder.iterdir())
    small_files(MEGABYTE // 2)
    with pytest.raises(CheckpointError, match=r"hmean-0\.5000\.ckpt: cannot be written: .*; make room and go on with"):
        writer.write()
    assert sorted(path.name for path in folder.iterdir()) == before
    (row,) = Catalog([tmp_path / "checkpoints"]).checkpoints()
    assert verify(Path(row["path"]), row["state"]) == WHOLE
    assert (folder / "last.ckpt").resolve() == Path(row["path"]).resolve()


def test_a_card_that_finds_no_room_is_missed_and_the_old_one_stays(tmp_path, pattern, small_files):
    card, text = read_card(pattern), card_path(pattern).read_text()
    digest = file_sha256(pattern)
    small_files(100)
    with pytest.raises(CardError, match=r"a\.metadata\.json: cannot be written: File too large; make room"):
        write_card(pattern, card)
    assert card_path(pattern).read_text() == text
    assert card.weights_sha256 == digest


def test_a_record_that_finds_no_room_stays_as_it_was(tmp_path, small_files, capsys):
    run = Run.start(tmp_path, run_id="r1", name="n")
    small_files(100)
    with pytest.raises(RecordError, match=r"run\.json: cannot be written: File too large; make room"):
        run.update(epoch=3)
    with pytest.raises(RecordError):
        run.end("completed")
    run.end("failed", "the disk is full")  # what failed is the news, not that it could not be written down
    assert "run.json: cannot be written" in capsys.readouterr().err
    assert read_record(tmp_path).epoch is None


def fill(writer: Writer) -> None:
    while writer.trainer.global_step < 20:
        writer.write()


def test_on_a_disk_that_is_really_full_nothing_is_lost_and_room_is_all_it_takes(small_disk, pattern, make_run):
    root = small_disk(4_000) / "outputs"
    make_run(root / "run", "r1")
    writer = Writer(root / "run" / "checkpoints", pattern)  # 800 kB each
    with pytest.raises(CheckpointError, match=r"cannot be written: .*; make room and go on with resume=latest"):
        fill(writer)
    with pytest.raises(OSError, match="No space left on device"):
        (root.parent / "rest").write_bytes(bytes(4_000_000))
    whole = [row["path"] for row in Catalog([root]).checkpoints()]  # there is no room for an index
    assert len(whole) == writer.trainer.global_step - 1 > 2
    assert [verify(Path(path)) for path in whole] == [WHOLE] * len(whole)
    with pytest.raises(RecordError, match=r"run\.json: cannot be written: No space left on device; make room for it"):
        edit_record(root / "run", lambda record: record.notes.append("x" * 100_000))
    assert [row["id"] for row in Catalog([root]).find_runs()] == ["r1"]
    small_disk(9_000)
    writer.write()
    assert len(Catalog([root]).find()) == len(whole) + 1
