"""Module-level `__getattr__` (PEP 562): read the table behind it where the text shows one."""

import ast
from typing import Any

from preflight.source.shapes import FunctionNode, dotted

Table = dict[str, list[Any]]


def table(function: FunctionNode, constants: dict[str, ast.expr]) -> Table | None:
    """Names that `__getattr__` serves, as name -> [module, level, attribute or None]; None when the text hides some.

    Readable are comparisons of the parameter with literals, and lookups in a literal dictionary of the module, in a
    function that ends by raising AttributeError.
    """
    if not function.args.args or not _raises_at_end(function):
        return None
    parameter = function.args.args[0].arg
    served: Table = {}
    readable = False
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            names = _compared(node.test, parameter)
            source = _import_in(node.body)
            for name in names:
                served[name] = source.get(name) or next(iter(source.values()), [None, 0, None])
            readable |= bool(names)
        if isinstance(node, ast.Name) and isinstance(constants.get(node.id), ast.Dict):
            entries = _dictionary(constants[node.id])
            if entries is None:
                return None
            served.update(entries)
            readable = True
    return served if readable else None


def _raises_at_end(function: FunctionNode) -> bool:
    last = function.body[-1]
    if isinstance(last, ast.Raise) and last.exc is not None:
        return dotted(last.exc) == "AttributeError"
    if isinstance(last, ast.Try):  # try: table[name] ... except KeyError: raise AttributeError
        return any(isinstance(h.body[-1], ast.Raise) for h in last.handlers)
    return any(isinstance(n, ast.Raise) for s in function.body[:-1] for n in ast.walk(s))


def _compared(test: ast.expr, parameter: str) -> list[str]:
    if not (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == parameter):
        return []
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq | ast.In):
        return []
    return [
        node.value
        for node in ast.walk(test.comparators[0])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _import_in(body: list[ast.stmt]) -> Table:
    found: Table = {}
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = [node.module or "", node.level, alias.name]
    return found


def _dictionary(node: ast.expr) -> Table | None:
    entries: Table = {}
    assert isinstance(node, ast.Dict)
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return None
        entries[key.value] = _entry(key.value, value)
    return entries


def _entry(name: str, value: ast.expr) -> list[Any]:
    """[module, level, attribute]; the module is None where the value is not a readable path."""
    parts = [value] if isinstance(value, ast.Constant) else list(getattr(value, "elts", []))
    strings = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if not strings or len(strings) != len(parts) or len(strings) > 2:
        return [None, 0, None]
    path = strings[0]
    module = path.lstrip(".")
    attribute = strings[1] if len(strings) == 2 else name
    if ":" in module:
        module, _, attribute = module.partition(":")
    return [module, len(path) - len(path.lstrip(".")), attribute]
