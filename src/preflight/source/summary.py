"""What one Python file says, in plain tuples and lists that a JSON cache holds without conversion."""

from typing import Any, NamedTuple

Guard = str  # "" | "try" | "except" | "typing" | "suppress" | "if" | "skip" | "main" | "safe" | "raises"


class Import(NamedTuple):
    """One imported name. `name` is None for `import module`, `*` for a star; `function` names the enclosing one."""

    module: str
    level: int
    name: str | None
    asname: str | None
    line: int
    column: int
    guard: Guard
    function: str
    how: str  # "import" | "from" | "call": importlib.import_module and the like


class Binding(NamedTuple):
    """What a module-level name is: kind "class" | "def" | "var" | "import" | "module"; `source` for imported ones.

    `source` is (module, level, name or None). `typing` is True when the name exists for type checkers only, `guarded`
    when it is bound inside a `try` or under a condition.
    """

    kind: str
    line: int
    source: tuple[str, int, str | None] | None
    typing: bool
    guarded: bool


class Param(NamedTuple):
    """A parameter: kind "p" positional only, "a" either, "k" keyword only."""

    name: str
    kind: str
    required: bool


class Signature(NamedTuple):
    """Parameters without `self`; whether there are `*args` and `**kwargs`; what decorates it."""

    params: list[Param]
    varargs: bool
    varkw: bool
    decorators: list[str]


class ClassInfo(NamedTuple):
    """A class: base names and decorators as written, members by kind, annotated fields as (name, required).

    A field is called "?" when the text hides how it is given; the class is `opaque` when what makes it is hidden.
    """

    line: int
    bases: list[str]
    decorators: list[str]
    members: dict[str, str]
    fields: list[tuple[str, bool]]
    init: Signature | None
    new: Signature | None
    opaque: bool
    methods: dict[str, Signature]


class Call(NamedTuple):
    """A call that tells about configs, import paths or resolvers; `data` depends on `kind` (see `calls.py`)."""

    kind: str
    line: int
    column: int
    data: list[Any]


class Summary(NamedTuple):
    """Everything the resolver and the rules need to know about one file."""

    error: tuple[int, int, str] | None
    lines: int
    imports: list[Import]
    names: dict[str, Binding]
    stars: list[tuple[str, int, int, str]]  # module, level, line, guard
    exported: list[str] | None  # __all__, None when absent
    exported_dynamic: bool
    lazy: dict[str, list[Any]] | None  # module __getattr__ that is a readable table: name -> [module, level, attribute]
    getattr_line: int  # 0: no module __getattr__
    dynamic: bool  # names appear in ways the text does not show
    classes: dict[str, ClassInfo]
    functions: dict[str, Signature]
    calls: list[Call]
    main_guard: bool
    path_dynamic: bool  # sys.path or __path__ edited in ways the text does not show
    matches: list[tuple[str, int, int]]  # forbidden patterns found: name of the pattern, line, column

    # After the cache the values of the three dictionaries above are plain lists, made into tuples when asked for.

    def binding(self, name: str) -> Binding | None:
        """What a module-level name is."""
        raw = self.names.get(name)
        return None if raw is None else Binding._make(raw)

    def class_info(self, name: str) -> ClassInfo | None:
        """The class of this (possibly nested) name."""
        raw = self.classes.get(name)
        return None if raw is None else _class(raw)

    def function(self, name: str) -> Signature | None:
        """The function of this name."""
        raw = self.functions.get(name)
        return None if raw is None else _signature(raw)


def empty(error: tuple[int, int, str] | None, lines: int) -> Summary:
    """The summary of a file that does not parse."""
    return Summary(error, lines, [], {}, [], None, False, None, 0, error is not None, {}, {}, [], False, False, [])


def is_import_time(item: Import) -> bool:
    """Whether the import runs, unguarded, whenever the module is imported."""
    return not item.function and not item.guard


def thaw(raw: list[Any]) -> Summary:
    """Make a summary again from its JSON form; names, classes and functions stay as they are until asked for."""
    summary = Summary._make(raw)
    return summary._replace(
        imports=[Import._make(item) for item in summary.imports],
        calls=[Call._make(item) for item in summary.calls],
    )


def _signature(raw: Any) -> Signature:
    params, varargs, varkw, decorators = raw
    return Signature([Param._make(item) for item in params], varargs, varkw, decorators)


def _class(raw: Any) -> ClassInfo:
    info = ClassInfo._make(raw)
    return info._replace(
        fields=[(name, required) for name, required in info.fields],
        init=None if info.init is None else _signature(info.init),
        new=None if info.new is None else _signature(info.new),
        methods={name: _signature(item) for name, item in info.methods.items()},
    )
