"""The verbs of `compass` over the Model Context Protocol: one tool a verb, with the same JSON as its `--json`.

Tools and their schemas are read off the command line itself, and each call runs the command in a process of its own, so
that there is no second implementation.
"""

import asyncio
import importlib
import importlib.metadata
import inspect
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from compass.errors import CompassError

READ_ONLY = frozenset(
    {
        "pulse-status", "pulse-list", "pulse-show", "check-env", "milestone-list", "milestone-show", "log-show",
        "metric-plot", "blueprint-status", "plan-validate", "plan-graph", "plan-order", "plan-status",
    }
)  # fmt: skip
_TYPES = {int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool; `option` is its spelling on the command line, None for a positional one."""

    name: str
    option: str | None
    schema: dict[str, Any]
    required: bool


@dataclass(frozen=True)
class Tool:
    """One verb: its name with hyphens, its words on the command line, its help, its parameters."""

    name: str
    words: tuple[str, ...]
    help: str
    parameters: tuple[Parameter, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        required = [parameter.name for parameter in self.parameters if parameter.required]
        properties = {parameter.name: parameter.schema for parameter in self.parameters}
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def command_line(self, given: dict[str, Any]) -> list[str]:
        """The words for these arguments; a value can never be taken for an option."""
        known = {parameter.name: parameter for parameter in self.parameters}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise CompassError(f"{self.name}: no argument {unknown[0]!r} (there: {', '.join(known)})")
        options: list[str] = []
        arguments: list[str] = []
        for name, value in given.items():
            option = known[name].option
            values = value if isinstance(value, list) else [] if value is None else [value]
            if option is None:
                arguments += map(_word, values)
            elif isinstance(value, bool) and known[name].schema["type"] == "boolean":
                options += [option] if value else []
            else:
                options += [f"{option}={_word(one)}" for one in values]
        return [*self.words, *options, "--json", "--", *arguments]


def tools(*, read_only: bool) -> dict[str, Tool]:
    """The tools by name; with `read_only` those alone that change nothing."""
    from compass.cli import app

    found = {tool.name: tool for tool in _walk(app, ()) if tool.name != "mcp"}
    return {name: tool for name, tool in found.items() if not read_only or name in READ_ONLY}


def make_server(*, read_only: bool) -> Any:
    """The server object of the `mcp` library; CompassError when that is not installed."""
    try:
        lowlevel = importlib.import_module("mcp.server.lowlevel.server")
        types = importlib.import_module("mcp_types")
    except ImportError as error:
        raise CompassError(f"compass mcp needs the mcp extra ({error}): pip install 'receipt-ocr[mcp]'") from None
    served = tools(read_only=read_only)

    async def list_tools(_context: Any, _params: Any) -> Any:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.help,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(read_only_hint=tool.name in READ_ONLY),
                )
                for tool in served.values()
            ]
        )

    async def call_tool(_context: Any, params: Any) -> Any:
        try:
            if params.name not in served:
                raise CompassError(f"no tool {params.name!r} here (there: {', '.join(served)})")
            words = served[params.name].command_line(params.arguments or {})
        except CompassError as error:
            return _result(types, {"kind": "error", "message": str(error)}, failed=True)
        return _result(types, *await _run(words))

    version = importlib.metadata.version("receipt-ocr")
    return lowlevel.Server("compass", version=version, on_list_tools=list_tools, on_call_tool=call_tool)


def serve(*, read_only: bool) -> None:
    """Serve on standard input and output until the client leaves."""
    server = make_server(read_only=read_only)
    stdio = importlib.import_module("mcp.server.stdio")

    async def run() -> None:
        async with stdio.stdio_server() as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())

    asyncio.run(run())


async def _run(words: list[str]) -> tuple[dict[str, Any], bool]:
    """The JSON document of a command, and whether it was refused (exit code 2)."""
    program = [sys.executable, "-P", "-c", "from compass.cli import main; main()", *words]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    out, err = await child.communicate()
    try:
        document: dict[str, Any] = json.loads(out)
    except ValueError:
        document = {"kind": "error", "message": " ".join(err.decode("utf-8", "replace").split())}
    return {**document, "exit_code": child.returncode}, child.returncode not in (0, 1)


def _word(value: Any) -> str:
    """A value on the command line; yes and no in the spelling of JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _clean(value: Any) -> Any:
    """The same JSON where names that are no UTF-8 have escapes; a client could not be sent their bytes."""
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _result(types: Any, document: dict[str, Any], failed: bool) -> Any:
    document = _clean(document)
    text = json.dumps(document, ensure_ascii=False, indent=2)
    content = [types.TextContent(type="text", text=text)]
    return types.CallToolResult(content=content, structured_content=document, is_error=failed)


def _walk(app: Any, words: tuple[str, ...]) -> Iterator[Tool]:
    """The tools of a typer app and of the groups below it."""
    for command in app.registered_commands:
        callback = command.callback
        here = (*words, command.name or callback.__name__)
        hints = get_type_hints(callback, include_extras=True)
        signature = inspect.signature(callback)
        parameters = tuple(
            _parameter(name, hints[name], parameter.default)
            for name, parameter in signature.parameters.items()
            if name != "as_json"
        )
        yield Tool("-".join(here), here, inspect.getdoc(callback) or "", parameters)
    for group in app.registered_groups:
        yield from _walk(group.typer_instance, (*words, group.name))


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    """A parameter as its annotation tells it; one without typer's own annotation is positional."""
    kind, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    info = extras[0] if extras else None
    # Inside Annotated typer keeps the first spelling of an option as its `default`.
    spellings = (getattr(info, "default", None), *(getattr(info, "param_decls", None) or ()))
    option = next((word for word in spellings if isinstance(word, str) and word.startswith("--")), None)
    inner = (
        next((one for one in get_args(kind) if one is not type(None)), kind) if get_origin(kind) is UnionType else kind
    )
    listed = get_origin(inner) is list
    item = {"type": _TYPES.get(get_args(inner)[0] if listed else inner, "string")}
    about = {"description": info.help} if info is not None and info.help else {}
    schema = {**({"type": "array", "items": item} if listed else item), **about}
    return Parameter(name, option, schema, default is inspect.Parameter.empty)
