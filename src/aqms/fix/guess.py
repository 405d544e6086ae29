"""What a document says about itself outside its front matter: type, title, date, status."""

import re
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from aqms import git, naming
from aqms.document import Document, lines_of
from aqms.registry import DocumentType, Registry
from aqms.rules.e007 import day_of

_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})(?:_(\d{2})(\d{2}))?(?=[_.-]|$)")
_LABEL = re.compile(r"\s*(?:[-*+]\s+)?\**(?P<name>[A-Za-z ]+?)\**\s*:\**\s*(?P<value>.*)")
_LABELS_IN = 40  # lines at the head of the body that may hold labels such as **Date:**
_LOOSE = re.compile(r"(\d{4})[-/.년]\s?(\d{1,2})[-/.월]\s?(\d{1,2})(?!\d)")
_STATES = {
    "completed": ("complete", "completed", "done", "finished", "verified"),
    "active": ("active", "in progress", "open", "ongoing", "wip"),
    "draft": ("draft", "not started", "planned", "proposed"),
    "archived": ("archived", "superseded"),
}


def kind_of(registry: Registry, document: Document, given: str | None) -> DocumentType | None:
    """The type of a document: what it says, what its folder is for, ``given``, or the word its name ends with."""
    types = registry.types
    said = str(document.fields.get("type") or "")
    path = PurePosixPath(document.path)
    name = _named(registry, said) or registry.type_of(document.path) or given
    if name is None:
        stem = naming.slug(path.stem)
        ends = [n for n, kind in types.items() if any(f"-{stem}".endswith(f"-{naming.slug(w)}") for w in words(kind))]
        name = ends[0] if len(ends) == 1 else None
    return types.get(name) if name else None


def words(kind: DocumentType) -> tuple[str, ...]:
    """The name of a type and its older ones."""
    return (kind.name, *kind.aliases)


def _named(registry: Registry, said: str) -> str | None:
    if said in registry.types:
        return said
    return next((name for name, kind in registry.types.items() if said.casefold() in kind.aliases), None)


def title(document: Document) -> str:
    """The first heading without its marks, or the words of the file name."""
    heading = next((h.text for h in document.headings if h.level == 1), None)
    plain = re.sub(r"\*\*|__|`", "", heading or "").strip()
    if plain:
        return plain
    # Bytes of a name that is not UTF-8 are no characters of a title.
    stem = PurePosixPath(document.path).stem.encode(errors="surrogateescape").decode(errors="ignore")
    return _STAMP.sub("", stem).strip("_-").replace("-", " ").replace("_", " ")


def date(root: Path, document: Document) -> str:
    """The date by the file name, a ``created`` field, a label in the text, the first commit, or the file's own."""
    name = PurePosixPath(document.path).name
    stamp = _STAMP.search(name)
    if stamp:
        told = stamp[2] and (stamp[2], stamp[3]) != ("00", "00")  # 0000 is what a name gets that has only a day.
        return f"{stamp[1]}T{stamp[2]}:{stamp[3]}" if told else stamp[1]
    said = [document.fields.get(key) for key in ("created", "updated", "last_updated")]
    said += [labels(document).get(key) for key in ("date", "created", "last updated")]
    readable = next((iso for value in said if value and (iso := iso_date(value))), None)
    if readable:
        return readable
    changed = datetime.fromtimestamp((root / document.path).stat().st_mtime).astimezone()
    return git.first_date(root, document.path) or changed.isoformat(timespec="minutes")


def iso_date(value: object) -> str | None:
    """A date as it is when it can be read, its day in ISO 8601 when only the order of its parts is plain, or None."""
    text = str(value).strip()
    if day_of(text):
        return text
    loose = _LOOSE.match(text)
    iso = f"{loose[1]}-{int(loose[2]):02d}-{int(loose[3]):02d}" if loose else ""
    return iso if iso and day_of(iso) else None


def status(document: Document, allowed: tuple[str, ...]) -> str:
    """The status that a label near the top gives, or the first allowed one."""
    said = re.sub(r"^\W+", "", labels(document).get("status", "")).casefold()
    named = next((state for state, names in _STATES.items() if said.startswith(names)), None)
    return named if named in allowed else allowed[0]


def near(value: object, allowed: tuple[str, ...]) -> str | None:
    """The one allowed value that is the same but for case, blanks and a letter or two; None when there is none."""
    text = re.sub(r"[\s-]+", "_", str(value).strip().casefold())
    state = next((state for state, names in _STATES.items() if text.replace("_", " ") in names), text)
    found = [state] if state in allowed else get_close_matches(text, allowed, 2, cutoff=0.8)
    return found[0] if len(found) == 1 else None


def labels(document: Document) -> dict[str, str]:
    """The lines `**Name:** value` at the head of the body, by the name in lower case."""
    body = lines_of(document.text)[document.body_line - 1 :][:_LABELS_IN]
    found = [match for line in body if (match := _LABEL.fullmatch(line)) and match["value"].strip()]
    return {match["name"].strip().casefold(): match["value"].strip() for match in reversed(found)}
