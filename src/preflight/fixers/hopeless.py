"""Comment out imports that nobody can repair, in whole statements, together with everything that used them."""

import ast

from findings.finding import Edit, Finding, Fix
from preflight.analysis.audit import Audit
from preflight.fixers.imports import rows

_MARK = "# preflight commented this out: it needs an import that does not exist"


def commented(audit: Audit, findings: list[Finding]) -> dict[str, Fix]:
    """For each file with hopeless imports, one unsafe fix that comments out the statements which cannot work.

    The unit is the outermost statement: a function that uses a missing name goes as a whole, and so does what calls it,
    so that no name is left undefined. Guarded imports stay: they do no harm.
    """
    fixes = {}
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.code in ("IMP001", "IMP002") and finding.fix is None and finding.severity == "error":
            by_path.setdefault(finding.path, []).append(finding)
    for path, own in by_path.items():
        text, summary = audit.project.text(path), audit.project.summary(path)
        if text is not None and summary is not None and summary.error is None and not path.endswith(".ipynb"):
            edits = _edits(path, text, {finding.line for finding in own})
            if edits:
                fixes[path] = Fix("comment out hopeless imports and what used them", tuple(edits), safe=False)
    return fixes


def _edits(path: str, text: str, broken_lines: set[int]) -> list[Edit]:
    tree = ast.parse(text)
    dead_statements: set[int] = set()
    dead_names: set[str] = set()
    changed = True
    while changed:
        changed = False
        for index, node in enumerate(tree.body):
            if index not in dead_statements and (_imports_on(node, broken_lines) or _uses(node, dead_names)):
                dead_statements.add(index)
                dead_names |= _binds(node)
                changed = True
    lines: set[int] = set()
    for index in dead_statements:
        node = tree.body[index]
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        lines |= set(range(first, (node.end_lineno or node.lineno) + 1))
    return _comment_lines(path, text, lines)


def _comment_lines(path: str, text: str, lines: set[int]) -> list[Edit]:
    newline = "\r\n" if "\r\n" in text else "\n"
    source = rows(text)
    edits = []
    for line in sorted(lines):
        mark = "" if line - 1 in lines else f"{_MARK}{newline}"
        edits.append(Edit(path, line, 1, line, 1, f"{mark}# " if source[line - 1].strip() else f"{mark}#"))
    return edits


def _imports_on(node: ast.stmt, lines: set[int]) -> bool:
    return any(
        alias.lineno in lines
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        for alias in inner.names
    )


def _uses(node: ast.stmt, names: set[str]) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id in names for inner in ast.walk(node))


def _binds(node: ast.stmt) -> set[str]:
    """Names that an outermost statement gives to the rest of the module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    bound: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in inner.names}
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            bound.add(inner.id)
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(inner.name)
    return bound
