"""Visit the statements of one file: imports with their guards, module-level names, classes, functions, calls."""

import ast
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

from preflight.source import calls, hidden, lazy, shapes
from preflight.source.summary import Binding, Call, ClassInfo, Import, Signature, Summary

_CATCHES = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_EXPECTING = ("raises", "assertRaises", "assertRaisesRegex")
_AVAILABILITY = re.compile(
    r"has_|have_|_available|available|find_spec|installed|version_info|PY2|PY3|platform|os\.name", re.IGNORECASE
)
_EXPRESSION_FIELDS = ("value", "test", "iter", "exc", "msg", "items", "subject", "decorator_list", "targets")


class Visitor:
    """Walks statements with the guard and the function they are in."""

    def __init__(self, text: str, stub: bool) -> None:
        self.text = text
        self.stub = stub
        self.rows = None if text.isascii() else text.encode("utf-8", "surrogatepass").split(b"\n")
        self.deep = _rows_with(text, calls.WORDS)
        self.suspects = _rows_with(text, hidden.WORDS)
        self.walrus = ":=" in text
        self.imports: list[Import] = []
        self.names: dict[str, Binding] = {}
        self.stars: list[tuple[str, int, int, str]] = []
        self.exported: list[str] | None = None
        self.exported_dynamic = False
        self.lazy: lazy.Table | None = None
        self.getattr_line = 0
        self.dynamic = False
        self.serving_hidden = False
        self.classes: dict[str, ClassInfo] = {}
        self.functions: dict[str, Signature] = {}
        self.bound: Counter[str] = Counter()  # how often a name gets something at run time
        self.calls: list[Call] = []
        self.dictionaries: dict[str, list[str]] = {}  # keys of local dictionaries, for `f(**local)`
        self.main_guard = False
        self.path_dynamic = "extend_path" in text or "__path__" in text
        self.skipping = ""
        self.constants: dict[str, ast.expr] = {}
        self.getattr_node: shapes.FunctionNode | None = None

    def summary(self, error: tuple[int, int, str] | None, lines: int, found: list[tuple[str, int, int]]) -> Summary:
        """Everything seen, as a summary."""
        if self.getattr_node is not None:
            self.lazy = lazy.table(self.getattr_node, self.constants)
            self.dynamic |= self.serving_hidden and self.lazy is None
        served = self.names.get("__getattr__")
        self.dynamic |= served is not None and served.kind != "def" and not served.typing
        for name in [
            name for name, times in self.bound.items() if times > 1
        ]:  # which one it is, the text does not show
            self.functions.pop(name, None)
            if name in self.classes:
                self.classes[name] = self.classes[name]._replace(opaque=True)
        self.calls = [self._spread(call) if call.kind == "build" else call for call in self.calls]
        return Summary(
            error, lines, self.imports, self.names, self.stars, self.exported, self.exported_dynamic, self.lazy,
            self.getattr_line, self.dynamic, self.classes, self.functions, self.calls, self.main_guard,
            self.path_dynamic, found,
        )  # fmt: skip

    def run(self, tree: ast.Module) -> None:
        """Visit the whole file."""
        self.body(tree.body, "", "", True)

    def body(self, body: list[ast.stmt], guard: str, function: str, module: bool) -> None:
        """Visit a block; `module` is False inside functions and classes."""
        for statement in body:
            self._statement(statement, guard or (self.skipping if not function else ""), function, module)

    def _column(self, node: ast.AST) -> int:
        offset: int = getattr(node, "col_offset", 0)
        if self.rows is None:
            return offset + 1
        number = getattr(node, "lineno", 1) - 1
        row = self.rows[number][:offset] if number < len(self.rows) else b""
        return len(row.decode("utf-8", "replace")) + 1

    def _bind(
        self, name: str, kind: str, line: int, guard: str, source: tuple[str, int, str | None] | None = None
    ) -> None:
        old = self.names.get(name)
        self.bound[name] += guard != "typing"
        if guard == "typing" and old is not None and not old.typing:
            return
        better = old is None or old.typing or (not guard) or (old.kind == "var" and kind != "var" and old.guarded)
        if better and not (old is not None and not old.typing and kind == "var" and old.kind != "var"):
            self.names[name] = Binding(kind, line, source, guard == "typing", bool(guard))

    def _statement(self, node: ast.stmt, guard: str, function: str, module: bool) -> None:
        if self.deep and _touches(self.deep, node):
            self._expressions(node, guard, function)
        if self.suspects and _touches(self.suspects, node):
            self._suspect(node, function)
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, guard, function, module)
        if self.walrus and module and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for child in ast.walk(node):
                if isinstance(child, ast.NamedExpr):
                    self._bind(child.target.id, "var", child.lineno, guard)

    def _suspect(self, node: ast.stmt, function: str) -> None:
        """Remember a statement that may bind names, or make modules, which the text does not show."""
        parts = [node] if not hasattr(node, "body") else list(_heads(node))  # statements inside have their own turn
        found = {kind for part in parts for kind in hidden.bindings(part, inside=bool(function))}
        self.path_dynamic |= "module" in found
        self.exported_dynamic |= "export" in found and function not in ("", "__dir__", "__getattr__")
        if function == "__getattr__":
            self.serving_hidden |= "name" in found  # it keeps what it served: nothing new when its table is readable
        else:
            self.dynamic |= "name" in found

    def _expressions(self, node: ast.stmt, guard: str, function: str) -> None:
        for field in _EXPRESSION_FIELDS:
            value = getattr(node, field, None)
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.expr | ast.withitem):
                    for kind, found, data in calls.find(part, self.constants):
                        self._call(kind, found, data, guard, function)
        for decorator in getattr(node, "decorator_list", []):
            for kind, found, data in calls.decorator(decorator, self.constants):
                self._call(kind, found, data, guard, function)

    def _call(self, kind: str, node: ast.AST, data: list[object], guard: str, function: str) -> None:
        line, column = getattr(node, "lineno", 1), self._column(node)
        if kind == "import":
            module, level = str(data[0]), int(str(data[1]))
            guard = guard or str(data[2])
            self.imports.append(Import(module, level, None, None, line, column, guard, function, "call"))
        elif kind != "store" or "ConfigStore" in self.text or "hydra" in self.text:  # others store things too
            self.calls.append(Call(kind, line, column, data))

    def _remember(self, node: ast.Assign | ast.AnnAssign) -> None:
        """Keys that a local dictionary gets by literals: `x = {"a": 1}` and `x["b"] = 2`."""
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Dict):
                keys = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
                self.dictionaries.setdefault(target.id, []).extend(map(str, keys))
            elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                key = target.slice.value if isinstance(target.slice, ast.Constant) else None
                self.dictionaries.setdefault(target.value.id, []).append(str(key))

    def _spread(self, call: Call) -> Call:
        """A build call with `**local` replaced by the keys of that dictionary."""
        path, positional, names, starred = call.data
        plain = [name for name in names if not name.startswith("**")]
        for name in names:
            if name.startswith("**"):
                keys = self.dictionaries.get(name[2:])
                starred = starred or keys is None
                plain += keys or []
        return call._replace(data=[path, positional, plain, starred])

    # one method per kind of statement ------------------------------------------------------------------------------

    def _import(self, node: ast.Import, guard: str, function: str, module: bool) -> None:
        for alias in node.names:
            place = (alias.lineno, self._column(alias))
            self.imports.append(Import(alias.name, 0, None, alias.asname, *place, guard, function, "import"))
            if module:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                self._bind(alias.asname or whole, "module", node.lineno, guard, (whole, 0, None))

    def _from(self, node: ast.ImportFrom, guard: str, function: str, module: bool) -> None:
        source = node.module or ""
        if source == "__future__":
            return
        for alias in node.names:
            place = (alias.lineno, self._column(alias))
            self.imports.append(Import(source, node.level, alias.name, alias.asname, *place, guard, function, "from"))
            if alias.name == "*":
                self.stars.append((source, node.level, node.lineno, guard))
            elif module:
                self._bind(alias.asname or alias.name, "import", node.lineno, guard, (source, node.level, alias.name))

    def _function(self, node: shapes.FunctionNode, guard: str, function: str, module: bool) -> None:
        if module:
            self._bind(node.name, "def", node.lineno, guard)
            signature = shapes.signature(node)
            if any(name.endswith("overload") for name in signature.decorators):
                self.bound[node.name] -= guard != "typing"
            elif guard != "typing":
                self.functions[node.name] = signature
            if node.name == "__getattr__":
                self.getattr_line, self.getattr_node = node.lineno, node
        self.body(node.body, guard, function or node.name, False)

    def _class(self, node: ast.ClassDef, guard: str, function: str, module: bool, prefix: str = "") -> None:
        if module or prefix:
            if module:
                self._bind(node.name, "class", node.lineno, guard)
            if guard != "typing" or prefix + node.name not in self.classes:
                self.classes[prefix + node.name] = shapes.class_info(node)
        for statement in node.body:
            if isinstance(statement, ast.ClassDef) and (module or prefix):
                self._class(statement, guard, function, False, f"{prefix}{node.name}.")
            else:
                self._statement(statement, guard, function, False)

    def _assign(self, node: ast.Assign, guard: str, _function: str, module: bool) -> None:
        if self.deep:
            self._remember(node)
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in ("__init__", "__new__"):
                self.bound[shapes.dotted(target.value)] += 2
        if not module:
            return
        for target in node.targets:
            for name in shapes.names_of(target):
                kind, source = _alias_of(node.value)
                self._bind(name, kind, node.lineno, guard, source)
                self.constants[name] = node.value
                if isinstance(node.value, ast.Constant) and node.value.value is None:
                    self.bound[name] -= guard != "typing"  # stands for something that is not there
                if name == "__all__":
                    self._all(node.value, extend=False)

    def _annotated(self, node: ast.AnnAssign, guard: str, _function: str, module: bool) -> None:
        if self.deep:
            self._remember(node)
        if module and isinstance(node.target, ast.Name) and (node.value is not None or self.stub):
            self._bind(node.target.id, "var", node.lineno, guard)
            if node.value is not None:
                self.constants[node.target.id] = node.value
                if node.target.id == "__all__":
                    self._all(node.value, extend=False)
        if not module and isinstance(node.target, ast.Name) and node.target.id == "_target_":
            text = node.value.value if isinstance(node.value, ast.Constant) else None
            if isinstance(text, str):
                self.calls.append(Call("target", node.lineno, self._column(node.value or node), [text, []]))

    def _augmented(self, node: ast.AugAssign, guard: str, _function: str, module: bool) -> None:
        if module and isinstance(node.target, ast.Name):
            self._bind(node.target.id, "var", node.lineno, guard)
            if node.target.id == "__all__":
                self._all(node.value, extend=True)
        if ast.unparse(node.target) == "sys.path":
            self.path_dynamic = True

    def _all(self, value: ast.expr, *, extend: bool) -> None:
        strings = shapes.literal_strings(value)
        if strings is None or isinstance(value, ast.Constant):
            self.exported_dynamic = True
        else:
            self.exported = [*(self.exported or [] if extend else []), *strings]

    def _if(self, node: ast.If, guard: str, function: str, module: bool) -> None:
        inside, outside = guard, guard
        test = "" if function and not _imports_in(node) else ast.unparse(node.test)
        if test.endswith("TYPE_CHECKING") and not test.startswith("not "):
            inside = guard or "typing"
        elif test.startswith("not ") and test.endswith("TYPE_CHECKING"):
            outside = guard or "typing"
        elif _AVAILABILITY.search(test):
            inside = outside = guard or "if"
        if module and "__name__" in test and "__main__" in test:
            self.main_guard = True
            inside = guard or "main"
        self.body(node.body, inside, function, module)
        self.body(node.orelse, outside, function, module)

    def _try(self, node: ast.Try, guard: str, function: str, module: bool) -> None:
        caught = any(_catches_import(handler) for handler in node.handlers)
        self.body(node.body, guard or ("try" if caught else ""), function, module)
        for handler in node.handlers:
            inner = guard or ("except" if _catches_import(handler, reraising=True) else "")
            self.body(handler.body, inner, function, module)
        self.body(node.orelse, guard, function, module)
        self.body(node.finalbody, guard, function, module)

    def _with(self, node: ast.With, guard: str, function: str, module: bool) -> None:
        for item in node.items:
            if module and item.optional_vars is not None:
                for name in shapes.names_of(item.optional_vars):
                    self._bind(name, "var", node.lineno, guard)
            call = item.context_expr
            last = shapes.dotted(call.func).rpartition(".")[2] if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and last in ("suppress", *_EXPECTING):
                listed = [part for arg in call.args for part in getattr(arg, "elts", [arg])]
                if any(shapes.dotted(part).rpartition(".")[2] in _CATCHES for part in listed):
                    guard = "raises" if last in _EXPECTING else guard or "suppress"
        self.body(node.body, guard, function, module)

    def _loop(self, node: ast.For | ast.While, guard: str, function: str, module: bool) -> None:
        if module and isinstance(node, ast.For | ast.AsyncFor):
            for name in shapes.names_of(node.target):
                self._bind(name, "var", node.lineno, guard)
        self.body(node.body, guard, function, module)
        self.body(node.orelse, guard, function, module)

    def _match(self, node: ast.Match, guard: str, function: str, module: bool) -> None:
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if module and isinstance(name, str):
                    self._bind(name, "var", node.lineno, guard)
            self.body(case.body, guard, function, module)

    def _delete(self, node: ast.Delete, guard: str, _function: str, module: bool) -> None:
        if module and not guard:
            for target in node.targets:
                for name in shapes.names_of(target):
                    self.names.pop(name, None)

    def _expression(self, node: ast.Expr, _guard: str, function: str, _module: bool) -> None:
        call = node.value
        if not isinstance(call, ast.Call):
            return
        name = shapes.dotted(call.func)
        if (
            not function
            and name in ("pytest.skip", "skip")
            and any(k.arg == "allow_module_level" for k in call.keywords)
        ):
            self.skipping = "skip"
        if not function and name.endswith("importorskip"):
            self.skipping = "skip"
        if not function and name in ("__all__.extend", "__all__.append", "__all__.remove") and call.args:
            self._all(ast.List([call.args[0]]) if name.endswith("append") else call.args[0], extend=True)

    def _raise(self, node: ast.Raise, _guard: str, function: str, module: bool) -> None:
        if module and not function and node.exc is not None and shapes.dotted(node.exc).endswith("SkipTest"):
            self.skipping = "skip"

    def _type_alias(self, node: ast.stmt, guard: str, _function: str, module: bool) -> None:
        if module:
            self._bind(node.name.id, "var", node.lineno, guard)  # type: ignore[attr-defined]

    def _global(self, node: ast.Global, _guard: str, _function: str, _module: bool) -> None:
        """Names that a function binds at module level."""
        for name in node.names:
            self.bound[name] += 1
            if name not in self.names:
                self.names[name] = Binding("var", node.lineno, None, False, True)


