"""Calls and literals that tell about configs, import paths and resolvers.

Kinds and their data:
    import    [module, level, guard]               importlib.import_module("x"), safe_import("x"), find_spec is not one
    main      [config_path, config_name, version]  @hydra.main and wrappers of it; None where not literal
    config    ["path" | "dir" | "module", value]   initialize, initialize_config_dir, initialize_config_module
    compose   [config_name, overrides]             compose(config_name=..., overrides=[...])
    build     [path, positional, names, star]      instantiate(cfg.a.b, *args, **kwargs); path None when not readable;
                                                   a name "**x" stands for the keys of the local dictionary x
    class     [path]                               get_class / get_method / get_object / locate(cfg.a._target_)
    store     [group, name, node, package]         ConfigStore.store(...)
    resolver  [name]                               OmegaConf.register_new_resolver(...); None where not literal
    target    [string, keys]                       {"_target_": "..."} and `_target_: str = "..."`
    pop       [key]                                cfg.pop("key"): the key does not reach the target
    path      [directory parts]                    sys.path edit; None where not readable
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.source.shapes import dotted, literal_strings
from preflight.source.summary import Call

WORDS = (
    *("import_module", "_import(", "__import__", "instantiate", "get_class", "get_method", "get_object", "locate("),
    *("_target_", "config_path", "config_name", "hydra.main", "compose(", "initialize", ".store(", "get_static_method"),
    *("_resolver(", "sys.path", "addsitedir", ".pop(", ".items() if ", "utils.call(", "hydra.call("),
)
Found = tuple[str, ast.AST, list[Any]]
Constants = Mapping[str, ast.expr]
_NONE: Constants = {}
_IMPORTERS = ("import_module", "safe_import", "__import__", "optional_import", "try_import")
_GETTERS = ("get_class", "get_method", "get_object", "get_static_method", "locate", "_locate")
_BUILDERS = ("instantiate", "hydra_instantiate", "call")
_CONFIGS = ("cfg", "config", "conf", "hparams", "hydra_cfg", "c")
_RESOLVERS = ("register_new_resolver", "register_resolver", "legacy_register_resolver")


def find(expression: ast.AST, constants: Constants) -> Iterator[Found]:
    """All calls of interest inside one expression: (kind, node, data); `constants` are the module's assignments."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call):
            yield from _call(node, constants)
        elif isinstance(node, ast.DictComp):
            yield from _left_out(node)
        elif isinstance(node, ast.Dict):
            yield from _mapping(node, constants)


def decorator(node: ast.expr, constants: Constants) -> Iterator[Found]:
    """An entry point: `@hydra.main(config_path=..., config_name=...)` or a wrapper with the same keywords."""
    if isinstance(node, ast.Call):
        names = {keyword.arg for keyword in node.keywords}
        if not dotted(node.func).endswith("hydra.main") and {"config_path", "config_name"} & names:
            yield "main", node, _entry(node, constants)


def _entry(node: ast.Call, constants: Constants) -> list[Any]:
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    path = keywords.get("config_path", node.args[0] if node.args else None)
    name = keywords.get("config_name", node.args[1] if len(node.args) > 1 else None)
    return [_text(path, constants), _text(name, constants), _text(keywords.get("version_base"), constants)]


def _call(node: ast.Call, constants: Constants) -> Iterator[Found]:
    name = dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else name
    if name.endswith("hydra.main") and isinstance(node.func, ast.Attribute | ast.Name):
        yield "main", node, _entry(node, constants)
    elif last in _IMPORTERS and node.args:
        yield from _dynamic_import(node, last)
    elif last in _BUILDERS and node.args and (last != "call" or name.startswith(("hydra.", "utils."))):
        yield "build", node, _build(node)
    elif last in _GETTERS and node.args:
        yield "class", node, [_config_path(node.args[0])]
    elif last in ("initialize", "initialize_config_dir", "initialize_config_module"):
        yield from _initialize(node, last, constants)
    elif last == "compose":
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        overrides = literal_strings(keywords.get("overrides", node.args[1] if len(node.args) > 1 else None))
        first = keywords.get("config_name", node.args[0] if node.args else None)
        yield "compose", node, [_text(first, constants), overrides]
    elif last == "store" and ("node" in {keyword.arg for keyword in node.keywords} or len(node.args) >= 2):
        yield "store", node, _store(node, constants)
    elif last in _RESOLVERS:
        first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "name"), None)
        yield "resolver", node, [_pattern(first) or _text(first, constants)]
    elif last == "pop" and node.args and isinstance(node.args[0], ast.Constant):
        yield "pop", node, [node.args[0].value]
    elif name in ("sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir"):
        yield "path", node, [_directory(node.args[-1], constants) if node.args else None]


