"""Calls and literals that tell about configs, import paths and resolvers.

Kinds and their data:
    import    [module, level, guard]               importlib.import_module("x"), safe_import("x"), find_spec is not one
    main      [config_path, config_name, version]  @hydra.main and wrappers of it; None where not literal
    config    ["path" | "dir" | "module", value]   initialize, initialize_config_dir, initialize_config_module
    compose   [config_name, overrides]             compose(config_name=..., overrides=[...])
    build     [path, positional, names, star]      instantiate(cfg.a.b, *args, **kwargs); path None when not readable
    class     [path]                               get_class / get_method / get_object / locate(cfg.a._target_)
    store     [group, name, node, package]         ConfigStore.store(...)
    resolver  [name]                               OmegaConf.register_new_resolver(...); None where not literal
    target    [string, keys]                       {"_target_": "..."} and `_target_: str = "..."`
    path      [directory parts]                    sys.path edit; None where not readable
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

from preflight.source.shapes import dotted, literal_strings
from preflight.source.summary import Call

WORDS = (
    *("import_module", "_import(", "__import__", "instantiate", "get_class", "get_method", "get_object", "locate("),
    *("_target_", "config_path", "config_name", "hydra.main", "compose(", "initialize", ".store(", "get_static_method"),
    *("_resolver(", "sys.path", "addsitedir", "utils.call(", "hydra.call("),
)
_IMPORTERS = ("import_module", "safe_import", "__import__", "optional_import", "try_import")
_GETTERS = ("get_class", "get_method", "get_object", "get_static_method", "locate", "_locate")
_BUILDERS = ("instantiate", "hydra_instantiate", "call")
_RESOLVERS = ("register_new_resolver", "register_resolver", "legacy_register_resolver")


def find(expression: ast.AST) -> Iterator[tuple[str, ast.AST, list[Any]]]:
    """All calls of interest inside one expression: (kind, node, data)."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.Dict):
            yield from _mapping(node)


def decorator(node: ast.expr) -> Iterator[tuple[str, ast.AST, list[Any]]]:
    """An entry point: `@hydra.main(config_path=..., config_name=...)` or a wrapper with the same keywords."""
    if not isinstance(node, ast.Call):
        return
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    if dotted(node.func).endswith("hydra.main") or {"config_path", "config_name"} & keywords.keys():
        path = keywords.get("config_path", node.args[0] if node.args else None)
        name = keywords.get("config_name", node.args[1] if len(node.args) > 1 else None)
        yield "main", node, [_text(path), _text(name), _text(keywords.get("version_base"))]


def _call(node: ast.Call) -> Iterator[tuple[str, ast.AST, list[Any]]]:
    name = dotted(node.func)
    last = name.rpartition(".")[2]
    if last in _IMPORTERS and node.args:
        yield from _dynamic_import(node, last)
    elif last in _BUILDERS and node.args and (last != "call" or name.startswith(("hydra.", "utils."))):
        yield "build", node, _build(node)
    elif last in _GETTERS and node.args:
        yield "class", node, [_config_path(node.args[0])]
    elif last in ("initialize", "initialize_config_dir", "initialize_config_module"):
        yield from _initialize(node, last)
    elif last == "compose":
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        overrides = literal_strings(keywords.get("overrides", node.args[1] if len(node.args) > 1 else None))
        yield "compose", node, [_text(keywords.get("config_name", node.args[0] if node.args else None)), overrides]
    elif last == "store" and ("node" in {keyword.arg for keyword in node.keywords} or len(node.args) >= 2):
        yield "store", node, _store(node)
    elif last in _RESOLVERS:
        first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "name"), None)
        yield "resolver", node, [_text(first)]
    elif name in ("sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir"):
        yield "path", node, [_directory(node.args[-1]) if node.args else None]


