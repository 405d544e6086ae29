"""Settings: `[tool.preflight]` in pyproject.toml, or the same keys at the top of preflight.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from preflight.source.patterns import Pattern


class SettingsError(ValueError):
    """Settings cannot be used; the message names file, key and remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project decides about its audit.

    `roots` adds source roots to those found; `exclude` are folders or glob patterns left out; `optional` are names of
    packages that every use must guard; `fqn` switches HYD003 on; `forbid` holds the patterns of PAT001; `scripts` are
    the folders that `preflight scripts` looks at; `config_roots` are Hydra config folders that no entry point names.
    """

    roots: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    config_roots: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ("scripts",)
    critical: tuple[str, ...] = ()
    fqn: bool = False
    max_file_kb: int = 2048
    import_budget_ms: int = 1000
    baseline: str = "preflight-baseline.json"
    python: str = ""
    forbid: tuple[Pattern, ...] = ()
    import_budgets: tuple[tuple[str, int], ...] = ()


def load(root: Path) -> Settings:
    """The settings of the repository at `root`; SettingsError for unknown keys and wrong types.

    A pyproject.toml that does not parse has no settings here: rule SRC001 reports it.
    """
    for name, section in (("preflight.toml", ()), ("pyproject.toml", ("tool", "preflight"))):
        path = root / name
        if not path.is_file():
            continue
        try:
            data: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            if name == "preflight.toml":
                raise SettingsError(f"{name}: {error}; correct the file") from error
            continue
        for key in section:
            data = data.get(key, {}) if isinstance(data, dict) else {}
        if data or not section:
            return parse(data, f"{name}: {'.'.join(section) or 'settings'}")
    return Settings()


def parse(data: Mapping[str, Any], where: str) -> Settings:
    """Check a table of settings."""
    kinds = {field.name: field for field in fields(Settings)}
    values: dict[str, Any] = {}
    for raw, value in data.items():
        key = raw.replace("-", "_")
        if key not in kinds:
            near = get_close_matches(key, kinds, 1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(sorted(kinds))}"
            raise SettingsError(f"{where}: unknown key '{raw}'{hint}")
        if key == "forbid":
            values[key] = tuple(
                pattern for name, table in _table(where, key, value).items() for pattern in _forbid(where, name, table)
            )
        elif key == "import_budgets":
            values[key] = tuple((str(name), int(ms)) for name, ms in _table(where, key, value).items())
        else:
            values[key] = _plain(where, raw, value, Settings.__dataclass_fields__[key].default)
    return Settings(**values)


def _table(where: str, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where}: '{key}' must be a table")
    return value


def _plain(where: str, key: str, value: Any, default: Any) -> Any:
    if isinstance(default, tuple):
        if isinstance(value, str) or not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise SettingsError(f"{where}: '{key}' must be a list of strings")
        return tuple(value)
    if type(value) is not type(default):
        raise SettingsError(f"{where}: '{key}' must be of type {type(default).__name__}, like {default!r}")
    return value


def _forbid(where: str, name: str, table: Any) -> list[Pattern]:
    """One entry of `[tool.preflight.forbid.NAME]`: one of shape, name, import, regex, with a remedy."""
    place = f"{where}.forbid.{name}"
    if not isinstance(table, dict):
        raise SettingsError(f"{place}: must be a table with 'remedy' and one of shape, name, import, regex")
    kinds = [kind for kind in ("shape", "name", "import", "regex") if kind in table]
    unknown = sorted(set(table) - {"shape", "name", "import", "regex", "remedy", "exclude"})
    if unknown:
        raise SettingsError(
            f"{place}: unknown key '{unknown[0]}'; known are shape, name, import, regex, remedy, exclude"
        )
    if len(kinds) != 1 or not isinstance(table.get("remedy"), str):
        raise SettingsError(f"{place}: needs 'remedy' and exactly one of shape, name, import, regex")
    kind, given = kinds[0], table[kinds[0]]
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SettingsError(f"{place}: '{kind}' must be a string or a list of strings")
    exclude = tuple(table.get("exclude", ()))
    for value in values:
        _check_pattern(place, kind, value)
    return [Pattern(name, kind, value, table["remedy"], exclude) for value in values]


def _check_pattern(place: str, kind: str, value: str) -> None:
    try:
        if kind == "regex":
            re.compile(value)
        elif kind == "shape":
            compile(value, "<shape>", "eval", flags=0x400)  # parse only
    except (re.error, SyntaxError) as error:
        raise SettingsError(f"{place}: '{value}' is not a valid {kind} ({error})") from error
