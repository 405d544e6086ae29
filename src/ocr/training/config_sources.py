"""Which file a key of the running config comes from, and what Hydra's errors mean, on one line."""

import difflib
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue

# What a value is that only the user can give, by its key.
_GIVEN = {"data.root": "the folder that `ocr data split` or, for recognition, `ocr data crops` wrote to"}


def override_key(override: str) -> str:
    """The key or group that a command-line override sets."""
    return override.lstrip("+~").partition("=")[0]


def explain(error: Exception, overrides: Sequence[str], all_keys: Callable[[], dict[str, Any]]) -> str:
    """What Hydra or OmegaConf says, on one line; with the nearest right name for a key that is not there.

    `all_keys` gives the keys there are, dotted, with their values.
    """
    chain = [error] + ([error.__cause__] if isinstance(error.__cause__, Exception) else [])
    text = " ".join(" ".join(str(part).split()) for part in chain)
    key = getattr(chain[-1], "full_key", None)
    missing = next((e for e in chain if isinstance(e, MissingMandatoryValue | InterpolationToMissingValueError)), None)
    if missing is not None and (key := key or getattr(missing, "full_key", None)):
        meaning = f", {_GIVEN[key]}" if key in _GIVEN else ""
        return f"{key_source(key)}: {key} has no value; give {key}=...{meaning}"
    unknown = next((o.split("=")[0] for o in overrides if f"'{o.split('=')[0]}'" in text), None)
    if "not in struct" not in text or not (key or unknown):
        return text.partition(" Config search path:")[0]
    wanted = unknown or str(key)
    known = all_keys()
    near = difflib.get_close_matches(wanted, known, 1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else "see `ocr train --cfg job` for what there is"
    target = _target_of(wanted, known)
    return f"command line: {wanted}: there is no such key{target}; {advice} +{wanted}=... adds a key"


def _target_of(key: str, known: dict[str, Any]) -> str:
    target = known.get(f"{key.rpartition('.')[0]}._target_")
    return f" of {target}" if target else ""


def key_source(key: str) -> str:
    """The file in which the running job's config got `key`, or ``command line``."""
    if HydraConfig.instance().cfg is None:
        return "config"
    hydra_config = HydraConfig.get()
    if any(override_key(o) == key for o in hydra_config.overrides.task):
        return "command line"
    sources = [source for source in hydra_config.runtime.config_sources if source.path]
    # Each with what it is called in messages: the shipped tree lies where its user does not look.
    folders = [
        (files(source.path), "configs") if source.schema == "pkg" else (Path(source.path), source.path)
        for source in sources
    ]
    found = "main.yaml"
    for group, choice in hydra_config.runtime.choices.items():
        if choice is None or group.startswith("hydra/"):
            continue
        group, _, package = group.partition("@")
        for option in choice if isinstance(choice, list | tuple) or OmegaConf.is_list(choice) else [choice]:
            file, place = f"{group}/{option}.yaml", package or group.replace("/", ".")
            where = next((shown for folder, shown in folders if _defines(folder, file, place, key)), None)
            found = f"{where}/{file}" if where else found
    return found


def _defines(folder: Traversable, file: str, package: str, key: str) -> bool:
    """Whether `file` exists under `folder` and sets `key`."""
    path = folder.joinpath(*file.split("/"))
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    if header := re.match(r"#\s*@package\s+(\S+)", text):
        package = "" if header[1] == "_global_" else header[1]
    if package and not key.startswith(package + "."):
        return False
    node = yaml.load(text, Loader=yaml.CSafeLoader)
    for part in key.removeprefix(package + ".").split(".") if package else key.split("."):
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return False
    return True
