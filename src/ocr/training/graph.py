"""A trained network as the bytes of an ONNX graph: images in, probability or logits out."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ocr.bundles.card import BundleCard
from ocr.errors import ConfigError
from ocr.nn.heads.db_head import DBHead, DbMaps
from ocr.optional import safe_import
from ocr.specs.preprocess import PreprocessSpec
from ocr.training.rewrites import rewritten

onnxruntime = safe_import("onnxruntime")

OPSET = 17
# Numbers of a weight below which half the bytes are not worth a node.
_WORTH_A_CAST = 256


class ProbabilityMap(nn.Module):
    """A detector's probability map alone: (N,1,H,W) in [0,1] from images (N,3,H,W)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the probability map."""
        return torch.sigmoid(self.network(images).probability_logits)


class BothMaps(nn.Module):
    """Probability and threshold map of a detector, to look at: (N,2,H,W) in [0,1] from images (N,3,H,W)."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network; ConfigError when its head has no threshold branch."""
        super().__init__()
        head = getattr(network, "head", None)
        if not isinstance(head, DBHead):
            kind = type(network if head is None else head).__name__
            raise ConfigError(f"{kind} has no threshold branch; export without --threshold-map")
        head.always_threshold = True
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return both maps, the probability map first."""
        maps: DbMaps = self.network(images)
        assert maps.threshold is not None
        return torch.cat([torch.sigmoid(maps.probability_logits), maps.threshold], 1)


class TorchModel:
    """A network in the place of an exported graph, so that the same engine runs both."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network that returns one tensor."""
        self._network = network
        self.output_shape: list[Any] = [None]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's output for a batch (N,3,H,W)."""
        with torch.inference_mode():
            output: Tensor = self._network(torch.from_numpy(batch))
        return output.numpy()


def onnx_graph(network: nn.Module, card: BundleCard) -> bytes:
    """Trace a network in evaluation mode, as its card's preprocessing will feed it, into a graph of free sizes.

    The tracing exporter is used: for these networks it gives the graph of the newer one in a fifteenth of the time.
    """
    _fold_transposed(network)
    output = "probability" if card.task == "detection" else "logits"
    example, free = _example(card.preprocess)
    result = {0: "N", 1: "L"} if card.task == "recognition" else {0: "N", **{axis: free[axis] for axis in free if axis}}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecation of this exporter, and sizes that the trace takes for fixed
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=[output],
            dynamic_axes={"images": free, output: result},
        )
        return rewritten(_simplified(path))


def _simplified(path: Path) -> bytes:
    """The graph with all worked out that does not depend on the images: it loads in half the time."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path.with_name("simplified.onnx"))
    options.log_severity_level = 3
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return path.with_name("simplified.onnx").read_bytes()


def round_to_half(network: nn.Module) -> None:
    """Round weights to what half precision holds, in place; ConfigError when one is too large for it."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            rounded = weight.half().float()
            if not torch.isfinite(rounded).all():
                raise ConfigError(f"{name}: weights beyond 65504 do not fit half precision; export without --half")
            weight.copy_(rounded)


def stored_in_half(graph: bytes) -> bytes:
    """The same graph with every weight that half precision holds exactly stored in it, and cast when it is loaded."""
    model = onnx.load_from_string(graph)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.size < _WORTH_A_CAST or not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    stored: bytes = model.SerializeToString()
    return stored


def _example(spec: PreprocessSpec) -> tuple[Tensor, dict[int, str]]:
    """An input to trace with, and which of its axes may have any size."""
    if spec.resize == "limit":
        side = -(-256 // spec.multiple) * spec.multiple
        return torch.zeros(2, 3, side, side + spec.multiple), {0: "N", 2: "H", 3: "W"}
    assert spec.height is not None
    if spec.resize == "fixed":
        assert spec.width is not None
        return torch.zeros(2, 3, spec.height, spec.width), {0: "N"}
    return torch.zeros(2, 3, spec.height, -(-256 // spec.multiple) * spec.multiple), {0: "N", 3: "W"}


def _fold_transposed(network: nn.Module) -> None:
    """Fold batch normalisation into the transposed convolution before it; the exporter does so for plain ones only."""
    for part in network.modules():
        if not isinstance(part, nn.Sequential):
            continue
        for index in range(len(part) - 1):
            convolution, norm = part[index], part[index + 1]
            if isinstance(convolution, nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                part[index] = fuse_conv_bn_eval(convolution, norm, transpose=True)
                part[index + 1] = nn.Identity()
