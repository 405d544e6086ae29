"""The ``aqms`` command."""

import sys

import typer

from aqms.commands import check, registry, show, write

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Validate, mend and create the Markdown documents a team lives by.",
)
for _verb in (check.validate, write.fix, write.create, show.types, write.index, show.explain):
    app.command()(_verb)
app.command("list")(show.list_documents)
app.add_typer(registry.app, name="registry", no_args_is_help=True)
app.add_typer(check.baseline_app, name="baseline", no_args_is_help=True)


def main() -> int:
    """Run the command line and return its exit code: 2 for wrong use, with one line that says what to do."""
    from aqms.create import CreateError
    from aqms.git import GitError
    from aqms.index import PageError
    from aqms.naming import NamingError
    from aqms.project import ChangedError, OutsideError
    from aqms.registry import RegistryError
    from findings.baseline import BaselineError

    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape, not a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return int(app(standalone_mode=True) or 0)
    except BrokenPipeError:
        sys.stderr.close()  # The reader (head, less) has gone; there is nobody to tell.
        return 0
    except OSError as error:
        print(f"aqms: {f'{error.filename}: {error.strerror}' if error.filename else error}", file=sys.stderr)
    except GitError as error:
        print(f"aqms: {error}; run it in a git repository, with git installed", file=sys.stderr)
    except (BaselineError, ChangedError, CreateError, NamingError, OutsideError, PageError, RegistryError) as error:
        print(f"aqms: {error}", file=sys.stderr)
    return 2
