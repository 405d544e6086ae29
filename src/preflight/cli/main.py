"""The command line of preflight: words become values here; the work is elsewhere, imported when a command needs it."""

import gc
import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

Form = Literal["text", "json", "sarif", "github", "markdown", "html"]
Level = Literal["error", "warning", "info"]

app = typer.Typer(
    name="preflight",
    help="Find, explain and fix broken Python imports and Hydra configs of any repository, without importing it.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)

Paths = Annotated[list[Path] | None, typer.Argument(help="Files or folders to report on; default: the repository.")]
Root = Annotated[Path | None, typer.Option(help="Root of the repository, when it is not the one around PATHS.")]
Python = Annotated[str, typer.Option(help="Interpreter or environment to compare third parties with.")]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Codes = Annotated[list[str] | None, typer.Option(help="Codes, or beginnings of codes; commas or repeated.")]


@app.command()
def check(
    paths: Paths = None,
    select: Codes = None,
    ignore: Codes = None,
    min_severity: Annotated[Level | None, typer.Option(help="Least severity to report (default: warning).")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print.")] = "text",
    json: Json = False,
    statistics: Annotated[bool, typer.Option("--statistics", help="Only one line for each cause.")] = False,
    show_unknown: Annotated[
        bool, typer.Option("--show-unknown", help="Also list what the text cannot decide.")
    ] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 even when there are findings.")] = False,
    no_baseline: Annotated[bool, typer.Option("--no-baseline", help="Report accepted findings too.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read everything again and write no cache.")] = False,
    python: Python = "",
    root: Root = None,
) -> None:
    """Audit everything: imports, configs, source files, forbidden patterns.

    Examples: `preflight check`, `preflight check src --select IMP --format github`,
    `preflight check --statistics`. Exit code 0: clean, 1: findings, 2: wrong use.
    """
    from findings.selection import Selection
    from preflight import api
    from preflight.cli import output

    top, only = api.locate(paths or [], root)
    selection = Selection(split(select), split(ignore), (), min_severity)
    wants_fixes = json or form in ("json", "sarif")
    request = api.Request(top, only, selection, python, not no_cache, not no_baseline, wants_fixes)
    audit = api.open_audit(request)
    outcome = api.run(request, audit)
    output.outline(audit)
    sys.stdout.write(output.render(outcome, "json" if json else form, statistics=statistics))
    if show_unknown:
        sys.stdout.write(output.unknown(audit))
    raise typer.Exit(0 if exit_zero else outcome.exit_code)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="A code or name; none: list all rules.")] = "") -> None:
    """Print the page of a rule, or the list of rules. Example: `preflight explain HYD003`."""
    from findings import rule
    from preflight import api
    from preflight.rules.table import RULES

    if not code:
        for each in RULES:
            sys.stdout.write(
                f"{each.code}  {each.severity:8}{each.summary}{'' if each.default else ' (off by default)'}\n"
            )
        return
    found = rule.find(RULES, code)
    if found is None:
        raise api.UseError(f"no rule is called '{code}'; `preflight explain` lists them")
    sys.stdout.write(rule.page(found))


@app.command()
def targets(
    paths: Paths = None,
    json: Json = False,
    root: Root = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read everything again and write no cache.")] = False,
) -> None:
    """List every `_target_` with what it leads to. Exit code 1 when one is broken."""
    from preflight import api
    from preflight.cli import output

    top, only = api.locate(paths or [], root)
    audit = api.open_audit(api.Request(top, only, use_cache=not no_cache))
    listing, broken = output.targets(audit, only, json=json)
    audit.project.cache.save()
    sys.stdout.write(listing)
    raise typer.Exit(1 if broken else 0)


@app.command()
def fix(
    paths: Paths = None,
    select: Codes = None,
    ignore: Codes = None,
    unsafe_fixes: Annotated[
        bool, typer.Option("--unsafe-fixes", help="Also make edits that change behaviour.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print a patch and write nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and write nothing.")] = False,
    json: Json = False,
    python: Python = "",
    root: Root = None,
) -> None:
    """Repair what has one certain repair: moved imports, re-exported and moved targets, renamed keywords.

    Every edited file must parse and the audit must not get worse, or the file is put back. Examples:
    `preflight fix --diff`, `preflight fix src --select IMP`. Exit code 0: nothing left, 1: findings remain.
    """
    from findings.selection import Selection
    from preflight import api
    from preflight.cli import fix as command

    top, only = api.locate(paths or [], root)
    request = api.Request(top, only, Selection(split(select), split(ignore)), python)
    text, code = command.run(request, unsafe=unsafe_fixes, diff=diff, dry_run=dry_run, json=json)
    sys.stdout.write(text)
    raise typer.Exit(code)


@app.command()
def env(
    json: Json = False,
    static: Annotated[
        bool, typer.Option("--static", help="Run nothing: no imports, no CUDA, no import times.")
    ] = False,
    python: Python = "",
    root: Root = None,
) -> None:
    """Check the environment: editable install, versions, critical packages, CUDA, import times of the commands.

    Example: `preflight env --json`. Exit code 1 when a check fails.
    """
    from preflight.cli import environment as command

    text, code = command.env(root, python, json=json, static=static)
    sys.stdout.write(text)
    raise typer.Exit(code)


@app.command()
def compose(json: Json = False, python: Python = "", root: Root = None) -> None:
    """Compose every experiment and every option of every group with the project's own Hydra; build nothing.

    Example: `preflight compose --python .venv/bin/python`. Exit code 1 when a composition fails.
    """
    from preflight.cli import environment as command

    text, code = command.compose(root, python, json=json)
    sys.stdout.write(text)
    raise typer.Exit(code)


