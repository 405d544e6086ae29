"""Export: the bundle that comes out, and the gate that keeps a wrong one in."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hydra import compose, initialize_config_module
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image

from ocr.bundles.bundle import Bundle, load_bundle
from ocr.bundles.card import StartRecord
from ocr.cli.main import main
from ocr.errors import CardError, CheckpointError, ConfigError, ImageError, ParityError
from ocr.images.load import load_image
from ocr.inference.detector import Detector
from ocr.inference.onnx import OnnxModel
from ocr.inference.recognizer import Recognizer
from ocr.records.checkpoint import CheckpointCard, card_path, read_card, write_card
from ocr.text.charset import Charset
from ocr.training import export as exporting
from ocr.training import parity
from ocr.training.build import build_module, load_module, without_pretrained
from ocr.training.export import export
from ocr.training.graph import ProbabilityMap, TorchModel, onnx_graph, round_to_half, stored_in_half

HERE = Path(__file__).parent / "export_parts"
PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
PREPROCESS = {"_target_": "ocr.specs.preprocess.PreprocessSpec", **PLAIN}
DETECTION = {
    "_target_": "ocr.detection.module.DetectionModule",
    "network": {"_target_": "export_parts.DarkNetwork", "steepness": 40.0},
    "loss": {"_target_": "torch.nn.modules.linear.Identity"},
    "preprocess": {**PREPROCESS, "resize": "limit", "max_side": 480, "multiple": 32},
    "postprocess": {"_target_": "ocr.specs.postprocess.PostprocessSpec"},
}
RECOGNITION = {
    "_target_": "ocr.recognition.module.RecognitionModule",
    "network": {"_target_": "export_parts.ShadeNetwork", "_partial_": True, "steepness": 200.0},
    "tokenizer": {"_target_": "ocr.text.tokenizer.CtcTokenizer", "_partial_": True},
    "loss": {"_target_": "export_parts.no_loss", "_partial_": True},
    "preprocess": {**PREPROCESS, "resize": "height", "height": 8, "multiple": 8, "pad_value": 1.0},
    "decode": {"_target_": "ocr.specs.decode.DecodeSpec", "kind": "ctc"},
}
Array = NDArray[np.float32]
CHARSET = Charset(tuple("abcd"))


@pytest.fixture(autouse=True, scope="module")
def parts() -> Iterator[None]:
    """Let configs name the networks beside this file."""
    targets = ("export_parts.DarkNetwork", "export_parts.ShadeNetwork", "export_parts.no_loss")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        patch.setenv("OCR_ALLOW_TARGETS", ",".join((*targets, "torch.nn.modules.linear.Identity")))
        yield


def config_of(model: dict) -> dict:
    return {"model": model, "train": {"optimizer": {"_target_": "torch.optim.adamw.AdamW", "_partial_": True}}}


def checkpoint(folder: Path, model: dict, *, bare: bool = False) -> Path:
    """A checkpoint as training leaves it, card beside it."""
    recognition = "tokenizer" in model
    config = config_of(model)
    module = build_module(config, CHARSET if recognition else None)
    path = folder / "epoch-03.ckpt"
    torch.save({"state_dict": module.state_dict()}, path)
    if bare:
        return path
    card = CheckpointCard(
        name="plain",
        task="recognition" if recognition else "detection",
        architecture="DarkNetwork",
        preprocess=module.preprocess,
        postprocess=None if recognition else module.postprocess,
        decode=module.decode if recognition else None,
        charset=list(CHARSET.characters) if recognition else None,
        run_id="20260131-120000",
        licence="Apache-2.0",
        start=StartRecord(name="nothing", source="scratch", licence="Apache-2.0"),
        weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        encoder="none",
        decoder="none",
        head="none",
        loss="none",
        config=config,
        config_hash="0",
        epoch=3,
        step=30,
        monitor="val/hmean",
        mode="max",
        size=path.stat().st_size,
        created=datetime.now(UTC),
    )
    write_card(path, card)
    return path


@pytest.fixture(scope="module")
def receipts(ocr_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four real receipts with their annotations."""
    source, target = ocr_data / "sroie" / "val", tmp_path_factory.mktemp("data") / "receipts"
    names = sorted(path.stem for path in (source / "img").iterdir())[:4]
    for kind, suffix in (("img", ".jpg"), ("box", ".txt")):
        (target / kind).mkdir(parents=True)
        for name in names:
            (target / kind / f"{name}{suffix}").write_bytes((source / kind / f"{name}{suffix}").read_bytes())
    return target


Exported = tuple[Bundle, parity.Parity]


