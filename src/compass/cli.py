"""The `compass` command: pulses of work, living blueprints, executable plans."""

import json
import sys
from typing import Annotated

import typer

from compass.commands import blueprint, log, metric, milestone, plan, pulse
from compass.errors import CompassError

app = typer.Typer(
    name="compass",
    help=__doc__,
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _verb in (
    pulse.pulse_init,
    pulse.pulse_status,
    pulse.pulse_checkpoint,
    pulse.pulse_sync,
    pulse.pulse_unsync,
    pulse.pulse_rename,
    pulse.pulse_abort,
    pulse.pulse_export,
    pulse.pulse_list,
    pulse.pulse_show,
    pulse.check_env,
):
    app.command(_verb.__name__.replace("_", "-"))(_verb)
app.add_typer(milestone.app, name="milestone")
app.add_typer(log.app, name="log")
app.add_typer(metric.app, name="metric")
app.add_typer(blueprint.app, name="blueprint")
app.add_typer(plan.app, name="plan")


@app.command()
def mcp(
    read_only: Annotated[bool, typer.Option("--read-only", help="Only the verbs that change nothing.")] = False,
) -> None:
    """Serve these verbs over the Model Context Protocol, on standard input and output."""
    from compass import mcp_server

    mcp_server.serve(read_only=read_only)


def main() -> None:
    """Run the command line; exit 0 clean, 1 findings, 2 wrong use or state that cannot be used."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape, not a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()  # The reader (head, less) has gone; there is nobody to tell.
        sys.exit(0)
    except (CompassError, OSError) as error:
        message = _one_line(error)
        print(f"compass: {message}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"schema_version": 1, "kind": "error", "message": message}, ensure_ascii=False, indent=2))
        sys.exit(2)


def _one_line(error: CompassError | OSError) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
