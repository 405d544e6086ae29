"""Where a run begins: what resume= and start= find, what they load, what cards then say."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import timm
import torch
from huggingface_hub import constants
from onnx import TensorProto, helper, numpy_helper

from ocr.bundles.bundle import load_bundle, write_bundle
from ocr.bundles.card import BundleCard
from ocr.detection.graph_network import GraphDetector
from ocr.errors import CardError, CheckpointError, ConfigError, RecordError
from ocr.records.checkpoint import file_sha256, read_card
from ocr.records.find import checkpoint_path
from ocr.records.layout import card_path
from ocr.records.run import read_record
from ocr.schema import to_json
from ocr.specs.postprocess import PostprocessSpec
from ocr.specs.preprocess import PreprocessSpec
from ocr.text.charset import Charset
from ocr.training import weights
from ocr.training.build import build_module, load_module
from ocr.training.hydra_app import compose, resolve
from ocr.training.start import (
    keep_graph,
    load_start,
    start_of,
    with_kept_graph,
    with_start_graph,
)


def test_a_module_is_rebuilt_from_checkpoint_and_card_alone(tiny, tiny_home):
    tiny("trainer.max_epochs=2", "callbacks=[default,ema]", f"hydra.run.dir={tiny_home / 'run'}")
    best = tiny_home / "run" / "checkpoints" / "best.ckpt"
    module, card = load_module(best)
    assert not module.training
    for name, value in weights.load(best)["state_dict"].items():
        torch.testing.assert_close(module.state_dict()[name], value)
    assert card.run_id == read_record(tiny_home / "run").id

    real = best.resolve()
    wider = replace(card, config=card.config | {"model": wider_network(card.config["model"])})
    card_path(real).write_text(to_json(wider))
    with pytest.raises(
        CheckpointError, match=r"network\.layers\.0\.weight has shape \(8, 4\), the model \(16, 4\).* more"
    ):
        load_module(real)
    card_path(real).write_text("{}")
    with pytest.raises(CardError, match="Field required; ocr checkpoints doctor writes it anew"):
        load_module(real)
    card_path(real).unlink()
    with pytest.raises(CardError, match="no card beside"):
        load_module(real)


def wider_network(model):
    return model | {"network": model["network"] | {"width": 16}}


def test_a_checkpoint_is_named_by_file_folder_id_latest_or_best(tiny, tiny_home):
    root = tiny_home / "outputs"
    for name in ("a", "b"):
        tiny("trainer.max_epochs=1", f"hydra.run.dir={root / name}")
    (root / "b" / "checkpoints" / "last.ckpt").unlink()
    last = (root / "a" / "checkpoints" / "last.ckpt").resolve()
    run_id = read_record(root / "a").id
    for name in (str(last), str(root / "a"), run_id, run_id[:-1], "latest", f"best@run_id={run_id}"):
        assert checkpoint_path(name, [root]) == last
    with pytest.raises(RecordError, match=r"holds no checkpoints/last\.ckpt"):
        checkpoint_path(str(root / "b"), [root])
    with pytest.raises(RecordError, match=r"2: means 2 runs"):
        checkpoint_path("2", [root])
    with pytest.raises(RecordError, match="no such file, folder or run"):
        checkpoint_path("nothing", [root])
    with pytest.raises(RecordError, match="no whole checkpoint with a score fits 'epoch=7'"):
        checkpoint_path("best@epoch=7", [root])


def test_a_start_of_another_shape_or_without_a_charset_is_refused(tmp_path):
    layer = torch.nn.Linear(2, 2)
    torch.save({"state_dict": {"weight": torch.ones(3, 2), "other": torch.ones(1)}}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError) as caught:
        load_start(layer, tmp_path / "a.ckpt")
    for part in ("bias is missing", "other is not part of the model", "weight has shape (3, 2), the model (2, 2)"):
        assert part in str(caught.value)
    recognizer = build_module(resolve(compose(["model=ctc_small", "data=synthetic_recognition"])), charset())
    with pytest.raises(CheckpointError, match="names no charset"):
        load_start(recognizer, tmp_path / "a.ckpt")


def charset(characters="abc"):
    from ocr.text.charset import Charset

    return Charset(tuple(characters))


def test_a_recognizer_starts_from_one_with_other_characters(tmp_path):
    config = resolve(compose(["model=ctc_small", "data=synthetic_recognition"]))
    source, target = build_module(config, charset("abc")), build_module(config, charset("cad"))
    checkpoint = {"state_dict": source.state_dict()}
    source.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, tmp_path / "a.ckpt")
    load_start(target, tmp_path / "a.ckpt")
    theirs, ours = source.network.head.weight, target.network.head.weight
    # Blank is class 0; c and a moved, d is new.
    torch.testing.assert_close(ours[[0, 1, 2]], theirs[[0, 3, 1]])
    torch.testing.assert_close(target.network.stem[0].weight, source.network.stem[0].weight)
    assert start_of(config | {"start": str(tmp_path / "a.ckpt")}).licence == "unknown: the start has no card"


@pytest.fixture
def graph(tmp_path) -> Path:
    """A detector of one convolution, as an ONNX file."""
    kernel = numpy_helper.from_array(torch.rand(1, 3, 3, 3).numpy(), "kernel")
    shape = ["n", 3, "h", "w"]
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Conv", ["x", "kernel"], ["logits"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
                helper.make_node("Sigmoid", ["logits"], ["y"]),
            ],
            "detector",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, "h", "w"])],
            [kernel],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    onnx.save(model, tmp_path / "graph.onnx")
    return tmp_path / "graph.onnx"


def test_the_graph_a_network_is_made_from_is_kept_beside_its_checkpoints(tmp_path, graph):
    config = resolve(compose(["model=dbnet_graph", f"model.network.graph={graph}"]))
    keep_graph(config, tmp_path / "checkpoints")
    graph.unlink()
    kept = with_kept_graph(config, tmp_path / "checkpoints")
    assert isinstance(build_module(kept).network, GraphDetector)
    assert with_kept_graph(config, tmp_path) is config
    plain = resolve(compose(["model=dbnet_resnet18"]))
    keep_graph(plain, tmp_path / "none")
    assert with_kept_graph(plain, tmp_path / "checkpoints") is plain
    assert not (tmp_path / "none").exists()


def test_a_recognizer_built_from_what_was_kept_starts_from_the_same_weights(tmp_path):
    """The shipped bundle's charset does not end with the space, as dictionary files do."""
    config = resolve(compose(["model=ctc_graph", "data=synthetic_recognition"]))
    charset = Charset(tuple(load_bundle("recognizer").card.charset))
    keep_graph(config, tmp_path)
    first, again = (build_module(one, charset).network for one in (config, with_kept_graph(config, tmp_path)))
    assert first.new_characters == again.new_characters == []
    for name, value in first.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, equal_nan=True)