@pytest.fixture(scope="module")
def detector(receipts: Path, parts: None, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("detector")
    return export(checkpoint(folder, DETECTION), folder / "bundle", pages=receipts)


@pytest.fixture(scope="module")
def recognizer(receipts: Path, parts: None, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("recognizer")
    return export(checkpoint(folder, RECOGNITION), folder / "bundle", pages=receipts)


def test_a_detector_becomes_a_bundle_that_finds_the_same(detector: Exported, receipts: Path) -> None:
    bundle, found = detector
    assert (found.pages, found.synthetic, found.is_enough) == (4, False, False)
    assert found.items > 5
    assert found.difference < 1e-4
    loaded = load_bundle(bundle.model_path.parent, task="detection")
    assert loaded.card == bundle.card
    assert loaded.card.charset is None
    assert loaded.card.start == StartRecord(name="nothing", source="scratch", licence="Apache-2.0")
    assert "Exported from epoch-03.ckpt at epoch 3: graph and network agree on" in loaded.card.notes
    images = [load_image(path) for path in sorted((receipts / "img").iterdir())]
    assert sum(map(len, Detector(loaded).detect(images))) == found.items


def test_a_recognizer_becomes_a_bundle_that_reads_the_same(recognizer: Exported) -> None:
    bundle, found = recognizer
    assert found.items > 60
    assert bundle.card.charset == list("abcd")
    stripe = np.full((8, 48, 3), 255, np.uint8)
    stripe[:, 16:32] = 64
    assert Recognizer(bundle).recognize([stripe])[0].text == "b"


def test_batch_normalisation_is_folded(detector: Exported) -> None:
    operators = [node.op_type for node in onnx.load(detector[0].model_path).graph.node]
    assert "BatchNormalization" not in operators


def test_without_data_the_gate_is_synthetic_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parity.PAGES >= parity.ENOUGH
    monkeypatch.setattr(parity, "PAGES", 2)
    bundle, found = export(checkpoint(tmp_path, DETECTION), tmp_path / "bundle")
    assert (found.pages, found.synthetic, found.is_enough) == (2, True, False)
    assert "of 2 synthetic pages" in bundle.card.notes


@pytest.mark.parametrize("model", [DETECTION, RECOGNITION], ids=["detection", "recognition"])
def test_a_graph_that_differs_is_refused_and_nothing_written(
    model: dict, tmp_path: Path, receipts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = checkpoint(tmp_path, model)

    def wrong(network: torch.nn.Module, card: object) -> bytes:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(1.02)
        return onnx_graph(network, card)

    monkeypatch.setattr(exporting, "onnx_graph", wrong)
    with pytest.raises(ParityError, match=r"differ|reads"):
        export(path, tmp_path / "bundle", pages=receipts)
    assert not (tmp_path / "bundle").exists()


class Doctored:
    """A model whose output is changed by a function."""

    def __init__(self, model: OnnxModel, change: Callable[[Array], Array]) -> None:
        self.model, self.change, self.output_shape = model, change, model.output_shape

    def run(self, batch: Array) -> Array:
        return self.change(self.model.run(batch))


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        (
            "detector",
            lambda out: np.roll(out, 8, axis=2),
            r"differ in the box at \(\d+, \d+\), IoU 0\.|differ by",
        ),
        ("detector", lambda out: out * 0, "differ in the box|differ by"),
        ("detector", lambda out: np.where(out < 0.01, np.nan, out), "the outputs differ by nan"),
        ("recognizer", lambda out: out[:, :, [1, 0, 2, 3, 4]], r"the graph reads '.*', its network '.*'; nothing was"),
        ("recognizer", lambda out: out + 0.02, r"the outputs differ by 0\.02"),
    ],
)
def test_what_the_gate_refuses(
    task: str, change: Callable[[Array], Array], message: str, receipts: Path, request: pytest.FixtureRequest
) -> None:
    bundle, _ = request.getfixturevalue(task)
    other = Doctored(OnnxModel(bundle), change)
    with pytest.raises(ParityError, match=message):
        parity.compare(bundle, other, parity.gate_pages(receipts), synthetic=False)


def test_pages_of_the_gate(receipts: Path, ocr_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "PAGES", 2)
    spread = list(parity.gate_pages(receipts))
    assert len(spread) == 2
    assert all(page.quads for page in spread)
    words = list(parity.gate_pages(ocr_data / "words" / "iiit5k_train"))
    assert len(words) == 2 * parity.WORDS_A_PAGE
    assert all(page.quads is not None and len(page.quads) == 1 for page in words)
    plain = list(parity.gate_pages(receipts / "img"))
    assert [page.quads for page in plain] == [None, None]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"x\.png"):
        list(parity.gate_pages(tmp_path / "bad"))
    (tmp_path / "none" / "img").mkdir(parents=True)
    (tmp_path / "none" / "box").mkdir()
    with pytest.raises((ConfigError, ImageError)):
        list(parity.gate_pages(tmp_path / "none"))


