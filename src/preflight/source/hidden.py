"""Names bound, and modules made, in ways that the text of a file does not show."""

import ast
from collections.abc import Iterator

# What a line holds where there may be such a way.
WORDS = (
    *("globals()", "sys.modules[", "sys.modules.", "exec(", "vars(", "locals()", "setattr(sys", "global_enum"),
    "__all__",
)
_READERS = frozenset(  # calls that only look at the names of a module given to them
    (
        *("dict", "list", "set", "frozenset", "tuple", "sorted", "len", "iter", "filter", "enumerate", "id", "str"),
        *("getattr", "hasattr", "dir", "vars", "isinstance", "eval", "getmembers", "__import__", "print", "copy"),
    )
)
_HOLDERS = (
    *(ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Yield, ast.List, ast.Tuple, ast.Set, ast.IfExp),
    *(ast.BoolOp, ast.Lambda, ast.arguments),
)


def bindings(statement: ast.AST, *, inside: bool) -> Iterator[str]:
    """Ways to bind a "name" of the module, to add to its "export", or to make a "module", that the text hides.

    `inside` a function, `locals()` and `vars()` are the function's own.
    """
    for node in ast.walk(statement):
        yield from _direct(node, inside)
        for child in ast.iter_child_nodes(node):
            if _is_namespace(child, inside) and _hands_on(node, child):
                yield "name"


def _is_namespace(node: ast.AST, inside: bool) -> bool:
    """Whether an expression is the module itself, or the dictionary of its names."""
    match node:
        case ast.Call(func=ast.Name(id="globals" | "locals" | "vars" as name), args=[], keywords=[]):
            return name == "globals" or not inside
        case ast.Call(func=ast.Name(id="vars"), args=[value]) | ast.Attribute(value=value, attr="__dict__"):
            return _is_namespace(value, inside)
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id="sys"), attr="modules"), slice=ast.Name("__name__")):
            return True
        case _:
            return False


def _direct(node: ast.AST, inside: bool) -> Iterator[str]:
    match node:
        case ast.Subscript(value=value, ctx=ast.Store()):
            if _is_namespace(value, inside) or _is_namespace(node, inside):
                yield "name"
            elif ast.unparse(value) == "sys.modules":
                yield "module"
        case ast.Attribute(value=value, ctx=ast.Store()) if _is_namespace(value, inside):
            yield "name"
        case ast.Call(func=ast.Attribute(value=value, attr="update" | "setdefault" | "__setitem__")):
            if _is_namespace(value, inside):
                yield "name"
            elif ast.unparse(value) == "sys.modules":
                yield "module"
        case ast.Call(func=ast.Name(id="exec")) | ast.Name(id="global_enum") | ast.Attribute(attr="global_enum"):
            yield "name"
        case ast.Call(func=ast.Name(id="setattr"), args=[first, *_]):
            if "sys.modules" in ast.unparse(first):
                yield "name"
        case ast.Name(id="__all__"):
            yield "export"
        case _:
            pass


def _hands_on(holder: ast.AST, namespace: ast.AST) -> bool:
    """Whether code elsewhere may write into the namespace: it is kept under another name, or given to a call."""
    match holder:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return namespace is not holder.func and name not in _READERS
        case ast.keyword(arg=name):
            return name is not None
        case ast.Dict(keys=keys, values=values):
            return any(value is namespace and key is not None for key, value in zip(keys, values, strict=True))
        case _:
            return isinstance(holder, _HOLDERS)
