"""The daily progress log: dated entries that later become part of the handover."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, get_args

from compass import clock
from compass.errors import CompassError
from compass.home import Home

Kind = Literal["note", "done", "issue", "finding", "recommendation", "deferred"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HEADING = "Daily Progress Log"
PRIORITIES = {1: "Immediate", 2: "Short Term", 3: "Medium Term", 4: "Long Term"}


@dataclass(frozen=True)
class Entry:
    """One entry; `priority` (1 to 4) belongs to recommendations."""

    at: str
    text: str
    kind: Kind = "note"
    priority: int | None = None
    pulse_id: str | None = None
    milestone_id: str | None = None

    @property
    def day(self) -> str:
        """YYYY-MM-DD, as it was where the entry was written."""
        return self.at[:10]


def add(home: Home, entry: Entry) -> None:
    """Append one entry; it is on the disk when this returns."""
    from durable.journal import Journal

    home.prepare()
    Journal(home.log).append(asdict(entry))


def entries(home: Home, *, day: str | None = None, pulse_id: str | None = None) -> list[Entry]:
    """The entries, oldest first, of one day or one pulse where these are given."""
    if not home.log.exists():
        return []
    from durable.journal import Journal, JournalError

    try:
        everything = [_entry(data) for data in Journal(home.log).read()]
    except (JournalError, TypeError) as error:
        name = home.shown(home.log)
        raise CompassError(f"{name} is damaged ({error}); restore it (git checkout -- {name})") from None
    return [e for e in everything if day in (None, e.day) and pulse_id in (None, e.pulse_id)]


def make(text: str, *, kind: str, priority: int | None, pulse_id: str | None, milestone_id: str | None) -> Entry:
    """An entry of this moment; CompassError for an empty text, an unknown kind or an impossible priority."""
    text = " ".join(text.split())
    if not text:
        raise CompassError("the log entry is empty: say what was done or found")
    chosen = next((known for known in KINDS if known == kind), None)
    if chosen is None:
        raise CompassError(f"log kind {kind!r}: use one of {', '.join(KINDS)}")
    if chosen == "recommendation":
        priority = 2 if priority is None else priority
    if priority is not None and (priority not in PRIORITIES or chosen != "recommendation"):
        raise CompassError("--priority is 1 (immediate) to 4 (long term) and belongs to --kind recommendation")
    return Entry(clock.stamp(), text, chosen, priority, pulse_id, milestone_id)


def parse_day(text: str) -> str:
    """`text` as YYYY-MM-DD; `today` is understood."""
    try:
        return clock.today() if text == "today" else date.fromisoformat(text).isoformat()
    except ValueError:
        raise CompassError(f"date {text!r}: write it as YYYY-MM-DD, or today") from None


def line(entry: Entry) -> str:
    """An entry as one line of text, without its date."""
    label = (
        ""
        if entry.kind == "note"
        else f" [{entry.kind}]"
        if entry.priority is None
        else f" [priority {entry.priority}]"
    )
    return f"{entry.at[11:16]}{label} {entry.text}"


def render(listed: list[Entry]) -> str:
    """The entries in Markdown under a heading for each day, newest day first."""
    parts = []
    for day in sorted({entry.day for entry in listed}, reverse=True):
        parts.append(f"### {day}\n\n" + "".join(f"- {line(entry)}\n" for entry in listed if entry.day == day))
    return "\n".join(parts)


def _entry(data: dict[str, Any]) -> Entry:
    return Entry(**data)
