"""The weights a run starts from, and what cards say of them."""

import importlib.metadata
import json
import logging
from pathlib import Path
from typing import Any

from torch import nn

from durable.replace import write_bytes, write_text
from ocr.bundles.bundle import CARD_FILE, load_bundle
from ocr.bundles.bundle import read_card as read_bundle_card
from ocr.bundles.card import StartRecord
from ocr.errors import CardError, CheckpointError, ConfigError
from ocr.nn.interfaces import BaseEncoder
from ocr.nn.onnx_graph import locate, read_graph
from ocr.recognition.graph_network import graph_characters
from ocr.records.checkpoint import read_card
from ocr.text.charset import Charset
from ocr.training import weights

log = logging.getLogger(__name__)

GRAPH_FILE = "graph.onnx"
CHARACTERS_FILE = "graph-characters.json"
NO_CARD = "unknown: the start has no card"


def with_start_graph(config: dict[str, Any]) -> dict[str, Any]:
    """The config with the graph of the bundle that ``start`` names, when it names one.

    Raises ConfigError when the model is not one that takes a graph.
    """
    name = config["start"]
    if not name or not (name.startswith("bundle:") or (Path(name) / CARD_FILE).is_file()):
        return config
    model = config["model"]
    if "graph" not in model["network"]:
        option = "ctc_graph" if config["task"] == "recognition" else "dbnet_graph"
        raise ConfigError(f"start={name}: a bundle is a graph, which this model cannot take up; add model={option}")
    graph = name if name.startswith("bundle:") else str(load_bundle(name).model_path)
    return config | {"start": None, "model": model | {"network": model["network"] | {"graph": graph}}}


def load_start(module: Any, checkpoint: Path) -> None:
    """Copy the weights of `checkpoint` into `module`.

    A recognizer keeps the rows of the characters it shares with the start. Raises CheckpointError when the two differ
    in more than their characters.
    """
    content = weights.load(checkpoint)
    if hasattr(module, "start_from"):
        if "charset" not in content:
            raise CheckpointError(f"{checkpoint}: names no charset, so it is no recognizer's; choose another start")
        module.start_from(content["state_dict"], Charset(tuple(content["charset"])))
    else:
        weights.load_exactly(module, content["state_dict"], checkpoint)


# What a trainer needs of a checkpoint besides the weights to go on where it was.
_PROGRESS = ("epoch", "global_step", "pytorch-lightning_version", "loops", "optimizer_states", "lr_schedulers")


def check_resume(module: Any, checkpoint: Path) -> None:
    """Raise CheckpointError, naming what differs or lacks, unless training of `module` can go on from `checkpoint`."""
    content = weights.load(checkpoint)
    try:
        module.on_load_checkpoint(content)
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint}: {error}") from error
    weights.compare(module.state_dict(), content["state_dict"], checkpoint)
    if lacking := [key for key in _PROGRESS if key not in content]:
        raise CheckpointError(
            f"{checkpoint}: holds no {', '.join(lacking)}, so training cannot go on from it; start={checkpoint} takes "
            "its weights alone"
        )


def start_of(config: dict[str, Any], module: nn.Module | None = None) -> StartRecord | None:
    """What cards say of the weights a run starts from; None when it starts from scratch.

    They are those of the checkpoint that the config names, of the graph its network is made from, or of a backbone of
    `module`: only the built module knows whether published weights could be had.
    """
    graph = config["model"]["network"].get("graph")
    if config.get("start"):
        return _start_checkpoint(Path(config["start"]))
    if graph is not None:
        return _start_file(graph)
    backbones = [] if module is None else [part for part in module.modules() if isinstance(part, BaseEncoder)]
    return next((record for part in backbones if (record := _start_backbone(part)) is not None), None)


def _start_backbone(backbone: BaseEncoder) -> StartRecord | None:
    if backbone.file is not None:
        return _start_file(backbone.file)
    if backbone.published is None:
        return None
    about = backbone.published
    name = ".".join(str(about[key]) for key in ("architecture", "tag") if about.get(key))
    source = about.get("hf_hub_id") or about.get("url") or "a file in its cache"
    version = importlib.metadata.version("timm")
    return StartRecord(name=name, source=f"timm {version}: {source}", licence=about.get("license") or "not stated")


def _start_checkpoint(path: Path) -> StartRecord:
    try:
        card = read_card(path)
    except CardError:
        return StartRecord(name=path.stem, source=str(path), licence=NO_CARD)
    return StartRecord(name=card.name, source=f"run {card.run_id}", licence=card.licence)


def _start_file(source: str) -> StartRecord:
    kind, _, rest = source.partition(":")
    if kind == "package":
        package = rest.partition("/")[0]
        # What is imported and what is installed may have different names.
        name = importlib.metadata.packages_distributions().get(package, [package])[0]
        return StartRecord(
            name=rest, source=f"package {name} {importlib.metadata.version(name)}", licence=_licence(name)
        )
    folder = load_bundle(rest).model_path.parent if kind == "bundle" else Path(source).parent
    if not (folder / CARD_FILE).is_file():
        return StartRecord(name=Path(source).stem, source=source, licence=NO_CARD)
    card = read_bundle_card(folder)
    return StartRecord(name=card.name, source=source, licence=card.licence)


def _licence(distribution: str) -> str:
    found = importlib.metadata.metadata(distribution)
    classifiers = [c.rpartition(" :: ")[2] for c in found.get_all("Classifier", []) if c.startswith("License ::")]
    stated = [*found.get_all("License-Expression", []), *classifiers, *found.get_all("License", [])]
    return str(stated[0]) if stated else "not stated"


def keep_graph(config: dict[str, Any], folder: Path) -> None:
    """Copy the graph that the network is made from beside the checkpoints: without it they cannot be loaded."""
    network = config["model"]["network"]
    if "graph" not in network:
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / GRAPH_FILE, locate(network["graph"]).read_bytes())
    if "dictionary" in network:
        characters = graph_characters(network["graph"], read_graph(network["graph"]), network["dictionary"])
        write_text(folder / CHARACTERS_FILE, json.dumps(characters, ensure_ascii=False, indent=0) + "\n")


def with_kept_graph(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The config with the graph that `keep_graph` left in `folder`, when there is one."""
    model = config["model"]
    if "graph" not in model["network"] or not (folder / GRAPH_FILE).is_file():
        return config
    kept = {"graph": str(folder / GRAPH_FILE)}
    if "dictionary" in model["network"]:
        kept["dictionary"] = str(folder / CHARACTERS_FILE)
    return config | {"model": model | {"network": model["network"] | kept}}
