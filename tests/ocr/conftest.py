"""Two small bundles whose output can be worked out by hand (darkness is probability, shades of grey are characters),
and files that stand for checkpoints and runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper

from ocr.bundles.bundle import Bundle, write_bundle
from ocr.bundles.card import BundleCard, MetricRecord
from ocr.records.checkpoint import CheckpointCard, file_sha256, write_card
from ocr.records.run import Run
from ocr.specs.decode import DecodeSpec
from ocr.specs.postprocess import PostprocessSpec
from ocr.specs.preprocess import PreprocessSpec

# A busy machine is no finding.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SHADES = {"a": 0, "b": 64, "c": 128, "d": 192}  # grey value of each character; white is blank
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def graph_bytes(nodes: list, output: str, shape: list, constants: dict[str, np.ndarray], height: object = "H") -> bytes:
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, height, "W"])
    result = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
    initial = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "plain", [images], [result], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def detector_bundle(folder: Path, **changes: object) -> Bundle:
    """Probability = 1 - grey."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["one", "grey"], ["probability"]),
    ]
    model = graph_bytes(nodes, "probability", ["N", 1, "H", "W"], {"one": np.ones((), np.float32)})
    spec = PreprocessSpec(resize="limit", max_side=640, multiple=32, **PLAIN)
    card = BundleCard(
        **{
            "name": "plain-detector",
            "task": "detection",
            "architecture": "darkness",
            "preprocess": spec,
            "postprocess": PostprocessSpec(),
            "licence": "Apache-2.0",
            "weights_sha256": "0" * 64,
        }
        | changes
    )
    return write_bundle(folder, model, card)


def recognizer_bundle(folder: Path, **changes: object) -> Bundle:
    """Logit of each class = -200 (mean grey of an 8 x 8 cell - the class's shade)^2."""
    shades = np.array([255, *SHADES.values()], np.float32).reshape(1, 5, 1, 1) / 255
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Sub", ["cells", "shades"], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["square"]),
        helper.make_node("Mul", ["square", "steep"], ["scores"]),
        helper.make_node("Squeeze", ["scores", "two"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["logits"], perm=[0, 2, 1]),
    ]
    constants = {"shades": shades, "steep": np.array(-200, np.float32), "two": np.array([2], np.int64)}
    model = graph_bytes(nodes, "logits", ["N", "L", 5], constants, height=8)
    spec = PreprocessSpec(resize="height", height=8, max_width=1600, multiple=8, pad_value=1.0, **PLAIN)
    card = BundleCard(
        **{
            "name": "plain-recognizer",
            "task": "recognition",
            "architecture": "shades",
            "preprocess": spec,
            "decode": DecodeSpec(kind="ctc"),
            "charset": list(SHADES),
            "licence": "Apache-2.0",
            "weights_sha256": "0" * 64,
        }
        | changes
    )
    return write_bundle(folder, model, card)


@pytest.fixture(scope="session")
def make_detector() -> Callable[..., Bundle]:
    """Write the detector into a folder, with other fields on its card."""
    return detector_bundle


@pytest.fixture(scope="session")
def make_recognizer() -> Callable[..., Bundle]:
    """Write the recognizer into a folder, with other fields on its card."""
    return recognizer_bundle


@pytest.fixture(scope="session")
def plain_detector(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return detector_bundle(tmp_path_factory.mktemp("bundles") / "detector")


@pytest.fixture(scope="session")
def plain_recognizer(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return recognizer_bundle(tmp_path_factory.mktemp("bundles") / "recognizer")


@pytest.fixture
def make_checkpoint():
    """Make a file that stands for a checkpoint, with its card."""
    return _make_checkpoint


def _make_checkpoint(folder: Path, name: str, *, hmean: float | None = 0.5, card: bool = True, **fields) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ckpt"
    path.write_bytes(name.encode())
    if card:
        metrics = [] if hmean is None else [MetricRecord(name="val/hmean", value=hmean, n=3, data="v", protocol="p")]
        base = {
            "name": "det",
            "task": "detection",
            "architecture": "DBNet",
            "preprocess": PreprocessSpec(resize="limit", max_side=64, multiple=32),
            "postprocess": PostprocessSpec(),
            "licence": "Apache-2.0",
            "encoder": "TimmBackbone(resnet18)",
            "decoder": "FPN",
            "head": "DBHead",
            "loss": "DBLoss",
            "config": {"seed": 1},
            "config_hash": "0" * 64,
            "epoch": 0,
            "step": 10,
            "monitor": "val/hmean",
            "mode": "max",
            "created": datetime(2026, 1, 2, tzinfo=UTC),
            "metrics": metrics,
        }
        write_card(path, CheckpointCard(**base | fields, size=path.stat().st_size, weights_sha256=file_sha256(path)))
    return path


@pytest.fixture
def make_run():
    """Make a run folder with its record."""
    return _make_run


def _make_run(folder: Path, run_id: str, *, status: str = "completed", **facts) -> Run:
    folder.mkdir(parents=True)
    run = Run.start(folder, run_id=run_id, name="det", **facts)
    run.end(status)
    return run


@pytest.fixture(scope="session")
def slow_pdf() -> bytes:
    """A small file that keeps PDFium busy for hours: forms of ten forms each, nine deep. A plain page follows."""
    levels = 9
    contents = [(b"/F Do", 6)] + [(b"/F Do " * 10, number + 7) for number in range(levels - 1)]
    contents.append((b"0 0 100 100 re f", None))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 5 0 R/Resources<</XObject<</F 6 0 R>>>>>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>",
    ]
    for index, (content, below) in enumerate(contents):
        used = b"" if below is None else b"/XObject<</F %d 0 R>>" % below
        kind = b"/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<<%s>>" % used if index else b""
        objects.append(b"<<%s/Length %d>>stream\n%s\nendstream" % (kind, len(content), content))
    body = b"".join(b"%d 0 obj%s endobj\n" % (number, one) for number, one in enumerate(objects, start=1))
    return b"%PDF-1.7\n" + body + b"trailer<</Root 1 0 R>>\n"
