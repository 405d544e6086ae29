"""Pointwise convolutions in eight-bit integers: a recognizer's texts, all but a few, in little more than half the time.

A pointwise convolution becomes a matrix product of integers. Its inputs are rounded to eight bits as they come, by the
range they have in that image. Its weights are rounded to seven: processors that add two products in sixteen bits (AVX2)
could overflow with eight, and every processor shall read the same. Rounded weights are fitted to lines of text, one
layer after the other, each to the values that the layers before it give once they are rounded, so that it makes up for
part of their error; within a layer one input channel after the other, its error spread over those still to come
(GPTQ: Frantar et al. 2022, arXiv:2210.17323). Measured in `docs/decisions/0008-eight-bits.md`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from ocr.inference.onnx import session_options
from ocr.optional import safe_import

onnxruntime = safe_import("onnxruntime")

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Fewer channels than this are no faster as integers, for all the copying around them.
LEAST_CHANNELS = 48
# The largest rounded weight: seven bits with their sign.
_LARGEST = 63
# Share of the deviation of its results that a convolution may lose to rounded inputs.
MOST_NOISE = 0.035
# Added to the diagonal of what is inverted, as a share of its mean: channels that hardly vary decide little.
_DAMPING = 0.01


class Rounded(NamedTuple):
    """A graph with convolutions in eight bits: how many, and how many pointwise ones were left in floats."""

    graph: bytes
    convolutions: int
    left: int


def in_eight_bits(
    model: ModelProto,
    images: Sequence[Floats],
    *,
    most_noise: float = MOST_NOISE,
    step: Callable[[], None] = lambda: None,
) -> Rounded:
    """Round the pointwise convolutions of a graph, fitted to ``images`` (1,3,H,W each) as the network takes them.

    A convolution stays in floats when its results would lose more than ``most_noise`` of their deviation to rounded
    inputs. ``step`` is called after each of ``pointwise(model)``.
    """
    rounded = ModelProto()
    rounded.CopyFrom(model)
    every = pointwise(model)
    left = 0
    for node in every:
        layer = _Layer(model, node)
        layer.look_at(zip(_values(model, node.input[0], images), _values(rounded, node.input[0], images), strict=True))
        if layer.noise() > most_noise:
            left += 1
        else:
            _replace(rounded, node, *layer.fitted())
        step()
    _drop_unused_weights(rounded)
    return Rounded(rounded.SerializeToString(), len(every) - left, left)


def pointwise(model: ModelProto) -> list[NodeProto]:
    """The convolutions that may be rounded, in the order in which they run: pointwise, dense, over many pixels."""
    shapes = {value.name: _sizes(value) for value in onnx.shape_inference.infer_shapes(model).graph.value_info}
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type != "Conv" or weights.get(node.input[1], [])[2:] != [1, 1]:
            continue
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        plain = (
            options.get("group", 1) == 1 and not any(options.get("pads", [])) and set(options.get("strides", [])) <= {1}
        )
        one_pixel = shapes.get(node.input[0], [])[2:] == [1, 1]
        if plain and not one_pixel and min(weights[node.input[1]][:2]) >= LEAST_CHANNELS:
            found.append(node)
    return found


def _sizes(value: onnx.ValueInfoProto) -> list[int]:
    """Sizes of a value; 0 where they are free."""
    return [dim.dim_value for dim in value.type.tensor_type.shape.dim]


class _Layer:
    """A pointwise convolution and the moments of its inputs: x in floats, q as the layers before it give it rounded."""

    def __init__(self, model: ModelProto, node: NodeProto) -> None:
        tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        values = [numpy_helper.to_array(tensors[name]).astype(np.float64) for name in node.input[1:]]
        self.weight: Doubles = values[0][:, :, 0, 0]  # (out, in)
        self.bias: Doubles = values[1] if len(values) > 1 else np.zeros(len(self.weight))
        channels = self.weight.shape[1]
        self._count = 0
        self._x, self._q = np.zeros(channels), np.zeros(channels)
        self._qq, self._qx = np.zeros((channels, channels)), np.zeros((channels, channels))
        self._errors = np.zeros((channels, channels))

    def look_at(self, pairs: Iterable[tuple[Floats, Floats]]) -> None:
        """Gather inputs (1,C,H,W): in floats, and after rounded layers."""
        for exact, given in pairs:
            x, before, q = (_rows(values) for values in (exact, given, round_to_range(given)))
            self._count += len(x)
            self._x += x.sum(0)
            self._q += q.sum(0)
            self._qq += q.T @ q
            self._qx += q.T @ x
            error = q - before
            self._errors += error.T @ error

    def _covariance(self) -> Doubles:
        mean = self._q / self._count
        covariance: Doubles = self._qq / self._count - np.outer(mean, mean)
        return covariance

    def noise(self) -> float:
        """Deviation of the results by the rounding of their inputs, as a share of their own deviation."""
        results = np.einsum("oi,ij,oj->", self.weight, self._covariance(), self.weight)
        errors = np.einsum("oi,ij,oj->", self.weight, self._errors / self._count, self.weight)
        return float(np.sqrt(errors / max(results, np.finfo(float).tiny)))

    def fitted(self) -> tuple[NDArray[np.int8], Floats, Floats]:
        """Weights (out,in) in seven bits, their scale (out,) and a bias (out,): the least squares of the results."""
        covariance = self._covariance()
        x, q = self._x / self._count, self._q / self._count
        damping = _DAMPING * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        with_exact = self._qx / self._count - np.outer(q, x)
        best = np.linalg.solve(covariance + damping, (with_exact + damping) @ self.weight.T).T
        rounded, scale = round_weights(best, covariance + damping)
        bias = self.bias + self.weight @ x - (rounded * scale[:, None]) @ q
        return rounded, scale.astype(np.float32), bias.astype(np.float32)


def round_weights(weight: Doubles, covariance: Doubles) -> tuple[NDArray[np.int8], Doubles]:
    """Weights (out,in) in seven bits and their scale (out,), for inputs of this covariance (in,in)."""
    scale = np.abs(weight).max(axis=1) / _LARGEST
    scale[scale == 0] = 1.0
    # Channels that matter most come first: there are more to make up for their error.
    order = np.argsort(-np.diag(covariance), kind="stable")
    weight = weight[:, order]
    spread = np.linalg.cholesky(np.linalg.inv(covariance[np.ix_(order, order)])).T
    rounded = np.zeros(weight.shape, np.int8)
    for i, channel in enumerate(order):
        values = np.clip(np.rint(weight[:, i] / scale), -_LARGEST, _LARGEST)
        rounded[:, channel] = values
        error = (weight[:, i] - values * scale) / spread[i, i]
        weight[:, i + 1 :] -= np.outer(error, spread[i, i + 1 :])
    return rounded, scale


def round_to_range(values: Floats) -> Floats:
    """``values`` in eight bits that span their range and zero: what `DynamicQuantizeMatMul` rounds them to."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = (high - low) / 255 or 1.0
    zero = round(-low / scale)
    rounded: Floats = (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * np.float32(scale)
    return rounded


def _rows(values: Floats) -> Floats:
    """Pixels (N,C) of a map (1,C,H,W)."""
    rows: Floats = values[0].reshape(values.shape[1], -1).T
    return rows


def _values(model: ModelProto, name: str, images: Sequence[Floats]) -> Iterable[Floats]:
    """The value called ``name`` for each image."""
    part = ModelProto()
    part.CopyFrom(model)
    del part.graph.output[:]
    part.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(
        part.SerializeToString(), session_options(None), providers=["CPUExecutionProvider"]
    )
    for image in images:
        yield session.run(None, {session.get_inputs()[0].name: image})[0]


def _replace(model: ModelProto, node: NodeProto, weight: NDArray[np.int8], scale: Floats, bias: Floats) -> None:
    """Put a product of integers, over pixels with their channels last, where the convolution was."""
    name = node.output[0]
    for suffix, values in (("weight", weight.T), ("scale", scale), ("bias", bias)):
        tensor = numpy_helper.from_array(np.ascontiguousarray(values), f"{name}.{suffix}")
        for before in [one for one in model.graph.initializer if one.name == tensor.name]:
            model.graph.initializer.remove(before)  # of a graph that was in eight bits already
        model.graph.initializer.append(tensor)
    inputs = [f"{name}.last", f"{name}.weight", f"{name}.scale", "", f"{name}.bias"]
    new = [
        helper.make_node("Transpose", [node.input[0]], [f"{name}.last"], perm=[0, 2, 3, 1]),
        helper.make_node("DynamicQuantizeMatMul", inputs, [f"{name}.product"], domain="com.microsoft"),
        helper.make_node("Transpose", [f"{name}.product"], [name], perm=[0, 3, 1, 2]),
    ]
    nodes = list(model.graph.node)
    at = next(index for index, other in enumerate(nodes) if name in other.output)
    nodes[at : at + 1] = new
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _drop_unused_weights(model: ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
