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
    metaclass = any(
        keyword.arg == "metaclass" and dotted(keyword.value) not in _PLAIN_META for keyword in node.keywords
    )
    special = {name: methods.pop(name, None) for name in ("__init__", "__new__")}
    return ClassInfo(
        node.lineno, bases, decorators, members, fields, special["__init__"], special["__new__"], metaclass, methods
    )


_PLAIN_META = ("ABCMeta", "abc.ABCMeta")


def _members(
    body: list[ast.stmt], members: dict[str, str], fields: list[tuple[str, bool]], methods: dict[str, Signature]
) -> None:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                kinds = [dotted(decorator) for decorator in statement.decorator_list]
                kind = next((k for k in kinds if k in ("classmethod", "staticmethod", "property")), "method")
                members[statement.name] = kind
                if kind != "property" and "overload" not in " ".join(kinds):
                    methods[statement.name] = signature(statement, method=kind != "staticmethod")
            case ast.ClassDef():
                members[statement.name] = "class"
            case ast.AnnAssign(target=ast.Name(id=name)):
                members[name] = "field"
                if "ClassVar" not in ast.dump(statement.annotation):
                    fields.append((name, statement.value is None))
            case ast.Assign():
                for target in statement.targets:
                    for name in names_of(target):
                        members[name] = "attribute"
            case ast.If() | ast.Try() | ast.With():
                _members(statement.body, members, fields, methods)
                for part in (getattr(statement, "orelse", []), *(h.body for h in getattr(statement, "handlers", []))):
                    _members(part, members, fields, methods)
            case _:
                pass


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
