"""Pointwise convolutions in eight bits give nearly what they gave, whatever the weights; the rest stays as it is."""

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ocr.bundles.bundle import load_bundle
from ocr.cli.main import main
from ocr.datasets.annotations import read_samples
from ocr.errors import ConfigError, ParityError
from ocr.inference.recognizer import Recognizer
from ocr.nn.onnx_graph import read_graph
from ocr.training.eight_bits import in_eight_bits, pointwise, round_to_range, round_weights
from ocr.training.quantize import Data, quantize

Floats = NDArray[np.float32]


def network(nodes: list[NodeProto], *, channels: int, **weights: Floats) -> ModelProto:
    """A graph from x (1,channels,H,W) to y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def chain(random: np.random.Generator, channels: list[int], *, bias: bool) -> ModelProto:
    """Pointwise convolutions one after the other, ReLUs between them."""
    nodes, weights, name = [], {}, "x"
    for i, (before, after) in enumerate(pairwise(channels)):
        weights[f"w{i}"] = random.normal(size=(after, before, 1, 1), scale=before**-0.5).astype(np.float32)
        inputs = [name, f"w{i}"]
        if bias:
            weights[f"b{i}"] = random.normal(size=after).astype(np.float32)
            inputs.append(f"b{i}")
        last = i == len(channels) - 2
        name = "y" if last else f"v{i}"
        nodes.append(helper.make_node("Conv", inputs, [name], kernel_shape=[1, 1]))
        if not last:
            nodes.append(helper.make_node("Relu", [name], [f"{name}.relu"]))
            name += ".relu"
    return network(nodes, channels=channels[0], **weights)


def images_of(random: np.random.Generator, channels: int, count: int = 6) -> list[Floats]:
    """Images of several sizes whose channels go together, as those of a network do."""
    mix = random.normal(size=(channels, channels // 4)).astype(np.float32)
    sizes = [(3, int(width)) for width in random.integers(20, 60, count)]
    return [
        np.einsum("ck,khw->chw", mix, random.normal(size=(channels // 4, *size)).astype(np.float32))[None]
        for size in sizes
    ]


def run(graph: bytes | ModelProto, image: Floats) -> Floats:
    serialized = graph if isinstance(graph, bytes) else graph.SerializeToString()
    session = onnxruntime.InferenceSession(serialized, providers=["CPUExecutionProvider"])
    result: Floats = session.run(None, {"x": image})[0]
    return result


def kinds(graph: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.sampled_from([48, 64, 96, 160]), min_size=2, max_size=4), st.booleans())
def test_results_differ_by_little_and_weights_keep_to_seven_bits(seed: int, channels: list[int], bias: bool) -> None:
    random = np.random.default_rng(seed)
    model = chain(random, channels, bias=bias)
    images = images_of(random, channels[0])
    rounded = in_eight_bits(model, images)
    assert (rounded.convolutions, rounded.left) == (len(channels) - 1, 0)
    assert kinds(rounded.graph)["Conv"] == 0
    for tensor in onnx.load_from_string(rounded.graph).graph.initializer:
        if tensor.data_type == TensorProto.INT8:
            assert np.abs(numpy_helper.to_array(tensor).astype(int)).max() <= 63
    for image in images:
        before = run(model, image)
        assert np.abs(run(rounded.graph, image) - before).std() < 0.03 * before.std()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_a_training_takes_up_the_same_weights_in_floats(
    tmp_path_factory: pytest.TempPathFactory, seed: int, bias: bool
) -> None:
    random = np.random.default_rng(seed)
    images = images_of(random, 64)
    rounded = in_eight_bits(chain(random, [64, 96, 48], bias=bias), images)
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    path.write_bytes(rounded.graph)
    floats = read_graph(str(path))
    assert Counter(node.op_type for node in floats.graph.node) == Counter(Conv=2, Relu=1)
    for image in images:
        expected = run(rounded.graph, image)
        assert np.abs(run(floats, image) - expected).std() < 0.03 * expected.std()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(48, 64), (160, 96), (96, 96)]))
def test_spread_errors_hurt_less_than_those_of_rounding_to_the_nearest(seed: int, size: tuple[int, int]) -> None:
    outputs, inputs = size
    random = np.random.default_rng(seed)
    mix = random.normal(size=(inputs, inputs))
    mix[:, inputs // 4 :] *= 0.1
    covariance = mix @ mix.T
    weight = random.normal(size=size)
    rounded, scale = round_weights(weight.copy(), covariance)
    nearest = np.rint(weight / scale[:, None])

    def error(values: NDArray[np.floating]) -> float:
        wrong = values * scale[:, None] - weight
        return float(np.einsum("oi,ij,oj->", wrong, covariance, wrong))

    assert rounded.shape == (outputs, inputs)
    assert error(rounded.astype(float)) < 0.7 * error(nearest)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.floats(-3, 3), st.floats(1e-6, 1e6))
def test_values_are_rounded_as_the_runtime_rounds_them(seed: int, shift: float, scale: float) -> None:
    values = ((np.random.default_rng(seed).normal(size=(1, 2, 3, 5)) + shift) * scale).astype(np.float32)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    step = (max(values.max(), 0) - min(values.min(), 0)) / 255
    # A value half-way between two steps may go to either.
    np.testing.assert_allclose(round_to_range(values), run(network(nodes, channels=2), values), atol=1.01 * step)
    assert np.abs(round_to_range(values) - values).max() <= 1.01 * step


def test_only_dense_pointwise_convolutions_over_many_pixels_are_taken() -> None:
    weights = {
        "taken": np.zeros((64, 64, 1, 1), np.float32),
        "few": np.zeros((64, 16, 1, 1), np.float32),
        "wide": np.zeros((64, 64, 3, 3), np.float32),
        "depthwise": np.zeros((64, 1, 1, 1), np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "taken"], ["a"], name="taken"),
        helper.make_node("Conv", ["a", "depthwise"], ["b"], group=64),
        helper.make_node("Conv", ["b", "wide"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["c", "taken"], ["d"], strides=[2, 2]),
        helper.make_node("Conv", ["d", "taken"], ["e"], pads=[0, 1, 0, 1]),
        helper.make_node("ReduceMean", ["e"], ["mean"], axes=[2, 3]),
        helper.make_node("Conv", ["mean", "taken"], ["gate"]),
        helper.make_node("Mul", ["e", "gate"], ["f"]),
        helper.make_node("Slice", ["f", "zero", "sixteen", "one"], ["g"]),
        helper.make_node("Conv", ["g", "few"], ["y"]),
    ]
    numbers = {"zero": np.array([0]), "sixteen": np.array([16]), "one": np.array([1])}
    model = network(nodes, channels=64, **weights, **numbers)
    assert [node.name for node in pointwise(model)] == ["taken"]


def test_a_convolution_of_values_with_far_outliers_stays_in_floats() -> None:
    random = np.random.default_rng(3)
    model = chain(random, [64, 64], bias=True)
    images = images_of(random, 64)
    for image in images:
        image[0, 0, 0, 0] = 1000.0
    rounded = in_eight_bits(model, images)
    assert (rounded.convolutions, rounded.left) == (0, 1)
    np.testing.assert_allclose(run(rounded.graph, images[0]), run(model, images[0]), rtol=1e-5)
    assert in_eight_bits(model, images, most_noise=np.inf).convolutions == 1


def lines_of(path: Path, pages: int) -> Data:
    return Data(path.name, list(islice(read_samples(path), pages)))


def test_a_recognizer_in_eight_bits_reads_what_it_read(ocr_data: Path, tmp_path: Path) -> None:
    sroie = ocr_data / "sroie"
    bundle = load_bundle("recognizer")
    done = quantize(
        bundle, lines_of(sroie / "train", 10), lines_of(sroie / "train_more", 4), tmp_path, lines=24, most_loss=0.05
    )
    assert done.convolutions > 10
    assert done.after.n > 100
    assert done.before.value - done.after.value <= 0.05
    assert "In eight bits, fitted to 24 lines of train by ocr quantize" in done.bundle.card.notes
    written = load_bundle(tmp_path, task="recognition")
    assert Recognizer(written, second_look=False).charset == Recognizer(bundle, second_look=False).charset


def test_nothing_is_written_when_lines_are_lost(ocr_data: Path, tmp_path: Path) -> None:
    sroie = ocr_data / "sroie"
    fit, held_out = lines_of(sroie / "train", 5), lines_of(sroie / "train_more", 1)
    with pytest.raises(ParityError, match=r"in eight bits it reads .*nothing was written"):
        quantize(load_bundle("recognizer"), fit, held_out, tmp_path / "to", lines=20, most_noise=1e6, most_loss=-1.0)
    assert not (tmp_path / "to").exists()


def test_what_cannot_be_rounded_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], ocr_data: Path, tmp_path: Path
) -> None:
    data = ocr_data / "sroie" / "train"
    arguments = ["--fit", str(data), "--data", str(data), "--to", str(tmp_path / "to")]
    assert main(["quantize", "detector", *arguments]) == 2
    assert "is a detection bundle; a recognition bundle is needed" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="has no line with a text to fit to"):
        quantize(load_bundle("recognizer"), Data("nothing", []), Data("nothing", []), tmp_path / "to")
    assert not (tmp_path / "to").exists()
