"""Building from a config: what is refused, what is translated, what arrives."""

import pytest

from ocr.errors import ConfigError
from ocr.records.legacy_targets import DROPPED_IN, LEGACY_TARGETS, translate_targets
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


def test_old_names_are_translated_with_a_warning_that_names_the_new_one():
    for old, new in LEGACY_TARGETS.items():
        with pytest.warns(DeprecationWarning, match=f"{old} is now {new}; .* {DROPPED_IN}"):
            assert find_target(old) is find_target(new)
    with pytest.warns(DeprecationWarning, match="torch.optim.Adam is now"):
        config = translate_targets({"x": [{"_target_": "torch.optim.Adam", "lr": 1}], "y": "torch.optim.Adam"})
    assert config == {"x": [{"_target_": "torch.optim.adam.Adam", "lr": 1}], "y": "torch.optim.Adam"}
