"""Read one Python file into its summary."""

import ast
import tokenize
import warnings
from collections.abc import Sequence
from io import BytesIO

from preflight.source.patterns import Pattern, matches
from preflight.source.summary import Summary, empty
from preflight.source.visitor import Visitor

Error = tuple[int, int, str]  # line, column, message


def summarize(data: bytes, *, suffix: str = "py", patterns: Sequence[Pattern] = ()) -> Summary:
    """The summary of a file with this content; one that does not parse has `error` set, and what could be recovered."""
    lines = data.count(b"\n") + 1
    if suffix == "ipynb":
        from preflight.source import notebooks

        notebook = notebooks.read(data)
        return _visited(notebook.tree, notebook.text, suffix, notebook.error, lines, patterns)
    text, error = decode(data)
    if text is None:
        text = data.decode("utf-8", "replace")
    tree: ast.Module | None = None
    if error is None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except SyntaxError as problem:
            error = (problem.lineno or 1, max(problem.offset or 1, 1), problem.msg)
        except (ValueError, RecursionError, MemoryError) as problem:
            error = (1, 1, str(problem) or "nested too deeply to parse")
    if tree is None:
        from preflight.source.recover import recover

        tree = recover(text)
    return _visited(tree, text, suffix, error, lines, patterns)


def _visited(
    tree: ast.Module, text: str, suffix: str, error: Error | None, lines: int, patterns: Sequence[Pattern]
) -> Summary:
    visitor = Visitor(text, suffix == "pyi")
    try:
        visitor.run(tree)
        found = matches(tree, text, patterns) if patterns else []
    except RecursionError:
        return empty(error or (1, 1, "nested too deeply to read"), lines)
    return visitor.summary(error, lines, found)


def decode(data: bytes) -> tuple[str | None, Error | None]:
    """Text of a Python file in its declared encoding, or the reason why not as (line, column, message)."""
    if data.isascii():
        if b"\0" in data:
            return None, (data[: data.index(b"\0")].count(b"\n") + 1, 1, "null byte in the source")
        return data.decode("ascii"), None
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as problem:
        return None, (1, 1, f"cannot be decoded: {problem}")
    if "\0" in text:
        return None, (text[: text.index("\0")].count("\n") + 1, 1, "null byte in the source")
    return text, None
