"""A published CTC recognition graph as a network to fine-tune on another charset."""

import json

import torch
from onnx import ModelProto
from torch import nn

from ocr.bundles.bundle import load_bundle
from ocr.errors import ConfigError
from ocr.nn.onnx_graph import OnnxGraph, cut_projection, locate, read_graph
from ocr.text.tokenizer import CtcTokenizer


class GraphRecognizer(nn.Module):
    """CTC logits from a converted ONNX graph whose last projection is rebuilt for the tokenizer's characters.

    Classes that the graph already knows keep their weights, the blank among them; new characters start at random.
    """

    def __init__(self, *, graph: str, dictionary: str | None, tokenizer: CtcTokenizer) -> None:
        """Start from ``graph``: a path, ``bundle:NAME`` or ``package:NAME/FILE``.

        ``dictionary`` names a file with a character a line and the space, unnamed, as its last, or a .json list of all
        characters, in the same way; None when the graph brings its own.
        """
        super().__init__()
        model = read_graph(graph)
        characters = graph_characters(graph, model, dictionary)
        projection = cut_projection(model)
        features, classes = projection.weight.shape
        if classes != len(characters) + 1:
            raise ConfigError(
                f"{graph}: {classes} classes but {len(characters)} characters and a blank; wrong dictionary"
            )
        self.graph = OnnxGraph(model)
        self.head = nn.Linear(features, tokenizer.size)
        known = {character: index + 1 for index, character in enumerate(characters)}
        rows = {0: 0} | {
            tokenizer.encode(character)[0]: known[character]
            for character in tokenizer.charset.characters
            if character in known
        }
        with torch.no_grad():
            targets, sources = list(rows), list(rows.values())
            self.head.weight[targets] = projection.weight.T[sources]
            self.head.bias[targets] = projection.bias[sources]
        self.new_characters = [c for c in tokenizer.charset.characters if c not in known]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N,L,C) for images (N,3,H,W); L is about W / 8."""
        logits: torch.Tensor = self.head(self.graph(images))
        return logits


def graph_characters(graph: str, model: ModelProto, dictionary: str | None) -> list[str]:
    """Return the characters of classes 1, 2, ... of a recognition graph; class 0 is the CTC blank.

    A bundle's card has them; PP-OCR keeps them in the graph's metadata or in a file, with the space last and unnamed.
    """
    if dictionary is not None:
        path = locate(dictionary)
        if path.suffix == ".json":
            return list(json.loads(path.read_text("utf-8")))
        listed: str | None = path.read_text("utf-8").removesuffix("\n")
    elif graph.startswith("bundle:"):
        return list(load_bundle(graph.removeprefix("bundle:")).card.charset or [])
    else:
        listed = next((p.value for p in model.metadata_props if p.key == "character"), None)
    if listed is None:
        raise ConfigError(f"{graph}: no character list in the graph; name a file with one as model.network.dictionary")
    # Not splitlines(): the dictionaries hold characters that it takes for line ends.
    return [*listed.removesuffix("\n").split("\n"), " "]
