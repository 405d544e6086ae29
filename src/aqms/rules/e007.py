"""The date cannot be read, or contradicts the file name.

## What it does
`date` must be ISO 8601 (`2026-01-29T03:30+09:00`, `2026-01-29 03:30`, `2026-01-29`); the old form
`2026-01-29 03:30 (KST)` is accepted. Its day must be that of the file name's time stamp.

## Why it is bad
A date that nobody can read sorts nowhere, and one that contradicts the name makes both worthless.

## Example
`date: 29/01/2026`.

## Fix safety
There is no fix yet.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

from aqms.project import Project
from findings.finding import Finding

_ZONE = re.compile(r"\s*\(([A-Z]{2,5})\)$")


def day_of(value: Any) -> date | None:
    """The day of a front-matter date, or None when it cannot be read."""
    try:
        return datetime.fromisoformat(_ZONE.sub("", str(value))).date()
    except ValueError:
        return None


def check(project: Project) -> Iterator[Finding]:
    """One finding for each date that is not right."""
    for document in project.documents:
        if document.fields.get("date") in (None, ""):
            continue
        value, place = document.fields["date"], document.at("date")
        stamp = re.match(r"\d{4}-\d{2}-\d{2}", PurePosixPath(document.path).name)
        day = day_of(value)
        if day is None:
            message = f"date {str(value)!r} cannot be read; write it as 2026-01-29T03:30+09:00"
        elif stamp and stamp[0] != day.isoformat():
            message = f"date {day} contradicts the file name's {stamp[0]}; make them agree"
        else:
            continue
        yield Finding("E007", "error", document.path, place.line, place.column, message, symbol="date")
