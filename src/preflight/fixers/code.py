"""A Python file that is being rewritten name by name: its scopes, its attribute chains, and the edits so far."""

import ast
import re
import warnings
from typing import NamedTuple

from preflight.api import UseError
from preflight.fixers import scopes
from preflight.fixers.scopes import Scope


class Chain(NamedTuple):
    """`name.first.second`: the name, the scope it is read in, and the attributes from the inside out."""

    name: ast.Name
    scope: Scope
    attributes: tuple[ast.Attribute, ...]

    @property
    def words(self) -> list[str]:
        """The chain as words."""
        return [self.name.id, *(attribute.attr for attribute in self.attributes)]


class Code:
    """One parsed file; edits are made at places of the tree, and only where the text there is what is replaced."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tree = ast.parse(text)
        self.scopes = scopes.read(self.tree)
        self.edits: dict[tuple[int, int], str] = {}
        self._starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
        outer = {node.value: node for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)}
        self.chains = [Chain(name, scope, _attributes(name, outer)) for name, scope in self.scopes.names]

    def refuse(self, node: ast.AST, why: str) -> UseError:
        """The error that names a place which stands in the way."""
        return UseError(f"{self.path}:{getattr(node, 'lineno', 1)}: {why}")

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        assert isinstance(node, ast.expr | ast.stmt | ast.alias)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode())

    def replace(self, node: ast.AST, start: int, old: str, new: str) -> None:
        """Replace `old` at an offset; UseError when something else is written there."""
        if self.text[start : start + len(old)] != old:
            raise self.refuse(node, f"'{old}' is written in a way that cannot be changed; write it plainly first")
        self.edits[start, start + len(old)] = new

    def covered(self) -> list[tuple[int, int]]:
        """Spans of names, attribute chains and imports: what is renamed by what it means, not by how it looks."""
        nodes = [(chain.name, chain.attributes[-1] if chain.attributes else chain.name) for chain in self.chains]
        spans = [(self.span(first)[0], self.span(last)[1]) for first, last in nodes]
        return spans + [self.span(statement) for statement, _ in self.scopes.statements.values()]

    def strings(self) -> list[tuple[int, int]]:
        """Spans of all strings."""
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [self.span(node) for node in nodes]

    def result(self) -> str:
        """The text with all edits made."""
        text = self.text
        for (start, end), new in sorted(self.edits.items(), reverse=True):
            text = text[:start] + new + text[end:]
        return text


def check_free(code: Code, holder: Scope, old: str, new: str) -> None:
    """UseError unless the uses of `old` that `holder` binds can all be called `new`."""
    for node in holder.bound.get(new, ()):
        raise code.refuse(node, f"'{new}' is something else here")
    around = set(holder.chain())
    for scope in code.scopes.all:
        statement, above = scope.declared.get(old), scope.above
        if statement is not None and above is not None:
            meant = code.scopes.module if isinstance(statement, ast.Global) else above.holder(old)
            if meant is holder:
                raise code.refuse(statement, f"'{old}' is declared global or nonlocal here")
    for name, scope in code.scopes.names:
        if name.id == old and scope.holder(old) is holder and scope.holder(new) not in around:
            raise code.refuse(name, f"'{new}' is something else here")
        if name.id == new and holder in scope.chain() and scope.holder(new) in around:
            raise code.refuse(name, f"'{new}' is something else here")
        own = scope.kind == "class" and old in scope.bound
        if name.id == old and own and isinstance(name.ctx, ast.Load) and scope is not holder:
            raise code.refuse(name, f"'{old}' may be the class's own or the module's here")


def _attributes(name: ast.Name, outer: dict[ast.expr, ast.Attribute]) -> tuple[ast.Attribute, ...]:
    found: list[ast.Attribute] = []
    node = outer.get(name)
    while node is not None:
        found.append(node)
        node = outer.get(node)
    return tuple(found)
