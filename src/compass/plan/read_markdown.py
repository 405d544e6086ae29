"""Read a plan from Markdown: an overview table, sections headed `ID: name`, a drawn graph, sentences on the order."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from compass import tables
from compass.errors import CompassError
from compass.markdown import Document, Heading, plain
from compass.plan import prose
from compass.plan.model import KINDS, RISKS, Plan, Preconditions, Repeated, Step, Validation, clean_glob

ID = re.compile(r"\b[A-Z][A-Z0-9]*-\d+\b")
_HEADED = re.compile(r"([A-Z][A-Z0-9]*-\d+)\s*[:.\-–—]\s*(.+)")
_LABEL = re.compile(r"\s*(?:[-*+]\s+)?\*\*(.+?):?\*\*:?\s*(.*)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(.*)")
_CODE = re.compile(r"`([^`]+)`")
_COLUMNS = {
    "name": "name",
    "risk": "risk",
    "depend": "depends_on",
    "parallel": "parallelizable",
    "complex": "complexity",
}


@dataclass
class _Draft:
    """What the file has said of one step so far, and where it said what again."""

    step: Step
    repeated: list[Repeated] = field(default_factory=list)


def read(path: Path) -> Plan:
    """The plan in a Markdown file; CompassError when it has no step."""
    document = Document.read(path)
    rows = list(_overview(document))
    drafts: dict[str, _Draft] = {}
    for step in rows:
        drafts.setdefault(step.step_id, _Draft(step))
    for heading in document.headings():
        found = _HEADED.fullmatch(heading.text)
        if found:
            try:
                _add_section(document, heading, found[1], plain(found[2]), drafts)
            except ValueError as error:
                raise CompassError(f"{path}:{heading.line + 1}: {error}") from None
    if not drafts:
        raise CompassError(
            f"{path}: no step in it: neither a table with a risk column nor headings such as PLAN-001: Name"
        )
    steps = [draft.step for draft in drafts.values()]
    general = list(_general(document))
    steps = [replace(step, validations=tuple(_with_general(general, step))) for step in steps]
    steps += [row for row in rows if row is not next(other for other in rows if other.step_id == row.step_id)]
    ids = list(drafts)
    sections = {
        line for heading in document.headings() if _HEADED.fullmatch(heading.text) for line in document.section(heading)
    }
    return Plan(
        path=path,
        title=next((heading.text for heading in document.headings() if heading.level == 1), path.stem),
        steps=tuple(steps),
        preconditions=Preconditions(branch=document.front_value("branch")),
        claims=(*prose.from_graphs(document, ids), *prose.from_sentences(document, ids, without=sections)),
        repeated=tuple(item for draft in drafts.values() for item in draft.repeated),
    )


def _overview(document: Document) -> Iterator[Step]:
    """The rows of the first table that has an id column and a risk or dependency column."""
    columns: dict[int, str] = {}
    lines = document.prose()
    for (number, text), (_, below) in zip(lines, [*lines[1:], (0, "")], strict=True):
        cells = [plain(cell) for cell in tables.split_row(text) or ()]
        if not columns and cells and tables.is_delimiter(below):
            named = {n: key for n, cell in enumerate(cells) for sign, key in _COLUMNS.items() if sign in cell.lower()}
            columns = named if {"risk", "depends_on"} & set(named.values()) else {}
        elif columns and not cells:
            return
        elif columns and (found := ID.fullmatch(cells[0])):
            row = {key: cells[n] for n, key in columns.items() if n < len(cells)}
            yield _from_row(found[0], row, number + 1)


def _from_row(step_id: str, row: dict[str, str], line: int) -> Step:
    return Step(
        step_id=step_id,
        name=row.get("name") or step_id,
        line=line,
        risk=_risk(row.get("risk", "")),
        depends_on=tuple(ID.findall(row.get("depends_on", ""))),
        parallelizable=row.get("parallelizable") or None,
        complexity=(row.get("complexity") or "").lower() or None,
    )


def _add_section(document: Document, heading: Heading, step_id: str, name: str, drafts: dict[str, _Draft]) -> None:
    """Merge a section into its step; what the step has already is kept and noted as repeated."""
    line = heading.line + 1
    draft = drafts.setdefault(step_id, _Draft(Step(step_id, name, line)))
    draft.repeated.append(Repeated(line, step_id, "name", name))
    step = draft.step
    for number, label, value, items in _labelled(document, document.section(heading)):
        texts = tuple(plain(item) for item in items)
        globs = tuple(clean_glob(glob) for glob in _globs(items))
        if label.startswith("risk"):
            draft.repeated.append(Repeated(number + 1, step_id, "risk", _risk(value) or value))
            step = step if step.risk else replace(step, risk=_risk(value))
        elif label.startswith("impact"):
            step = replace(step, impact=plain(value))
        elif label.startswith("recovery"):
            step = replace(step, recovery=plain(value))
        elif label.startswith("mitigation"):
            step = replace(step, mitigation=texts)
        elif label.startswith("files") and "remove" in label:
            step = replace(step, removes=globs)
        elif label.startswith("files"):
            step = replace(step, files=(*step.files, *globs))
        elif "change" in label:
            step = replace(step, changes=texts)
        elif label.startswith("depend"):
            step = step if step.depends_on else replace(step, depends_on=tuple(ID.findall(value)))
        elif label.startswith("validation"):
            step = replace(step, validations=(*step.validations, *_validations(items)))
        elif label.startswith("rollback"):
            step = replace(step, rollback=tuple(code for item in items for code in _CODE.findall(item)))
    draft.step = step


def _labelled(document: Document, lines: range) -> Iterator[tuple[int, str, str, list[str]]]:
    """Each `**Label:** value` among `lines`: its line, lower-case label, value, and the list items right below it."""
    texts = [(number, text) for number, text in document.prose() if number in lines]
    for position, (number, text) in enumerate(texts):
        found = _LABEL.fullmatch(text)
        if found is None:
            continue
        items = []
        for _, below in texts[position + 1 :]:
            item = _ITEM.fullmatch(below)
            if item is None or _LABEL.fullmatch(below):
                break
            items.append(item[1])
        yield number, plain(found[1]).lower(), found[2], items


def _globs(items: Iterable[str]) -> list[str]:
    """The first code span of each item that is a path inside the repository."""
    found = [match[1] for item in items if (match := _CODE.search(item))]
    return [f"{path}*" if path.endswith("/") else path for path in found]


def _risk(text: str) -> str | None:
    """The risk word that a text begins with, whatever symbols follow it."""
    words = plain(text).lower()
    return next((risk for risk in sorted(RISKS, key=len, reverse=True) if words.startswith(risk)), None)


def _validations(items: Iterable[str]) -> Iterator[Validation]:
    """What a machine can check of sentences written for people; the others stay manual."""
    for item in items:
        text = plain(item)
        low = text.lower()
        codes = _CODE.findall(item)
        if "yaml" in low and "syntax" in low:
            yield Validation("yaml")
        elif low.startswith("syntax"):
            yield Validation("py_compile")
        elif codes and re.search(r"\bno\b.*\b(remain|left|exist)", low):
            # Words joined by + must not stand together on one line; a single word must not stand at all.
            yield Validation("absent", ".*".join(re.escape(code) for code in codes))
        elif len(codes) == 1 and re.fullmatch(r"(run )?`[^`]+`( passes)?", item.strip(), re.IGNORECASE):
            yield Validation("command", codes[0])
        else:
            yield Validation("manual", text)


def _general(document: Document) -> Iterator[Validation]:
    """The commands that the plan asks for in every step: list items with `<file>` or `<module>` in a code span."""
    for _, text in document.prose():
        for code in _CODE.findall(text):
            words = code.split()
            optional = "if available" in text.lower()
            if "<module>" in code and "import" in words[-2:][0]:
                yield Validation("import", optional=optional)
            elif "<file>" not in code:
                continue
            elif "py_compile" in words:
                yield Validation("py_compile")
            elif words[0] == "mypy":
                yield Validation("types", optional=optional)
            elif words[0] == "ruff":
                yield Validation("ruff", optional=optional)
            else:
                yield Validation("command", code, optional=optional)


def _with_general(general: list[Validation], step: Step) -> list[Validation]:
    """The general checks, for a step that changes files, and its own; nothing twice, the cheap ones first."""
    checks = [check for check in general if step.files] + list(step.validations)
    return sorted(dict.fromkeys(checks), key=lambda check: KINDS.index(check.kind))
