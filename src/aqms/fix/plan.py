"""Repairs of many documents at once: planned in memory, then made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from aqms import cache, git, markup
from aqms.document import Document, parse, split
from aqms.fix import front, guess, journal, names
from aqms.fix.exempt import Exempt
from aqms.fix.journal import Step
from aqms.fix.relink import Links
from aqms.project import ChangedError, Project
from durable.lock import lock
from findings import mojibake
from findings.fix import Change

_BOM = b"\xef\xbb\xbf"


@dataclass
class Repair:
    """A document before and after; ``target`` is where it goes, ``notes`` what was done or why it was not."""

    path: str
    old: str
    new: str
    target: str
    notes: list[str] = field(default_factory=list)

    @property
    def change(self) -> Change:
        """The change of the text, for a diff."""
        return Change(self.path, self.old, self.new)


def plan(project: Project, kind: str | None = None, step: Callable[[], None] = lambda: None) -> list[Repair]:
    """What to do to the documents of a project; ``kind`` is the type of those that do not say.

    ``step`` is called after each document. A repair that only has notes could not be made.
    """
    repairs = []
    taken: set[str] = set()
    for document in project.texts:
        if document.path == project.registry.index or (project.root / document.path).is_symlink():
            continue  # `aqms index` writes the one; the document that the other leads to is mended under its own name.
        repair = _first(project, document, kind, taken)
        taken.add(repair.target)
        repairs.append(repair)
        step()
    moves = {r.path: r.target for r in repairs if r.target != r.path}
    files = _files(project.root)
    links = Links(project.root, files, moves)
    for repair in repairs:
        repair.new, notes = links.repaired(repair.new, repair.path, repair.target, mend=True)
        repair.notes += notes
    if moves:
        repairs += _others(project.root, {r.path for r in repairs}, files, links)
    return [r for r in repairs if r.notes or r.new != r.old or r.target != r.path]


def _first(project: Project, document: Document, given: str | None, taken: set[str]) -> Repair:
    """Text, front matter and name of one document; its links come when all names are known."""
    repair = Repair(document.path, document.text, document.text, document.path)
    exempt = Exempt(document.text)
    garbled = {place.line for place, *_ in document.garbled if not exempt.has("E013", place.line)}
    if garbled:
        repair.new = "".join(
            mojibake.repair(line) if number // 2 + 1 in garbled else line
            for number, line in enumerate(split(document.text))
        )
        count = sum(place.line in garbled for place, *_ in document.garbled)
        repair.notes.append(f"garbled text mended: {count}")
        document = parse(repair.new, document.path)
    kind = guess.kind_of(project.registry, document, given)
    repair.new, notes = front.repaired(project.root, project.registry, document, kind, exempt)
    repair.notes += notes
    document = parse(repair.new, document.path)
    if kind is None:
        repair.notes.append("its type is unknown; give it with --type")
    elif document.problem is None:
        target = names.target(project.root, project.registry, document, kind, taken, exempt)
        if target is None:
            repair.notes.append("not renamed: the name that it should have is taken")
        elif target != document.path:
            repair.target = target
    return repair


def _others(root: Path, done: set[str], files: Iterable[str], links: Links) -> list[Repair]:
    """Markdown files that link to what moves."""
    repairs = []
    for name in files:
        if not name.endswith(".md") or name in done:
            continue
        try:
            text = (root / name).read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue  # Not ours to judge; a document that cannot be read is a finding elsewhere.
        if "](" in text or "]:" in text or markup.may_point(text):
            new, notes = links.repaired(text, name, name, mend=False)
            repairs += [Repair(name, text, new, name, notes)] if new != text else []
    return repairs


def _files(root: Path) -> list[str]:
    """Every file of the repository that git does not ignore; without git, all that are in no hidden folder."""
    try:
        return git.names(git.run(root, "ls-files", "-co", "--exclude-standard", "-z"))
    except git.GitError:
        found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return [path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)]


def _step(root: Path, repair: Repair) -> Step:
    try:
        data = (root / repair.path).read_bytes()
    except FileNotFoundError:
        data = b"\0"
    if data.removeprefix(_BOM) != repair.old.encode():
        raise ChangedError(f"{repair.path}: it was changed or moved meanwhile; nothing was mended, run it again")
    mark = _BOM if data.startswith(_BOM) else b""
    return Step(repair.path, repair.target, journal.digest(data), (mark + repair.new.encode()).decode())


def apply(root: Path, repairs: list[Repair]) -> None:
    """Write the texts and move the files; when that is cut short, `journal.finish` does the rest.

    Raises ChangedError before anything is written, OSError, or GitError when git refuses a rename.
    """
    with lock(cache.folder(root) / "fix"):
        if journal.pending(root):
            raise ChangedError("another fix was killed meanwhile; nothing was mended, run it again to finish that one")
        steps = [_step(root, repair) for repair in repairs if repair.new != repair.old or repair.target != repair.path]
        if steps:
            journal.carry_out(root, steps)
