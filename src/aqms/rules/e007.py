"""The date cannot be read, or contradicts the file name.

## What it does
`date` must be ISO 8601 (`2026-01-29T03:30+09:00`, `2026-01-29 03:30`, `2026-01-29`); the old form
`2026-01-29 03:30 (KST)` is accepted. Its day must be that of the file name's time stamp.

## Why it is bad
A date that nobody can read sorts nowhere, and one that contradicts the name makes both worthless.

## Example
`date: 29/01/2026`.

## Fix safety
`aqms fix` rewrites dates such as `2026/01/29` and `2026.1.29`; which of two days is meant cannot be known.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from aqms.project import Project
from aqms.rules.report import found
from findings.finding import Finding

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ZONE = re.compile(r"\s*\(([A-Z]{2,5})\)$")


def moment_of(value: Any) -> datetime | None:
    """The time of a front-matter date, or None when it cannot be read."""
    try:
        return datetime.fromisoformat(_ZONE.sub("", str(value)))
    except ValueError:
        return None


def day_of(value: Any) -> date | None:
    """The day of a front-matter date, or None when it cannot be read."""
    moment = moment_of(value)
    return moment and moment.date()


def check(project: Project) -> Iterator[Finding]:
    """One finding for each date that is not right."""
    for document in project.documents:
        if document.fields.get("date") in (None, ""):
            continue
        value, place = document.fields["date"], document.at("date")
        stamp = _DAY.match(document.path.rpartition("/")[2])
        day = day_of(value)
        if day is None:
            message, expected, hint = f"date {str(value)!r} cannot be read", "", "write it as 2026-01-29T03:30+09:00"
        elif stamp and stamp[0] != day.isoformat():
            message, expected, hint = f"date {day} contradicts the file name's", stamp[0], "make them agree"
        else:
            continue
        yield found("E007", document, place, message, expected=expected, hint=hint, symbol="date")
