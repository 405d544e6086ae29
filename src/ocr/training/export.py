"""Checkpoints to bundles, behind a gate: the graph must read real pages exactly as the network it came from."""

import copy
import tempfile
from pathlib import Path

from ocr.bundles.bundle import Bundle, write_bundle
from ocr.bundles.card import BundleCard
from ocr.training.build import load_module
from ocr.training.graph import ProbabilityMap, TorchModel, onnx_graph, round_to_half, stored_in_half
from ocr.training.parity import Parity, compare, gate_pages


def export(checkpoint: Path, to: Path, *, pages: Path | None = None, half: bool = False) -> tuple[Bundle, Parity]:
    """Write the bundle of a checkpoint to folder ``to`` and return it, with what the gate compared.

    ``pages`` is a data set or a folder of images; without one the gate uses synthetic receipts. With ``half`` the
    weights are rounded to half precision, which halves the file; the arithmetic stays what it is. Raises ParityError,
    and writes nothing, when a box has an IoU under 0.99 or a text differs; CardError and CheckpointError when the
    checkpoint cannot be loaded; ConfigError when ``pages`` has no images, InputError when one is damaged.
    """
    module, found = load_module(checkpoint)
    network = module.network if found.task == "recognition" else ProbabilityMap(module.network).eval()
    card = BundleCard(**{name: getattr(found, name) for name in BundleCard.model_fields})
    if half:
        round_to_half(network)
    graph = onnx_graph(copy.deepcopy(network), card)
    if half:
        graph = stored_in_half(graph)
    with tempfile.TemporaryDirectory() as folder:
        trial = write_bundle(Path(folder), graph, card)
        parity = compare(trial, TorchModel(network), gate_pages(pages), synthetic=pages is None)
    note = f"Exported from {checkpoint.name} at epoch {found.epoch}: {parity}."
    card = card.model_copy(update={"notes": f"{card.notes} {note}".strip()})
    return write_bundle(to, graph, card), parity
