"""An ONNX graph becomes a trainable module that computes what ONNX Runtime computes."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx2torch.utils import common

from ocr.bundles.bundle import load_bundle, shipped_names
from ocr.detection.graph_network import GraphDetector
from ocr.errors import ConfigError
from ocr.nn.onnx_graph import OnnxGraph, cut_projection, cut_sigmoid, locate, read_graph
from ocr.recognition.graph_network import GraphRecognizer
from ocr.text.charset import Charset
from ocr.text.tokenizer import CtcTokenizer
from ocr.training.graph import ProbabilityMap, onnx_graph

RANDOM = np.random.default_rng(3)


def tensor(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(RANDOM.normal(size=shape).astype(np.float32), name)


def save(path: Path, nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], rank: int) -> Path:
    """Write a model from images (N,3,H,W) to ``y``."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(path))
    return path


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """Constant weights, an Identity, SAME_UPPER padding with an even kernel, a Sigmoid at the end."""
    node = helper.make_node
    return save(
        tmp_path / "det.onnx",
        [
            node("Constant", [], ["w"], value=tensor("w", 4, 3, 2, 2)),
            node("Conv", ["x", "w"], ["a"], kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
            node("Identity", ["a"], ["b"]),
            node("Identity", ["b"], ["c"]),
            node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
            node("Conv", ["d", "v"], ["logits"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            node("Sigmoid", ["logits"], ["y"]),
        ],
        [tensor("v", 1, 4, 3, 3)],
        4,
    )


@pytest.fixture
def recognizer(tmp_path: Path) -> Path:
    """Features, batch normalisation, a projection to five classes and a Softmax."""
    node = helper.make_node
    weights = [tensor("w", 6, 3, 4, 4), tensor("p", 6, 5), tensor("q", 5), tensor("m", 6, 6)]
    weights += [
        numpy_helper.from_array(np.full(6, value, np.float32), name)
        for name, value in [("scale", 1.5), ("shift", 0.1), ("mean", 0.2), ("var", 2.0)]
    ]
    return save(
        tmp_path / "rec.onnx",
        [
            node("Conv", ["x", "w"], ["a"], kernel_shape=[4, 4], strides=[4, 4]),
            node("BatchNormalization", ["a", "scale", "shift", "mean", "var"], ["n"]),
            node("ReduceMean", ["n"], ["r"], axes=[2], keepdims=0),
            node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
            node("MatMul", ["t", "m"], ["f"]),
            node("MatMul", ["f", "p"], ["l"]),
            node("Add", ["l", "q"], ["z"]),
            node("Softmax", ["z"], ["y"], axis=2),
        ],
        weights,
        3,
    )


def run(path: Path, images: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"x": images.numpy()})[0])


def test_a_detection_graph_gives_the_logits_of_the_published_map(detector: Path) -> None:
    images = torch.rand(2, 3, 16, 24)
    model = read_graph(str(detector))
    cut_sigmoid(model)
    network = OnnxGraph(model)
    torch.testing.assert_close(network(images).sigmoid(), run(detector, images), atol=1e-5, rtol=1e-5)
    network(images).sum().backward()
    assert sum(p.numel() for p in network.parameters()) == 4 * 3 * 4 + 4 * 9
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_a_recognition_graph_gives_features_and_its_projection(recognizer: Path) -> None:
    images = torch.rand(2, 3, 8, 32)
    model = read_graph(str(recognizer))
    projection = cut_projection(model)
    network = OnnxGraph(model).train()
    logits = network(images) @ projection.weight + projection.bias
    torch.testing.assert_close(logits.softmax(2), run(recognizer, images), atol=1e-5, rtol=1e-5)
    logits.square().sum().backward()
    grads = {name: p.grad for name, p in network.named_parameters()}
    assert any(g is not None and g.shape == (6, 6) for g in grads.values()), "matrices of products learn too"


def test_training_mode_leaves_the_statistics_of_batch_normalisation_alone(recognizer: Path) -> None:
    model = read_graph(str(recognizer))
    cut_projection(model)
    network = OnnxGraph(model).train()
    before = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    network(torch.rand(4, 3, 8, 32))
    assert before
    assert all(torch.equal(network.state_dict()[k], v) for k, v in before.items())


def test_a_graph_of_the_other_task_is_refused(detector: Path, recognizer: Path) -> None:
    with pytest.raises(ConfigError, match="detection graph ends in Sigmoid, this one in Softmax"):
        cut_sigmoid(read_graph(str(recognizer)))
    with pytest.raises(ConfigError, match="recognition graph ends in a projection, this one in Sigmoid"):
        cut_projection(read_graph(str(detector)))


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("package:no_such_package/a.onnx", "uv pip install no_such_package"),
        ("package:onnx/no/such.onnx", "there is no file"),
        ("nowhere.onnx", "there is no file nowhere.onnx"),
    ],
)
def test_a_missing_graph_says_what_to_do(source: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        locate(source)


def with_characters(path: Path, characters: str) -> Path:
    model = onnx.load(str(path))
    helper.set_model_props(model, {"character": characters})
    onnx.save(model, str(path))
    return path


def test_a_detector_starts_as_its_graph(detector: Path) -> None:
    images = torch.rand(1, 3, 16, 16)
    maps = GraphDetector(graph=str(detector))(images)
    assert maps.threshold is None
    torch.testing.assert_close(maps.probability_logits.sigmoid(), run(detector, images), atol=1e-5, rtol=1e-5)


def test_a_recognizer_keeps_what_the_graph_knows_of_the_charset(recognizer: Path) -> None:
    graph = with_characters(recognizer, "b\na\n")  # classes: blank, b, a, space; the fifth is one too many
    with pytest.raises(ConfigError, match="5 classes but 3 characters and a blank"):
        GraphRecognizer(graph=str(graph), dictionary=None, tokenizer=CtcTokenizer(charset=Charset(("a",))))
    with_characters(recognizer, "b\na\n\u2028")  # a character that splitlines() takes for a line end
    tokenizer = CtcTokenizer(charset=Charset((" ", "a", "b", "z")))
    network = GraphRecognizer(graph=str(graph), dictionary=None, tokenizer=tokenizer)
    images = 0.02 * torch.rand(1, 3, 8, 32)  # dark, so that no probability underflows
    published = run(graph, images).log()  # blank b a \u2028 space
    ours = network(images)
    differences = ours[..., :4] - published[..., [0, 4, 2, 1]]
    torch.testing.assert_close(differences, differences[..., :1].expand_as(differences), atol=1e-4, rtol=1e-4)
    assert network.new_characters == ["z"]


def test_a_recognizer_takes_its_dictionary_from_a_file_and_says_when_there_is_none(recognizer: Path) -> None:
    tokenizer = CtcTokenizer(charset=Charset(("a", "b")))
    with pytest.raises(ConfigError, match=r"name a file with one as model\.network\.dictionary"):
        GraphRecognizer(graph=str(recognizer), dictionary=None, tokenizer=tokenizer)
    dictionary = recognizer.with_name("characters.txt")
    dictionary.write_text("a\nb\nc\n")
    assert not GraphRecognizer(graph=str(recognizer), dictionary=str(dictionary), tokenizer=tokenizer).new_characters
    listed = recognizer.with_name("characters.json")
    listed.write_text(json.dumps(["a", "b", "c", " "]))
    assert not GraphRecognizer(graph=str(recognizer), dictionary=str(listed), tokenizer=tokenizer).new_characters


EXPORT = """
import sys, torch
import torch.onnx.symbolic_helper  # imported first, it is another module than the one the exporter keeps its state in
from ocr.nn.onnx_graph import OnnxGraph, read_graph
torch.onnx.export(
    OnnxGraph(read_graph(sys.argv[1])).eval(), (torch.zeros(1, 3, 8, 8),), sys.argv[2], dynamo=False,
    input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}}, opset_version=17,
)
"""


def test_a_graph_that_asks_for_sizes_can_be_exported_and_takes_any(tmp_path: Path) -> None:
    node = helper.make_node
    last = numpy_helper.from_array(np.array([-1], np.int64), "last")
    path = save(
        tmp_path / "sizes.onnx",
        [
            node("Conv", ["x", "w"], ["a"], kernel_shape=[1, 1]),
            node("Shape", ["a"], ["s"]),
            node("Slice", ["s", "zero", "two"], ["head"]),
            node("Concat", ["head", "last"], ["flat"], axis=0),
            node("Reshape", ["a", "flat"], ["y"]),
        ],
        [
            tensor("w", 5, 3, 1, 1),
            last,
            numpy_helper.from_array(np.array([0], np.int64), "zero"),
            numpy_helper.from_array(np.array([2], np.int64), "two"),
        ],
        3,
    )
    exported = tmp_path / "exported.onnx"
    subprocess.run([sys.executable, "-c", EXPORT, str(path), str(exported)], check=True, capture_output=True)
    images = torch.rand(2, 3, 4, 6)
    torch.testing.assert_close(run(exported, images), run(path, images))


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_bundle_can_be_trained_further(name: str):
    bundle = load_bundle(name)
    if bundle.card.task == "detection":
        network: torch.nn.Module = ProbabilityMap(GraphDetector(graph=f"bundle:{name}"))
    else:
        tokenizer = CtcTokenizer(charset=Charset(tuple(bundle.card.charset or ())))
        network = GraphRecognizer(graph=f"bundle:{name}", dictionary=None, tokenizer=tokenizer)
    images = RANDOM.random((2, 3, 96 if bundle.card.task == "detection" else 48, 160), np.float32)
    with torch.inference_mode():
        ours = network.eval()(torch.from_numpy(images)).numpy()
    # In floats: what `ocr quantize` rounded is taken up as the weights it was rounded to.
    floats = read_graph(f"bundle:{name}").SerializeToString()
    theirs = onnxruntime.InferenceSession(floats).run(None, {"images": images})[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    # A part of the graph that is still a constant would not learn.
    assert sum(weight.numel() for weight in network.parameters()) > 0.95 * count_weights(bundle.model_path)


@pytest.mark.parametrize("name", shipped_names())
def test_what_started_from_a_shipped_bundle_can_be_exported_and_takes_any_size(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    # The converter takes torch's helpers from where they are when it is imported first; else it finds these.
    monkeypatch.setattr(common, "symbolic_helper", importlib.import_module("torch.onnx.symbolic_helper"))
    bundle = load_bundle(name)
    height = 96 if bundle.card.task == "detection" else 48
    tokenizer = CtcTokenizer(charset=Charset(tuple(bundle.card.charset or ("a",))))
    network: torch.nn.Module = (
        ProbabilityMap(GraphDetector(graph=f"bundle:{name}"))
        if bundle.card.task == "detection"
        else GraphRecognizer(graph=f"bundle:{name}", dictionary=None, tokenizer=tokenizer)
    ).eval()
    exported = onnxruntime.InferenceSession(onnx_graph(network, bundle.card))
    for images in (RANDOM.random((2, 3, height, width), np.float32) for width in (64, 160)):
        with torch.inference_mode():
            ours = network(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(exported.run(None, {"images": images})[0], ours, atol=1e-3)


def count_weights(path: Path) -> int:
    sizes = [numpy_helper.to_array(stored).size for stored in onnx.load(str(path)).graph.initializer]
    return sum(size for size in sizes if size > 1)
