"""What is kept of a run's checkpoints, how a bad loss is caught, what pictures show."""

from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ocr.errors import CheckpointError, TrainingError
from ocr.specs.postprocess import Detection
from ocr.specs.preprocess import PreprocessSpec, apply
from ocr.training import weights
from ocr.training.callbacks import FiniteLossGuard, UniqueModelCheckpoint, batch_names, batch_size, plain
from ocr.training.checkpoint_io import DurableCheckpointIO
from ocr.training.ema import WeightEma
from ocr.training.pictures import PREDICTED_COLOUR, TRUE_COLOUR, ValidationPictures, restore_image


class FakeTrainer(SimpleNamespace):
    """As much of a trainer as a callback touches, saving real files."""

    def __init__(self, **fields):
        io = DurableCheckpointIO()
        strategy = SimpleNamespace(checkpoint_io=io, broadcast=lambda x: x, remove_checkpoint=io.remove_checkpoint)
        super().__init__(
            strategy=strategy,
            callback_metrics={},
            global_step=0,
            current_epoch=0,
            global_rank=0,
            is_global_zero=True,
            sanity_checking=False,
            fast_dev_run=False,
            world_size=1,
            state=SimpleNamespace(fn="fit"),
            loggers=[],
            **fields,
        )

    def save_checkpoint(self, path, weights_only):
        assert weights_only is False
        self.strategy.checkpoint_io.save_checkpoint({"state_dict": {}, "epoch": self.current_epoch}, path)


def validate(callback, trainer, step, score):
    trainer.global_step, trainer.current_epoch = step, step - 1
    trainer.callback_metrics = {} if score is None else {"val/loss": torch.tensor(score)}
    callback.on_validation_end(trainer, None)


def kept(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("*.ckpt") if not p.is_symlink())


def checkpointer(folder, **settings):
    callback = UniqueModelCheckpoint(**{"monitor": "val/loss", "mode": "min", "top_k": 2, **settings})
    callback.record(folder, None, None)
    return callback


def test_the_best_by_mode_and_the_newest_are_kept(tmp_path):
    callback, trainer = checkpointer(tmp_path), FakeTrainer()
    for step, score in enumerate([0.5, 0.2, 0.9, 0.3], 1):
        validate(callback, trainer, step, score)
    assert kept(tmp_path) == ["epoch-01_step-000002_loss-0.2000.ckpt", "epoch-03_step-000004_loss-0.3000.ckpt"]
    assert (tmp_path / "best.ckpt").readlink().name.endswith("loss-0.2000.ckpt")
    assert (tmp_path / "last.ckpt").readlink().name.endswith("loss-0.3000.ckpt")
    validate(callback, trainer, 5, 0.95)
    assert len(kept(tmp_path)) == 3
    assert (tmp_path / "last.ckpt").readlink().name.endswith("loss-0.9500.ckpt")


def test_checkpoints_without_the_metric_are_named_without_it_and_rank_last(tmp_path):
    callback, trainer = checkpointer(tmp_path, top_k=1), FakeTrainer()
    validate(callback, trainer, 1, None)
    assert kept(tmp_path) == ["epoch-00_step-000001.ckpt"]
    validate(callback, trainer, 2, 0.7)
    validate(callback, trainer, 3, float("nan"))
    assert kept(tmp_path) == ["epoch-01_step-000002_loss-0.7000.ckpt", "epoch-02_step-000003.ckpt"]
    assert (tmp_path / "best.ckpt").readlink().name == "epoch-01_step-000002_loss-0.7000.ckpt"


def test_a_name_that_is_taken_is_never_written_again(tmp_path):
    (tmp_path / "epoch-00_step-000001_loss-0.5000.ckpt").write_text("another run's")
    callback, trainer = checkpointer(tmp_path), FakeTrainer()
    validate(callback, trainer, 1, 0.5)
    callback.on_train_end(trainer, None)  # nothing new to keep
    assert kept(tmp_path) == ["epoch-00_step-000001_loss-0.5000.ckpt", "epoch-00_step-000001_loss-0.5000_1.ckpt"]
    assert (tmp_path / "epoch-00_step-000001_loss-0.5000.ckpt").read_text() == "another run's"


