"""The card of a checkpoint, from the resolved config it was trained with."""

from datetime import UTC, datetime
from typing import Any, Literal

from ocr.bundles.card import MetricRecord, StartRecord
from ocr.records.checkpoint import CheckpointCard, canonical_hash
from ocr.schema import from_plain
from ocr.training.instantiate import instantiate

PROTOCOLS = {
    "detection": "ICDAR matching, IoU 0.5, micro-averaged, at the model's input size",
    "recognition": "exact match, case-sensitive unless the label's case is unknown",
}


class CardMaker:
    """Knows what is the same in every card of a run; called with what differs."""

    def __init__(
        self,
        config: dict[str, Any],
        *,
        run_id: str | None,
        git_revision: str | None,
        data_hash: str | None,
        charset: list[str] | None,
        start: StartRecord | None,
    ) -> None:
        model = config["model"]
        self.fixed: dict[str, Any] = {
            "name": config["name"],
            "task": config["task"],
            "architecture": _class_name(model["network"]).partition("(")[0],
            "preprocess": instantiate(model["preprocess"]),
            "postprocess": instantiate(model["postprocess"]) if model.get("postprocess") else None,
            "decode": instantiate(model["decode"]) if model.get("decode") else None,
            "charset": charset,
            "run_id": run_id,
            "git_revision": git_revision,
            "data_manifest_hash": data_hash,
            "licence": config["licence"],
            "start": start,
            "encoder": _part(model, "encoder", "backbone"),
            "decoder": _part(model, "decoder", "neck"),
            "head": _part(model, "head"),
            "loss": _part(model, "loss"),
            "config": {key: node for key, node in config.items() if key not in ("paths", "run")},
            "config_hash": canonical_hash(config),
            "seed": config["seed"],
        }

    def __call__(
        self,
        *,
        metrics: dict[str, float],
        n: int,
        epoch: int,
        step: int,
        monitor: str,
        mode: Literal["min", "max"],
        size: int,
        sha256: str,
    ) -> CheckpointCard:
        """The card of one checkpoint; `n` is the number of validation items behind its metrics, 0 when not known."""
        protocol = PROTOCOLS[self.fixed["task"]]
        records = [
            MetricRecord(name=name, value=value, n=n, data="validation", protocol=protocol)
            for name, value in sorted(metrics.items())
            if name.startswith("val/")
        ]
        card = {
            **self.fixed,
            "metrics": records,
            "epoch": epoch,
            "step": step,
            "monitor": monitor,
            "mode": mode,
            "size": size,
            "weights_sha256": sha256,
            "created": datetime.now(UTC),
        }
        return from_plain(CheckpointCard, card)


def _part(model: dict[str, Any], *roles: str) -> str:
    """Class of a part of the model, with what it is made from (``TimmBackbone(resnet50)``).

    A network that is one piece stands for its own parts, with what it is made from as its encoder only.
    """
    network = model["network"]
    for role in roles:
        node = network.get(role) or model.get(role)
        if isinstance(node, dict) and "_target_" in node:
            return _class_name(node)
    return _class_name(network) if "encoder" in roles else _class_name(network).partition("(")[0]


def _class_name(node: dict[str, Any]) -> str:
    source = node.get("name") or node.get("graph")
    return str(node["_target_"]).rpartition(".")[2] + (f"({source})" if source else "")
