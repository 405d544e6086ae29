"""Signatures, class bodies and dotted names, read from syntax trees."""

import ast

from preflight.source.summary import ClassInfo, Param, Signature

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of attributes (calls and subscripts on the way dropped), else an empty string."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            return ".".join(reversed(parts))
        elif isinstance(node, ast.Call | ast.Subscript) and not parts:
            node = node.func if isinstance(node, ast.Call) else node.value
        else:
            return ""


def signature(node: FunctionNode, *, method: bool = False) -> Signature:
    """Parameters of a function; the first one is left out for methods."""
    args = node.args
    positional = [(arg.arg, "p") for arg in args.posonlyargs] + [(arg.arg, "a") for arg in args.args]
    required = len(positional) - len(args.defaults)
    params = [Param(name, kind, index < required) for index, (name, kind) in enumerate(positional)]
    if method and params:
        params = params[1:]
    params += [
        Param(arg.arg, "k", default is None) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
    ]
    decorators = [dotted(decorator) or "?" for decorator in node.decorator_list]
    return Signature(params, args.vararg is not None, args.kwarg is not None, decorators)


def class_info(node: ast.ClassDef) -> ClassInfo:
    """Bases, decorators, members, annotated fields and constructors of a class."""
    members: dict[str, str] = {}
    fields: list[tuple[str, bool]] = []
    methods: dict[str, Signature] = {}
    _members(node.body, members, fields, methods)
    decorators = [dotted(decorator) or "?" for decorator in node.decorator_list]
    bases = [dotted(base) or "?" for base in node.bases]
    opaque = any(keyword.arg == "metaclass" and dotted(keyword.value) not in _PLAIN_META for keyword in node.keywords)
    special = {name: methods.pop(name, None) for name in ("__init__", "__new__")}
    return ClassInfo(
        node.lineno, bases, decorators, members, fields, special["__init__"], special["__new__"], opaque, methods
    )


_PLAIN_META = ("ABCMeta", "abc.ABCMeta")
_FIELDS = ("field", "ib", "attrib")  # of dataclasses and attrs


def _members(
    body: list[ast.stmt], members: dict[str, str], fields: list[tuple[str, bool]], methods: dict[str, Signature]
) -> None:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                kinds = [dotted(decorator) for decorator in statement.decorator_list]
                _method(statement, kinds, members, methods)
            case ast.ClassDef():
                members[statement.name] = "class"
            case ast.AnnAssign(target=ast.Name(id=name)):
                members[name] = "field"
                if "ClassVar" not in ast.dump(statement.annotation):
                    fields += _field(name, statement.value)
            case ast.Assign():
                for target in statement.targets:
                    for name in names_of(target):
                        members[name] = "attribute"
                        fields += [("?", False)] if _keywords(statement.value) is not None else []
            case ast.If() | ast.Try() | ast.With():
                _members(statement.body, members, fields, methods)
                for part in (getattr(statement, "orelse", []), *(h.body for h in getattr(statement, "handlers", []))):
                    _members(part, members, fields, methods)
            case _:
                pass


def _method(node: FunctionNode, kinds: list[str], members: dict[str, str], methods: dict[str, Signature]) -> None:
    """Note a method; one that is written twice, as under a condition, has no signature that is known."""
    name = node.name
    if "overload" in " ".join(kinds):
        members.setdefault(name, "overload")
        return
    kind = next((k for k in kinds if k in ("classmethod", "staticmethod", "property")), "method")
    if members.get(name, "overload") != "overload":
        methods.pop(name, None)
        return
    members[name] = kind
    if kind != "property":
        methods[name] = signature(node, method=kind != "staticmethod")


def _keywords(value: ast.AST | None) -> set[str | None] | None:
    """Keywords of a call that describes a field; None for any other value."""
    if not isinstance(value, ast.Call) or dotted(value.func).rpartition(".")[2] not in _FIELDS:
        return None
    return {keyword.arg for keyword in value.keywords} | ({"default"} if value.args else set())


def _field(name: str, value: ast.expr | None) -> list[tuple[str, bool]]:
    keywords = _keywords(value)
    if keywords is None:
        return [(name, value is None)]
    if keywords & {"alias", None}:
        return [("?", False)]
    assert isinstance(value, ast.Call)
    for keyword in value.keywords:
        if keyword.arg == "init":
            hidden = not isinstance(keyword.value, ast.Constant)
            if hidden or not keyword.value.value:  # type: ignore[attr-defined]
                return [("?", False)] if hidden else []
    return [(name, not keywords & {"default", "default_factory", "factory"})]


def names_of(target: ast.AST) -> list[str]:
    """The names that an assignment target binds."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple | ast.List):
        return [name for element in target.elts for name in names_of(element)]
    if isinstance(target, ast.Starred):
        return names_of(target.value)
    return []


def literal_strings(node: ast.AST | None) -> list[str] | None:
    """The strings of a literal list, tuple, set or single string; None when the text does not show them all."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        strings: list[str] = []
        for element in node.elts:
            if not (isinstance(element, ast.Constant) and isinstance(element.value, str)):
                return None
            strings.append(element.value)
        return strings
    return None
