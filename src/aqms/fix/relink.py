"""Links that follow the files that moved, and links to nothing that say so."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from aqms.document import Document, lines_of, parse, split
from aqms.fix.exempt import Exempt
from aqms.links import local_path, relative, target_of
from aqms.scan import Link

# Names that so many folders have that the same name says nothing about the file.
_COMMON = {"readme.md", "index.md", "__init__.py"}


class Links:
    """Where links should point, given the files of the repository and where some of them are moved to."""

    def __init__(self, root: Path, files: Iterable[str], moves: Mapping[str, str]) -> None:
        self.root, self.moves = root, moves
        self.by_name: dict[str, list[str]] = defaultdict(list)
        for name in files:
            self.by_name[name.rpartition("/")[2]].append(moves.get(name, name))

    def repaired(self, text: str, old: str, new: str, *, mend: bool) -> tuple[str, list[str]]:
        """The text of the document ``old``, to be ``new``, with its links mended, and what was done.

        Without ``mend`` links to nothing are left alone, as they are where an inline ignore exempts them.
        """
        notes: list[str] = []
        for _ in range(4):  # A link around an image needs two rounds.
            document = parse(text, old)
            changed = self._round(document, new, mend, notes)
            if changed is None:
                break
            text, old = changed, new
        return text, notes

    def _round(self, document: Document, new: str, mend: bool, notes: list[str]) -> str | None:
        """The text after one round of edits that do not overlap; None when there is nothing to do."""
        edits: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
        exempt = Exempt(document.text)
        for link in document.links:
            edit = self._edit(document, link, new, mend and not exempt.has("E011", link.line))
            if edit and not any(edit[0] < end and start < edit[1] for start, end, _ in edits[link.line]):
                edits[link.line].append(edit)
                notes.append(f"link to {link.target}: {edit[2]}")
        if not any(edits.values()):
            return None
        pieces = split(document.text)
        for number, listed in edits.items():
            line = pieces[2 * (number - 1)]
            for start, end, words in sorted(listed, reverse=True):
                line = line[:start] + words + line[end:]
            pieces[2 * (number - 1)] = line
        return "".join(pieces)

    def _edit(self, document: Document, link: Link, new: str, mend: bool) -> tuple[int, int, str] | None:
        """Start, end (offsets in the line) and the new words for a link that must change."""
        path = local_path(link.target)
        line = lines_of(document.text)[link.line - 1]
        start = link.column - 1
        if path is None or line[start : start + len(link.target)] != link.target:
            return None
        full = target_of(document.path, path)
        found = None if full is None else self._there(full)
        if found is None and mend:
            found = self._elsewhere(path)
        if found is not None:
            if found == full and document.path == new:
                return None
            target = relative(new, found, link.target)
            if not link.end and line[start - 1 : start] == "'":
                target = target.replace("'", "%27")  # It would end the value of the tag.
            return (start, start + len(link.target), target) if target != link.target else None
        if not mend or not link.end:
            return None
        return link.begin - 1, link.end - 1, f"{link.words} (`{link.target}`)"

    def _there(self, full: str) -> str | None:
        """Where the file or folder at a path is, or will be; None when there is none."""
        if full in self.moves:
            return self.moves[full]
        return full if full in self.moves.values() or (self.root / full).exists() else None

    def _elsewhere(self, path: str) -> str | None:
        """The one file that has the name, and as much of the folders as any; None when that is no evidence."""
        wanted = PurePosixPath(path).parts[::-1]
        if not wanted or path.endswith("/"):
            return None
        scored = sorted((_common(wanted, PurePosixPath(name).parts[::-1]), name) for name in self.by_name[wanted[0]])
        if not scored or (len(scored) > 1 and scored[-1][0] == scored[-2][0]):
            return None
        score, name = scored[-1]
        return name if score > 1 or wanted[0].casefold() not in _COMMON else None


def _common(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
