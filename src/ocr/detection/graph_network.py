"""A published detection graph as a network to fine-tune."""

import torch
from torch import nn

from ocr.nn.heads.db_head import DbMaps
from ocr.nn.onnx_graph import OnnxGraph, cut_sigmoid, read_graph


class GraphDetector(nn.Module):
    """Probability maps from a converted ONNX graph; it has no threshold head, so that map is None."""

    def __init__(self, *, graph: str) -> None:
        """Start from ``graph``: a path, ``bundle:NAME`` or ``package:NAME/FILE``; raises ConfigError when absent."""
        super().__init__()
        model = read_graph(graph)
        cut_sigmoid(model)
        self.graph = OnnxGraph(model)

    def forward(self, images: torch.Tensor) -> DbMaps:
        """Return probability logits (N,1,H,W) for images (N,3,H,W); H and W are multiples of 32."""
        return DbMaps(probability_logits=self.graph(images), threshold=None)
