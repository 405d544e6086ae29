"""Jupyter notebooks as Python: each code cell parsed by itself, every statement at its row of the `.ipynb` file."""

import ast
import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

from preflight.source.recover import recover

_TOKEN = re.compile(r'["\[\]{}]')
_CELL, _LINES = 3, 4  # nesting of the keys of a cell, and of the list that holds its lines
_PYTHON_MAGICS = re.compile(r"%%(?:time|timeit|capture|prun)\b")
_WRITES = re.compile(r"%%(?:writefile|file)\s+(?:-a\s+)?\S*?(\w+)(?:/\S+)?(?:\.py)?\s*$")
_MAGIC = re.compile(r"\s*(?:[%!?]|[\w.]+\?{1,2}\s*$|(?:pip|conda|ls|cd|cat|mkdir|cp|mv|rm|pwd)(?:\s+[^\s=(]|\s*$))")
_ASSIGNED_MAGIC = re.compile(r"(\s*[\w, ]+=\s*)[%!]")
Error = tuple[int, int, str]


class Notebook(NamedTuple):
    """What the code cells hold: one tree, a text whose rows are those of the file, and the first error."""

    tree: ast.Module
    text: str
    error: Error | None


def read(data: bytes) -> Notebook:
    """The code of a notebook; cells that do not parse are recovered, the first of them is the error."""
    try:
        raw = data.decode("utf-8")
        whole = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        place = (getattr(problem, "lineno", 1), getattr(problem, "colno", 1))
        return Notebook(ast.Module([], []), "", (*place, f"no notebook: {problem}"))
    if not isinstance(whole, dict) or not isinstance(whole.get("cells"), list):
        return Notebook(ast.Module([], []), "", (1, 1, "no notebook of format 4: it has no list of cells"))
    language = whole.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    body: list[ast.stmt] = []
    rows = [""] * (raw.count("\n") + 1)
    error: Error | None = None
    written: set[str] = set()
    for cell in _cells(raw) if language == "python" else ():
        source = [line for _, line in cell]
        found = _WRITES.match(source[0]) if source else None
        written |= {found[1], *_folders(source[0])} if found else set()
        source = _without_magics(textwrap.dedent("\n".join(source)).split("\n"))
        for (row, _), line in zip(cell, source, strict=False):
            rows[row - 1] += line
        statements, wrong = _parse(source, [row for row, _ in cell] or [1])
        body += statements
        error = error or wrong
    kept = [statement for statement in body if not _imports_any(statement, written)]
    return Notebook(ast.Module(kept, []), "\n".join(rows), error)


def _cells(raw: str) -> Iterator[list[tuple[int, str]]]:
    """The lines of each code cell, with their rows in the file."""
    position, depth, row, counted = 0, 0, 1, 0
    keys: dict[int, str] = {}
    kind, lines = "", list[tuple[int, str]]()
    while (token := _TOKEN.search(raw, position)) is not None:
        position = token.end()
        if token[0] in "{[":
            depth += 1
            keys.pop(depth, None)
        elif token[0] in "}]":
            if depth == _CELL and token[0] == "}" and keys.get(1) == "cells":
                if kind == "code":
                    yield lines
                kind, lines = "", []
            depth -= 1
        else:
            value, position = scanstring(raw, position, False)
            if raw[position : position + 20].lstrip()[:1] == ":":
                keys[depth] = value
            elif keys.get(1) == "cells" and depth == _CELL and keys.get(_CELL) == "cell_type":
                kind = value
            elif keys.get(1) == "cells" and keys.get(_CELL) == "source" and depth in (_CELL, _LINES):
                row += raw.count("\n", counted, token.start())
                counted = token.start()
                lines += [(row, line) for line in value.removesuffix("\n").split("\n")]


def _without_magics(source: list[str]) -> list[str]:
    """The lines with shell commands and magics made into `pass`; a cell in another language is empty."""
    first = next((line.strip() for line in source if line.strip()), "")
    if first.startswith("%%") and not _PYTHON_MAGICS.match(first):
        return [""] * len(source)
    made: list[str] = []
    continued = False
    for line in source:
        assigned = _ASSIGNED_MAGIC.match(line)
        if continued or line.startswith("%%"):
            made.append("")
        elif assigned is not None:
            made.append(f"{assigned[1]}None")
        elif _MAGIC.match(line) and not "".join(made[-1:]).endswith("\\"):
            made.append(f"{line[: len(line) - len(line.lstrip())]}pass")
        else:
            made.append(line)
            continue
        continued = line.rstrip().endswith("\\")
    return made


def _parse(source: list[str], rows: list[int]) -> tuple[list[ast.stmt], Error | None]:
    text = "\n".join(source)
    error: Error | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as problem:
        line = min(max(problem.lineno or 1, 1), len(rows))
        error = (rows[line - 1], max(problem.offset or 1, 1), problem.msg)
        tree = recover(text)
    except (ValueError, RecursionError, MemoryError) as problem:
        return [], (rows[0] if rows else 1, 1, str(problem) or "nested too deeply to parse")
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr | ast.alias | ast.ExceptHandler):
            node.lineno = rows[min(node.lineno, len(rows)) - 1]
            node.end_lineno = rows[min(node.end_lineno or node.lineno, len(rows)) - 1] if node.end_lineno else None
    return tree.body, error


def _folders(line: str) -> list[str]:
    """Folders named in `%%writefile folder/module.py`: the notebook makes these modules itself."""
    return [part for part in line.split()[-1].split("/")[:-1] if part.isidentifier()]


def _imports_any(statement: ast.stmt, modules: set[str]) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").partition(".")[0] in modules
    return isinstance(statement, ast.Import) and any(a.name.partition(".")[0] in modules for a in statement.names)