def test_lines_of_plain_images_come_from_the_shipped_detector(
    tmp_path: Path, receipts: Path, monkeypatch: pytest.MonkeyPatch, plain_detector: Bundle
) -> None:
    monkeypatch.setattr(parity, "DETECTOR", str(plain_detector.model_path.parent))
    _, found = export(checkpoint(tmp_path, RECOGNITION), tmp_path / "bundle", pages=receipts / "img")
    assert found.pages == 4
    assert found.items > 0


# --- a part of the start mixed back in -----------------------------------------------------------------------------

GRAPH = DETECTION | {"network": {"_target_": "ocr.detection.graph_network.GraphDetector", "graph": "bundle:detector"}}
CTC_GRAPH = RECOGNITION | {
    "network": {
        "_target_": "ocr.recognition.graph_network.GraphRecognizer",
        "_partial_": True,
        "graph": "bundle:recognizer",
        "dictionary": None,
    }
}


def moved(path: Path, by: float) -> dict[str, torch.Tensor]:
    """Move all finite weights of a checkpoint, as a training would, and return what they were."""
    start = torch.load(path, weights_only=True)["state_dict"]
    trained = {key: value + by if value.is_floating_point() else value for key, value in start.items()}
    torch.save({"state_dict": trained}, path)
    return dict(start)


def folders(parent: Path, names: str) -> list[Path]:
    """One folder for each letter."""
    made = [parent / name for name in names]
    for folder in made:
        folder.mkdir()
    return made


@pytest.mark.parametrize("model", [GRAPH, CTC_GRAPH], ids=["detection", "recognition"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_weights_lie_between_start_and_training(model: dict, share: float, tmp_path: Path) -> None:
    path = checkpoint(tmp_path, model)
    start = moved(path, by=0.5)
    found = load_module(path, start_share=share)[0].state_dict()
    for key, value in start.items():
        expected = value + 0.5 * (1 - share) if value.is_floating_point() else value
        torch.testing.assert_close(found[key], expected)


def test_all_of_the_start_is_the_start(tmp_path: Path, receipts: Path) -> None:
    path = checkpoint(tmp_path, GRAPH)
    moved(path, by=0.01)
    bundle, _ = export(path, tmp_path / "bundle", pages=receipts, start_share=1.0)
    shipped = load_bundle("detector")
    assert "at epoch 3, 100% of its weights those it started from: graph and network agree" in bundle.card.notes
    image = np.random.default_rng(1).normal(size=(1, 3, 96, 64)).astype(np.float32)
    np.testing.assert_allclose(OnnxModel(bundle).run(image), OnnxModel(shipped).run(image), atol=1e-4)


def test_weights_may_be_the_mean_of_several_epochs(tmp_path: Path, receipts: Path) -> None:
    first, second, third = (checkpoint(folder, GRAPH) for folder in folders(tmp_path, "abc"))
    start = moved(first, by=0.3)
    moved(second, by=-0.3)
    moved(third, by=0.6)
    found = load_module(first, average=[second, third])[0].state_dict()
    halfway = load_module(first, average=[second, third], start_share=0.5)[0].state_dict()
    for key, value in start.items():
        moves = value.is_floating_point()
        torch.testing.assert_close(found[key], value + 0.2 if moves else value)
        torch.testing.assert_close(halfway[key], value + 0.1 if moves else value)
    first, second = checkpoint(tmp_path / "a", GRAPH), checkpoint(tmp_path / "b", GRAPH)
    bundle, _ = export(first, tmp_path / "bundle", pages=receipts, average=[second])
    assert "at epoch 3 (mean of it and epoch-03.ckpt): graph and network agree" in bundle.card.notes


def test_the_mean_of_different_networks_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = folders(tmp_path, "ab")
    one, other = checkpoint(here, GRAPH), checkpoint(there, DETECTION)
    assert main(["export", str(one), "--average", str(other), "--to", str(tmp_path / "bundle")]) == 2
    assert capsys.readouterr().err.startswith(f"ocr export: {other}: of another architecture or charset: ")


def test_without_a_graph_to_start_from_there_is_nothing_to_mix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkpoint(tmp_path, DETECTION)
    assert main(["export", str(path), "--to", str(tmp_path / "bundle"), "--start-share", "0.5"]) == 2
    assert capsys.readouterr().err == (
        f"ocr export: {path}: its training did not start from a graph; export without a share of it\n"
    )


def test_rows_that_the_start_did_not_have_are_not_mixed_with_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "CHARSET", Charset(("a", "\uac00")))
    path = checkpoint(tmp_path, CTC_GRAPH)
    with pytest.raises(ConfigError, match="its start did not know '\uac00', so export without a share of it"):
        load_module(path, start_share=0.5)


# --- checkpoints that cannot be exported ---------------------------------------------------------------------------


def test_a_checkpoint_without_a_card(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="no card beside"):
        export(checkpoint(tmp_path, DETECTION, bare=True), tmp_path / "bundle")


def test_a_truncated_checkpoint(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, DETECTION)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(CheckpointError, match="damaged"):
        export(path, tmp_path / "bundle")


def test_a_checkpoint_of_another_charset_or_architecture(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, RECOGNITION)
    card = json.loads(card_path(path).read_text())
    card["config"]["model"] = DETECTION
    card_path(path).write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="of another architecture or charset"):
        export(path, tmp_path / "bundle")


