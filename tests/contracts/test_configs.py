"""Every experiment and every option of every config group composes, fits its targets and builds."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from ocr.errors import BundleError, ConfigError
from ocr.text.charset import Charset
from ocr.training.build import build_module, optimizer_of, scheduler_of, without_pretrained
from ocr.training.hydra_app import compose, resolve
from ocr.training.instantiate import check

TREE = Path(str(files("ocr.configs")))
# Hydra's own groups are options of the application, not of a run.
OPTIONS = sorted(
    path.relative_to(TREE).with_suffix("").as_posix()
    for path in TREE.rglob("*.yaml")
    if path.parent != TREE and path.relative_to(TREE).parts[0] != "hydra"
)


@cache
def is_recognizer(model: str) -> bool:
    return str(compose([f"model={model}"]).model._target_).endswith("RecognitionModule")


def overrides_for(option: str) -> list[str]:
    """The option, with what it needs beside it: a data set of the model's task, a model of the data set's."""
    group, _, name = option.rpartition("/")
    if group == "experiment":
        chosen = [f"experiment={name}"]
    elif group == "model":
        chosen = [f"model={name}", f"data=synthetic_{'recognition' if is_recognizer(name) else 'detection'}"]
    elif group == "data":
        chosen = [f"data={name}", f"model={'ctc_small' if name.endswith('recognition') else 'dbnet_resnet18'}"]
    elif group in ("callbacks", "logger"):
        chosen = [f"{group}=[{name}]"]
    else:
        chosen = [f"{group}={name}"]
    config = compose(chosen)
    return [*chosen, "data.root=nowhere"] if OmegaConf.is_missing(config.data, "root") else chosen


def test_the_tree_has_its_documented_groups():
    groups = {option.split("/")[0] for option in OPTIONS}
    documented = "experiment model data dataloaders hardware callbacks trainer paths logger train"
    assert groups == set(documented.split())
    assert {"experiment/det_resnet50_v1", "experiment/rec_baseline_v1"} <= set(OPTIONS)
    assert {"experiment/det_receipt", "experiment/rec_receipt"} <= set(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_option_composes_fits_its_targets_and_builds(option):
    config = resolve(compose(overrides_for(option)))
    if option == "train/optimizer/none":
        with pytest.raises(ConfigError, match="there is no optimizer"):
            optimizer_of(config)
        return
    config["data"].pop("root", None)
    check(config)
    optimizer_of(config)
    scheduler_of(config)
    # A published graph is converted with its weights, which the meta device cannot hold.
    with torch.device("cpu" if "graph" in config["model"]["network"] else "meta"):
        try:
            module = build_module(without_pretrained(config), Charset.default())
        except BundleError as error:
            pytest.skip(f"starts from a bundle that is not shipped: {error}")
    assert sum(parameter.numel() for parameter in module.parameters()) > 10_000


@pytest.mark.parametrize("path", sorted(TREE.rglob("*.yaml")), ids=lambda p: p.relative_to(TREE).as_posix())
def test_what_the_command_line_adds_is_left_out_of_the_trainer(path):
    text = path.read_text()
    for key in ("fast_dev_run:", "max_steps:", "overfit_batches:", "limit_"):
        assert key not in text


@pytest.mark.parametrize("preset", ["cpu", "cpu_bf16", "gpu_12gb", "h100"])
def test_hardware_presets_are_safe(preset):
    config = resolve(compose([f"hardware={preset}"]))
    on_gpu = config["trainer"]["accelerator"] == "gpu"
    assert on_gpu == (not preset.startswith("cpu"))
    # fp16 was seen to cost accuracy and needs loss scaling; bf16 needs neither.
    assert config["trainer"]["precision"] == ("32-true" if preset == "cpu" else "bf16-mixed")
    assert config["dataloaders"]["pin_memory"] == on_gpu
    assert 0 < config["dataloaders"]["num_workers"] <= 16
    assert config["data"]["batch_size"] == config["dataloaders"]["detection_batch_size"] >= 2
