"""Carry log entries and metrics into a tracker that a team keeps in Markdown: its daily log and its metrics table."""

import re
from collections.abc import Mapping

from compass import metrics, tables
from compass.errors import CompassError
from compass.markdown import Document
from compass.progress_log import HEADING as LOG
from compass.progress_log import Entry, line
from compass.state import Metric

_BAR = re.compile(r"(?<!\\)\|")


def add_entry(document: Document, entry: Entry) -> None:
    """Put an entry under the heading of its day in the Daily Progress Log, newest day first; made when missing."""
    log = next((heading for heading in document.headings() if heading.text.lower() == LOG.lower()), None)
    item = f"- {line(entry)}"
    if log is None:
        document.insert(len(document.lines), ["", f"## {LOG}", "", f"### {entry.day}", "", item])
        return
    inside = document.section(log)
    day = next((h for h in document.headings() if h.line in inside and h.text.startswith(entry.day)), None)
    if day is None:
        document.insert(log.line + 1, ["", f"{'#' * min(6, log.level + 1)} {entry.day}", "", item])
        return
    section = document.section(day)
    stop = section.stop
    while stop > section.start and document.text(stop - 1).strip() in ("", "---"):
        stop -= 1
    # An item straight after a paragraph would be read as part of it.
    apart = stop - 1 not in dict(document.items(section)) and not document.text(stop - 1).startswith("- ")
    document.insert(stop, ["", item] if apart else [item])


def put_metrics(document: Document, chosen: Mapping[str, Metric]) -> list[str]:
    """Bring the newest values into the first table with a Metric column; returns the names of the changed rows.

    The value goes into the last column before Target, a status into the Status column; metrics without a row get
    one. A document without such a table gets a Metrics section at its end. CompassError when the table has no column
    for values.
    """
    found = _table(document)
    if found is None:
        blank = [] if not document.lines else [""]
        document.insert(
            len(document.lines), [*blank, "## Metrics", "", *metrics.table(chosen).rstrip("\n").split("\n")]
        )
        return list(chosen)
    header, rows = found
    names = [cell.lower() for cell in tables.split_row(document.text(header)) or []]
    column = _value_column(names, header)
    changed = []
    for name, metric in chosen.items():
        called = name.strip().lower()
        row = next((n for n in rows if (tables.split_row(document.text(n)) or [""])[0].lower() == called), None)
        if row is None:
            cells = dict(zip((h.lower() for h in metrics.HEADER), metrics.row(name, metric), strict=True))
            cells[names[column]] = metrics.show_value(metric.now)
            texts = [tables.escaped(cells.get(key, "-")) for key in names]
            document.insert(rows[-1] + 1, [f"| {' | '.join(texts)} |"])
            rows.append(rows[-1] + 1)
            changed.append(name)
            continue
        before = document.text(row)
        text = _with_cell(_padded(before, len(names)), column, metrics.show_value(metric.now))
        done = metrics.reached(metric)
        if "status" in names and done is not None:
            text = _with_cell(text, names.index("status"), "complete" if done else "open")
        if text != before:
            document.put(row, text)
            changed.append(name)
    return changed


def _table(document: Document) -> tuple[int, list[int]] | None:
    """The header line and the row lines of the first table whose first column is called Metric."""
    prose = dict(document.prose())
    for number, text in prose.items():
        cells = tables.split_row(text)
        if cells and cells[0].lower() == "metric" and tables.is_delimiter(prose.get(number + 1, "")):
            last = number + 1
            while tables.split_row(prose.get(last + 1, "")):
                last += 1
            return number, list(range(number + 2, last + 1)) or [number + 1]
    return None


def _value_column(names: list[str], header: int) -> int:
    """The last column before Target that is free for values, else the one called Now."""
    stop = names.index("target") if "target" in names else len(names)
    free = [column for column in range(1, stop) if names[column] != "status"]
    free = free or [column for column, name in enumerate(names) if name == "now"]
    if not free:
        raise CompassError(
            f"line {header + 1}: the table of metrics has no column for values; add one, such as Now, after Metric"
        )
    return free[-1]


def _padded(text: str, count: int) -> str:
    """A table line with at least so many cells; those that it lacks, as a line may, are added empty."""
    lacking = count - len(tables.split_row(text) or [])
    if lacking <= 0:
        return text
    text = text.rstrip()
    return (text if text.endswith("|") else f"{text} |") + "   |" * lacking


def _with_cell(text: str, column: int, value: str) -> str:
    """A table line with one cell replaced, padded to the width that it had."""
    bars = [match.start() for match in _BAR.finditer(text)]
    lead = 0 if text.lstrip().startswith("|") else -1
    start = bars[column + lead] + 1 if column + lead >= 0 else 0
    after = column + lead + 1
    stop = bars[after] if after < len(bars) else len(text)
    old = text[start:stop]
    if old.strip() == value:
        return text
    return text[:start] + f" {value} ".ljust(tables.width(old)) + text[stop:]