def _rows_with(text: str, words: tuple[str, ...]) -> list[int]:
    """Sorted numbers of the lines that hold one of the words."""
    rows: set[int] = set()
    for word in words:
        start = text.find(word)
        while start >= 0:
            rows.add(text.count("\n", 0, start) + 1)
            start = text.find(word, start + 1)
    return sorted(rows)


def _touches(rows: list[int], node: ast.stmt) -> bool:
    """Whether a statement (with its decorators) spans one of the lines."""
    first = min((d.lineno for d in getattr(node, "decorator_list", ())), default=node.lineno)
    index = bisect_left(rows, first)
    return index < len(rows) and rows[index] <= (node.end_lineno or node.lineno)


def _heads(node: ast.stmt) -> Iterator[ast.AST]:
    """What a compound statement says before its block: decorators, defaults, tests."""
    for name in ("decorator_list", "args", "keywords", "items", "test", "iter", "subject"):
        value = getattr(node, name, None)
        yield from value if isinstance(value, list) else [value] if isinstance(value, ast.AST) else ()


def _imports_in(node: ast.If) -> bool:
    return any(isinstance(child, ast.Import | ast.ImportFrom) for child in (*node.body, *node.orelse))


def _alias_of(value: ast.expr) -> tuple[str, tuple[str, int, str | None] | None]:
    """`Alias = Name` remembers what it stands for."""
    if isinstance(value, ast.Name):
        return "alias", ("", 0, value.id)
    return "var", None


