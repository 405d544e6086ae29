"""What the names of a file stand for when imports bind them."""

import ast

from preflight.analysis.audit import Audit
from preflight.fixers.code import Chain, Code
from preflight.source.folders import Place
from preflight.source.resolution import Resolution
from preflight.source.summary import Import


def place_of(path: str) -> Place:
    """The module that a file is."""
    kind = "package" if path.endswith("/__init__.py") else "stub" if path.endswith(".pyi") else "module"
    return Place(kind, path)


def imported(audit: Audit, path: str, statement: ast.ImportFrom) -> Resolution:
    """Where the module part of a `from` statement leads."""
    item = Import(statement.module or "", statement.level, None, None, statement.lineno, 1, "", "", "from")
    return audit.project.resolver.imported(item, path)


def root(audit: Audit, code: Code, chain: Chain) -> Place | None:
    """The module that the first word of a chain is bound to by an import; None when it is none, or not surely one."""
    resolver = audit.project.resolver
    name = chain.name.id
    for node in chain.scope.holder(name).bound.get(name, ()):
        if not isinstance(node, ast.alias):
            continue
        statement, _ = code.scopes.statements[node]
        if isinstance(statement, ast.Import):
            found = resolver.absolute(node.name if node.asname else name, code.path)
            if found.places:
                return found.places[0]
            continue
        for place in imported(audit, code.path, statement).places:
            defined = resolver.define(place, node.name)
            if defined.kind == "module" and defined.place is not None:
                return defined.place
    return None


def only_imported(chain: Chain) -> bool:
    """Whether imports alone bind the first word of a chain."""
    name = chain.name.id
    return all(isinstance(node, ast.alias) for node in chain.scope.holder(name).bound.get(name, ()))