def _dynamic_import(node: ast.Call, last: str) -> Iterator[tuple[str, ast.AST, list[Any]]]:
    text = _text(node.args[0])
    if text and re.fullmatch(r"\.*[A-Za-z_][\w.]*", text):
        module = text.lstrip(".")
        package = (
            node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "package"), None)
        )
        if len(text) == len(module) or (isinstance(package, ast.Name) and package.id in ("__name__", "__package__")):
            soft = "" if last in ("import_module", "__import__") else "safe"
            yield "import", node, [module, len(text) - len(module), soft]


def _build(node: ast.Call) -> list[Any]:
    names = [keyword.arg for keyword in node.keywords if keyword.arg]
    starred = any(keyword.arg is None for keyword in node.keywords)
    positional = len(node.args) - 1
    if any(isinstance(arg, ast.Starred) for arg in node.args):
        starred = True
    return [_config_path(node.args[0]), positional, names, starred]


def _config_path(node: ast.AST) -> str | None:
    """`a.b` for `cfg.a.b`, `self.cfg.a["b"]`, `cfg.get("a").b`; "" for a bare name; None when it is anything else."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            parts.append(node.slice.value)
            node = node.value
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            break
        else:
            return None
    parts.reverse()
    if parts[0] in ("self", "cls"):
        parts = parts[1:]
    return ".".join(parts[1:]) if parts else None


def _initialize(node: ast.Call, last: str) -> Iterator[tuple[str, ast.AST, list[Any]]]:
    keyword = {"initialize": "config_path", "initialize_config_dir": "config_dir"}.get(last, "config_module")
    value = next((k.value for k in node.keywords if k.arg == keyword), node.args[0] if node.args else None)
    if value is not None:
        yield "config", node, [keyword.removeprefix("config_"), _text(value)]


def _store(node: ast.Call) -> list[Any]:
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    name = _text(keywords.get("name", node.args[0] if node.args else None))
    value = keywords.get("node", node.args[1] if len(node.args) > 1 else None)
    group = keywords.get("group")
    return [
        _text(group) if group is not None else "",
        name,
        dotted(value) if value is not None else "",
        _text(keywords.get("package")),
    ]


def _mapping(node: ast.Dict) -> Iterator[tuple[str, ast.AST, list[Any]]]:
    keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
    if "_target_" in keys:
        value = node.values[keys.index("_target_")]
        text = _text(value)
        if text is not None:
            yield "target", value, [text, [key for key in keys if isinstance(key, str)]]


def _text(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _directory(node: ast.AST) -> list[str] | None:
    """Parts of a readable path, from literals, `__file__`, dirname, join, parent and `/`; None for any other."""
    match node:
        case ast.Constant(value=str(text)):
            return ["<cwd>", *text.split("/")]
        case ast.Name(id="__file__"):
            return ["<file>"]
        case ast.Call(func=func, args=args):
            return _directory_call(dotted(func), func, args)
        case ast.Attribute(value=value, attr="parent"):
            inner = _directory(value)
            return None if inner is None else [*inner, ".."]
        case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(level))):
            inner = _directory(value)
            return None if inner is None else [*inner, *[".."] * (level + 1)]
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(text))):
            inner = _directory(left)
            return None if inner is None else [*inner, *text.split("/")]
        case _:
            return None


def _directory_call(name: str, func: ast.expr, args: list[ast.expr]) -> list[str] | None:
    last = name.rpartition(".")[2]
    if not args:
        same = isinstance(func, ast.Attribute) and last in ("resolve", "absolute", "as_posix")
        return _directory(func.value) if same and isinstance(func, ast.Attribute) else None
    inner = _directory(args[0])
    if inner is None:
        return None
    if last in ("str", "Path", "abspath", "realpath", "resolve", "normpath", "fspath"):
        return inner
    if last == "dirname":
        return [*inner, ".."]
    if last == "join":
        rest = [_text(arg) for arg in args[1:]]
        return None if None in rest else [*inner, *(part for text in rest if text for part in text.split("/"))]
    return None


def record(kind: str, node: ast.AST, data: list[Any]) -> Call:
    """A found call with its position."""
    return Call(kind, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, data)
