"""The Lightning module of detectors: loss, validation by the shared post-processing, logging."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ocr.detection.data import DetectionBatch, PageBatch
from ocr.metrics.detection import DetectionCounts, match, scores
from ocr.nn.heads.db_head import DbMaps
from ocr.nn.interfaces import BaseLoss
from ocr.specs.postprocess import Detection, PostprocessSpec, detect
from ocr.specs.preprocess import PreprocessSpec


class DetectionModule(LightningModule):  # type: ignore[misc]
    """Train and validate a detector.

    ``optimizer`` gets the parameters, ``scheduler`` the optimizer and the run's number of steps, and steps with it.
    Logs ``val/precision``, ``val/recall`` and ``val/hmean`` of whole pages at IoU 0.5.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        loss: BaseLoss,
        preprocess: PreprocessSpec,
        postprocess: PostprocessSpec,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler] | None,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.preprocess = preprocess
        self.postprocess = postprocess
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.counts = DetectionCounts()

    def forward(self, images: Tensor) -> DbMaps:
        """Return maps (N,1,H,W) of images (N,3,H,W)."""
        maps: DbMaps = self.network(images)
        return maps

    def on_fit_start(self) -> None:
        """Keep channels last in memory: convolutions and what lies between them then take half the time on a CPU."""
        self.network.to(memory_format=torch.channels_last)

    def training_step(self, batch: DetectionBatch, batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        del batch_idx
        losses: dict[str, Tensor] = self.loss(self(batch.images), batch)
        self.log_dict({f"train/{name}": value.detach() for name, value in losses.items()}, batch_size=len(batch.images))
        return losses["loss"]

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self.counts = DetectionCounts()

    def validation_step(self, batch: PageBatch, batch_idx: int) -> list[Detection]:
        """Find the text of one page, count what is right, return what was found."""
        del batch_idx
        probability = torch.sigmoid(self(batch.images).probability_logits.float())[0, 0].cpu().numpy()
        found = detect(self.postprocess, probability, batch.scale_x, batch.scale_y, batch.size)
        self.counts += match([detection.polygon for detection in found], batch.polygons, batch.ignore)
        return found

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch, of all processes together."""
        counts = torch.tensor(
            [self.counts.matched, self.counts.predicted, self.counts.truth], dtype=torch.float32, device=self.device
        )
        matched, predicted, truth = self.trainer.strategy.reduce(counts, reduce_op="sum").int().tolist()
        result = scores(DetectionCounts(matched, predicted, truth))
        values = {"val/precision": result.precision, "val/recall": result.recall, "val/hmean": result.hmean}
        self.log_dict(values, prog_bar=True, rank_zero_only=False, sync_dist=False)

    def configure_optimizers(self) -> Any:
        """Build the optimizer over the parameters that learn, and the scheduler over it."""
        optimizer = self.optimizer(p for p in self.parameters() if p.requires_grad)
        if self.scheduler is None:
            return optimizer
        scheduler = self.scheduler(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
