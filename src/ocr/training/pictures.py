"""A few validation pages with the true and the predicted polygons, for every logger that takes pictures."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from lightning.pytorch.callbacks.callback import Callback
from lightning.pytorch.loggers.mlflow import MLFlowLogger
from lightning.pytorch.loggers.tensorboard import TensorBoardLogger
from lightning.pytorch.loggers.wandb import WandbLogger
from numpy.typing import NDArray

from durable.replace import write_bytes
from ocr.geometry.validate import validate_all
from ocr.images.load import Rgb
from ocr.specs.preprocess import PreprocessSpec

TRUE_COLOUR = (0, 160, 0)
PREDICTED_COLOUR = (220, 0, 0)


def restore_image(array: NDArray[np.float32], spec: PreprocessSpec) -> Rgb:
    """The RGB image (H,W,3) that `spec` turned into `array` (3,H,W), to within rounding."""
    image = array.transpose(1, 2, 0) * np.array(spec.std, np.float32) + np.array(spec.mean, np.float32)
    if spec.colour_order == "bgr":
        image = image[:, :, ::-1]
    return np.ascontiguousarray(np.clip(np.rint(image * 255), 0, 255), np.uint8)


def draw(image: Rgb, polygons: Iterable[Any], colour: tuple[int, int, int]) -> int:
    """Draw those polygons that pass validation onto `image`; return how many did."""
    kept, _, _ = validate_all(list(polygons), (image.shape[1], image.shape[0]))
    for polygon in kept:
        cv2.polylines(image, [np.rint(polygon).astype(np.int32)], True, colour, 2)
    return len(kept)


class ValidationPictures(Callback):  # type: ignore[misc]
    """Pictures of the first `pages` of each `every`-th validation, under `folder` and in the active loggers.

    True polygons are green, predicted ones red. For modules whose validation step returns the detections of one page.
    """

    def __init__(self, *, pages: int, every: int, folder: str) -> None:
        self.pages = pages
        self.every = every
        self.folder = Path(folder)

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Draw one page."""
        due = batch_idx < self.pages and trainer.current_epoch % self.every == 0
        if not due or outputs is None or trainer.fast_dev_run or not trainer.is_global_zero:
            return
        scale = np.array((batch.scale_x, batch.scale_y), np.float32)
        picture = restore_image(batch.images[0].float().cpu().numpy(), pl_module.preprocess)
        draw(picture, (np.asarray(polygon) * scale for polygon in batch.polygons), TRUE_COLOUR)
        draw(picture, (found.polygon * scale for found in outputs), PREDICTED_COLOUR)
        name = Path(batch.names[0]).stem
        encoded = cv2.imencode(".jpg", picture[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, 85))[1]
        target = self.folder / f"epoch-{trainer.current_epoch:02d}"
        target.mkdir(parents=True, exist_ok=True)
        write_bytes(target / f"{name}.jpg", encoded.tobytes())
        for logger in trainer.loggers:
            _send(logger, f"validation/{name}", picture, trainer.global_step)


def _send(logger: Any, name: str, picture: Rgb, step: int) -> None:
    """Give the picture to a logger that takes pictures; the table of numbers does not."""
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(name, picture, step, dataformats="HWC")
    elif isinstance(logger, WandbLogger):
        logger.log_image(name, [picture], step=step)
    elif isinstance(logger, MLFlowLogger):
        logger.experiment.log_image(logger.run_id, picture, key=name.replace("/", "-"), step=step)