@pytest.mark.parametrize(
    "config", [{}, {"model": None}, {"model": {"encoder": {"model_name": "resnet18"}, "head": {}}}], ids=str
)
def test_a_checkpoint_of_the_old_code_is_one_line_with_what_it_holds(
    tmp_path: Path, config: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkpoint(tmp_path, DETECTION)
    write_card(path, replace(read_card(path), config=config))
    torch.save({"state_dict": {"model.encoder.conv1.weight": torch.ones(64, 3, 7, 7)}}, path)
    assert main(["export", str(path), "--to", str(tmp_path / "bundle")]) == 2
    assert capsys.readouterr().err == (
        f"ocr export: {path}: of the old code: its config names no model.network to load model.encoder.conv1.weight "
        "(64, 3, 7, 7) into; train it anew\n"
    )
    assert not (tmp_path / "bundle").exists()


def test_command_says_what_it_did(tmp_path: Path, receipts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = checkpoint(tmp_path, DETECTION)

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            raise SystemExit(main(["export", *map(str, arguments)]))
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    code, out, err = run(path, "--to", tmp_path / "a", "--data", receipts)
    assert code == 0
    assert out.startswith(f"{tmp_path / 'a'}: detection bundle 'plain', 0.0 MB; graph and network agree on")
    assert "compared on 4 real pages only; name 20 or more" in err
    code, out, err = run(path, "--to", tmp_path / "b", "--json", "--data", receipts)
    result = json.loads(out)
    assert (result["bundle"], result["task"], result["parity"]["pages"]) == (str(tmp_path / "b"), "detection", 4)
    assert result["sha256"] == load_bundle(tmp_path / "b").sha256
    code, out, err = run(tmp_path / "none.ckpt", "--to", tmp_path / "c")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "none.ckpt: no such checkpoint" in err


def test_weights_stored_in_half_give_the_same_from_half_the_bytes() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.Conv2d(64, 1, 3)).eval()
    round_to_half(network)
    whole = onnx_graph(network, load_bundle("detector").card)
    half = stored_in_half(whole)
    assert len(half) < 0.6 * len(whole)
    image = np.random.default_rng(1).random((1, 3, 64, 96), np.float32)
    outputs = [
        onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, {"images": image})[0]
        for graph in (whole, half)
    ]
    np.testing.assert_array_equal(*outputs)
    with torch.no_grad():
        network[0].weight[0] = 1e6
    with pytest.raises(ConfigError, match=r"0\.weight: weights beyond 65504 do not fit half precision"):
        round_to_half(network)


def test_a_bundle_in_half_precision_passes_the_gate(parts: None, receipts: Path, tmp_path: Path) -> None:
    bundle, found = export(checkpoint(tmp_path, RECOGNITION), tmp_path / "half", pages=receipts, half=True)
    assert found.items > 60
    assert bundle.sha256 == load_bundle(tmp_path / "half").sha256


# --- every kind of network -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dbnet_mobilenetv3", "ctc_small", "parseq_tiny"])
def test_networks_of_the_shipped_configs_export_at_free_sizes(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    with initialize_config_module("ocr.configs", version_base="1.3"):
        composed = compose("main", overrides=[f"model={name}"])
    model = without_pretrained(OmegaConf.to_container(OmegaConf.masked_copy(composed, "model"), resolve=True)["model"])
    module = build_module(config_of(model), CHARSET).eval()
    detection = "tokenizer" not in model
    network = ProbabilityMap(module.network).eval() if detection else module.network
    spec = module.preprocess
    card = type("Card", (), {"task": "detection" if detection else "recognition", "preprocess": spec})
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_graph(network, card))
    graph = OnnxModel(type("Bundle", (), {"model_path": path}), threads=1)
    height = spec.height or 64
    widths = [spec.width] if spec.width else [96, 160]
    for count, width in zip((3, 1), widths * 2, strict=False):
        batch = np.random.default_rng(0).standard_normal((count, 3, height, width)).astype(np.float32)
        assert np.abs(graph.run(batch) - TorchModel(network).run(batch)).max() < 1e-4


def test_example_pages_are_images(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), "white").save(tmp_path / "a.png")
    (page,) = parity.gate_pages(tmp_path)
    assert page.image.shape == (40, 40, 3)
