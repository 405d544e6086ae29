"""`compass log`: the daily progress log."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from compass import progress_log
from compass.home import find_home
from compass.output import Json, emit
from compass.progress_log import KINDS
from compass.store import reading

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The daily progress log.")


@app.command()
def add(
    text: str,
    kind: Annotated[str, typer.Option("--kind", "-k", help=", ".join(KINDS) + ".")] = "note",
    priority: Annotated[int | None, typer.Option("--priority", help="1 to 4, of a recommendation.")] = None,
    tracker: Annotated[Path | None, typer.Option("--to", help="Also into the daily log of this Markdown file.")] = None,
    as_json: Json = False,
) -> None:
    """Add an entry for the active pulse, if there is one.

    Example: compass log add "30 imports fixed" --kind done
    """
    home = find_home()
    pulse = reading(home).active_pulse
    entry = progress_log.make(
        text,
        kind=kind,
        priority=priority,
        pulse_id=pulse.pulse_id if pulse else None,
        milestone_id=pulse.milestone_id if pulse else None,
    )
    if tracker is not None:
        from compass.editing import editing
        from compass.tracker import add_entry

        with editing(tracker) as document:
            add_entry(document, entry)
    progress_log.add(home, entry)
    emit("log-add", {"entry": asdict(entry)}, f"{entry.day} {progress_log.line(entry)}", as_json=as_json)


@app.command()
def show(
    date: Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD, or today.")] = None,
    pulse: Annotated[str | None, typer.Option("--pulse", help="Only the entries of this pulse.")] = None,
    as_json: Json = False,
) -> None:
    """Show the log in Markdown, newest day first."""
    day = None if date is None else progress_log.parse_day(date)
    listed = progress_log.entries(find_home(), day=day, pulse_id=pulse)
    text = progress_log.render(listed) or "no log entries"
    emit("log-show", {"entries": [asdict(entry) for entry in listed]}, text, as_json=as_json)
