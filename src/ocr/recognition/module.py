"""The Lightning module of recognizers: loss, validation by the shared decoder, logging."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ocr.errors import CheckpointError
from ocr.metrics.recognition import RecognitionScores, TextCounts, count_text, scores
from ocr.recognition.batch import CropBatch
from ocr.recognition.ctc_loss import CtcLoss
from ocr.recognition.surgery import SurgeryReport, carry_over
from ocr.specs.decode import DecodeSpec, decode, valid_steps
from ocr.specs.preprocess import PreprocessSpec
from ocr.text.charset import Charset
from ocr.text.tokenizer import Tokenizer

log = logging.getLogger(__name__)


class RecognitionModule(LightningModule):  # type: ignore[misc]
    """Train and validate a recognizer.

    ``network`` and ``loss`` are called with the run's ``tokenizer``, which sizes the head; ``loss(network, batch)`` is
    the scalar to minimise. ``optimizer`` gets the parameters, ``scheduler`` the optimizer and the run's number of
    steps, and steps with it. Logs ``val/accuracy`` and ``val/one_minus_ned``, case-sensitive except for crops whose
    label's case is unknown, and ``val/accuracy_caseless``; after `start_from` a recognizer of another charset also
    ``val/accuracy_kept_characters``, over the crops that its charset could write.
    """

    def __init__(
        self,
        *,
        network: Callable[..., nn.Module],
        tokenizer: Tokenizer,
        loss: Callable[..., nn.Module],
        preprocess: PreprocessSpec,
        decode: DecodeSpec,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler] | None,
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.network = network(tokenizer=tokenizer)
        self.loss = loss(tokenizer=tokenizer)
        self.preprocess = preprocess
        self.decode = decode
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.as_labelled = TextCounts()
        self.caseless = TextCounts()
        self.kept_only = TextCounts()
        self.kept: frozenset[str] | None = None

    def start_from(self, weights: Mapping[str, Tensor], charset: Charset) -> SurgeryReport:
        """Load the state of such a module over ``charset``, row by row where the characters differ; say what was kept.

        Raises CheckpointError when more than the charset differs.
        """
        state, report = carry_over(weights, self.state_dict(), source=charset, target=self.tokenizer.charset)
        self.load_state_dict(state)
        self.kept = frozenset(report.kept) if report.new or report.dropped else None
        log.info("%s", report)
        return report

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N,L,C) of images (N,3,H,W)."""
        logits: Tensor = self.network(images)
        return logits

    def training_step(self, batch: CropBatch, batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        del batch_idx
        loss: Tensor = self.loss(self.network, batch)
        self.log("train/loss", loss, batch_size=len(batch.texts), prog_bar=True)
        return loss

    def on_train_epoch_end(self) -> None:
        """Say how many crops were too narrow for their label to be learnt from."""
        if isinstance(self.loss, CtcLoss) and self.loss.unreachable:
            log.warning("%d crops of this epoch are too narrow for their label: nothing learnt", self.loss.unreachable)
            self.loss.unreachable = 0

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self.as_labelled = self.caseless = self.kept_only = TextCounts()

    def validation_step(self, batch: CropBatch, batch_idx: int) -> None:
        """Read one batch and count what is right."""
        del batch_idx
        logits = self(batch.images).float().cpu().numpy()
        lengths = valid_steps(np.array(batch.widths), batch.images.shape[-1], logits.shape[1])
        read = decode(self.decode, self.tokenizer.charset, logits, lengths)
        for truth, line, case_free in zip(batch.texts, read, batch.case_free, strict=True):
            without_case = count_text(truth, line.text, case_sensitive=False)
            self.caseless += without_case
            counts = without_case if case_free else count_text(truth, line.text)
            self.as_labelled += counts
            if self.kept is not None and self.kept.issuperset(truth):
                self.kept_only += counts

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the epoch, of all processes together."""
        whole, caseless = self._scores(self.as_labelled), self._scores(self.caseless)
        values = {
            "val/accuracy": whole.accuracy,
            "val/one_minus_ned": whole.one_minus_ned,
            "val/cer": whole.cer,
            "val/accuracy_caseless": caseless.accuracy,
        }
        if self.kept is not None:
            values["val/accuracy_kept_characters"] = self._scores(self.kept_only).accuracy
        self.log_dict(values, prog_bar=True, rank_zero_only=False, sync_dist=False)

    def _scores(self, counts: TextCounts) -> RecognitionScores:
        """Scores of the counts of all processes: of ratios there is no mean where the processes' shares differ."""
        mine = torch.tensor(astuple(counts), dtype=torch.float32, device=self.device)
        texts, exact, similarity, errors, characters = self.trainer.strategy.reduce(mine, reduce_op="sum").tolist()
        return scores(TextCounts(int(texts), int(exact), similarity, int(errors), int(characters)))

    def configure_optimizers(self) -> Any:
        """Build the optimizer over the parameters that learn, and the scheduler over it."""
        optimizer = self.optimizer(p for p in self.parameters() if p.requires_grad)
        if self.scheduler is None:
            return optimizer
        scheduler = self.scheduler(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the charset, without which weights mean nothing, and the characters kept of another start's."""
        checkpoint["charset"] = list(self.tokenizer.charset.characters)
        checkpoint["kept_characters"] = None if self.kept is None else sorted(self.kept)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raise CheckpointError, naming what differs, when the checkpoint was made with another charset."""
        theirs, ours = checkpoint.get("charset"), list(self.tokenizer.charset.characters)
        if theirs == ours:
            kept = checkpoint.get("kept_characters")
            self.kept = None if kept is None else frozenset(kept)
            return
        if theirs is None:
            raise CheckpointError("the checkpoint names no charset; it was not made by a recognition run")
        raise CheckpointError(
            f"the checkpoint's charset has {len(theirs)} characters, this run's {len(ours)}; only in the checkpoint: "
            f"{''.join(c for c in theirs if c not in ours)[:40]!r}, only here: "
            f"{''.join(c for c in ours if c not in theirs)[:40]!r}; use its charset, or start a fine-tune from it"
        )
