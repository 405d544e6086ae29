"""Rename a module in Python code: imports of it, and the names that these imports bind."""

import ast
import re

from preflight.analysis.audit import Audit
from preflight.api import UseError
from preflight.fixers import lead
from preflight.fixers.code import Chain, Code, check_free
from preflight.fixers.name_code import exported
from preflight.fixers.scopes import Scope
from preflight.source.folders import Place

_FROM = re.compile(r"from[\s\\]+([.\w]+)(?=[\s\\]+import\b)")


class ModuleRename:
    """The renaming of the module at `place`."""

    def __init__(self, audit: Audit, place: Place, old: str, new: str) -> None:
        self.audit = audit
        self.place = place
        self.old = old
        self.new = new
        self.kept: set[str] = set()  # files whose own name for the module is used from outside

    def note_uses(self, code: Code) -> None:
        """Remember which other files' name for the module this file uses: they keep it."""
        resolver = self.audit.project.resolver
        own = self.old.rpartition(".")[2]
        asked: list[Place] = []
        for alias, (statement, _) in code.scopes.statements.items():
            if alias.name == own and isinstance(statement, ast.ImportFrom):
                asked += lead.imported(self.audit, code.path, statement).places
        for chain in code.chains:
            if own in chain.words[1:] and (place := lead.root(self.audit, code, chain)) is not None:
                asked.append(place)
        for place in asked:
            found = resolver.lookup(place, own)
            if found.place is not None and found.binding is not None:
                self.kept.add(found.place.path)

    def rewrite(self, code: Code) -> None:
        """Rename in one file; UseError names a place where that is not safe."""
        aliased: set[Scope] = set()
        renamed: set[Scope] = set()
        for alias, (statement, scope) in code.scopes.statements.items():
            if isinstance(statement, ast.ImportFrom):
                continue
            if self._here(code.path) and (alias.name == self.old or alias.name.startswith(f"{self.old}.")):
                start = code.span(alias)[0]
                if alias.asname is None and not self._bound_freely(code, scope):
                    if alias.name != self.old or "." in self.old:
                        raise code.refuse(alias, f"'{self._top}' is bound to other things too where this is imported")
                    code.replace(alias, start, self.old, f"{self.new} as {self.old}")
                    aliased.add(scope)
                else:
                    code.replace(alias, start, self.old, self.new)
                    renamed.add(scope)
        for chain in code.chains:
            if chain.name.id == self._top and chain.scope.holder(self._top) not in aliased:
                self._use(code, chain, renamed)
        for statement in {id(one): one for one, _ in code.scopes.statements.values()}.values():
            if isinstance(statement, ast.ImportFrom):
                self._from(code, statement)
        self._calls(code)
        self._exported(code)

    @property
    def _top(self) -> str:
        return self.old.partition(".")[0]

    def _here(self, path: str) -> bool:
        """Whether `import old` in this file leads to the module, and not to one of that name beside the file."""
        places = self.audit.project.resolver.absolute(self.old, path).places
        folder = path.rpartition("/")[0]
        beside = [place for place in places if place.path.rpartition("/")[0] == folder]
        return self.place in (beside or places)

    def _bound_freely(self, code: Code, scope: Scope) -> bool:
        """Whether the names in a scope can follow an import that changes the first word it binds."""
        new_top = self.new.partition(".")[0]
        bound = scope.bound.get(self._top, ())
        if scope.kind == "class" or not bound or not all(self._plain(code, node) for node in bound):
            return False
        if new_top == self._top:
            return True
        if scope is code.scopes.module and code.path in self.kept:
            return False
        if new_top in scope.bound and all(self._plain(code, node) for node in scope.bound[new_top]):
            return True
        try:
            check_free(code, scope, self._top, new_top)
        except UseError:
            return False
        return True

    def _plain(self, code: Code, node: ast.AST) -> bool:
        """Whether a binding is `import a.b` without `as`."""
        if not isinstance(node, ast.alias) or node.asname is not None:
            return False
        return isinstance(code.scopes.statements[node][0], ast.Import)

    def _use(self, code: Code, chain: Chain, renamed: set[Scope]) -> None:
        """Rename at the beginning of an attribute chain whose first word a plain import binds."""
        holder = chain.scope.holder(self._top)
        bound = holder.bound.get(self._top, [])
        if not any(self._plain(code, node) for node in bound) or not self._here(code.path):
            return
        words = self.old.split(".")
        same_top = self.new.partition(".")[0] == self._top
        if chain.words[: len(words)] == words:
            if not all(self._plain(code, node) for node in bound) or not (same_top or holder in renamed):
                if "." not in self.old:  # this scope has no import of the module itself
                    return
                raise code.refuse(chain.name, f"'{self._top}' is bound in a way that cannot be followed")
            last = chain.attributes[len(words) - 2] if len(words) > 1 else chain.name
            start, end = code.span(chain.name)[0], code.span(last)[1]
            code.replace(chain.name, start, code.text[start:end], self.new)
        elif not same_top and holder in renamed and not self._remains(holder):
            raise code.refuse(chain.name, f"'{self._top}' is used, which only an import of '{self.old}' gives")

    def _remains(self, holder: Scope) -> bool:
        """Whether another import still binds the first word."""
        names = [node.name for node in holder.bound.get(self._top, ()) if isinstance(node, ast.alias)]
        return any(name != self.old and not name.startswith(f"{self.old}.") for name in names)

    # from ------------------------------------------------------------------------------------------------------

    def _from(self, code: Code, statement: ast.ImportFrom) -> None:
        parent, _, own = self.old.rpartition(".")
        module = self._absolute(code.path, statement)
        inside = self.moves(code.path)
        if module == self.old or module.startswith(f"{self.old}."):
            if not (inside and statement.level) and (statement.level or self._here(code.path)):
                self._module(code, statement, self.new + module[len(self.old) :])
        elif module == parent and parent and any(self._names_it(code, statement, alias) for alias in statement.names):
            self._member(code, statement, own)
        elif inside and statement.level and module and self.new.rpartition(".")[0] != parent:
            self._module(code, statement, module)  # relative to where the file will no longer be

    def moves(self, path: str) -> bool:
        """Whether a file is moved along."""
        return path == self.place.path or bool(self.place.folder and path.startswith(f"{self.place.folder}/"))

    def _absolute(self, path: str, statement: ast.ImportFrom) -> str:
        """The dotted module of a `from` statement."""
        if not statement.level:
            return statement.module or ""
        folder = path.split("/")[:-1]
        base = "/".join(folder[: max(len(folder) - statement.level + 1, 0)])
        start = self.audit.project.resolver.dotted(Place("namespace", base)) if base else ""
        return ".".join(part for part in (start, statement.module or "") if part)

    def _names_it(self, code: Code, statement: ast.ImportFrom, alias: ast.alias) -> bool:
        resolver = self.audit.project.resolver
        places = lead.imported(self.audit, code.path, statement).places
        if alias.name != self.old.rpartition(".")[2]:
            return False
        found = [resolver.define(place, alias.name) for place in places]
        return any(defined.kind == "module" and defined.place == self.place for defined in found)

    def _module(self, code: Code, statement: ast.ImportFrom, module: str) -> None:
        found = _FROM.match(code.text, code.span(statement)[0])
        if found is None:
            raise code.refuse(statement, "write the module of this import plainly first")
        code.replace(statement, found.start(1), found[1], module)

    def _member(self, code: Code, statement: ast.ImportFrom, own: str) -> None:
        """`from parent import module`: the name in the file stays."""
        new_parent, _, new_own = self.new.rpartition(".")
        alias = next(alias for alias in statement.names if alias.name == own)
        start = code.span(alias)[0]
        if new_parent == self.old.rpartition(".")[0]:
            local = "" if alias.asname or new_own == own else f" as {own}"
            code.replace(alias, start, own, new_own + local)
            return
        whole_start, whole_end = code.span(statement)
        if len(statement.names) > 1 or "#" in code.text[whole_start:whole_end]:
            raise code.refuse(statement, f"'{own}' is imported together with others; give it a line of its own first")
        local = alias.asname or own
        written = f" as {local}" if local != new_own else ""
        begin = f"from {new_parent} import" if new_parent else "import"
        code.replace(statement, whole_start, code.text[whole_start:whole_end], f"{begin} {new_own}{written}")

    def _exported(self, code: Code) -> None:
        """`__all__` of the package, where it names a submodule that nothing there imports."""
        parent, _, own = self.old.rpartition(".")
        new_parent, _, new_own = self.new.rpartition(".")
        folder = self.place.folder or self.place.path
        if code.path != f"{folder.rpartition('/')[0]}/__init__.py" or own in code.scopes.module.bound:
            return
        for string in exported(code.tree):
            if string.value == own:
                if parent != new_parent:
                    raise code.refuse(string, f"'{own}' is in __all__ of the package that it leaves")
                start, end = code.span(string)
                code.replace(string, code.text.find(own, start, end), own, new_own)

    def _calls(self, code: Code) -> None:
        """`importlib.import_module("old")`, where the string is surely a module."""
        for node in ast.walk(code.tree):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name, value = ast.unparse(node.func).rpartition(".")[2], str(node.args[0].value)
            if name not in ("import_module", "__import__") or not self._here(code.path):
                continue
            if value == self.old or value.startswith(f"{self.old}."):
                start, end = code.span(node.args[0])
                at = code.text.find(self.old, start, end)
                if at >= 0:
                    code.replace(node.args[0], at, self.old, self.new)
