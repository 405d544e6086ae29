"""The Hydra application: where runs go, which configs are found, and errors as one line."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from findings.counted import counted
from ocr.errors import ConfigError, OcrError, RecordError
from ocr.records.find import checkpoint_path
from ocr.records.layout import RECORD
from ocr.records.liveness import true_status
from ocr.records.run import claim_folder, new_run_id, read_record
from ocr.training.config_sources import explain, override_key
from ocr.training.instantiate import VERSION_BASE

TREE = "pkg://ocr.configs"
RUN_ID_VARIABLE = "OCR_RUN_ID"

_claimed: dict[str, Path] = {}
_ids: dict[str, str] = {}


def is_first_process() -> bool:
    """Whether this process is the one that claims folders and keeps records; the others of DDP are not."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "RANK", "GROUP_RANK"))


def register_resolvers() -> None:
    """Make ``ocr.run_dir``, ``ocr.run_folder`` and ``ocr.run_id`` known to configs; call before composing one."""
    for name, resolver in (("run_dir", _run_dir), ("run_folder", _run_folder), ("run_id", _run_id)):
        OmegaConf.register_new_resolver(f"ocr.{name}", resolver, replace=True)


def _run_dir(root: str) -> str:
    """Claim a folder under `root` on first use; the same one for the rest of this process."""
    if root not in _claimed:
        _claimed[root] = claim_folder(Path(root))
    return str(_claimed[root])


def _run_folder() -> str:
    """Folder of the running job, or ``outputs`` where a config is composed without running it."""
    hydra_config = HydraConfig.instance().cfg
    folder = None if hydra_config is None else OmegaConf.select(hydra_config, "hydra.runtime.output_dir")
    return str(folder or Path("outputs").absolute())


def _run_id() -> str:
    """Id of the running job: made once for its folder, or that of the run which the folder already holds."""
    if not is_first_process() and RUN_ID_VARIABLE in os.environ:
        return os.environ[RUN_ID_VARIABLE]
    folder = _run_folder()
    if folder not in _ids:
        held = Path(folder, RECORD)
        _ids[folder] = read_record(Path(folder)).id if held.exists() else new_run_id()
    return _ids[folder]


def compose(overrides: Sequence[str] = (), *, config_name: str = "main") -> DictConfig:
    """Compose a config as the command line would, without running anything; ConfigError says what is wrong."""
    register_resolvers()
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_module("ocr.configs", **VERSION_BASE):
            return hydra.compose(config_name, overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error, overrides, _all_keys)) from error


def resolve(config: DictConfig) -> dict[str, Any]:
    """The config as plain values with every interpolation filled in; ConfigError when one cannot be."""
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(explain(error, (), _all_keys)) from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def launch(task: Callable[[DictConfig], object], argv: Sequence[str], *, script: Path) -> None:
    """Run `task` as the Hydra application with the overrides in `argv`.

    `script` is what other processes of the same run (DDP) are started with. Raises ConfigError or RecordError for what
    is wrong with the overrides or the folder they name, and whatever the task raises.
    """
    register_resolvers()
    _refuse_taken_folder(argv)
    argv = _with_local_configs(_with_resumed_overrides(argv))
    sys.argv = [str(script), *argv]
    # Without it Hydra prints its own account of an error, several lines, and exits with 1.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    failures: list[OcrError] = []

    @functools.wraps(task)
    def guarded(config: DictConfig) -> None:
        # Hydra adds lines of its own to an error that passes through it, and a sweep should try its other jobs.
        try:
            task(config)
        except OcrError as error:
            failures.append(error)

    try:
        hydra.main(config_path=TREE, config_name="main", **VERSION_BASE)(guarded)()
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error, argv, _all_keys)) from error
    if len(failures) > 1:
        raise ConfigError(f"{counted(len(failures), 'job')} failed: " + " | ".join(map(str, failures)))
    if failures:
        raise failures[0]


def _with_local_configs(argv: Sequence[str]) -> list[str]:
    """A ``configs/`` folder of the working directory joins the search path, unless another one is named."""
    named = any(argument.split("=")[0] in ("--config-dir", "-cd") for argument in argv)
    local = Path("configs")
    return [*argv] if named or not local.is_dir() else ["--config-dir", str(local.absolute()), *argv]


def _with_resumed_overrides(argv: Sequence[str]) -> list[str]:
    """With ``resume=``, what the resumed run was told comes first, so that it need not be said again."""
    values = _values(argv)
    name = values.get("resume", "null")
    if name == "null" or not is_first_process():
        return [*argv]
    folder = checkpoint_path(name.strip("\"'"), [Path(values.get("paths.root", "outputs"))]).parent.parent
    if not (folder / RECORD).exists():  # a checkpoint that was moved out of its run
        return [*argv]
    said = {override_key(argument) for argument in argv} | {"resume"}
    return [override for override in read_record(folder).overrides if override_key(override) not in said] + [*argv]


def _values(argv: Sequence[str]) -> dict[str, str]:
    return {override_key(argument): argument.partition("=")[2] for argument in argv if "=" in argument}


def _refuse_taken_folder(argv: Sequence[str]) -> None:
    """Stop before Hydra writes into the folder of another run."""
    values = _values(argv)
    folder = values.get("hydra.run.dir", "").strip("\"'")
    if not folder or "${" in folder or not is_first_process() or not Path(folder, RECORD).exists():
        return
    if values.get("resume", "null") == "null":
        raise RecordError(f"{folder}: holds a run already; choose another hydra.run.dir, or add resume={folder}")
    record = read_record(Path(folder))
    if true_status(Path(folder), record.model_dump()) == "running":
        raise RecordError(
            f"{folder}: its run is still going on (process {record.pid} on {record.host}); stop that first, or choose "
            "another hydra.run.dir"
        )


def _all_keys() -> dict[str, Any]:
    known: dict[str, Any] = {}

    def collect(node: Any, prefix: str) -> None:
        for name, child in node.items():
            known[prefix + str(name)] = child
            if isinstance(child, dict):
                collect(child, f"{prefix}{name}.")

    collect(OmegaConf.to_container(compose(), resolve=False), "")
    return known


def config_text(config: DictConfig) -> str:
    """The config as YAML, interpolations kept, but with the run's id written out."""
    copy = config.copy()
    if OmegaConf.select(copy, "run") is not None:
        copy.run.id = str(config.run.id)
    return str(OmegaConf.to_yaml(copy))
