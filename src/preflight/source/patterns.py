"""Patterns that a project forbids: a shape of code, a dotted name, a module imported at module level, or a regex."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preflight.source.shapes import dotted


@dataclass(frozen=True, slots=True)
class Pattern:
    """One forbidden thing.

    In a shape `...` stands for anything (also for any arguments), a name for the last part of a dotted name, and `+`
    and `*` match both orders: `reciprocal(1 + exp(...))` finds `torch.reciprocal(torch.exp(-k * x) + 1.0)`.
    """

    name: str
    kind: str  # "shape" | "name" | "import" | "regex"
    value: str
    remedy: str
    excluded: tuple[str, ...] = ()

    def words(self) -> set[str]:
        """Words that a file must hold for the pattern to be found in it."""
        if self.kind == "regex":
            return set()
        return set(re.findall(r"[A-Za-z_]\w+", self.value))


def matches(tree: ast.Module, text: str, patterns: Sequence[Pattern]) -> list[tuple[str, int, int]]:
    """Where patterns are found: (name of the pattern, line, column)."""
    found: list[tuple[str, int, int]] = []
    wanted = [pattern for pattern in patterns if all(word in text for word in pattern.words())]
    for pattern in wanted:
        found += [(pattern.name, line, column) for line, column in _places(tree, text, pattern)]
    return sorted(set(found))


def _places(tree: ast.Module, text: str, pattern: Pattern) -> Iterator[tuple[int, int]]:
    if pattern.kind == "regex":
        for found in re.finditer(pattern.value, text, re.MULTILINE):
            start = text.rfind("\n", 0, found.start()) + 1
            yield text.count("\n", 0, start) + 1, found.start() - start + 1
    elif pattern.kind == "import":
        yield from _module_level_imports(tree.body, pattern.value)
    elif pattern.kind == "name":
        yield from _names(tree, pattern.value)
    else:
        shape = ast.parse(pattern.value, mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and _same(shape, node):
                yield node.lineno, node.col_offset + 1


def _module_level_imports(body: list[ast.stmt], module: str) -> Iterator[tuple[int, int]]:
    for node in body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(name == module or name.startswith(f"{module}.") for name in names):
            yield node.lineno, node.col_offset + 1
        if isinstance(node, ast.If) and not ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _module_level_imports([*node.body, *node.orelse], module)
        if isinstance(node, ast.Try):
            handlers = [statement for handler in node.handlers for statement in handler.body]
            yield from _module_level_imports([*node.body, *handlers, *node.orelse, *node.finalbody], module)


def _names(tree: ast.Module, name: str) -> Iterator[tuple[int, int]]:
    """Uses of a dotted name, whatever local name its module was imported under."""
    local: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            local |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            local |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = dotted(node).partition(".")
            whole = ".".join(part for part in (local.get(first, first), rest) if part)
            if whole == name:
                yield node.lineno, node.col_offset + 1


def _same(shape: ast.AST, node: ast.AST) -> bool:
    if isinstance(shape, ast.Constant) and shape.value is ...:
        return True
    if isinstance(shape, ast.Name | ast.Attribute):
        wanted, got = dotted(shape), dotted(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        return got == wanted or got.endswith(f".{wanted}")
    if isinstance(shape, ast.Constant) and isinstance(node, ast.Constant):
        return bool(shape.value == node.value)
    if type(shape) is not type(node):
        return False
    if isinstance(shape, ast.Call) and isinstance(node, ast.Call):
        return _same(shape.func, node.func) and _same_arguments(shape, node)
    if isinstance(shape, ast.BinOp) and isinstance(node, ast.BinOp):
        if type(shape.op) is not type(node.op):
            return False
        straight = _same(shape.left, node.left) and _same(shape.right, node.right)
        turned = (
            isinstance(shape.op, ast.Add | ast.Mult) and _same(shape.left, node.right) and _same(shape.right, node.left)
        )
        return straight or turned
    if isinstance(shape, ast.UnaryOp) and isinstance(node, ast.UnaryOp):
        return type(shape.op) is type(node.op) and _same(shape.operand, node.operand)
    return ast.dump(shape) == ast.dump(node)


def _same_arguments(shape: ast.Call, node: ast.Call) -> bool:
    if len(shape.args) == 1 and isinstance(shape.args[0], ast.Constant) and shape.args[0].value is ...:
        return True
    return len(shape.args) == len(node.args) and all(map(_same, shape.args, node.args))
