from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer

from ocr.errors import CheckpointError
from ocr.recognition.ctc_loss import CtcLoss
from ocr.recognition.module import RecognitionModule
from ocr.specs.decode import DecodeSpec
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer

CHARSET = Charset(tuple("TOALtoal 0123456789."))


@pytest.fixture
def module(small_network, spec):
    def build(charset=CHARSET, scheduler=None):
        return RecognitionModule(
            network=small_network,
            tokenizer=CtcTokenizer(charset=charset),
            loss=CtcLoss,
            preprocess=spec,
            decode=DecodeSpec(kind="ctc"),
            optimizer=partial(torch.optim.AdamW, lr=5e-3),
            scheduler=scheduler,
        )

    return build


@pytest.fixture
def trainer(tmp_path):
    def build(**changes):
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        return Trainer(accelerator="cpu", default_root_dir=tmp_path, enable_model_summary=False, **(quiet | changes))

    return build


class Fixed(RecognitionModule):
    """Writes given texts whatever it sees."""

    def answers(self, texts):
        self.texts = texts
        return self

    def forward(self, images):
        ids = [[i for c in text for i in (self.tokenizer.encode(c)[0], 0)] for text in self.texts]
        logits = torch.zeros(len(ids), images.shape[-1] // 4, len(CHARSET) + 1)
        for row, line in zip(logits, ids, strict=True):
            row[:, 0] = 1.0
            row[range(len(line)), line] = 9.0
        return logits


def validate(trainer, module, batches):
    return trainer.validate(
        module, dataloaders=torch.utils.data.DataLoader(batches, batch_size=None, collate_fn=list_as_is), verbose=False
    )[0]


def list_as_is(batch):
    return batch


def test_validation_counts_case_where_it_is_known(module, drawn, trainer, small_network, spec):
    known = drawn(["Total 1", "ATA 2"], charset=CHARSET)
    unknown = drawn(["TOTAL 10", "TOTAL 20"], charset=CHARSET, case_free=True)
    batch = [known, unknown]
    reader = module()
    reader.__class__ = Fixed
    answers = iter([["TOTAL 1", "ATA 2"], ["total 10", "total 90"]])
    forward = Fixed.forward
    reader.forward = lambda images: forward(reader.answers(next(answers)), images)
    logged = validate(trainer(), reader, batch)
    assert logged["val/accuracy"] == pytest.approx(2 / 4)
    assert logged["val/accuracy_caseless"] == pytest.approx(3 / 4)
    assert logged["val/cer"] == pytest.approx((4 + 0 + 0 + 1) / 28)
    assert logged["val/one_minus_ned"] == pytest.approx(((1 - 4 / 7) + 1 + 1 + (1 - 1 / 8)) / 4)
    assert "val/accuracy_kept_characters" not in logged


def test_fit_learns_steps_its_schedule_and_logs(module, drawn, trainer):
    steps = []

    def schedule(optimizer, total):
        steps.append(total)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 - step / (2 * total))

    batches = [drawn(["TOTAL 12", "Total 3", "tola 4"], charset=CHARSET)] * 5
    loader = torch.utils.data.DataLoader(batches, batch_size=None, collate_fn=list_as_is)
    reader, run = module(scheduler=schedule), trainer(max_epochs=13, num_sanity_val_steps=0)
    run.fit(reader, loader, loader)
    assert steps == [65]
    assert run.optimizers[0].param_groups[0]["lr"] == pytest.approx(5e-3 / 2, rel=1e-3)
    assert run.callback_metrics["train/loss"] < 1
    assert run.callback_metrics["val/accuracy"] > 0.6
    assert {"val/one_minus_ned", "val/accuracy_caseless", "val/cer"} <= set(run.callback_metrics)


def test_crops_too_narrow_for_their_label_are_reported(module, drawn, trainer, caplog):
    narrow = drawn(["1.2"], charset=CHARSET)
    narrow = narrow._replace(texts=("1234567890" * 12,))
    loader = torch.utils.data.DataLoader([narrow], batch_size=None, collate_fn=list_as_is)
    reader = module()
    trainer(max_epochs=1, limit_val_batches=0).fit(reader, loader)
    assert "1 crops of this epoch are too narrow for their label" in caplog.text
    assert reader.loss.unreachable == 0


def test_a_checkpoint_of_another_charset_is_refused_naming_what_differs(module, trainer, tmp_path):
    reader, path = module(), tmp_path / "a.ckpt"
    run = trainer()
    run.strategy.connect(reader)
    run.save_checkpoint(path)
    saved = torch.load(path, weights_only=True)
    assert saved["charset"] == list(CHARSET.characters)
    module().on_load_checkpoint(saved)
    other = module(Charset((*CHARSET.characters[1:], "한")))
    with pytest.raises(CheckpointError, match=r"only in the checkpoint: 'T', only here: '한'"):
        other.on_load_checkpoint(saved)
    with pytest.raises(CheckpointError, match="names no charset"):
        other.on_load_checkpoint({})


def test_a_start_of_another_charset_is_reported_and_its_characters_watched(module, drawn, trainer, caplog):
    old = module(Charset(tuple("0123456789")))
    new = module()
    with caplog.at_level("INFO"):
        report = new.start_from(old.state_dict(), old.tokenizer.charset)
    assert report.kept == tuple("0123456789")
    assert "10 characters keep their weights; 10 are new" in caplog.text
    digits, words = drawn(["12", "34"], charset=CHARSET), drawn(["Total"], charset=CHARSET)
    answers = iter([["12", "33"], ["Total"]])
    new.__class__ = Fixed
    new.forward = lambda images: Fixed.forward(new.answers(next(answers)), images)
    logged = validate(trainer(), new, [digits, words])
    assert logged["val/accuracy_kept_characters"] == pytest.approx(0.5)
    assert logged["val/accuracy"] == pytest.approx(2 / 3)
    kept = {}
    new.on_save_checkpoint(kept)
    resumed = module()
    resumed.on_load_checkpoint(kept)
    assert resumed.kept == new.kept  # a resumed run goes on watching them


def test_a_start_of_the_same_charset_needs_no_watching(module):
    old, new = module(), module()
    report = new.start_from(old.state_dict(), CHARSET)
    assert report.new == ()
    assert new.kept is None
    assert all(torch.equal(value, old.state_dict()[name]) for name, value in new.state_dict().items())
