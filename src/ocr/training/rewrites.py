"""Exact rewrites of an exported graph: the same function in forms that ONNX Runtime runs faster.

Each rewrite says what it replaces and why that pays. They change the order of additions and nothing else, so results
agree to rounding; the parity gate of an export compares what is read all the same. Measured on the shipped detector
(`docs/decisions/0007-rewritten-graphs.md`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]


def rewritten(graph: bytes) -> bytes:
    """Return ``graph`` with every rewrite of this module applied wherever it fits."""
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(graph))
    editor = _Editor(model)
    for rewrite in REWRITES:
        rewrite(editor)
    editor.close()
    result: bytes = model.SerializeToString()
    return result


class _Editor:
    """The nodes of a model by what they make and use, and how to replace some of them."""

    def __init__(self, model: ModelProto) -> None:
        self._graph = model.graph
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self._outputs = {value.name for value in model.graph.output}
        self._channels = {
            value.name: value.type.tensor_type.shape.dim[1].dim_value
            for value in model.graph.value_info
            if len(value.type.tensor_type.shape.dim) > 1
        }
        self.nodes = list(model.graph.node)

    def of_type(self, kind: str) -> list[NodeProto]:
        """The nodes of one operator, those of later replacements not among them."""
        return [node for node in self.nodes if node.op_type == kind]

    def weight(self, name: str) -> Floats | None:
        """The float weights called ``name``; None when it is no weight."""
        tensor = self._tensors.get(name)
        if tensor is None or tensor.data_type != TensorProto.FLOAT:
            return None
        values: Floats = numpy_helper.to_array(tensor)
        return values

    def numbers(self, name: str) -> list[int]:
        """The integers of a constant; none when it is no constant."""
        tensor = self._tensors.get(name)
        return [] if tensor is None else numpy_helper.to_array(tensor).ravel().astype(int).tolist()

    def channels(self, name: str) -> int:
        """Channels of a value; 0 when they are not known."""
        count: int = self._channels.get(name, 0)
        return count

    def maker(self, name: str, kind: str) -> NodeProto | None:
        """The node of operator ``kind`` that makes a value."""
        return next((node for node in self.of_type(kind) if name in node.output), None)

    def only_user(self, name: str, kind: str) -> NodeProto | None:
        """The node of operator ``kind`` that takes a value, when nothing else does."""
        users = [node for node in self.nodes if name in node.input]
        return users[0] if len(users) == 1 and users[0].op_type == kind and name not in self._outputs else None

    def new_weight(self, like: str, values: Floats) -> str:
        """Store weights under a free name that begins with ``like``."""
        name = f"{like}/rewritten.{len(self._tensors)}"
        self._tensors[name] = numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
        return name

    def replace(self, nodes: list[NodeProto], new: list[NodeProto]) -> None:
        """Put ``new`` where the last of ``nodes`` was; the order of nodes stays one in which they can run."""
        at = max(self.nodes.index(node) for node in nodes)
        self.nodes[at + 1 : at + 1] = new
        for node in nodes:
            self.nodes.remove(node)

    def close(self) -> None:
        """Write nodes and the weights they use back to the model."""
        used = {name for node in self.nodes for name in node.input}
        del self._graph.node[:], self._graph.initializer[:], self._graph.value_info[:]
        self._graph.node.extend(self.nodes)
        self._graph.initializer.extend(tensor for name, tensor in self._tensors.items() if name in used)


def pad_inside_pool(editor: _Editor) -> None:
    """Let a max pool pad by itself: a Pad node works in another layout, which costs two copies of the image."""
    for pool in editor.of_type("MaxPool"):
        pad = editor.maker(pool.input[0], "Pad")
        options = _attributes(pool)
        if (
            pad is None
            or len(pad.input) < 3
            or any(options.get("pads", []))
            or editor.only_user(pad.output[0], "MaxPool") is None
        ):
            continue
        value, around = editor.weight(pad.input[2]), editor.numbers(pad.input[1])
        if value is None or value != -np.inf or len(around) != 8 or any(around[i] for i in (0, 1, 4, 5)):
            continue
        options["pads"] = [around[i] for i in (2, 3, 6, 7)]
        editor.replace([pad, pool], [helper.make_node("MaxPool", [pad.input[0]], list(pool.output), **options)])


def gate_once(editor: _Editor) -> None:
    """Write x + x * gate as x * (gate + 1): one pass over the values instead of two."""
    one = ""
    for total in editor.of_type("Add"):
        for values, summand in (total.input, reversed(total.input)):
            product = editor.maker(summand, "Mul")
            if product is None or values not in product.input or editor.only_user(summand, "Add") is None:
                continue
            gate = next((name for name in product.input if name != values), values)
            one = one or editor.new_weight("one", np.ones((), np.float32))
            more = f"{summand}.gate_and_one"
            nodes = [
                helper.make_node("Add", [gate, one], [more]),
                helper.make_node("Mul", [values, more], list(total.output)),
            ]
            editor.replace([product, total], nodes)
            break


def convolve_apart(editor: _Editor) -> None:
    """Convolve each part of a concatenation and add: the copy is saved, and the addition is part of a convolution."""
    for joined in editor.of_type("Concat"):
        convolution = editor.only_user(joined.output[0], "Conv")
        if convolution is None or _attributes(joined)["axis"] != 1:
            continue
        options = _attributes(convolution)
        weight = editor.weight(convolution.input[1])
        sizes = [editor.channels(name) for name in joined.input]
        if weight is None or options.get("group", 1) != 1 or sum(sizes) != weight.shape[1] or not all(sizes):
            continue
        result = convolution.output[0]
        bias, total, nodes = list(convolution.input[2:]), "", []
        for index, part in enumerate(np.split(weight, np.cumsum(sizes)[:-1], axis=1)):
            own = editor.new_weight(convolution.input[1], part)
            made = f"{result}.part{index}"
            nodes.append(helper.make_node("Conv", [joined.input[index], own, *bias], [made], **options))
            if total:
                name = result if index == len(sizes) - 1 else f"{result}.sum{index}"
                nodes.append(helper.make_node("Add", [total, made], [name]))
                made = name
            total, bias = made, []
        editor.replace([joined, convolution], nodes)


def upscale_at_the_end(editor: _Editor) -> None:
    """Make two transposed convolutions with a ReLU between them pointwise ones, and rearrange their pixels once.

    A transposed convolution whose stride is its kernel makes every output pixel of one input pixel: it is a pointwise
    convolution to stride x stride times the channels and a rearrangement of pixels (Shi et al. 2016,
    arXiv:1609.05158), which needs to be done at the end only.
    """
    for first in editor.of_type("ConvTranspose"):
        one = _transposed(editor, first)
        relu = None if one is None else editor.only_user(one.output, "Relu")
        second = None if relu is None else editor.only_user(relu.output[0], "ConvTranspose")
        two = None if second is None else _transposed(editor, second)
        if one is None or relu is None or two is None or two.weight.shape[1] != 1:
            continue
        a, b, middle = one.stride, two.stride, one.weight.shape[1]
        # Channels of the first: (row, column) within its stride, then channel.
        weight = one.weight.transpose(2, 3, 1, 0).reshape(a * a * middle, -1, 1, 1)
        # Channels of the second: row, then column within both strides; each looks at its own place of the first only.
        apart = np.zeros((a, b, a, b, a, a, middle), np.float32)
        for i in range(a):
            for j in range(a):
                apart[i, :, j, :, i, j] = two.weight[:, 0].transpose(1, 2, 0)
        names = [f"{two.output}.{part}" for part in ("first", "relu", "second")]
        nodes = [
            helper.make_node(
                "Conv",
                [
                    first.input[0],
                    editor.new_weight(first.input[1], weight),
                    editor.new_weight(first.input[1], np.tile(one.bias, a * a)),
                ],
                [names[0]],
                kernel_shape=[1, 1],
            ),
            helper.make_node("Relu", [names[0]], [names[1]]),
            helper.make_node(
                "Conv",
                [
                    names[1],
                    editor.new_weight(first.input[1], apart.reshape((a * b) ** 2, a * a * middle, 1, 1)),
                    editor.new_weight(first.input[1], np.repeat(two.bias, (a * b) ** 2)),
                ],
                [names[2]],
                kernel_shape=[1, 1],
            ),
            helper.make_node("DepthToSpace", [names[2]], [two.output], blocksize=a * b, mode="CRD"),
        ]
        editor.replace([*one.nodes, relu, *two.nodes], nodes)


def sigmoid_first(editor: _Editor) -> None:
    """Take the sigmoid of pixels before they are rearranged: it is then part of the convolution that made them."""
    for rearranged in editor.of_type("DepthToSpace"):
        sigmoid = editor.only_user(rearranged.output[0], "Sigmoid")
        if sigmoid is None:
            continue
        early = f"{rearranged.input[0]}.sigmoid"
        nodes = [
            helper.make_node("Sigmoid", [rearranged.input[0]], [early]),
            helper.make_node("DepthToSpace", [early], list(sigmoid.output), **_attributes(rearranged)),
        ]
        editor.replace([rearranged, sigmoid], nodes)


class _Transposed:
    """A transposed convolution whose stride is its kernel, with the bias that it has or that is added to it."""

    def __init__(self, nodes: list[NodeProto], weight: Floats, bias: Floats) -> None:
        self.nodes = nodes
        self.output = nodes[-1].output[0]
        self.weight = weight  # (in, out, stride, stride)
        self.bias = bias  # (out,)
        self.stride = weight.shape[2]


def _transposed(editor: _Editor, node: NodeProto) -> _Transposed | None:
    options, weight = _attributes(node), editor.weight(node.input[1])
    plain = (
        not any(options.get("pads", [])) and not any(options.get("output_padding", [])) and options.get("group", 1) == 1
    )
    if weight is None or not plain or not options["strides"] == list(weight.shape[2:]) == [weight.shape[2]] * 2:
        return None
    bias = editor.weight(node.input[2]) if len(node.input) > 2 else np.zeros(weight.shape[1], np.float32)
    added = editor.only_user(node.output[0], "Add")
    more = None if added is None else editor.weight(next(n for n in added.input if n != node.output[0]))
    if bias is None:
        return None
    if added is None or more is None or more.size != weight.shape[1]:
        return _Transposed([node], weight, bias)
    return _Transposed([node, added], weight, bias + more.ravel())


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


REWRITES: tuple[Callable[[_Editor], None], ...] = (
    pad_inside_pool,
    gate_once,
    convolve_apart,
    upscale_at_the_end,
    sigmoid_first,
)