def _dynamic_import(node: ast.Call, last: str) -> Iterator[Found]:
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
    names: list[str] = [keyword.arg for keyword in node.keywords if keyword.arg]
    starred = False
    for keyword in node.keywords:
        if keyword.arg is None:
            inner = [key.value for key in getattr(keyword.value, "keys", []) if isinstance(key, ast.Constant)]
            names += [f"**{dotted(keyword.value)}"] if isinstance(keyword.value, ast.Name) else map(str, inner)
            starred |= not isinstance(keyword.value, ast.Name | ast.Dict)
    positional = len(node.args) - 1
    if any(isinstance(arg, ast.Starred) for arg in node.args):
        starred = True
    return [_config_path(node.args[0]), positional, names, starred]


def _config_path(node: ast.AST) -> str | None:
    """`a.b` for `cfg.a.b` and `self.cfg.a["b"]`; `*.b` for `part.b`, where `part` may be any node; else None."""
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
    whole = parts[:1] and parts[0] in _CONFIGS
    return ".".join(parts[1:] if whole else ["*", *parts[1:]]) if parts else None


def _initialize(node: ast.Call, last: str, constants: Constants) -> Iterator[Found]:
    keyword = {"initialize": "config_path", "initialize_config_dir": "config_dir"}.get(last, "config_module")
    value = next((k.value for k in node.keywords if k.arg == keyword), node.args[0] if node.args else None)
    if value is not None:
        yield "config", node, [keyword.removeprefix("config_"), _text(value, constants)]


def _store(node: ast.Call, constants: Constants) -> list[Any]:
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    name = _text(keywords.get("name", node.args[0] if node.args else None), constants)
    value = keywords.get("node", node.args[1] if len(node.args) > 1 else None)
    group = keywords.get("group")
    return [
        _text(group, constants) if group is not None else "",
        name,
        dotted(value) if value is not None else "",
        _text(keywords.get("package"), constants),
    ]


def _mapping(node: ast.Dict, constants: Constants) -> Iterator[Found]:
    keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
    if "_target_" in keys:
        value = node.values[keys.index("_target_")]
        text = _text(value, constants)
        if text is not None:
            yield "target", value, [text, [key for key in keys if isinstance(key, str)]]


def _left_out(node: ast.DictComp) -> Iterator[Found]:
    """Keys that a comprehension leaves out: `{k: v for k, v in cfg.items() if k != "root"}`."""
    for test in (test for generator in node.generators for test in generator.ifs):
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotEq | ast.NotIn):
            for name in literal_strings(test.comparators[0]) or ():
                yield "pop", node, [name]


def _text(node: ast.AST | None, constants: Constants = _NONE) -> str | None:
    """The string that an expression is: a literal, or a name that the module assigns one to."""
    if isinstance(node, ast.Name):
        node = constants.get(node.id)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _pattern(node: ast.AST | None) -> str | None:
    """`ocr.*` for f"ocr.{name}"."""
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
    return "".join(str(part) for part in parts)


def _directory(node: ast.AST, constants: Constants) -> list[str] | None:
    """Parts of a readable path, from literals, `__file__`, dirname, join, parent and `/`; None for any other."""
    match node:
        case ast.Constant(value=str(text)):
            return ["<cwd>", *text.split("/")]
        case ast.Name(id="__file__"):
            return ["<file>"]
        case ast.Name(id=name) if name in constants:
            others = {key: value for key, value in constants.items() if key != name}
            return _directory(constants[name], others)
        case ast.Call(func=func, args=args):
            return _directory_call(func, args, constants)
        case ast.Attribute(value=value, attr="parent"):
            inner = _directory(value, constants)
            return None if inner is None else [*inner, ".."]
        case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(level))):
            inner = _directory(value, constants)
            return None if inner is None else [*inner, *[".."] * (level + 1)]
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(text))):
            inner = _directory(left, constants)
            return None if inner is None else [*inner, *text.split("/")]
        case _:
            return None


def _directory_call(func: ast.expr, args: list[ast.expr], constants: Constants) -> list[str] | None:
    last = func.attr if isinstance(func, ast.Attribute) else dotted(func)
    if not args:
        same = isinstance(func, ast.Attribute) and last in ("resolve", "absolute", "as_posix")
        return _directory(func.value, constants) if same and isinstance(func, ast.Attribute) else None
    inner = _directory(args[0], constants)
    if inner is None:
        return None
    if last in ("str", "Path", "abspath", "realpath", "resolve", "normpath", "fspath"):
        return inner
    if last == "dirname":
        return [*inner, ".."]
    if last == "join":
        rest = [_text(arg, constants) for arg in args[1:]]
        return None if None in rest else [*inner, *(part for text in rest if text for part in text.split("/"))]
    return None


def record(kind: str, node: ast.AST, data: list[Any]) -> Call:
    """A found call with its position."""
    return Call(kind, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, data)
