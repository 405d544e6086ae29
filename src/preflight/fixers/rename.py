"""Rename or move a module or one of its names: code, configs and documents in one go, or not at all."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from findings.fix import Change
from preflight.analysis.audit import Audit
from preflight.api import UseError
from preflight.files import context
from preflight.fixers import lead, mentions
from preflight.fixers.code import Code
from preflight.fixers.mentions import Mention
from preflight.fixers.module_code import ModuleRename
from preflight.fixers.name_code import NameRename
from preflight.source.extract import decode
from preflight.source.folders import Place


@dataclass(frozen=True, slots=True)
class Rename:
    """What to do: texts to change and, for a module, the file to move; `unsure` are places that were left alone."""

    changes: tuple[Change, ...]
    move: tuple[str, str] | None = None
    unsure: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """The files that hold the old name, and what became of them."""

    code: dict[str, Code] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)


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
    if defined.name != name:
        raise UseError(f"{old}: another name for {defined.dotted}, which is what can be renamed")
    return _name(audit, holder.places[0], old, new)


def _module(audit: Audit, old: str, new: str, place: Place) -> Rename:
    if audit.project.resolver.absolute(new).status == "found":
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
    if place.kind == "package" and new.startswith(f"{old}."):
        raise UseError(f"{new}: a package cannot be moved into itself")
    if (audit.project.root / target).exists():
        raise UseError(f"{target}: is there already")
    rename = ModuleRename(audit, place, old, new)
    work = _read(audit, old, rename.moves)
    if "." not in old:
        for code in work.code.values():
            rename.note_uses(code)
    for code in work.code.values():
        rename.rewrite(code)
    _write(work, _module_finder(audit, old, new, place, root), _targets(audit, old, new, place))
    if f"{source}i" in audit.project.tree.python:
        work.unsure.append(f"{source}i")  # a stub, which is not moved along
    return Rename(tuple(work.changes), (source, target), _documents_first(work.unsure))


def _module_finder(audit: Audit, old: str, new: str, place: Place, root: str) -> Callable[[str, str], list[Mention]]:
    """Finds the module in the text of a file; one word is sure only where it names a member of a package."""
    folder = place.kind == "package"

    def sure(whole: str) -> bool:
        member = whole[len(old) + 1 :].partition(".")[0]
        return "." in old or (folder and audit.project.resolver.lookup(place, member).status == "found")

    def there(whole: str) -> bool:
        return "." in old or (folder and (audit.project.root / root / whole).exists())

    path = mentions.Path(root, old.replace(".", "/"), new.replace(".", "/"), folder, there)

    def find(name: str, text: str) -> list[Mention]:
        by_path = [] if name.endswith((".py", ".pyi")) else list(mentions.paths(text, path))
        taken = {mention.start for mention in by_path}
        return [*by_path, *(found for found in mentions.names(text, old, new, sure) if found.start not in taken)]

    return find


def _name(audit: Audit, place: Place, old: str, new: str) -> Rename:
    """Rename a definition: where its module, or one that passes it on, gives the name, and as a dotted path."""
    name, new_name = old.rpartition(".")[2], new.rpartition(".")[2]
    work = _read(audit, old, lambda path: path == place.path)
    rename = NameRename(audit, place, name, new_name)
    rename.refuse_tables()
    dotted = {old}
    for path, code in work.code.items():
        rename.rewrite(code)
        if rename.means(lead.place_of(path), name):
            dotted.add(audit.project.resolver.join(lead.place_of(path), name))
    for target in audit.targets.all:  # a config may name it through a re-export
        found = audit.targets.lead(target.text).defined
        if found is not None and found.place == place and found.name == name:
            dotted.add(target.text)

    def find(_path: str, text: str) -> list[Mention]:
        pairs = [(written, f"{written.rpartition('.')[0]}.{new_name}") for written in sorted(dotted)]
        return [found for pair in pairs for found in mentions.names(text, *pair, lambda _whole: True)]

    _write(work, find, {})
    for path, code in work.code.items():
        work.unsure += [f"{path}:{line}" for line in rename.unsure(code)]
    return Rename(tuple(work.changes), None, _documents_first(work.unsure))


def _documents_first(places: list[str]) -> tuple[str, ...]:
    """Configs and documents before strings in code, of which there may be many."""
    return tuple(sorted(dict.fromkeys(places), key=lambda place: ".py:" in place))


def _targets(audit: Audit, old: str, new: str, place: Place) -> dict[str, list[tuple[int, str, str]]]:
    """`_target_` values below a module of one word, by file: line, and the value before and after."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    resolution = audit.project.resolver.absolute(old)
    for target in audit.targets.all if "." not in old and place in resolution.places else ():
        if target.text.startswith(f"{old}."):
            found.setdefault(target.path, []).append((target.line, target.text, new + target.text[len(old) :]))
    return found


def _read(audit: Audit, old: str, inside: Callable[[str], bool]) -> _Work:
    """Files that hold the last word of a name, and those `inside` what is renamed, whose relative imports matter."""
    tree = audit.project.tree
    work = _Work()
    word = old.rpartition(".")[2]
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    for path in (*tree.python, *tree.yaml, *tree.other, *tree.scripts, *tree.notebooks):
        data = audit.project.data(path) if context(path) != "history" else None
        if data is None or (word.encode() not in data and not inside(path)):
            continue
        python = path.endswith((".py", ".pyi"))
        text = decode(data)[0] if python else _text(data)
        summary = audit.project.summary(path) if python else None
        if text is None or (python and (summary is None or summary.error is not None)):
            work.unsure += [path] if old.encode() in data else []
        elif path.endswith(".ipynb"):
            work.unsure += [path] if pattern.search(text) else []
        elif pattern.search(text) or inside(path):
            work.texts[path] = text
            if python:
                work.code[path] = Code(path, text)
    return work


def _text(data: bytes) -> str | None:
    """The text of a file that is text: UTF-8 without null bytes."""
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _write(
    work: _Work,
    find: Callable[[str, str], list[Mention]],
    targets: dict[str, list[tuple[int, str, str]]],
) -> None:
    """Rename in running text: strings and comments of code, and all other files; note what was left alone."""
    for path, text in work.texts.items():
        found = [*find(path, text), *_target_mentions(text, targets.get(path, []))]
        certain = {mention.start for mention in found if mention.new is not None}
        left = [mention.start for mention in found if mention.new is None and mention.start not in certain]
        code = work.code.get(path)
        if code is None:
            made = mentions.replaced(text, found)
        else:
            covered, strings = code.covered(), code.strings()
            for start, end, new in found:
                if new is not None and not _inside(start, covered):
                    code.edits.setdefault((start, end), new)
            left = [start for start in left if _inside(start, strings) and not _inside(start, covered)]
            made = code.result()
        lines = sorted({text.count("\n", 0, start) + 1 for start in left})
        work.unsure += [f"{path}:{line}" for line in lines]
        if made != text:
            work.changes.append(Change(path, text, made))


def _inside(offset: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= offset < end for start, end in spans)


def _target_mentions(text: str, targets: list[tuple[int, str, str]]) -> list[Mention]:
    found = []
    lines = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]
    for line, old, new in targets:
        word = old.partition(".")[0]
        start = text.find(old, lines[line - 1])
        if start >= 0:
            found.append(Mention(start, start + len(word), new[: len(new) - len(old) + len(word)]))
    return found
