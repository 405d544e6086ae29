"""Rename a class, function or variable of a module in Python code, by what each name means."""

import ast
import re

from preflight.analysis.audit import Audit
from preflight.api import UseError
from preflight.fixers import lead
from preflight.fixers.code import Chain, Code, check_free
from preflight.fixers.scopes import Scope
from preflight.source.folders import Place


class NameRename:
    """The renaming of one name that the module at `place` defines."""

    def __init__(self, audit: Audit, place: Place, old: str, new: str) -> None:
        self.audit = audit
        self.place = place
        self.old = old
        self.new = new

    def means(self, place: Place, name: str) -> bool:
        """Whether a name of a module is the one that is renamed."""
        defined = self.audit.project.resolver.define(place, name)
        return name == self.old and defined.place == self.place and defined.name == self.old

    def refuse_tables(self) -> None:
        """UseError when a module gives the name through a table of strings that its `__getattr__` reads."""
        for path, summary in self.audit.project.sources():
            if self.old in (summary.lazy or ()) and self.means(lead.place_of(path), self.old):
                raise UseError(f"{path}:{summary.getattr_line}: '{self.old}' is given by __getattr__ here")

    def rewrite(self, code: Code) -> None:
        """Rename every use in one file; UseError names a place where that is not safe."""
        holders = self._imports(code)
        module = code.scopes.module
        starred = any(alias.name == "*" for alias in code.scopes.statements) and self.old not in module.bound
        defines = code.path in (self.place.path, f"{self.place.path}i")
        if defines or (starred and self.means(lead.place_of(code.path), self.old)):
            holders.append(module)
        for holder in holders:
            if holder.kind == "class":
                raise code.refuse(holder.bound[self.old][0], f"'{self.old}' is an attribute of a class here")
            check_free(code, holder, self.old, self.new)
            self._definitions(code, holder)
        for chain in code.chains:
            if chain.name.id == self.old and chain.scope.holder(self.old) in holders:
                code.replace(chain.name, code.span(chain.name)[0], self.old, self.new)
            else:
                self._attribute(code, chain)
        for string, scope in code.scopes.annotations:
            if scope.holder(self.old) in holders:
                self._within(code, string)
        if module in holders:
            for string in exported(code.tree):
                if string.value == self.old:
                    self._within(code, string)

    def _imports(self, code: Code) -> list[Scope]:
        """Rename imports of the name; the scopes in which they bind it."""
        holders: list[Scope] = []
        for alias, (statement, _) in code.scopes.statements.items():
            if alias.name != self.old or not isinstance(statement, ast.ImportFrom):
                continue
            places = lead.imported(self.audit, code.path, statement).places
            if not any(self.means(place, self.old) for place in places):
                continue
            start, end = code.span(alias)
            code.replace(alias, start, self.old, self.new)
            if alias.asname == self.old:
                code.replace(alias, end - len(self.old), self.old, self.new)
            if alias.asname in (None, self.old):
                holders += [scope for scope in code.scopes.all if alias in scope.bound.get(self.old, ())]
        return list(dict.fromkeys(holders))

    def _definitions(self, code: Code, holder: Scope) -> None:
        for node in holder.bound.get(self.old, ()):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                word = re.compile(r"(?:async\s+)?(?:def|class)[\s\\]+").match(code.text, code.span(node)[0])
                code.replace(node, word.end() if word else 0, self.old, self.new)
            elif isinstance(node, ast.alias):
                if code.span(node)[0] not in {start for start, _ in code.edits}:
                    raise code.refuse(node, f"'{self.old}' is imported from elsewhere here")
            elif not isinstance(node, ast.Name):
                raise code.refuse(node, f"'{self.old}' is bound here too")

    def _attribute(self, code: Code, chain: Chain) -> None:
        """Rename `module.name`."""
        if self.old not in chain.words[1:]:
            return
        place = lead.root(self.audit, code, chain)
        for attribute in chain.attributes:
            if place is None:
                return
            if attribute.attr == self.old and self.means(place, self.old):
                if not lead.only_imported(chain):
                    raise code.refuse(chain.name, f"'{chain.name.id}' is not always the module here")
                code.replace(attribute, code.span(attribute)[1] - len(self.old), self.old, self.new)
                return
            defined = self.audit.project.resolver.define(place, attribute.attr)
            place = defined.place if defined.kind == "module" else None

    def _within(self, code: Code, string: ast.Constant) -> None:
        """Rename inside a string that names things."""
        start, end = code.span(string)
        for found in re.compile(rf"(?<![\w.]){re.escape(self.old)}(?!\w)").finditer(code.text, start, end):
            code.replace(string, found.start(), self.old, self.new)

    def unsure(self, code: Code) -> list[int]:
        """Lines with attributes and strings of that name that were left as they are: nothing says whose they are."""
        name = re.compile(rf"(?:\w+\.)*{re.escape(self.old)}")
        edited = {start for start, _ in code.edits}
        lines = set()
        for node in ast.walk(code.tree):
            if isinstance(node, ast.Attribute) and node.attr == self.old:
                changed = code.span(node)[1] - len(self.old) in edited
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and name.fullmatch(node.value):
                start, end = code.span(node)
                changed = any(start <= place < end for place in edited)
            else:
                continue
            if not changed and node.end_lineno is not None:
                lines.add(node.end_lineno)
        return sorted(lines)


def exported(tree: ast.Module) -> list[ast.Constant]:
    """The strings of `__all__` at the top of a module."""
    found: list[ast.Constant] = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            names = [node.value.func.value] if isinstance(node.value.func, ast.Attribute) else []
        else:
            continue
        if any(isinstance(name, ast.Name) and name.id == "__all__" for name in names):
            found += [inner for inner in ast.walk(node) if isinstance(inner, ast.Constant)]
    return found
