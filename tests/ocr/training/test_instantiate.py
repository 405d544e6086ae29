"""Building from a config: what is refused, what is translated, what arrives."""

# preflight: ignore-file[HYD001] old targets are the subject of these tests

import inspect
import re
import warnings

import pytest
import torch

from ocr.detection.loss import DBLoss
from ocr.detection.network import DBNet
from ocr.errors import ConfigError
from ocr.recognition.parseq import PARSeq
from ocr.records.legacy_targets import DROPPED_IN, LEGACY_TARGETS, current, translate
from ocr.text.charset import Charset
from ocr.text.tokenizer import ParseqTokenizer
from ocr.training.instantiate import check, find_target, instantiate, shipped_targets

SPEC = {"_target_": "ocr.specs.preprocess.PreprocessSpec", "resize": "limit", "max_side": 64}


def test_nested_nodes_lists_and_partials_are_built():
    built = instantiate(
        {
            "plain": [1, {"a": None}],
            "spec": SPEC,
            "many": [SPEC, SPEC | {"max_side": 96}],
            "optimizer": {"_target_": "torch.optim.sgd.SGD", "_partial_": True, "lr": 0.5},
        }
    )
    assert built["plain"] == [1, {"a": None}]
    assert built["spec"].max_side == 64
    assert [spec.max_side for spec in built["many"]] == [64, 96]
    assert built["optimizer"].keywords == {"lr": 0.5}
    assert instantiate(SPEC, max_side=128).max_side == 128


@pytest.mark.parametrize(
    "target",
    ["os.system", "builtins.eval", "torch.utils.collect_env.run", "multiprocessing.util.spawnv_passfds", "ocr.errors"],
)
def test_a_target_that_no_shipped_config_names_is_never_imported(target):
    with pytest.raises(ConfigError, match="is not among the targets of the shipped configs"):
        instantiate({"_target_": target, "command": "true"})


def test_a_user_may_allow_targets_of_their_own_by_exact_name(monkeypatch):
    monkeypatch.setenv("OCR_ALLOW_TARGETS", "collections.Counter,no.such.module.Thing,collections.nothing,ocr.__doc__")
    assert find_target("collections.Counter").__name__ == "Counter"
    with pytest.raises(ConfigError, match=r"no module named no"):
        find_target("no.such.module.Thing")
    with pytest.raises(ConfigError, match=r"collections has no nothing"):
        find_target("collections.nothing")
    with pytest.raises(ConfigError, match=r"ocr.__doc__ cannot be called"):
        find_target("ocr.__doc__")


def test_all_wrong_keys_are_reported_at_once_with_their_source():
    config = {"a": SPEC | {"max_sid": 3}, "b": [{"_target_": "os.system"}], "c": SPEC | {"zzz": 1}}
    with pytest.raises(ConfigError) as caught:
        check(config, lambda key: f"file-of-{key}")
    first, second, third = str(caught.value).split(" | ")
    assert first.startswith(
        "file-of-a.max_sid: a.max_sid: ocr.specs.preprocess.PreprocessSpec has no parameter max_sid"
    )
    assert first.endswith("did you mean max_side?")
    assert second.startswith("file-of-b.0._target_: b.0: _target_ os.system is not among")
    assert "c.zzz" in third
    assert "it takes colour_order, " in third


def test_a_value_that_the_target_refuses_and_a_missing_one_name_the_target():
    with pytest.raises(ConfigError, match=r"PreprocessSpec: .*max_side"):
        instantiate(SPEC | {"max_side": -1})
    with pytest.raises(ConfigError, match=r"ocr.nn.backbones.timm_backbone.TimmBackbone: missing a required argument"):
        instantiate({"_target_": "ocr.nn.backbones.timm_backbone.TimmBackbone", "name": "resnet18"})


def test_every_shipped_target_names_the_module_that_defines_it():
    for name in sorted(shipped_targets()):
        found = find_target(name)
        assert f"{found.__module__}.{found.__qualname__}" == name


OLD_DETECTOR = {
    "_target_": "ocr.core.models.architecture.OCRModel",
    "encoder": {
        "_target_": "ocr.core.models.encoder.timm_backbone.TimmBackbone",
        "model_name": "resnet18",
        "pretrained": False,
        "output_indices": [1, 2, 3, 4],
    },
    "decoder": {
        "_target_": "ocr.domains.detection.models.decoders.fpn_decoder.FPNDecoder",
        "in_channels": [64, 128, 256, 512],
        "inner_channels": 64,
        "out_channels": 256,
    },
    "head": {
        "_target_": "ocr.domains.detection.models.heads.db_head.DBHead",
        "in_channels": 256,
        "upscale": 4,
        "binarization_threshold": 0.3,
    },
    "loss": {"_target_": "ocr.domains.detection.models.loss.db_loss.DBLoss", "alpha": 5.0},
}
OLD_RECOGNIZER = {
    "_target_": "ocr.domains.recognition.models.architecture.PARSeq",
    "encoder": {"_target_": "ocr.core.models.encoder.timm_backbone.TimmBackbone", "model_name": "resnet18"},
    "vocab_size": 1000,
}


def test_configs_of_the_old_layout_still_build():
    with torch.device("meta"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecationWarning)
        check({"model": OLD_DETECTOR, "loss": OLD_DETECTOR["loss"], "recognizer": OLD_RECOGNIZER})
        detector = instantiate(OLD_DETECTOR)
        loss = instantiate(OLD_DETECTOR["loss"])
        recognizer = instantiate(OLD_RECOGNIZER, tokenizer=ParseqTokenizer(charset=Charset.default()))
    assert (type(detector), type(loss), type(recognizer)) == (DBNet, DBLoss, PARSeq)
    assert detector(torch.empty(1, 3, 64, 64, device="meta")).probability_logits.shape == (1, 1, 64, 64)
    said = " ".join(str(warning.message) for warning in caught)
    assert "ocr.core.models.architecture.OCRModel is now ocr.detection.network.DBNet" in said
    assert "DBHead is now ocr.nn.heads.db_head.DBHead, which does not take in_channels, upscale" in said
    assert f"dropped in version {DROPPED_IN}" in said


@pytest.mark.parametrize("old", LEGACY_TARGETS)
def test_every_old_name_has_a_new_one_that_takes_its_keys(old):
    renamed = LEGACY_TARGETS[old]
    with pytest.warns(DeprecationWarning, match=f"{re.escape(old)} is now {re.escape(renamed.now)}"):
        node = current({"_target_": old})
    check({"node": node})
    assert renamed.now in shipped_targets()
    known = inspect.signature(find_target(renamed.now)).parameters
    assert set((renamed.keys or {}).values()) <= set(known)


def test_what_has_no_old_name_is_left_alone():
    config = {"x": [SPEC], "y": "torch.optim.Adam", "_target_": 3}
    assert translate(config) == config
