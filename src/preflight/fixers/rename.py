"""Rename or move a module or one of its names: code, configs and documents in one go, or not at all."""

import ast
import posixpath
import re
from dataclasses import dataclass

from findings.fix import Change
from preflight.analysis.audit import Audit
from preflight.api import UseError
from preflight.files import context
from preflight.fixers.imports import rows
from preflight.source.folders import Place


@dataclass(frozen=True, slots=True)
class Rename:
    """What to do: texts to change and, for a module, the file to move."""

    changes: tuple[Change, ...]
    move: tuple[str, str] | None = None


def plan(audit: Audit, old: str, new: str) -> Rename:
    """How to rename `old` to `new` (dotted names); UseError when `old` is not there or `new` is taken."""
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", new) or old == new:
        raise UseError(f"{new}: not a dotted name to move to")
    resolver = audit.project.resolver
    found = resolver.absolute(old)
    if found.status == "found":
        return _module(audit, old, new, found.places[0])
    module, _, name = old.rpartition(".")
    holder = resolver.absolute(module) if module else found
    defined = resolver.define(holder.places[0], name) if holder.status == "found" else None
    if defined is None or defined.place != holder.places[0] or defined.kind not in ("class", "def", "var"):
        raise UseError(f"{old}: no module, class or function of this repository; give the module that defines it")
    new_module, _, new_name = new.rpartition(".")
    if new_module != module:
        raise UseError(
            f"{new}: a name can be renamed in its module '{module}'; to move it, cut and paste the code, then run fix"
        )
    if resolver.lookup(holder.places[0], new_name).status == "found":
        raise UseError(f"{new}: is there already")
    return Rename(_name_changes(audit, holder.places[0], module, name, new_name))


def _module(audit: Audit, old: str, new: str, place: Place) -> Rename:
    resolver = audit.project.resolver
    if resolver.absolute(new).status == "found":
        raise UseError(f"{new}: is there already")
    if place.kind == "package":
        source = posixpath.dirname(place.path)
        suffix = ""
    elif place.kind == "module":
        source, suffix = place.path, ".py"
    else:
        raise UseError(f"{old}: a {place.kind}, which cannot be moved")
    root = source.removesuffix(suffix)[: -len(old.replace(".", "/"))]
    target = f"{root}{new.replace('.', '/')}{suffix}"
    changes = []
    for path, text in _texts(audit):
        made = _rewrite(audit, path, text, old, new)
        if made != text:
            changes.append(Change(path, text, made))
    return Rename(tuple(changes), (source, target))


def _texts(audit: Audit) -> list[tuple[str, str]]:
    """Files whose text may name a module: code, configs, documents, build and CI files."""
    tree = audit.project.tree
    paths = [*tree.python, *tree.yaml, *tree.other, *tree.scripts]
    return [(p, text) for p in paths if context(p) != "history" and (text := audit.project.text(p)) is not None]


def _rewrite(audit: Audit, path: str, text: str, old: str, new: str) -> str:
    made = re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w])", new, text)
    slashed_old, slashed_new = old.replace(".", "/"), new.replace(".", "/")
    if not path.endswith((".py", ".pyi")):
        made = re.sub(rf"(?<![\w]){re.escape(slashed_old)}(?=\.py\b|/)", slashed_new, made)
    summary = audit.project.summary(path) if path.endswith((".py", ".pyi")) else None
    if summary is None or summary.error is not None:
        return made
    return _imports(audit, path, made, old, new)


def _imports(audit: Audit, path: str, text: str, old: str, new: str) -> str:
    """`from parent import module` and relative imports, which do not spell the whole name."""
    parent, _, own = old.rpartition(".")
    new_parent, _, new_own = new.rpartition(".")
    tree = ast.parse(text)
    lines = rows(text)
    renamed = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = _absolute(audit, path, node)
        if node.level and (module == old or module.startswith(f"{old}.")):
            whole = new + module[len(old) :]
            lines[node.lineno - 1] = re.sub(r"from\s+\.+[\w.]*", f"from {whole}", lines[node.lineno - 1], count=1)
        elif module == parent and len(node.names) == 1 and node.names[0].name == own and node.end_lineno == node.lineno:
            local = node.names[0].asname
            written = f" as {local}" if local else f" as {own}" if new_own != own else ""
            row = lines[node.lineno - 1]
            indent = row[: len(row) - len(row.lstrip())]
            rest = row[node.end_col_offset or len(row) :]
            lines[node.lineno - 1] = f"{indent}from {new_parent} import {new_own}{written}{rest}"
            renamed = True
        elif module == parent and any(alias.name == own for alias in node.names):
            raise UseError(
                f"{path}:{node.lineno}: '{own}' is imported together with others; give it a line of its own first"
            )
    newline = "\r\n" if "\r\n" in text else "\n"
    joined = newline.join(lines)
    return joined if joined != text or renamed else text


def _absolute(audit: Audit, path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    folder = path.split("/")[:-1]
    base = "/".join(folder[: max(len(folder) - node.level + 1, 0)])
    start = audit.project.resolver.dotted(Place("namespace", base)) if base else ""
    return ".".join(part for part in (start, node.module or "") if part)


def _name_changes(audit: Audit, place: Place, module: str, old: str, new: str) -> tuple[Change, ...]:
    """Rename a definition: in its module, in files that import it, and as a dotted path everywhere."""
    changes = []
    dotted = {f"{module}.{old}"}
    for target in audit.targets.all:  # a config may name it through a re-export
        lead = audit.targets.lead(target.text)
        if lead.defined is not None and lead.defined.place == place and lead.defined.name == old:
            dotted.add(target.text)
    for path, text in _texts(audit):
        made = text
        for written in sorted(dotted):
            made = re.sub(rf"(?<![\w.]){re.escape(written)}(?!\w)", f"{written.rpartition('.')[0]}.{new}", made)
        if path.endswith((".py", ".pyi")) and (path == place.path or _imports_name(audit, path, place, old)):
            made = _rename_names(made, old, new)
        if made != text:
            changes.append(Change(path, text, made))
    return tuple(changes)


def _imports_name(audit: Audit, path: str, place: Place, name: str) -> bool:
    summary = audit.project.summary(path)
    for item in summary.imports if summary and summary.error is None else ():
        if item.name == name:
            defined = [
                audit.project.resolver.define(p, name) for p in audit.project.resolver.imported(item, path).places
            ]
            if any(found.place == place for found in defined):
                return True
    return False


def _rename_names(text: str, old: str, new: str) -> str:
    """Every use of a plain name in one file: names, import aliases, the definition itself and `__all__`."""
    tree = ast.parse(text)
    lines = [row.encode() for row in rows(text)]
    places: set[tuple[int, int]] = set()
    for node in ast.walk(tree):
        if (isinstance(node, ast.Name) and node.id == old) or (isinstance(node, ast.alias) and node.name == old):
            places.add((node.lineno, node.col_offset))
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == old:
            row = lines[node.lineno - 1]
            places.add((node.lineno, row.index(old.encode(), node.col_offset)))
        elif isinstance(node, ast.Constant) and node.value == old:
            places.add((node.lineno, node.col_offset + 1))
    for line, column in sorted(places, reverse=True):
        row = lines[line - 1]
        if row[column : column + len(old)] == old.encode():
            lines[line - 1] = row[:column] + new.encode() + row[column + len(old) :]
    newline = "\r\n" if "\r\n" in text else "\n"
    return newline.join(row.decode() for row in lines)
