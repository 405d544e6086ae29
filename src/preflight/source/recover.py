"""Read what can still be read of a Python file that does not parse, so that breaking a file hides no finding."""

import ast
import re
import warnings

_TRIES = 6
_IMPORT_LINE = re.compile(r"\s*(?:from\s+[.\w]+\s+import\s+[\w, ]+|import\s+[\w.]+(?:\s+as\s+\w+)?)\s*(?:#.*)?$")


def recover(text: str) -> ast.Module:
    """A tree with the same line numbers and without the statements that do not parse."""
    rows = re.split(r"\r\n|\r|\n", text.replace("\0", " "))
    number = _error_row(rows)
    for _ in range(_TRIES):
        if number is None:
            return _parse("\n".join(rows))
        if not (0 <= number < len(rows) and rows[number].strip()):
            break
        number = _without(rows, number)
    return ast.Module(_chunks(text), [])


def _without(rows: list[str], number: int) -> int | None:
    """Empty a row, or make it `pass` where that gets further; the row of the next error, None when there is none."""
    row = rows[number]
    rows[number] = ""
    after_empty = _error_row(rows)
    if after_empty is None or after_empty > number:
        return after_empty
    rows[number] = f"{row[: len(row) - len(row.lstrip())]}pass"
    after_pass = _error_row(rows)
    if after_pass is None or after_pass > number:
        return after_pass
    rows[number] = ""
    return after_empty


def _error_row(rows: list[str]) -> int | None:
    try:
        _parse("\n".join(rows))
    except SyntaxError as problem:
        return (problem.lineno or 1) - 1
    except (ValueError, RecursionError, MemoryError):
        return -1
    return None


def _chunks(text: str) -> list[ast.stmt]:
    """Parse each unindented block by itself; of a block that does not parse, keep the lines that are imports."""
    rows = re.split(r"\r\n|\r|\n", text.replace("\0", " "))
    starts = [
        i
        for i, row in enumerate(rows)
        if row[:1].strip() and not re.match(r"(?:else|elif|except|finally|[)\]}#])", row)
    ]
    body: list[ast.stmt] = []
    for start, end in zip(starts, [*starts, len(rows)][1:], strict=True):
        block = rows[start:end]
        try:
            body += _shifted("\n".join(block), start)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            for offset, row in enumerate(block):
                if _IMPORT_LINE.match(row):
                    body += _line(row, start + offset)
    return body


def _line(row: str, number: int) -> list[ast.stmt]:
    try:
        return _shifted(row.strip(), number)
    except SyntaxError:
        return []


def _shifted(source: str, rows: int) -> list[ast.stmt]:
    tree = _parse(source)
    ast.increment_lineno(tree, rows)
    return tree.body


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)
