"""Which scope each name of a Python file belongs to."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function, comprehension or list of type parameters, and the nodes that bind names in it."""

    kind: str  # "module" | "class" | "function" | "comprehension" | "type"
    above: "Scope | None" = None
    bound: dict[str, list[ast.AST]] = field(default_factory=dict)
    declared: dict[str, ast.Global | ast.Nonlocal] = field(default_factory=dict)

    def holder(self, name: str) -> "Scope":
        """The scope whose binding a use of `name` here sees; the module where nothing in the file binds it."""
        scope, sees_class = self, True
        while scope.above is not None:
            statement = scope.declared.get(name)
            if isinstance(statement, ast.Global):
                return list(scope.chain())[-1]
            if statement is None and name in scope.bound and (sees_class or scope.kind != "class"):
                return scope
            sees_class = sees_class and scope.kind == "type"
            scope = scope.above
        return scope

    def chain(self) -> "Iterator[Scope]":
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.above


@dataclass(slots=True)
class Scopes:
    """The scopes of one file: every name and every string that is an annotation, with the scope it is read in."""

    module: Scope
    names: list[tuple[ast.Name, Scope]] = field(default_factory=list)
    annotations: list[tuple[ast.Constant, Scope]] = field(default_factory=list)
    statements: dict[ast.alias, tuple[ast.Import | ast.ImportFrom, Scope]] = field(default_factory=dict)
    all: list[Scope] = field(default_factory=list)


def read(tree: ast.Module) -> Scopes:
    """The scopes of a parsed file."""
    walk = _Walk()
    walk.visit(tree)
    return walk.found


class _Walk(ast.NodeVisitor):
    def __init__(self) -> None:
        self.scope = Scope("module")
        self.found = Scopes(self.scope, all=[self.scope])

    def _bind(self, name: str, node: ast.AST, scope: Scope | None = None) -> None:
        scope = scope or self.scope
        statement = scope.declared.get(name)
        if isinstance(statement, ast.Global):
            scope = self.found.module
        if not isinstance(statement, ast.Nonlocal):
            scope.bound.setdefault(name, []).append(node)

    def _all(self, nodes: list[ast.expr] | list[ast.stmt] | list[ast.keyword] | list[ast.comprehension]) -> None:
        for node in nodes:
            self.visit(node)

    def _enter(self, kind: str) -> Scope:
        outer = self.scope
        self.scope = Scope(kind, outer)
        self.found.all.append(self.scope)
        return outer

    # what binds ------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        self.found.names.append((node, self.scope))
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id, node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        outer = next(scope for scope in self.scope.chain() if scope.kind != "comprehension")
        self.found.names.append((node.target, outer))
        self._bind(node.target.id, node.target, outer)
        self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.found.statements[alias] = (node, self.scope)
            self._bind(alias.asname or alias.name.partition(".")[0], alias)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.found.statements[alias] = (node, self.scope)
            if alias.name != "*":
                self._bind(alias.asname or alias.name, alias)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._named(node, node.name)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._named(node, node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._named(node, node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._named(node, node.rest)

    def _named(self, node: ast.AST, name: str | None) -> None:
        if name:
            self._bind(name, node)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.declared.update(dict.fromkeys(node.names, node))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.declared.update(dict.fromkeys(node.names, node))

    # what opens a scope ----------------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, node)
        self._all(node.decorator_list)
        outer = self._type_parameters(node)
        self._all(node.bases)
        self._all(node.keywords)
        self._enter("class")
        self._all(node.body)
        self.scope = outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name, node)
        self._all(node.decorator_list)
        self._defaults(node.args)
        outer = self._type_parameters(node)
        for argument in _arguments(node.args):
            self._annotation(argument.annotation)
        self._annotation(node.returns)
        self._body(node.args, node.body)
        self.scope = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._defaults(node.args)
        outer = self.scope
        self._body(node.args, [node.body])
        self.scope = outer

    def _defaults(self, arguments: ast.arguments) -> None:
        self._all([default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None])

    def _body(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr]) -> None:
        self._enter("function")
        for argument in _arguments(arguments):
            self._bind(argument.arg, argument)
        self._all(body)

    def _type_parameters(self, node: ast.AST) -> Scope:
        """Enter the scope of `[T]` where there is one; the scope to come back to."""
        outer = self.scope
        parameters = getattr(node, "type_params", [])  # Python 3.12
        if parameters:
            self._enter("type")
            for parameter in parameters:
                self._bind(parameter.name, parameter)
                self.generic_visit(parameter)
        return outer

    def visit_TypeAlias(self, node: ast.AST) -> None:
        self.visit(node.name)  # type: ignore[attr-defined]
        outer = self._type_parameters(node)
        self._annotation(node.value)  # type: ignore[attr-defined]
        self.scope = outer

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        first = node.generators[0]
        self.visit(first.iter)
        outer = self._enter("comprehension")
        self.visit(first.target)
        self._all(first.ifs)
        self._all(node.generators[1:])
        self._all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.scope = outer

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    # annotations -----------------------------------------------------------------------------------------------

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self._annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def _annotation(self, node: ast.expr | None) -> None:
        if node is not None:
            self.visit(node)
            self.found.annotations += [(string, self.scope) for string in _strings(node)]


def _arguments(node: ast.arguments) -> list[ast.arg]:
    stars = [argument for argument in (node.vararg, node.kwarg) if argument is not None]
    return [*node.posonlyargs, *node.args, *node.kwonlyargs, *stars]


def _strings(node: ast.AST) -> Iterator[ast.Constant]:
    """The strings of an annotation that hold code: not those of `Literal`, nor what `Annotated` adds to the type."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node
        return
    if isinstance(node, ast.Subscript):
        last = ast.unparse(node.value).rpartition(".")[2]
        if last == "Literal":
            return
        if last == "Annotated" and isinstance(node.slice, ast.Tuple):
            yield from _strings(node.slice.elts[0])
            return
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)
