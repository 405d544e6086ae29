"""Backbones, necks and heads fit together, and their shapes are what the rest relies on."""

import functools
import logging
import math
from threading import Event, Thread

import pytest
import torch
from huggingface_hub import constants

from ocr.detection.network import DBNet
from ocr.errors import ConfigError
from ocr.nn.backbones import timm_backbone
from ocr.nn.backbones.timm_backbone import TimmBackbone
from ocr.nn.heads.db_head import PRIOR, DBHead
from ocr.nn.interfaces import BaseDecoder, BaseEncoder, BaseHead
from ocr.nn.necks.asf import ASF
from ocr.nn.necks.fpn import FPN
from ocr.nn.necks.pan import PAN

BACKBONES = ["resnet18", "resnet50", "mobilenetv3_small_100", "mobilenetv3_large_100", "tf_efficientnet_lite0"]
STRIDES = (4, 8, 16, 32)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_gives_four_maps_and_says_their_channels(name: str) -> None:
    with torch.device("meta"):
        backbone = TimmBackbone(name=name, pretrained=False, out_indices=[1, 2, 3, 4])
        features = backbone(torch.zeros(2, 3, 64, 96))
    assert isinstance(backbone, BaseEncoder)
    assert [f.shape for f in features] == [
        (2, c, 64 // s, 96 // s) for c, s in zip(backbone.channels, STRIDES, strict=True)
    ]


@pytest.mark.parametrize("neck", [FPN, PAN, ASF])
def test_a_neck_merges_them_at_the_finest(neck: type[BaseDecoder]) -> None:
    channels = [16, 24, 48, 96]
    built = neck(in_channels=channels, channels=32)
    features = [torch.randn(2, c, 64 // s, 96 // s, requires_grad=True) for c, s in zip(channels, STRIDES, strict=True)]
    merged = built(features)
    assert built.channels == 32
    assert merged.shape == (2, 32, 16, 24)
    merged.square().sum().backward()
    assert all(feature.grad.abs().sum() > 0 for feature in features)


@pytest.mark.parametrize("neck", [FPN, PAN, ASF])
def test_channels_that_cannot_be_shared_are_refused(neck: type[BaseDecoder]) -> None:
    with pytest.raises(ValueError, match="30 cannot be shared by 4 levels"):
        neck(in_channels=[8, 8, 8, 8], channels=30)


def test_adaptive_scale_fusion_weighs_every_level_between_none_and_all() -> None:
    torch.manual_seed(0)
    neck = ASF(in_channels=[8, 8, 8, 8], channels=32).eval()
    features = [torch.randn(1, 8, 64 // s, 64 // s) for s in STRIDES]
    plain, weighted = neck.pyramid(features), neck(features)
    ratio = (weighted / plain)[plain.abs() > 1e-3]
    assert (ratio > 0).all()
    assert (ratio < 1).all()


def test_the_head_starts_at_its_prior_and_gives_a_threshold_in_training_only() -> None:
    torch.manual_seed(0)
    head = DBHead(in_channels=64)
    features = torch.randn(2, 64, 16, 24)
    maps = head(features)
    assert isinstance(head, BaseHead)
    assert maps.probability_logits.shape == maps.threshold.shape == (2, 1, 64, 96)
    assert float(maps.probability_logits.detach().mean()) == pytest.approx(math.log(PRIOR / (1 - PRIOR)), abs=0.3)
    assert 0 <= maps.threshold.min() <= maps.threshold.max() <= 1
    assert head.eval()(features).threshold is None


def test_maps_are_float32_under_autocast() -> None:
    head = DBHead(in_channels=16)
    with torch.autocast("cpu", torch.bfloat16):
        maps = head(torch.randn(1, 16, 8, 8))
    assert maps.probability_logits.dtype == maps.threshold.dtype == torch.float32


@pytest.mark.parametrize("neck", [FPN, PAN, ASF])
def test_the_network_sizes_its_parts_and_takes_any_size(neck: type[BaseDecoder]) -> None:
    torch.manual_seed(0)
    network = DBNet(
        backbone=TimmBackbone(name="mobilenetv3_small_100", pretrained=False, out_indices=[1, 2, 3, 4]),
        neck=functools.partial(neck, channels=32),
        head=DBHead,
    ).eval()
    with torch.no_grad():
        for height, width in ((64, 96), (32, 160)):
            assert network(torch.zeros(1, 3, height, width)).probability_logits.shape == (1, 1, height, width)


def test_a_network_that_timm_lacks_is_named() -> None:
    with pytest.raises(ValueError, match="timm has no network resnet_17"):
        TimmBackbone(name="resnet_17", pretrained=False, out_indices=[1])


def test_weights_come_from_a_file_by_name_or_by_order(tmp_path) -> None:
    torch.manual_seed(1)
    theirs = TimmBackbone(name="mobilenetv3_small_050", pretrained=False, out_indices=[1, 2, 3, 4]).network.state_dict()
    # As other code for the same network would save it: other names, no counters, a classifier at the end.
    other = {f"_layer{n}": t for n, (key, t) in enumerate(theirs.items()) if not key.endswith("num_batches_tracked")}
    for number, state in enumerate((theirs, {"state_dict": theirs}, other | {"_fc": torch.zeros(10, 7)})):
        path = tmp_path / f"{number}.pth"
        torch.save(state, path)
        built = TimmBackbone(name="mobilenetv3_small_050", pretrained=str(path), out_indices=[1, 2, 3, 4])
        for key, tensor in built.network.state_dict().items():
            assert torch.equal(tensor, theirs[key]), key


def test_a_file_that_does_not_fit_is_refused(tmp_path) -> None:
    def build(source: str) -> TimmBackbone:
        return TimmBackbone(name="mobilenetv3_small_050", pretrained=source, out_indices=[1, 2, 3, 4])

    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    (tmp_path / "damaged.pth").write_bytes(b"no weights")
    (tmp_path / "empty.pth").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"weights of another network than mobilenetv3_small_050: conv_stem"):
        build(str(tmp_path / "other.pth"))
    for name in ("damaged.pth", "empty.pth"):
        with pytest.raises(ConfigError, match="holds no weights"):
            build(str(tmp_path / name))
    with pytest.raises(ConfigError, match="there is no file"):
        build(str(tmp_path / "absent.pth"))
    with pytest.raises(ConfigError, match="package no_such_package is not installed"):
        build("package:no_such_package/x.pth")


def test_without_a_connection_training_starts_from_scratch_and_says_so(monkeypatch, tmp_path, caplog) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        TimmBackbone(name="resnet18", pretrained=True, out_indices=[4])
    assert "starting from scratch" in caplog.text
    assert constants.HF_HUB_OFFLINE is False


def test_a_host_that_never_answers_is_waited_for_once_and_briefly(monkeypatch) -> None:
    monkeypatch.setattr(timm_backbone, "CONNECT_SECONDS", 0.2)

    given_up = Event()
    answered = []

    def hang(*_: object, **__: object) -> None:
        answered.append(given_up.wait(60))
        raise TimeoutError

    monkeypatch.setattr(timm_backbone.urllib.request, "urlopen", hang)
    assert not timm_backbone._host_answers()
    assert not answered
    given_up.set()


def test_a_host_that_answers_is_asked(monkeypatch) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    assert timm_backbone._host_answers()
    server.shutdown()
    server.server_close()
