"""Checkpoints to bundles, behind a gate: the graph must read real pages exactly as the network it came from."""

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from ocr.bundles.bundle import Bundle, write_bundle
from ocr.bundles.card import BundleCard
from ocr.errors import ConfigError
from ocr.training.build import load_module
from ocr.training.graph import BothMaps, ProbabilityMap, TorchModel, onnx_graph, round_to_half, stored_in_half
from ocr.training.parity import Parity, compare, gate_pages


def export(
    checkpoint: Path,
    to: Path,
    *,
    pages: Path | None = None,
    half: bool = False,
    threshold_map: bool = False,
    average: Sequence[Path] = (),
    start_share: float = 0.0,
) -> tuple[Bundle, Parity]:
    """Write the bundle of a checkpoint to folder ``to`` and return it, with what the gate compared.

    ``pages`` is a data set or a folder of images; without one the gate uses synthetic receipts. With ``half`` the
    weights are rounded to half precision, which halves the file; the arithmetic stays what it is. With
    ``threshold_map`` a detector's graph gives that map as a second channel, which reading ignores. The weights are the
    mean of those of the checkpoint and of ``average``; ``start_share`` of them, 0 to 1, is taken from the published
    graph that the training started from. Raises ParityError, and writes nothing, when a box has an IoU under 0.99 or a
    text differs; CardError and CheckpointError when a checkpoint cannot be loaded or is of another network; ConfigError
    when ``pages`` has no images, the network no threshold map or the training no such graph, InputError when an image
    is damaged.
    """
    module, found = load_module(checkpoint, average=average, start_share=start_share)
    if threshold_map and found.task != "detection":
        raise ConfigError(f"{checkpoint}: a threshold map is a detector's; export without --threshold-map")
    maps = BothMaps if threshold_map else ProbabilityMap
    network = module.network if found.task == "recognition" else maps(module.network).eval()
    card = BundleCard(**{field.name: getattr(found, field.name) for field in fields(BundleCard)})
    if half:
        round_to_half(network)
    graph = onnx_graph(copy.deepcopy(network), card)
    if half:
        graph = stored_in_half(graph)
    with tempfile.TemporaryDirectory() as folder:
        trial = write_bundle(Path(folder), graph, card)
        parity = compare(trial, TorchModel(network), gate_pages(pages), synthetic=pages is None)
    several = f" (mean of it and {', '.join(path.name for path in average)})" if average else ""
    mixed = f", {start_share:.0%} of its weights those it started from" if start_share else ""
    note = f"Exported from {checkpoint.name} at epoch {found.epoch}{several}{mixed}: {parity}."
    card = replace(card, notes=f"{card.notes} {note}".strip())
    return write_bundle(to, graph, card), parity
