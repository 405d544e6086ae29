"""Point imports at the module that defines the name now."""

import ast
import re

from findings.finding import Edit, Fix
from preflight.analysis.audit import Audit
from preflight.analysis.imports import Broken
from preflight.source.summary import is_import_time

_LONGEST = 200  # rows of one import statement
_STARTS = re.compile(r"\s*from\b")
_FROM = re.compile(r"from[\s\\]+([.\w]+)[\s\\]+import\b")


def moved_import(audit: Audit, broken: Broken) -> Fix | None:
    """The fix for a broken `from` import whose names are each defined in exactly one module; None for all others.

    Names of one statement that moved are moved together, so each of its findings carries the same fix.
    """
    if (
        not audit.fixes
        or broken.item.how != "from"
        or not _certain(audit, broken)
        or broken.path.endswith(".ipynb")
        or audit.project.summary(broken.path) is None
    ):
        return None
    text = audit.project.text(broken.path)
    statement = _statement_at(text, broken.item.line, broken.item.column) if text is not None else None
    if statement is None or text is None:
        return None
    places = audit.broken_by_statement(broken.path, statement.lineno, statement.end_lineno or statement.lineno)
    homes: dict[str, str] = {}
    names = {alias.name for alias in statement.names}
    for other in places:
        item = other.item
        same = (item.module, item.level) == (statement.module or "", statement.level) and item.name in names
        if same and _certain(audit, other) and other.moved is not None and item.name is not None:
            homes[item.name] = other.moved.module
    new = set(homes.values())
    if len(homes) == len(statement.names) and len(new) == 1:
        edit = _module_edit(text, broken.path, statement, next(iter(new)))
    else:
        edit = _split_edit(text, broken.path, statement, homes)
    if edit is None:
        return None
    return Fix(f"import from {', '.join(sorted(new))}", (edit,))


def _certain(audit: Audit, broken: Broken) -> bool:
    """Whether the import can be pointed at the one module that defines the name, which does not import it in turn."""
    if broken.moved is None or not broken.moved.certain or broken.item.name in (None, "*"):
        return False
    return not is_import_time(broken.item) or not _reaches(audit, broken.moved.module, broken.path)


def _reaches(audit: Audit, module: str, path: str) -> bool:
    """Whether importing a module imports a file, by explicit imports."""
    todo = [place.path for place in audit.project.resolver.absolute(module).places]
    seen = set(todo)
    while todo:
        fresh = audit.import_graph.get(todo.pop(), set()) - seen
        seen |= fresh
        todo += fresh
    return path in seen


def _statement_at(text: str, line: int, column: int) -> ast.ImportFrom | None:
    """The `from` statement that holds the name at a position; only its own rows are parsed where that is possible."""
    lines = rows(text)
    first = next((number for number in range(line, max(line - _LONGEST, 0), -1) if _STARTS.match(lines[number - 1])), 0)
    for last in range(line, min(line + _LONGEST, len(lines)) + 1 if first else 0):
        snippet = lines[first - 1 : last]
        indented = snippet[0][:1].isspace()
        tree = _parsed("\n".join(["if 1:", *snippet] if indented else snippet))
        if tree is not None:
            ast.increment_lineno(tree, first - 2 if indented else first - 1)
            return _holding(tree, line, column)
    tree = _parsed(text)
    return _holding(tree, line, column) if tree is not None else None


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _holding(tree: ast.Module, line: int, column: int) -> ast.ImportFrom | None:
    """The last `from` statement that starts before a position and ends after it."""
    found = None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.lineno <= line <= (node.end_lineno or node.lineno):
            found = node if (node.lineno, node.col_offset + 1) <= (line, column) else found
    return found


def rows(text: str) -> list[str]:
    """Lines as Python counts them."""
    return re.split(r"\r\n|\r|\n", text)


def _module_edit(text: str, path: str, statement: ast.ImportFrom, module: str) -> Edit | None:
    row = rows(text)[statement.lineno - 1]
    start = len(row.encode()[: statement.col_offset].decode())
    found = _FROM.match(row, start)
    if found is None:
        return None
    return Edit(path, statement.lineno, found.start(1) + 1, statement.lineno, found.end(1) + 1, module)


def _split_edit(text: str, path: str, statement: ast.ImportFrom, homes: dict[str, str]) -> Edit | None:
    """Replace a statement by one for each module; not when it holds comments, which would be lost."""
    lines = rows(text)[statement.lineno - 1 : statement.end_lineno]
    first = lines[0].encode()[: statement.col_offset].decode()
    last_row = lines[-1].encode()[: statement.end_col_offset].decode()
    if any("#" in line for line in [*lines[:-1], last_row]) or first.strip():
        return None
    groups: dict[str, list[str]] = {}
    for alias in statement.names:
        old = "." * statement.level + (statement.module or "")
        written = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
        groups.setdefault(homes.get(alias.name, old), []).append(written)
    made = [f"from {module} import {', '.join(names)}" for module, names in groups.items()]
    newline = "\r\n" if "\r\n" in text else "\n"
    joined = f"{newline}{first}".join(made)
    end = statement.end_lineno or statement.lineno
    return Edit(path, statement.lineno, len(first) + 1, end, len(last_row) + 1, joined)
