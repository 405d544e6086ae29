"""This repository under its own audit: nothing is found, and a renamed argument of any constructor is."""

import ast
import shutil
from pathlib import Path

from findings.selection import Selection
from preflight import api
from preflight.analysis.audit import Audit

ROOT = Path(__file__).parents[2]


def request(root: Path, *select: str) -> api.Request:
    return api.Request(root, selection=Selection(select=select), use_cache=False, use_baseline=False)


def given_keywords(audit: Audit) -> dict[tuple[str, int], set[tuple[str, str]]]:
    """By place of the constructor: target and keyword of everything that the configs give."""
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for node in audit.compositions.nodes:
        names = {param.name for param in node.constructor.signature.params} & node.given
        place = (node.constructor.path, node.constructor.line)
        found.setdefault(place, set()).update((node.target, name) for name in names)
    return {place: pairs for place, pairs in found.items() if pairs}


def rename(path: Path, line: int, names: set[str]) -> None:
    """Give other names to parameters (or dataclass fields) of the class or function that starts at a line."""
    text = path.read_text(encoding="utf-8")
    node = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.stmt) and n.lineno == line)
    places: list[tuple[int, int, str]] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg) and inner.arg in names:
            places.append((inner.lineno, inner.col_offset, inner.arg))
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name) and inner.target.id in names:
            places.append((inner.lineno, inner.col_offset, inner.target.id))
    rows = text.split("\n")
    for row, column, name in sorted(places, reverse=True):
        rows[row - 1] = f"{rows[row - 1][:column]}{name}_renamed{rows[row - 1][column + len(name) :]}"
    path.write_text("\n".join(rows), encoding="utf-8")


def test_nothing_is_found_without_a_baseline() -> None:
    assert not (ROOT / "preflight-baseline.json").exists()
    assert api.run(request(ROOT)).findings == ()


def test_a_renamed_argument_of_any_constructor_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src/ocr", tmp_path / "src/ocr", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    given = given_keywords(api.open_audit(request(tmp_path)))
    assert sum(map(len, given.values())) > 50
    for (path, line), pairs in given.items():
        rename(tmp_path / path, line, {name for _, name in pairs})
    found = {finding.symbol for finding in api.run(request(tmp_path, "HYD005", "HYD006")).findings}
    for target, name in (pair for pairs in given.values() for pair in pairs):
        assert {f"{target}:{name}", f"{target}:{name}_renamed"} & found, f"{target} {name}"
