"""The standards of the registry, brought in line with the headers of the files that hold them."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aqms import document, registry_schema
from aqms.registry import LOCATION, SHIPPED, RegistryError, Standard, build, read, semantic_problems
from durable.replace import write_text
from findings import safe_yaml

FOLDER = "AgentQMS/standards"


@dataclass(frozen=True)
class Delta:
    """What a sync changes: ids that are new, gone, or told differently by their file."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether the registry says what the files say."""
        return not (self.added or self.removed or self.changed)


def scan(root: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Entries by id of all files with a header below the folder of standards, and what is wrong with headers."""
    entries: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    for path in sorted((root / FOLDER).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in (".md", ".yaml", ".yml") or not path.is_file() or name == LOCATION:
            continue
        try:
            header = _header(path)
        except (OSError, *safe_yaml.ERRORS) as error:
            problems.append(f"{name}: cannot be read ({' '.join(str(error).split())}); mend it")
            continue
        if "id" not in header:
            problems.append(f"{name}: its header has no id; add id and tier")
        elif str(header["id"]) in entries:
            problems.append(
                f"{name}: id {header['id']} is that of {entries[str(header['id'])]['file']} too; give it a new one"
            )
        else:
            entries[str(header["id"])] = _entry(name, header)
    return entries, problems


def _header(path: Path) -> dict[str, Any]:
    text = document.decode(path.read_bytes())
    if path.suffix == ".md":
        parsed = document.parse(text, path.name)
        if parsed.problem:
            raise ValueError(parsed.problem[1])
        return parsed.fields
    content = safe_yaml.load(text)
    if not isinstance(content, dict):
        raise ValueError("it is not a mapping")
    return content


def _entry(name: str, header: dict[str, Any]) -> dict[str, Any]:
    """The registry's entry for a header; older headers have `keywords` beside `triggers`, and `path_patterns`."""
    given = header.get("triggers")
    triggers = given if isinstance(given, dict) else {}
    found = {
        "tasks": triggers.get("tasks"),
        "keywords": [*_list(header.get("keywords")), *_list(triggers.get("keywords"))],
        "paths": triggers.get("paths") or triggers.get("path_patterns"),
    }
    lists = {key: list(dict.fromkeys(map(str, _list(values)))) for key, values in found.items()}
    entry = {
        "file": name,
        "tier": header.get("tier"),
        "description": str(header.get("description") or header.get("title") or ""),
        "dependencies": [str(other) for other in _list(header.get("dependencies"))],
        "triggers": {key: values for key, values in lists.items() if values},
    }
    return {key: value for key, value in entry.items() if value not in (None, "", [], {})}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def delta(old: Mapping[str, Standard], entries: Mapping[str, dict[str, Any]], content: Mapping[str, Any]) -> Delta:
    """How the entries differ from those of the registry."""
    known = content.get("standards") or {}
    return Delta(
        tuple(sorted(entries.keys() - old.keys())),
        tuple(sorted(old.keys() - entries.keys())),
        tuple(sorted(name for name in entries.keys() & old.keys() if known.get(name) != entries[name])),
    )


def sync(root: Path, *, dry_run: bool) -> tuple[Delta, list[str]]:
    """Make the registry's standards those that the files describe; returns what changed and what is wrong with files.

    Nothing is written on a dry run, when a header is wrong, or when the registry would become so: RegistryError.
    """
    path = root / LOCATION
    entries, problems = scan(root)
    content, _ = read(path if path.is_file() else SHIPPED)
    broken = registry_schema.problems(content)
    if broken:
        raise RegistryError(f"{path}: {'; '.join(broken)}; mend it first")
    made = delta(build(content, path, "").standards, entries, content)
    wanted = {**content, "standards": entries}
    problems += registry_schema.problems(wanted) or semantic_problems(build(wanted, path, ""))
    if not (problems or dry_run or made.empty):
        _write(path, entries)
    return made, problems


def _write(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Replace the standards in the registry file, or in a copy of the shipped one; the rest keeps its comments."""
    from ruamel.yaml import YAML

    editor = YAML()
    editor.width = 120
    editor.preserve_quotes = True
    tree = editor.load((path if path.is_file() else SHIPPED).read_text(encoding="utf-8"))
    tree["standards"] = entries
    out = io.StringIO()
    editor.dump(tree, out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, out.getvalue())
