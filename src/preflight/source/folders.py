"""The folders of a repository as Python's import system sees them."""

from dataclasses import dataclass, field

_PRIORITY = {"package": 0, "extension": 1, "module": 2, "stub-package": 3, "stub": 4, "native": 5, "namespace": 6}


@dataclass(frozen=True, slots=True)
class Place:
    """What a dotted name leads to: a file to read, or a folder without `__init__.py` (kind "namespace")."""

    kind: str
    path: str  # of the file, or of the folder for namespaces

    @property
    def folder(self) -> str:
        """The folder that holds the submodules; empty for plain modules and at the top."""
        if self.kind in ("package", "stub-package"):
            return self.path.rpartition("/")[0]
        return self.path if self.kind == "namespace" else ""

    @property
    def is_package(self) -> bool:
        """Whether it can hold submodules."""
        return self.kind in ("package", "stub-package", "namespace")


@dataclass(slots=True)
class Folders:
    """For every folder, the modules in it by name; of several with one name, the one that Python would take."""

    entries: dict[str, dict[str, Place]] = field(default_factory=dict)
    hidden: list[tuple[str, str]] = field(default_factory=list)  # (package folder, module file that it hides)
    opaque: set[str] = field(default_factory=set)

    def get(self, folder: str, name: str) -> Place | None:
        """The module called `name` in a folder."""
        entries = self.entries.get(folder)
        return entries.get(name) if entries else None

    def descend(self, folder: str, parts: list[str]) -> tuple[list[Place], bool]:
        """Follow a dotted path below a folder: the places found, and whether a missing rest may exist unseen."""
        places: list[Place] = []
        for part in parts:
            place = self.get(folder, part)
            if place is None:
                inside = f"{folder}/{part}" if folder else part
                return places, inside in self.opaque or folder in self.opaque
            places.append(place)
            if not place.is_package:
                return places, place.kind in ("extension", "native")
            folder = place.folder
        return places, False

    def is_package(self, folder: str) -> bool:
        """Whether a folder holds an `__init__.py`."""
        entries = self.entries.get(folder)
        return bool(entries and "__init__" in entries)


def build(python: list[str], native: list[str], opaque: set[str]) -> Folders:
    """Index files by folder. Native sources stand for the extension module that they become."""
    folders = Folders(opaque=opaque)
    marked: set[str] = set()
    for path in python:
        folder, _, name = path.rpartition("/")
        stem, _, suffix = name.rpartition(".")
        _add(folders, folder, stem, Place("stub" if suffix == "pyi" else "module", path))
        if stem == "__init__":
            above, _, own = folder.rpartition("/")
            _add(folders, above, own, Place("package" if suffix == "py" else "stub-package", path))
        _mark_folders(folders, folder, marked)
    for path in native:
        folder, _, name = path.rpartition("/")
        stem = name.partition(".")[0]
        kind = "extension" if path.endswith((".so", ".pyd", ".pyx")) else "native"
        if folder in folders.entries:
            _add(folders, folder, f"{stem}_pb2" if path.endswith(".proto") else stem, Place(kind, path))
    return folders


def _mark_folders(folders: Folders, folder: str, marked: set[str]) -> None:
    """Every folder above a Python file can be a namespace package."""
    while folder and folder not in marked:
        marked.add(folder)
        above, _, own = folder.rpartition("/")
        _add(folders, above, own, Place("namespace", folder))
        folder = above


def _add(folders: Folders, folder: str, name: str, place: Place) -> None:
    entries = folders.entries.setdefault(folder, {})
    old = entries.get(name)
    if old is None:
        entries[name] = place
        return
    first, second = sorted((old, place), key=lambda p: _PRIORITY[p.kind])
    entries[name] = first
    if first.kind == "package" and second.kind == "module":
        folders.hidden.append((first.path, second.path))