def test_a_bundle_can_be_the_start_of_a_model_that_takes_a_graph(tmp_path, graph):
    folder = tmp_path / "my_detector"
    card = BundleCard(
        name="mine",
        task="detection",
        architecture="Conv",
        preprocess=PreprocessSpec(resize="limit", max_side=64, multiple=32),
        postprocess=PostprocessSpec(),
        licence="CC0-1.0",
        weights_sha256=file_sha256(graph),
    )
    write_bundle(folder, graph, card)
    config = with_start_graph(resolve(compose(["model=dbnet_graph", f"start={folder}"])))
    assert config["start"] is None
    assert config["model"]["network"]["graph"] == str(folder / "model.onnx")
    assert isinstance(build_module(config).network, GraphDetector)
    said = start_of(config)
    assert (said.name, said.licence) == ("mine", "CC0-1.0")
    with pytest.raises(
        ConfigError, match="a bundle is a graph, which this model cannot take up; add model=dbnet_graph"
    ):
        with_start_graph(resolve(compose(["model=dbnet_resnet18", f"start={folder}"])))


def test_cards_say_where_a_graph_came_from(graph):
    def said(name):
        return start_of({"model": {"network": {"graph": name}}})

    assert said(str(graph)).licence == "unknown: the start has no card"
    # Any installed package will do: the record is made from its metadata.
    record = said("package:torch/some/file.onnx")
    assert record.source == f"package torch {torch.__version__.split('+')[0]}"
    assert "BSD" in record.licence
    assert start_of({"model": {"network": {}}}) is None


