"""A tree of outputs in the five old schemes, names, sidecars and breakages included."""

import json
from pathlib import Path
from typing import Any

import torch
import yaml

HANGUL = "영수증 'a' \"b\"\nc_20251003_101112"


def old_card(name: str, *, epoch: int, step: int, hmean: float, path: str, created: str) -> dict[str, Any]:
    """What the old code wrote beside a checkpoint (schema 1.0)."""
    return {
        "schema_version": "1.0",
        "checkpoint_path": path,
        "exp_name": name,
        "created_at": created,
        "training": {"epoch": epoch, "global_step": step, "training_phase": "training", "max_epochs": 9},
        "model": {
            "architecture": "dbnet",
            "encoder": {"model_name": "resnet18", "pretrained": True, "frozen": False},
            "decoder": {"name": "fpn_decoder", "in_channels": [64, 128], "inner_channels": 256, "params": {}},
            "head": {"name": "db_head", "in_channels": 256, "params": {"k": 50}},
            "loss": {"name": "db_loss", "params": {}},
        },
        "metrics": {"precision": 0.9, "recall": 0.8, "hmean": hmean, "additional_metrics": {"val/cleval": 0.7}},
        "checkpointing": {"monitor": "val/hmean", "mode": "max", "save_top_k": 3, "save_last": True},
        "hydra_config_path": ".hydra/config.yaml",
        "wandb_run_id": None,
    }


class OldRun:
    """Writes one old run."""

    def __init__(self, root: Path, relative: str, name: str, day: str = "2025-10-03", *, inside: str = "checkpoints"):
        self.relative, self.folder, self.name, self.day = relative, root / relative, name, day
        self.where = self.folder / inside
        self.inside = inside
        self.where.mkdir(parents=True)
        hydra = self.folder / ".hydra"
        hydra.mkdir()
        config = {
            "exp_name": name,
            "seed": 42,
            "dir": f"outputs/{relative}",
            "model": {
                "_target_": "ocr.core.models.architecture.OCRModel",
                "encoder": {"_target_": "ocr.core.models.encoder.TimmBackbone", "model_name": "resnet18"},
                "head": {"_target_": "ocr.domains.detection.models.heads.db_head.DBHead", "in_channels": 256},
            },
            "transforms": [{"_target_": "albumentations.LongestMaxSize", "max_size": 768}],
            "postprocess": {"thresh": 0.2, "box_thresh": 0.25, "max_candidates": 300, "use_polygon": True},
        }
        (hydra / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
        (hydra / "overrides.yaml").write_text("- experiment=det_resnet50_v1\n- seed=42\n")
        (self.folder / "logs").mkdir()
        best = f"outputs/{relative}/{inside}/x.ckpt".replace("/./", "/")
        (self.folder / "logs" / "train.log").write_bytes(f"saved {best}\n".encode() + b"\xff not text\n")
        (self.folder / "submissions").mkdir()
        (self.folder / "submissions" / "20251003.json").write_text('{"images": {}}')

    def checkpoint(
        self, stem: str, epoch: int = 0, step: int = 0, hmean: float = 0.5, card: str = "yaml", **changes
    ) -> Path:
        """A small real checkpoint, with a sidecar as `card` says: yaml, json, both or none."""
        path = self.where / f"{stem}.ckpt"
        state = {"model.weight": torch.full((4, 4), epoch + hmean)}
        torch.save({"state_dict": state, "epoch": epoch, "global_step": step}, path)
        content = old_card(
            self.name,
            epoch=epoch,
            step=step,
            hmean=hmean,
            path=f"{self.inside}/{stem}.ckpt",
            created=f"{self.day}T{12 + epoch // 60}:{epoch % 60:02d}:00",
        )
        content |= changes
        if card in ("yaml", "both"):
            path.with_name(f"{stem}.metadata.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
        if card in ("json", "both"):
            path.with_name(f"{stem}.metadata.json").write_text(json.dumps(content))
        return path


def build(root: Path) -> Path:
    """All five schemes below `root`, nothing wrong with them."""
    run = OldRun(root, "dbnet-resnet18_20251001_093000", "dbnet-resnet18", "2025-10-01")
    run.checkpoint("epoch_epoch_22_step_step_001932_20251001", 22, 1932, 0.6)
    run.checkpoint("epoch=67-step=18564", 67, 18564, 0.8, card="json")
    run.checkpoint("best-hmean-0.8000", 67, 18564, 0.8, card="both")
    other = OldRun(root, HANGUL, "영수증 'a' \"b\"\nc", inside=".")
    other.checkpoint("epoch_09_step_002730", 9, 2730, 0.7)
    (other.folder / "notes | and `ticks`.txt").write_text(
        f"see outputs/{HANGUL}/epoch_09_step_002730.ckpt, and outputs/3"
    )
    run = OldRun(root, "2025-10-18/10-11-12", "det", "2025-10-18")
    run.checkpoint("epoch-00_step-000077", 0, 77, 0.4)
    run.checkpoint("epoch-01_step-000154_hmean-0.8920", 1, 154, 0.892)
    run.checkpoint("last", 1, 154, 0.892)
    run = OldRun(root, "3", "indexed", "2025-11-05")
    run.checkpoint("epoch-02_step-000300", 2, 300, 0.3)
    (run.where / "last.ckpt").symlink_to("epoch-02_step-000300.ckpt")
    (root / ".experiment_index.json").write_text('{"last_index": 3}')
    run = OldRun(root, "experiments/train/detection/det_v2/20251210_111213_42", "det_v2", "2025-12-10")
    run.checkpoint("epoch-03_step-000400_hmean-0.9000", 3, 400, 0.9)
    entry = {
        "id": "exp_001",
        "name": "det_v2",
        "description": "the good one",
        "created_at": "2025-12-10T11:12:13",
        "config": {},
        "tags": ["paper"],
        "status": "completed",
    }
    (root / "experiments" / "registry.json").write_text(json.dumps({"exp_001": entry}))
    run = OldRun(root, "runs/2026-01-05/10-00-00", "single", "2026-01-05")
    run.checkpoint("epoch-04_step-000500", 4, 500, 0.45)
    for job in (0, 1):
        run = OldRun(root, f"sweeps/2026-01-06/11-00-00/{job}", "swept", "2026-01-06")
        run.checkpoint("epoch-05_step-000600", 5, 600, 0.5 + job / 10)
    (root / "sweeps/2026-01-06/11-00-00/multirun.yaml").write_text("hydra: {}\n")
    return root