def _catches_import(handler: ast.ExceptHandler, *, reraising: bool = False) -> bool:
    kinds = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    catches = any(kind is None or shapes.dotted(kind).rpartition(".")[2] in _CATCHES for kind in kinds)
    return catches and (reraising or not isinstance(handler.body[-1], ast.Raise))


_HANDLERS: dict[type[ast.stmt], Callable[..., None]] = {
    ast.Import: Visitor._import,
    ast.ImportFrom: Visitor._from,
    ast.FunctionDef: Visitor._function,
    ast.AsyncFunctionDef: Visitor._function,
    ast.ClassDef: Visitor._class,
    ast.Assign: Visitor._assign,
    ast.AnnAssign: Visitor._annotated,
    ast.AugAssign: Visitor._augmented,
    ast.If: Visitor._if,
    ast.Try: Visitor._try,
    ast.With: Visitor._with,
    ast.AsyncWith: Visitor._with,
    ast.For: Visitor._loop,
    ast.AsyncFor: Visitor._loop,
    ast.While: Visitor._loop,
    ast.Match: Visitor._match,
    ast.Delete: Visitor._delete,
    ast.Expr: Visitor._expression,
    ast.Raise: Visitor._raise,
    ast.Global: Visitor._global,
}
if hasattr(ast, "TryStar"):
    _HANDLERS[ast.TryStar] = Visitor._try
if hasattr(ast, "TypeAlias"):  # Python 3.12
    _HANDLERS[ast.TypeAlias] = Visitor._type_alias
