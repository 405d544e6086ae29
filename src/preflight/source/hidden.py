"""Names bound, and modules made, in ways that the text of a file does not show."""

import ast
from collections.abc import Iterator

# What a line holds where there may be such a way.
WORDS = ("globals()", "sys.modules[", "sys.modules.", "exec(", "vars()", "locals()[", "setattr(sys")


def bindings(node: ast.AST) -> Iterator[str]:
    """Ways to bind a "name" of the module, or to make a "module", that the text does not show."""
    match node:
        case ast.Subscript(value=value, slice=key, ctx=ast.Store()):
            text = ast.unparse(value)
            if text in ("globals()", "vars()", "locals()") or (
                text == "sys.modules" and ast.unparse(key) == "__name__"
            ):
                yield "name"
            elif text == "sys.modules":
                yield "module"
        case ast.Call(func=ast.Attribute(value=value, attr="update" | "setdefault" | "__setitem__")):
            text = ast.unparse(value)
            if text in ("globals()", "vars()", "locals()", "sys.modules"):
                yield "module" if text == "sys.modules" else "name"
        case ast.Call(func=ast.Name(id="exec")):
            yield "name"
        case ast.Call(func=ast.Name(id="setattr"), args=[first, *_]):
            if "sys.modules" in ast.unparse(first):
                yield "name"
        case _:
            pass