baseline_app = typer.Typer(help="Accept findings for a while: counts may fall, never rise.", rich_markup_mode=None)
app.add_typer(baseline_app, name="baseline", no_args_is_help=True)


@baseline_app.command("write")
def baseline_write(
    reason: Annotated[str, typer.Option(help="Why: optional, deferred, or a few words.")] = "deferred",
    root: Root = None,
) -> None:
    """Accept everything that is reported now; known entries keep their reason.

    Example: `preflight baseline write --reason deferred`.
    """
    from preflight.cli import baseline as command

    sys.stdout.write(command.write(root, reason))


@baseline_app.command("check")
def baseline_check(root: Root = None) -> None:
    """Report what the baseline does not accept (exit code 1); what is gone is accepted no longer."""
    from preflight.cli import baseline as command

    text, code = command.check(root)
    sys.stdout.write(text)
    raise typer.Exit(code)


@app.command()
def mv(
    old: Annotated[str, typer.Argument(help="Dotted name of a module, or of a class or function in it.")],
    new: Annotated[str, typer.Argument(help="Its new dotted name.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed and write nothing.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print a patch and write nothing.")] = False,
    root: Root = None,
) -> None:
    """Rename or move a module, or rename a class or function: code, configs and documents in one go.

    Examples: `preflight mv shop.core.basket shop.basket`, `preflight mv shop.basket.Basket shop.basket.Cart --diff`.
    Texts that may mean something else are left alone and listed. When the audit gets worse, everything is put back and
    the exit code is 1.
    """
    from preflight.cli import move as command

    text, code = command.run(root, old, new, dry_run=dry_run, diff=diff)
    sys.stdout.write(text)
    raise typer.Exit(code)


@app.command()
def graph(
    form: Annotated[Literal["mermaid", "dot"], typer.Option("--format", help="How to print.")] = "mermaid",
    depth: Annotated[int, typer.Option(help="Name parts to show; 0 for whole modules.")] = 2,
    prefix: Annotated[str, typer.Option(help="Only modules that begin with this dotted name.")] = "",
    root: Root = None,
) -> None:
    """Print who imports whom at import time. Example: `preflight graph --format dot --prefix ocr --depth 2`."""
    from preflight import api
    from preflight import graph as drawing

    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top))
    found = drawing.edges(audit, depth=depth, prefix=prefix)
    audit.project.cache.save()
    sys.stdout.write(drawing.dot(found) if form == "dot" else drawing.mermaid(found))


@app.command()
def allowlist(json: Json = False, root: Root = None) -> None:
    """Print the exact names that an allow list of Hydra's instantiate needs: where each target is really defined.

    Example: `preflight allowlist --json`.
    """
    from preflight import api
    from preflight.cli import output

    top, _ = api.locate([], root)
    audit = api.open_audit(api.Request(top))
    sys.stdout.write(output.allowlist(audit, json=json))
    audit.project.cache.save()


@app.command()
def lsp() -> None:
    """Serve an editor over standard input and output: diagnostics, and go-to-definition of `_target_` in YAML.

    Example (in the editor's settings): the command `preflight lsp` for Python and YAML files.
    """
    from preflight.lsp import serve

    serve()


scripts_app = typer.Typer(
    help="Judge scripts by evidence: keep, refactor, review or archive.", rich_markup_mode=None, no_args_is_help=False
)
app.add_typer(scripts_app, name="scripts", invoke_without_command=True)


@scripts_app.callback()
def scripts(
    context: typer.Context,
    form: Annotated[Literal["markdown", "json"], typer.Option("--format", help="How to print.")] = "markdown",
    json: Json = False,
    root: Root = None,
) -> None:
    """Judge every script by who refers to it, its last commit, entry point, broken imports, size and complexity.

    Example: `preflight scripts --json`.
    """
    if context.invoked_subcommand is None:
        from preflight.cli import scripts as command

        sys.stdout.write(command.listing(root, json=json or form == "json"))


@scripts_app.command()
def archive(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Scripts or folders; default: all labelled archive.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be moved and move nothing.")] = False,
    root: Root = None,
) -> None:
    """Move scripts to archive/scripts/ with their git history; refuses one that anything refers to.

    Example: `preflight scripts archive scripts/prototypes --dry-run`. Exit code 1 when something was refused.
    """
    from preflight.cli import scripts as command

    text, code = command.archive(root, tuple(paths or ()), dry_run=dry_run)
    sys.stdout.write(text)
    raise typer.Exit(code)


def split(values: list[str] | None) -> tuple[str, ...]:
    """`["IMP,HYD001", "SRC"]` as three codes."""
    return tuple(code.strip().upper() for value in values or [] for code in value.split(",") if code.strip())


def main() -> None:
    """Run the command line; wrong use ends in one line on stderr and exit code 2."""
    from findings.baseline import BaselineError
    from findings.selection import UnknownCodeError
    from preflight.api import UseError
    from preflight.environment import InterpreterError
    from preflight.settings import SettingsError

    if isinstance(sys.stdout, io.TextIOWrapper):  # file names need not be text
        sys.stdout.reconfigure(errors="backslashreplace")
    gc.disable()  # millions of small tuples live until the end: collecting costs more than half of the time
    try:
        app()
    except (UseError, SettingsError, InterpreterError, UnknownCodeError, BaselineError) as error:
        sys.stderr.write(f"preflight: {error}\n")
        raise SystemExit(2) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
