"""Plant one breakage at a time in a copy of a repository, and count which of them the audit finds.

Sites are chosen by a plain reading of the files (paths and syntax trees), not by the resolver under test. A mutant
counts as found when the audit reports something of the expected codes that it did not report before.

    python benchmarks/mutants.py FOLDER... --count 100 --seed 1
"""

import argparse
import ast
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from findings.engine import Outcome
from findings.selection import Selection
from preflight import api
from preflight.analysis.audit import Audit
from preflight.cache import Cache
from preflight.project import Project
from preflight.settings import Settings

IMPORTS = ("IMP001", "IMP002", "IMP003")
TARGETS = ("HYD001", "HYD002")


@dataclass(frozen=True)
class Mutant:
    """One breakage: what is done to which file (None deletes it), and the codes that may report it."""

    kind: str
    path: str
    text: str | None
    codes: tuple[str, ...]
    note: str
    moved_to: str = ""


class Repository:
    """A repository as the mutator reads it: modules by dotted path, imports and definitions by syntax tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: dict[str, str] = {}
        self.trees: dict[str, ast.Module] = {}
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if any(part in name.split("/") for part in ("docs", "outputs", ".hydra", "build")):
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            try:
                self.trees[name] = ast.parse(text)
            except (SyntaxError, ValueError):
                continue
            self.texts[name] = text
        self.yaml = {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
            for pattern in ("*.yaml", "*.yml")
            for path in sorted(root.rglob(pattern))
            if not any(part in ("docs", "outputs", ".hydra") for part in path.relative_to(root).parts)
        }
        # where code takes the class of any node by itself, a wrong keyword is not surely a breakage
        self.takes_classes = any(re.search(r"get_class\(\w+(?:\.|\[\")_target_", text) for text in self.texts.values())
        self.modules = self._modules()
        self.imports = list(self._imports())

    def _modules(self) -> dict[str, str]:
        """Dotted name -> path: from below `src`, else from above the topmost of a row of `__init__.py`."""
        found = {}
        for path in self.texts:
            parts = path.removesuffix(".py").split("/")
            start = len(parts) - 1
            while start > 0 and "/".join([*parts[:start], "__init__.py"]) in self.texts:
                start -= 1
            if start > 0 and "src" in parts[:start]:  # a namespace package: folders below src without `__init__.py`
                start = parts.index("src") + 1
            names = parts[start:] if parts[-1] != "__init__" else parts[start:-1]
            if len(names) > 1 and all(name.isidentifier() for name in names):
                found[".".join(names)] = path
        return found

    def _imports(self) -> Iterator[tuple[str, ast.ImportFrom, ast.alias]]:
        """Unguarded `from module import name` at the top of files, of modules of this repository."""
        for path, tree in self.trees.items():
            for node in tree.body:
                if isinstance(node, ast.ImportFrom) and not node.level and node.module in self.modules:
                    for alias in node.names:
                        if alias.name != "*":
                            yield path, node, alias

    def defines(self, path: str, name: str) -> ast.stmt | None:
        """The only top-level class or function of this name."""
        found = [
            node
            for node in self.trees[path].body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        ]
        return found[0] if len(found) == 1 and self.texts[path].count(f" {name}") >= 1 else None


def misspelled(name: str, chance: random.Random) -> str:
    """The name with two letters changed."""
    position = chance.randrange(max(len(name) - 1, 1))
    return f"{name[:position]}q{name[position:]}z"


def rename(repository: Repository, chance: random.Random) -> Mutant | None:
    """Rename a definition that another file imports."""
    path, node, alias = chance.choice(repository.imports)
    target = repository.modules[node.module or ""]
    definition = repository.defines(target, alias.name)
    dynamic = "__getattr__" in repository.texts[target] or "import *" in repository.texts[target]
    if definition is None or target == path or dynamic:
        return None
    rows = repository.texts[target].split("\n")
    line = definition.lineno - 1
    rows[line] = re.sub(rf"\b{alias.name}\b", f"{alias.name}Renamed", rows[line], count=1)
    if any(re.search(rf"^\s*{alias.name}\s*=", row) for row in rows):
        return None
    return Mutant("rename", target, "\n".join(rows), (*IMPORTS, *TARGETS), f"{alias.name} (imported by {path})")


def delete(repository: Repository, chance: random.Random) -> Mutant | None:
    """Delete a module that another file imports."""
    path, node, _ = chance.choice(repository.imports)
    target = repository.modules[node.module or ""]
    if target == path or target.endswith("__init__.py"):
        return None
    return Mutant("delete", target, None, (*IMPORTS, *TARGETS), f"{node.module} (imported by {path})")


def move(repository: Repository, chance: random.Random) -> Mutant | None:
    """Move a module that another file imports."""
    mutant = delete(repository, chance)
    if mutant is None:
        return None
    folder, _, name = mutant.path.rpartition("/")
    return Mutant("move", mutant.path, None, mutant.codes, mutant.note, f"{folder}/moved_{name}")


def misspell_import(repository: Repository, chance: random.Random) -> Mutant | None:
    """Misspell the module or the name of an import."""
    path, node, alias = chance.choice(repository.imports)
    rows = repository.texts[path].split("\n")
    if chance.random() < 0.5:
        line, old = node.lineno - 1, (node.module or "").rpartition(".")[2]
    else:
        line, old = alias.lineno - 1, alias.name
        target = repository.texts[repository.modules[node.module or ""]]
        if "__getattr__" in target or "import *" in target:
            return None
    new = misspelled(old, chance)
    changed = re.sub(rf"\b{old}\b(?!\s*\.)", new, rows[line], count=1)
    if changed == rows[line]:
        return None
    rows[line] = changed
    return Mutant("misspell import", path, "\n".join(rows), IMPORTS, f"{old} -> {new}, line {line + 1}")


def misspell_target(repository: Repository, chance: random.Random) -> Mutant | None:
    """Misspell the last part of a target whose module and class are in this repository."""
    sites = [
        (path, found)
        for path, text in repository.yaml.items()
        for found in re.finditer(r"^[ \t-]*_target_:[ \t]*([\w.]+)[ \t]*$", text, re.MULTILINE)
        if found[1].rpartition(".")[0] in repository.modules
        and repository.defines(repository.modules[found[1].rpartition(".")[0]], found[1].rpartition(".")[2])
    ]
    if not sites:
        return None
    path, found = chance.choice(sites)
    parts = found[1].split(".")
    place = chance.choice([len(parts) - 1, len(parts) - 2])
    parts[place] = misspelled(parts[place], chance)
    text = repository.yaml[path]
    made = text[: found.start(1)] + ".".join(parts) + text[found.end(1) :]
    return Mutant("misspell target", path, made, TARGETS, f"{found[1]} -> {'.'.join(parts)}")


def misspell_keyword(repository: Repository, chance: random.Random) -> Mutant | None:
    """Misspell a keyword of a node whose class has a plain constructor in this repository."""
    site = _keyword_site(repository, chance, required=False)
    if site is None:
        return None
    path, row, key, target = site
    rows = repository.yaml[path].split("\n")
    new = misspelled(key, chance)
    rows[row] = rows[row].replace(f"{key}:", f"{new}:", 1)
    return Mutant("misspell keyword", path, "\n".join(rows), ("HYD005",), f"{target}: {key} -> {new}")


def drop_keyword(repository: Repository, chance: random.Random) -> Mutant | None:
    """Remove a keyword that the constructor requires."""
    site = _keyword_site(repository, chance, required=True)
    if site is None:
        return None
    path, row, key, target = site
    rows = repository.yaml[path].split("\n")
    if row + 1 < len(rows) and _indent(rows[row + 1]) > _indent(rows[row]):
        return None
    del rows[row]
    return Mutant("drop keyword", path, "\n".join(rows), ("HYD006",), f"{target}: {key}")


def misspell_default(repository: Repository, chance: random.Random) -> Mutant | None:
    """Misspell the option of an entry in a defaults list whose file lies where the entry says."""
    sites = []
    for path, text in repository.yaml.items():
        folder = path.rpartition("/")[0]
        for found in re.finditer(r"^[ \t]*- ([a-z_]+): ([a-z_0-9]+)[ \t]*$", text, re.MULTILINE):
            option = f"{folder}/{found[1]}/{found[2]}.yaml".lstrip("/")
            if f"override {found[1]}:" in text or f"override /{found[1]}:" in text:
                continue  # the misspelled choice would not count
            if "defaults:" in text[: found.start()] and option in repository.yaml and not found[1].startswith("hydra"):
                sites.append((path, found))
    if not sites:
        return None
    path, found = chance.choice(sites)
    text = repository.yaml[path]
    new = misspelled(found[2], chance)
    made = text[: found.start(2)] + new + text[found.end(2) :]
    return Mutant("misspell default", path, made, ("HYD008",), f"{found[1]}: {found[2]} -> {new}")


def _keyword_site(repository: Repository, chance: random.Random, *, required: bool) -> tuple[str, int, str, str] | None:
    if repository.takes_classes:
        return None
    path = chance.choice([path for path, text in repository.yaml.items() if "_target_:" in text] or [""])
    rows = repository.yaml.get(path, "").split("\n")
    sites = []
    for number, row in enumerate(rows):
        found = re.match(r"([ \t-]*)_target_:[ \t]*([\w.]+)[ \t]*$", row)
        names = _constructor(repository, found[2]) if found else None
        if found is None or names is None:
            continue
        depth = len(found[1])
        for other in range(number + 1, len(rows)):
            if rows[other].strip() and _indent(rows[other]) < depth:
                break
            key = re.match(rf"[ \t]{{{depth}}}([a-z_]\w*):", rows[other])
            if key is None or key[1] not in names:
                continue
            group = f"{path.rpartition('/')[0]}/{key[1]}/"  # with such a group, another config may give the key
            optional = not names[key[1]] or any(name.startswith(group) for name in repository.yaml)
            if not (required and optional):
                sites.append((path, other, key[1], found[2]))
    return chance.choice(sites) if sites else None


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def _constructor(repository: Repository, target: str) -> dict[str, bool] | None:
    """Parameters of a plain `__init__` (no decorators, no `**kwargs`) and whether they are required."""
    module, _, name = target.rpartition(".")
    path = repository.modules.get(module)
    definition = repository.defines(path, name) if path else None
    if not isinstance(definition, ast.ClassDef) or definition.decorator_list or definition.keywords:
        return None
    for node in definition.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = node.args
            if arguments.kwarg or arguments.vararg or node.decorator_list:
                return None
            names = [a.arg for a in arguments.args][1:]
            optional = names[len(names) - len(arguments.defaults) :] if arguments.defaults else []
            found = {name: name not in optional for name in names}
            pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            return found | {argument.arg: default is None for argument, default in pairs}
    return None


KINDS: tuple[Callable[[Repository, random.Random], Mutant | None], ...] = (
    rename,
    delete,
    move,
    misspell_import,
    misspell_target,
    misspell_keyword,
    drop_keyword,
    misspell_default,
)


def audit(root: Path, cache: Cache) -> Outcome:
    """A whole audit, all severities, that shares what was read with the last one."""
    project = Project(root, Settings(), use_cache=False)
    cache.known |= cache.used
    project.cache = cache
    return api.run(
        api.Request(root, selection=Selection(min_severity="info"), use_baseline=False),
        Audit(project, fixes=False),
    )


def run(root: Path, count: int, seed: int, log: list[dict[str, object]]) -> Counter[tuple[str, bool]]:
    """Plant `count` mutants in a copy of a repository; (kind, found) counts."""
    chance = random.Random(seed)
    results: Counter[tuple[str, bool]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / root.name
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(".preflight_cache", ".git", "*.ipynb"))
        repository = Repository(copy)
        cache = Cache(copy, enabled=False)
        cache.enabled, cache.save = True, lambda: None  # type: ignore[method-assign]
        before = Counter(finding.identity for finding in audit(copy, cache).findings)
        tries = 0
        while sum(results.values()) < count and tries < 60 * count:
            tries += 1
            mutant = KINDS[tries % len(KINDS)](repository, chance) if repository.imports else None
            if mutant is None or (mutant.text is not None and mutant.path.endswith(".py") and not _parses(mutant.text)):
                continue
            found = _try(copy, mutant, cache, before)
            results[mutant.kind, found] += 1
            log.append(
                {"repository": root.name, "kind": mutant.kind, "path": mutant.path, "note": mutant.note, "found": found}
            )
    return results


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _try(root: Path, mutant: Mutant, cache: Cache, before: Counter[tuple[str, str, str]]) -> bool:
    path = root / mutant.path
    old = path.read_bytes()
    moved = root / mutant.moved_to if mutant.moved_to else None
    try:
        if mutant.text is None:
            path.unlink()
        else:
            path.write_text(mutant.text, encoding="utf-8")
        if moved is not None:
            moved.write_bytes(old)
        after = Counter(finding.identity for finding in audit(root, cache).findings)
    finally:
        path.write_bytes(old)
        if moved is not None:
            moved.unlink(missing_ok=True)
    return any(count > before[key] and key[0] in mutant.codes for key, count in after.items())


def main() -> None:
    """Print a table of kinds by repository, and what was missed."""
    parser = argparse.ArgumentParser(description="Recall on planted breakages.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="write every mutant as a JSON line")
    options = parser.parse_args()
    log: list[dict[str, object]] = []
    print("| repository | mutants | found | " + " | ".join(kind.__name__.replace("_", " ") for kind in KINDS) + " |")
    print("|---" * (len(KINDS) + 3) + "|")
    for folder in options.folders:
        results = run(folder.resolve(), options.count, options.seed, log)
        cells = []
        for kind in KINDS:
            name = kind.__name__.replace("_", " ")
            total = results[name, True] + results[name, False]
            cells.append(f"{results[name, True]}/{total}" if total else "-")
        total, found = sum(results.values()), sum(count for (_, good), count in results.items() if good)
        print(f"| {folder.name} | {total} | {found} | {' | '.join(cells)} |", flush=True)
    for entry in log:
        if not entry["found"]:
            print("missed:", entry["repository"], entry["kind"], entry["path"], entry["note"], file=sys.stderr)
    if options.log:
        options.log.write_text("".join(f"{json.dumps(entry)}\n" for entry in log), encoding="utf-8")


if __name__ == "__main__":
    main()