def published(cache, name, repository):
    """Put weights of the timm network `name` into a hub cache, as a download would have left them."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    torch.save(timm.create_model(name).state_dict(), folder / "snapshots" / ("0" * 40) / "pytorch_model.bin")


def test_cards_name_the_published_weights_a_backbone_started_from(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    config = resolve(compose(["model=dbnet_mobilenetv3"]))
    assert start_of(config, build_module(config)) is None  # nothing to be had: from scratch

    name = config["model"]["network"]["backbone"]["name"]
    published(tmp_path, name, timm.get_pretrained_cfg(name).hf_hub_id)
    said = start_of(config, build_module(config))
    assert said.name == f"{name}.lamb_in1k"
    assert said.source == f"timm {timm.__version__}: timm/{name}.lamb_in1k"
    assert said.licence == "apache-2.0"

    torch.save(build_module(config).network.backbone.network.state_dict(), tmp_path / "weights.pth")
    config["model"]["network"]["backbone"]["pretrained"] = str(tmp_path / "weights.pth")
    said = start_of(config, build_module(config))
    assert (said.name, said.source) == ("weights", str(tmp_path / "weights.pth"))


def test_the_card_of_the_start_goes_into_the_next(tiny, tiny_home):
    tiny("+trainer.max_steps=1", "name=first", f"hydra.run.dir={tiny_home / 'a'}")
    start = tiny_home / "a" / "checkpoints" / "last.ckpt"
    tiny("+trainer.max_steps=1", f"start={start}", f"hydra.run.dir={tiny_home / 'b'}")
    tiny("+trainer.max_steps=2", f"resume={tiny_home / 'b'}", f"hydra.run.dir={tiny_home / 'b'}")
    for file in (tiny_home / "b" / "checkpoints").glob("*00000?*.ckpt"):
        assert read_card(file).start.name == "first"


def of_the_old_code(state):
    """A network whose parts have other names, as before `encoder`, `decoder` and `head` were rebuilt."""
    return {"model.encoder.conv1.weight": torch.ones(3), "model.head.binarize.0.weight": torch.ones(2)}, {}


def of_another_width(state):
    return {**state, "network.layers.0.weight": torch.ones(16, 4), "network.layers.0.bias": torch.ones(16)}, {}


def without_progress(state):
    return state, {"optimizer_states": None, "loops": None}


RESUMED = {
    of_the_old_code: "of another architecture or charset: network.layers.0.weight is missing; network.layers.0.bias is "
    "missing; model.encoder.conv1.weight is not part of the model; model.head.binarize.0.weight is not part of the "
    "model and 7 more; name the model it was trained with",
    of_another_width: "network.layers.0.weight has shape (16, 4), the model (8, 4); network.layers.0.bias has shape",
    without_progress: "holds no loops, optimizer_states, so training cannot go on from it; start=",
}


@pytest.mark.parametrize("change", RESUMED)
def test_what_cannot_be_gone_on_from_is_one_line_that_says_what_differs(tiny, tiny_home, change):
    tiny("+trainer.max_steps=1", f"hydra.run.dir={tiny_home / 'a'}")
    content = torch.load(tiny_home / "a" / "checkpoints" / "last.ckpt", weights_only=True)
    state, changes = change(content["state_dict"])
    content = {key: value for key, value in (content | changes).items() if value is not None} | {"state_dict": state}
    old = tiny_home / "epoch-03_step-000100.ckpt"
    torch.save(content, old)
    outcome = tiny("+trainer.max_steps=2", f"resume={old}", f"hydra.run.dir={tiny_home / 'b'}", code=2)
    (line,) = (line for line in outcome.err.splitlines() if line.startswith("ocr train: "))
    assert line.startswith(f"ocr train: {old}: ")
    assert RESUMED[change] in line
    assert "Traceback" not in outcome.err
    assert read_record(tiny_home / "b").status == "failed"