def test_where_links_cannot_be_made_the_aliases_are_copies(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "symlink_to", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    callback, trainer = checkpointer(tmp_path), FakeTrainer()
    validate(callback, trainer, 1, 0.5)
    assert (tmp_path / "best.ckpt").read_bytes() == (tmp_path / "epoch-00_step-000001_loss-0.5000.ckpt").read_bytes()


@pytest.mark.parametrize(
    "state", [{"sanity_checking": True}, {"fast_dev_run": True}, {"state": SimpleNamespace(fn="validate")}]
)
def test_nothing_is_kept_of_a_check_or_a_trial(tmp_path, state):
    callback, trainer = checkpointer(tmp_path), FakeTrainer()
    trainer.__dict__.update(state)
    validate(callback, trainer, 1, 0.5)
    assert not list(tmp_path.iterdir())


def test_the_state_is_taken_up_only_in_the_same_folder(tmp_path):
    callback, trainer = checkpointer(tmp_path), FakeTrainer()
    validate(callback, trainer, 1, 0.5)
    same, other = checkpointer(tmp_path), checkpointer(tmp_path / "other")
    for fresh in (same, other):
        fresh.load_state_dict(callback.state_dict())
    assert list(same._scores.values()) == [0.5]
    assert other._scores == {}


def test_a_failed_write_leaves_no_file(tmp_path, monkeypatch):
    def fail(_, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(CheckpointError, match="No space left"):
        DurableCheckpointIO().save_checkpoint({}, tmp_path / "a.ckpt")
    assert not list(tmp_path.iterdir())


Batch = namedtuple("Batch", "images names")


@dataclass
class Holder:
    path: Path
    values: object


def guard_step(guard, trainer, loss, n):
    guard.on_train_batch_end(
        trainer, None, {"loss": torch.tensor(loss)}, Batch(torch.ones(2, 1), [f"a{n}", f"b{n}"]), n
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_bad_loss_is_reported_one_step_late_with_its_own_batch(tmp_path, bad):
    guard, trainer = FiniteLossGuard(), FakeTrainer()
    guard.folder = tmp_path / "logs"
    guard_step(guard, trainer, 1.0, 0)
    guard_step(guard, trainer, bad, 1)
    with pytest.raises(TrainingError, match=r"epoch 0, batch 1 \(a1, b1\); kept in .*batch-000001_rank-0\.pt"):
        guard_step(guard, trainer, 1.0, 2)
    (file,) = (tmp_path / "logs").iterdir()
    assert torch.load(file, weights_only=True)["names"] == ["a1", "b1"]


@pytest.mark.parametrize("hook", ["on_validation_start", "on_train_epoch_end"])
def test_a_bad_last_loss_is_reported_before_anything_is_saved(hook):
    guard, trainer = FiniteLossGuard(), FakeTrainer()
    guard.on_train_batch_end(trainer, None, None, None, 0)  # a step that gave no loss
    guard.on_train_batch_end(trainer, None, torch.tensor(float("nan")), {"x": 1}, 1)
    with pytest.raises(TrainingError, match="batch 1; the batch was not kept; lower the learning rate"):
        getattr(guard, hook)(trainer, None)


def test_batches_of_any_form_become_tensors_and_plain_values():
    batch = {
        1: Batch(torch.ones(2), ("x", None)),
        "h": Holder(Path("a/b"), [np.arange(3, dtype=np.float32), 1.5, True]),
    }
    got = plain(batch)
    assert got["1"]["names"] == ["x", None]
    assert got["h"]["path"] == "a/b"
    assert torch.equal(got["h"]["values"][0], torch.arange(3.0))
    assert got["h"]["values"][1:] == [1.5, True]


def test_sizes_and_names_of_batches():
    assert batch_size(torch.ones(5, 2)) == 5
    assert batch_size({"x": [1], "y": torch.ones(4)}) == 4
    assert batch_size(Holder(Path("a"), torch.ones(3))) == 3
    assert batch_size((1, torch.ones(2))) == 2
    assert batch_size("nothing") == 0
    assert batch_names({"texts": ["a"]}) == ["a"]
    assert batch_names(3) == []


def test_the_average_follows_the_weights_and_copies_counters_and_infinities(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    module.device = torch.device("cpu")
    module.configure_model = lambda: None
    module.register_buffer("padding", torch.tensor(-torch.inf))
    callback, trainer = WeightEma(decay=0.6), FakeTrainer()
    callback.on_train_end(trainer, module)  # a run that ends before it begins
    from torch.optim.swa_utils import AveragedModel

    callback._average_model = AveragedModel(module, use_buffers=True)
    mean = module[0].weight.detach().clone()
    for step in range(1, 9):
        with torch.no_grad():
            module[0].weight += step
            module[1].num_batches_tracked += 1
        trainer.global_step = step
        callback.on_train_batch_end(trainer, module, None, None, step)
        callback.on_train_batch_end(trainer, module, None, None, step)  # no optimizer step in between: no change
        decay = min(0.6, step / (9 + step))
        mean = decay * mean + (1 - decay) * module[0].weight.detach()
    average = callback._average_model.module
    torch.testing.assert_close(average[0].weight.detach(), mean)
    assert int(average[1].num_batches_tracked) == 8
    assert average.padding == -torch.inf
    with pytest.raises(ValueError, match=r"decay 1.0 is not in \[0, 1\)"):
        WeightEma(decay=1.0)


Page = namedtuple("Page", "images scale_x scale_y size polygons ignore names")
SPEC = PreprocessSpec(resize="limit", max_side=320, multiple=32, colour_order="bgr")


def page() -> tuple[np.ndarray, Page]:
    image = np.full((640, 480, 3), (200, 210, 220), np.uint8)
    prepared = apply(SPEC, image)
    true = torch.tensor([[40.0, 40.0], [200.0, 40.0], [200.0, 100.0], [40.0, 100.0]])
    flat = torch.tensor([[10.0, 10.0], [100.0, 10.0], [50.0, 10.0]])
    return image, Page(
        torch.from_numpy(prepared.array)[None],
        prepared.scale_x,
        prepared.scale_y,
        (480, 640),
        [true, flat],
        [False] * 2,
        ["shop/receipt 7.jpg"],
    )


def test_pictures_show_valid_true_and_predicted_polygons_in_every_logger(tmp_path):
    _, batch = page()
    found = [
        Detection(np.array([[40, 300], [200, 300], [200, 360], [40, 360]], np.float32), 0.9),
        Detection(np.array([[np.nan, 0], [1, 1], [2, 5]], np.float32), 0.8),
    ]
    board = TensorBoardLogger(tmp_path / "board", name="", version="")
    trainer = FakeTrainer()
    trainer.loggers = [board, CSVLogger(tmp_path / "csv")]
    callback = ValidationPictures(pages=1, every=2, folder=str(tmp_path / "pictures"))
    module = SimpleNamespace(preprocess=SPEC)
    callback.on_validation_batch_end(trainer, module, found, batch, 0)
    callback.on_validation_batch_end(trainer, module, found, batch, 1)  # only the first page
    callback.on_validation_batch_end(trainer, module, None, batch, 0)  # a recognizer returns nothing to draw
    trainer.current_epoch = 1
    callback.on_validation_batch_end(trainer, module, found, batch, 0)  # not this epoch
    (file,) = (tmp_path / "pictures").rglob("*.jpg")
    assert file.relative_to(tmp_path / "pictures").as_posix() == "epoch-00/receipt 7.jpg"
    picture = cv2.imread(str(file))[:, :, ::-1].astype(int)
    assert picture.shape == (320, 256, 3)
    scale_x, scale_y = batch.scale_x, batch.scale_y
    at = lambda x, y: picture[round(y * scale_y), round(x * scale_x)]  # noqa: E731
    assert np.abs(at(120, 40) - TRUE_COLOUR).max() < 90
    assert np.abs(at(120, 300) - PREDICTED_COLOUR).max() < 90
    assert np.abs(at(120, 200) - (200, 210, 220)).max() < 12
    assert np.abs(at(60, 10) - (200, 210, 220)).max() < 12  # the flat one was not drawn
    board.experiment.flush()
    events = EventAccumulator(str(tmp_path / "board")).Reload()
    assert events.Tags()["images"] == ["validation/receipt 7"]


def test_an_image_survives_preparation_and_back():
    image, batch = page()
    restored = restore_image(batch.images[0].numpy(), SPEC)
    assert np.abs(restored.astype(int) - image[0, 0]).max() <= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such checkpoint"),
        (b"", "damaged or no checkpoint"),
        (b"PK\x03\x04 half of a checkpoint", "damaged or no checkpoint"),
        ({"weights": {}}, "holds no state_dict"),
        ([1, 2], "holds no state_dict"),
        ({"state_dict": {}, "code": Holder(Path("a"), print)}, "holds more than tensors and plain values"),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_one_line(tmp_path, content, message):
    path = tmp_path / "a.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=message) as caught:
        weights.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    torch.save({"state_dict": {"a": torch.ones(1000)}}, tmp_path / "a.ckpt")
    whole = (tmp_path / "a.ckpt").read_bytes()
    for share in (0.1, 0.5, 0.99):
        (tmp_path / "b.ckpt").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(CheckpointError, match=r"b\.ckpt"):
            weights.load(tmp_path / "b.ckpt")
