"""Rewritten graphs compute what the graphs they came from compute, in the forms meant to be faster."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ocr.bundles.bundle import load_bundle, shipped_names
from ocr.training.rewrites import rewritten

Floats = NDArray[np.float32]
RANDOM = np.random.default_rng(5)


def model(nodes: Sequence[NodeProto], *, channels: int, **weights: Floats | NDArray[np.int64]) -> bytes:
    """A graph from x (N,channels,H,W) to y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    serialized: bytes = made.SerializeToString()
    return serialized


def run(graph: bytes, images: Floats) -> Floats:
    """What ONNX Runtime makes of ``images``, its own rewriting switched off."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    result: Floats = session.run(None, {session.get_inputs()[0].name: images})[0]
    return result


def kinds(graph: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


def same(before: bytes, *, channels: int, sizes: Sequence[tuple[int, int]] = ((12, 20), (7, 9))) -> Counter[str]:
    """Operators of the rewritten graph, after a look at batches of several sizes through both."""
    after = rewritten(before)
    onnx.checker.check_model(onnx.load_from_string(after))
    for count, (height, width) in enumerate(sizes, 1):
        images = RANDOM.normal(size=(count, channels, height, width)).astype(np.float32)
        np.testing.assert_allclose(run(after, images), run(before, images), rtol=1e-4, atol=1e-4)
    return kinds(after)


def weights(*shape: int) -> Floats:
    return RANDOM.normal(size=shape).astype(np.float32)


def pooled(*, value: float, pads: list[int], shared: bool = False) -> bytes:
    nodes = [
        helper.make_node("Pad", ["x", "pads", "value"], ["padded"]),
        helper.make_node("MaxPool", ["padded"], ["pooled" if shared else "y"], kernel_shape=[2, 2], strides=[1, 1]),
    ]
    if shared:
        nodes.append(helper.make_node("Shape", ["padded"], ["sizes"]))
        nodes.append(helper.make_node("Cast", ["sizes"], ["numbers"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("ReduceSum", ["numbers"], ["sum"], keepdims=0))
        nodes.append(helper.make_node("Add", ["pooled", "sum"], ["y"]))
    return model(nodes, channels=3, pads=np.array(pads, np.int64), value=np.array(value, np.float32))


@pytest.mark.parametrize("pads", [[0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 1, 0, 0, 0, 0, 1]])
def test_a_pool_pads_by_itself(pads: list[int]) -> None:
    assert same(pooled(value=-np.inf, pads=pads), channels=3)["Pad"] == 0


@pytest.mark.parametrize(
    "kept",
    [
        pooled(value=0.0, pads=[0, 0, 0, 0, 0, 0, 1, 1]),
        pooled(value=-np.inf, pads=[0, 1, 0, 0, 0, 0, 1, 1]),
        pooled(value=-np.inf, pads=[0, 0, 0, 0, 0, 0, 1, 1], shared=True),
    ],
    ids=["zeros win over negative pixels", "channels are padded", "what is padded is used elsewhere"],
)
def test_a_pad_that_a_pool_cannot_do_stays(kept: bytes) -> None:
    assert same(kept, channels=3)["Pad"] == 1


@pytest.mark.parametrize("product_first", [False, True])
@pytest.mark.parametrize("gate_first", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_a_gate_passes_once(product_first: bool, gate_first: bool, shared: bool) -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["gate"]),
        helper.make_node("Relu", ["x"], ["positive"]),
        helper.make_node("Mul", ["gate", "x"] if gate_first else ["x", "gate"], ["gated"]),
        helper.make_node("Mul", ["gate", "positive"], ["gated too"]),
        helper.make_node("Add", ["gated", "x"] if product_first else ["x", "gated"], ["sum"]),
        helper.make_node("Add", ["gated too", "positive"], ["sum too"]),
        helper.make_node("Concat", ["sum", "sum too", "gated" if shared else "x"], ["y"], axis=1),
    ]
    before = model(nodes, channels=4)
    after = onnx.load_from_string(rewritten(before))
    same(before, channels=4)
    gated = [node for node in after.graph.node if node.op_type == "Add" and "gate" in node.input]
    assert len(gated) == (1 if shared else 2)


@settings(deadline=None, max_examples=30)
@given(
    parts=st.integers(2, 4),
    kernel=st.sampled_from([1, 2, 3]),
    stride=st.integers(1, 2),
    bias=st.booleans(),
)
def test_a_concatenation_is_convolved_in_parts(parts: int, kernel: int, stride: int, bias: bool) -> None:
    names = [f"part{index}" for index in range(parts)]
    nodes = [
        *(helper.make_node("Conv", ["x", f"w{index}"], [name]) for index, name in enumerate(names)),
        helper.make_node("Concat", names, ["all"], axis=1),
        helper.make_node(
            "Conv", ["all", "w", *(["b"] if bias else [])], ["y"], strides=[stride] * 2, pads=[kernel // 2] * 4
        ),
    ]
    sizes = [2 + index for index in range(parts)]
    pointwise = {f"w{index}": weights(size, 3, 1, 1) for index, size in enumerate(sizes)}
    before = model(nodes, channels=3, w=weights(5, sum(sizes), kernel, kernel), b=weights(5), **pointwise)
    after = same(before, channels=3)
    assert (after["Concat"], after["Conv"], after["Add"]) == (0, 2 * parts, parts - 1)


@pytest.mark.parametrize("axis", [1, 2])
def test_a_concatenation_that_has_other_use_stays(axis: int) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["positive"]),
        helper.make_node("Concat", ["x", "positive"], ["all"], axis=axis),
        helper.make_node("Conv", ["all", "w"], ["seen"]),
        *([helper.make_node("ReduceMax", ["all"], ["most"], keepdims=0)] if axis == 1 else []),
        helper.make_node("Add", ["seen", "most"] if axis == 1 else ["seen", "seen"], ["y"]),
    ]
    assert same(model(nodes, channels=4, w=weights(3, 8 if axis == 1 else 4, 1, 1)), channels=4)["Concat"] == 1


def upscaled(*, strides: tuple[int, int], kernels: tuple[int, int], out: int = 1, biased: bool = True) -> bytes:
    (a, b), (k, m) = strides, kernels
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w1", *(["b1"] if biased else [])], ["t1"], strides=[a, a]),
        helper.make_node("Add", ["t1", "more"], ["t2"]),
        helper.make_node("Relu", ["t2"], ["t3"]),
        helper.make_node("ConvTranspose", ["t3", "w2", *(["b2"] if biased else [])], ["t4"], strides=[b, b]),
        helper.make_node("Sigmoid", ["t4"], ["y"]),
    ]
    return model(
        nodes,
        channels=5,
        w1=weights(5, 6, k, k),
        b1=weights(6),
        more=weights(1, 6, 1, 1),
        w2=weights(6, out, m, m),
        b2=weights(out),
    )


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("strides", [(2, 2), (2, 3), (3, 2), (1, 2), (4, 1)])
def test_pixels_are_rearranged_once(strides: tuple[int, int], biased: bool) -> None:
    before = upscaled(strides=strides, kernels=strides, biased=biased)
    after = rewritten(before)
    assert same(before, channels=5)["ConvTranspose"] == 0
    assert onnx.load_from_string(after).graph.node[-1].op_type == "DepthToSpace"  # the sigmoid comes before it


@pytest.mark.parametrize(("kernels", "out"), [((3, 2), 1), ((2, 3), 1), ((2, 2), 2)])
def test_other_transposed_convolutions_stay(kernels: tuple[int, int], out: int) -> None:
    assert same(upscaled(strides=(2, 2), kernels=kernels, out=out), channels=5)["ConvTranspose"] == 2


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_shipped_has_been_rewritten(name: str) -> None:
    graph = load_bundle(name).model_path.read_bytes()
    assert kinds(rewritten(graph)) == kinds(graph)
