"""The one place that asks for the time."""

from datetime import datetime


def now() -> datetime:
    """The local time with its offset, to the second."""
    return datetime.now().astimezone().replace(microsecond=0)


def stamp() -> str:
    """The local time in ISO 8601 with its offset."""
    return now().isoformat()


def today() -> str:
    """The local date as YYYY-MM-DD."""
    return now().date().isoformat()
