"""Where Hydra configs begin: entry points in code, config folders, groups and options."""

import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property

from preflight.files import context
from preflight.project import Project
from preflight.roots import clean

_USUAL = ("conf", "config", "configs", "hydra_configs", "hydra_config", "yaml", "cfg", "cfgs")


@dataclass(frozen=True, slots=True)
class Entry:
    """A primary config: the folder it is in, its name, and the code that starts with it ("" when found by layout)."""

    root: str
    name: str
    source: str = ""


@dataclass(slots=True)
class Stored:
    """What ConfigStore calls register: options by group, and groups that cannot be read."""

    options: dict[str, set[str]] = field(default_factory=dict)
    dynamic: bool = False


class ConfigTrees:
    """The config folders of a repository."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.files = {path for path in project.tree.yaml if context(path) != "history"}
        self.stored = self._read_stores()
        self.open_roots: set[str] = set()  # folders whose search path goes where the text does not show
        self._extra: dict[str, list[str]] = {}

    @cached_property
    def entries(self) -> list[Entry]:
        """Primary configs that code names, and those that lie beside them or at the top of a usual config folder."""
        found: dict[tuple[str, str], Entry] = {}
        roots: dict[str, str] = {}
        for path, summary in self.project.sources():
            for call in summary.calls:
                if call.kind == "main":
                    for root, name in self._main(path, call.data):
                        roots.setdefault(root, path)
                        if name and self.option(root, name):
                            found.setdefault((root, name), Entry(root, name, path))
                elif call.kind == "config":
                    for root in self._folders_of_call(path, call.data):
                        roots.setdefault(root, path)
        for root in self.project.settings.config_roots:
            roots.setdefault(clean(root), "settings")
        for root in self._usual_roots(set(roots)):
            roots.setdefault(root, "")
        for root, source in roots.items():
            for name in self._primaries(root):
                found.setdefault((root, name), Entry(root, name, source))
        return sorted(found.values(), key=lambda entry: (entry.root, entry.name))

    @cached_property
    def roots(self) -> list[str]:
        """Config folders, sorted."""
        return sorted({entry.root for entry in self.entries})

    def _read_stores(self) -> Stored:
        stored = Stored()
        for _, summary in self.project.sources():
            if any("ConfigStore" in name for name in summary.classes):
                continue  # the store itself, which passes on what others register
            for call in summary.calls:
                if call.kind == "store":
                    group, name = call.data[0], call.data[1]
                    if group is None or name is None:
                        stored.dynamic = True
                    else:
                        stored.options.setdefault(group.strip("/"), set()).add(name.removesuffix(".yaml"))
        return stored

    def _main(self, path: str, data: list[str | None]) -> list[tuple[str, str]]:
        where, name = data[0], data[1]
        folders = self._folders_of_call(path, ["path", where]) if where else []
        plain = name.removesuffix(".yaml").removesuffix(".yml") if name else ""
        return [(folder, plain) for folder in folders]

    def _folders_of_call(self, path: str, data: list[str | None]) -> list[str]:
        kind, where = data[0], data[1]
        if where is None:
            return []
        if kind == "module" or where.startswith("pkg://"):
            module = where.removeprefix("pkg://").replace("/", ".")
            resolution = self.project.resolver.absolute(module, path)
            folders = [place.folder for place in resolution.places if place.is_package]
            folders += [clean(f"{root}/{module.replace('.', '/')}") for root in self.project.roots]
        elif where.startswith(("file://", "/")):
            return []
        else:
            folders = [clean(posixpath.join(posixpath.dirname(path), where))]
        return [folder for folder in dict.fromkeys(folders) if self._holds_yaml(folder)]

    def _holds_yaml(self, folder: str) -> bool:
        prefix = f"{folder}/" if folder else ""
        return any(path.startswith(prefix) for path in self.files)

    def _usual_roots(self, known: set[str]) -> list[str]:
        """Folders with a usual name that hold a config with a defaults list at their top."""
        found = []
        for path in self.files:
            folder = posixpath.dirname(path)
            if posixpath.basename(folder) in _USUAL and not any(_below(folder, root) for root in known):
                text = self.project.data(path) or b""
                if re.search(rb"^defaults:", text, re.MULTILINE):
                    found.append(folder)
        tops = [folder for folder in set(found) if not any(_below(folder, other) for other in found if other != folder)]
        return sorted(tops)

    def _primaries(self, root: str) -> list[str]:
        """Configs at the top of a folder that have a defaults list."""
        names = []
        for path in self.files:
            if posixpath.dirname(path) == root:
                text = self.project.data(path) or b""
                if re.search(rb"^defaults:", text, re.MULTILINE):
                    names.append(posixpath.basename(path).rpartition(".")[0])
        return sorted(names)

    # looking options up ------------------------------------------------------------------------------------------

    def search_path(self, root: str) -> list[str]:
        """The folder itself and what `hydra.searchpath` in its primaries adds."""
        if root not in self._extra:
            self._extra[root] = self._searched(root)
        return [root, *self._extra[root]]

    def _searched(self, root: str) -> list[str]:
        found: list[str] = []
        for path in sorted(self.files):
            if posixpath.dirname(path) != root or b"searchpath" not in (self.project.data(path) or b""):
                continue
            read = self.project.yaml(path)
            for document in read.documents if read else ():
                hydra = document.get("hydra")
                listed = hydra.get("searchpath") if hydra else None
                for item in listed.value if listed and listed.kind == "list" else ():
                    folders = self._folders_of_call(path, ["path", item.value]) if isinstance(item.value, str) else []
                    found += folders
                    if not folders:
                        self.open_roots.add(root)
        return found

    def option(self, root: str, config: str) -> str | None:
        """The file of `group/name` below a config folder; None when there is none."""
        for folder in self.search_path(root):
            base = f"{folder}/{config}" if folder else config
            for suffix in ("", ".yaml", ".yml"):
                if (suffix or config.endswith((".yaml", ".yml"))) and base + suffix in self.files:
                    return base + suffix
        return None

    def is_stored(self, config: str) -> bool:
        """Whether code registers this `group/name`, or may do so in ways the text does not show."""
        group, _, name = config.rpartition("/")
        return self.stored.dynamic or name in self.stored.options.get(group, ())

    def options(self, root: str, group: str) -> list[str]:
        """Names of the files of a group."""
        names = set()
        for folder in self.search_path(root):
            prefix = "/".join(part for part in (folder, group) if part)
            for path in self.files:
                if posixpath.dirname(path) == prefix:
                    names.add(posixpath.basename(path).rpartition(".")[0])
        return sorted(names)

    def groups(self, root: str) -> list[str]:
        """Folders below a config folder that hold configs."""
        found = set()
        for folder in self.search_path(root):
            for path in self.files:
                above = posixpath.dirname(path)
                if _below(above, folder) and above != folder:
                    found.add(above[len(folder) :].strip("/"))
        return sorted(found)


def _below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")
