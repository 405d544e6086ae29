"""`compass metric`: named numbers of the active pulse."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from compass import metrics
from compass.errors import CompassError
from compass.home import find_home
from compass.output import Json, emit
from compass.state import Metric
from compass.store import changing_pulse, reading

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Metrics of the active pulse, with their history.")
Target = Annotated[str | None, typer.Option("--target", help="Such as '<=7', '>=0.85', 0 or yes.")]


@app.command("set")
def set_(
    name: str,
    value: Annotated[str | None, typer.Argument(help="The value now; the same as --now.")] = None,
    now: Annotated[str | None, typer.Option("--now", help="A number, or yes or no.")] = None,
    initial: Annotated[str | None, typer.Option("--initial", help="Default: the first value.")] = None,
    target: Target = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Such as ms or %.")] = None,
    as_json: Json = False,
) -> None:
    """Set values by hand.

    Example: compass metric set broken-imports --initial 81 --now 7 --target '<=7'
    """
    newest = now if now is not None else value
    if newest is None and initial is None and target is None and unit is None:
        raise CompassError(f"metric set {name}: give at least one of --now, --initial, --target, --unit")
    with changing_pulse(find_home()) as pulse:
        metric = metrics.change(
            pulse,
            name,
            now=None if newest is None else metrics.parse_value(newest),
            initial=None if initial is None else metrics.parse_value(initial),
            target=None if target is None else metrics.parse_target(target),
            unit=unit,
            source="by hand",
        )
    _emit("metric-set", name, metric, as_json=as_json)


@app.command()
def record(
    name: str,
    command: Annotated[str, typer.Option("--from", help="Command that prints JSON; no shell is involved.")],
    key: Annotated[str, typer.Option("--key", help="Such as summary.count or items.length.")],
    target: Target = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds.")] = 600.0,
    as_json: Json = False,
) -> None:
    """Take a value from a command.

    Example: compass metric record broken --from 'preflight check --json' --key summary.count
    """
    home = find_home()
    reading(home).pulse()
    goal = None if target is None else metrics.parse_target(target)
    value = metrics.measure(command, key, timeout=timeout)
    with changing_pulse(home) as pulse:
        metric = metrics.change(pulse, name, now=value, initial=None, target=goal, unit=None, source=command)
    _emit("metric-record", name, metric, as_json=as_json)


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="Default: all.")] = None,
    tracker: Annotated[Path | None, typer.Option("--to", help="Also into the metrics table of this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show the metrics as a Markdown table."""
    pulse = reading(find_home()).pulse()
    chosen = pulse.metrics if name is None else {name: metrics.find(pulse, name)}
    if tracker is not None and chosen:
        from compass.editing import editing
        from compass.tracker import put_metrics

        with editing(tracker) as document:
            put_metrics(document, chosen)
    text = metrics.table(chosen) if chosen else "no metrics yet; compass metric set NAME --now VALUE"
    emit("metric-show", {"metrics": [_data(one, chosen[one]) for one in chosen]}, text, as_json=as_json)


@app.command()
def plot(
    name: str,
    width: Annotated[int, typer.Option("--width", min=1, max=200, help="Columns of the longest bar.")] = 40,
    as_json: Json = False,
) -> None:
    """Draw the history of a metric as bars."""
    metric = metrics.find(reading(find_home()).pulse(), name)
    text = metrics.plot(name, metric, columns=width)
    emit("metric-plot", {"metric": _data(name, metric)}, text, as_json=as_json)


def _emit(kind: str, name: str, metric: Metric, *, as_json: bool) -> None:
    emit(kind, {"metric": _data(name, metric)}, metrics.table({name: metric}), as_json=as_json)


def _data(name: str, metric: Metric) -> dict[str, Any]:
    history = [asdict(reading) for reading in metric.history]
    return {**metrics.summary({name: metric})[0], "history": history}
