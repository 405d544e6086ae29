"""The document that one pulse leaves for the next: written at export, read by `pulse-init --from`."""

import re
from dataclasses import dataclass
from pathlib import Path

from compass import clock, ids, metrics, progress_log, tables
from compass.errors import CompassError
from compass.markdown import Document, Heading, plain
from compass.progress_log import HEADING as LOG
from compass.progress_log import PRIORITIES, Entry
from compass.state import Pulse

_NEXT = re.compile(r"\s*\*{0,2}Next pulse(?: suggested)?:\*{0,2}\s*`?([^\s`]+)`?", re.IGNORECASE)
_PRIORITY = re.compile(r"\(Priority (\d)\)", re.IGNORECASE)
_LABEL = re.compile(r"\*\*(.+?):?\*\*:?\s*")


@dataclass(frozen=True)
class Remarks:
    """What a pulse says at its end; a recommendation is (priority 1 to 4, text)."""

    summary: str = ""
    findings: tuple[str, ...] = ()
    recommendations: tuple[tuple[int, str], ...] = ()
    deferred: tuple[str, ...] = ()
    next_pulse: str | None = None
    next_objective: str | None = None


@dataclass(frozen=True)
class Handover:
    """What a handover document says, ours or one written by hand; None or empty where it says nothing."""

    pulse_id: str | None
    milestone_id: str | None
    status: str | None
    next_pulse: str | None
    next_objective: str | None
    recommendations: tuple[tuple[int, str], ...]
    deferred: tuple[str, ...]

    def instructions(self) -> list[str]:
        """What the next pulse takes over, most urgent first."""
        urgent = [text for _, text in sorted(self.recommendations, key=lambda item: item[0])]
        return [*urgent, *(f"Deferred: {text}" for text in self.deferred)]


def parse_recommendation(text: str) -> tuple[int, str]:
    """`PRIORITY: TEXT` with a priority of 1 to 4 (or `immediate`, `short`, `medium`, `long`); 2 when none is given."""
    word, colon, rest = text.partition(":")
    names = {name.split()[0].lower(): number for number, name in PRIORITIES.items()}
    names |= {str(number): number for number in PRIORITIES}
    if colon and word.strip().lower() in names and rest.strip():
        return names[word.strip().lower()], rest.strip()
    if not text.strip():
        raise CompassError("the recommendation is empty: write --recommend '1: what to do'")
    return 2, text.strip()


def collect(entries: list[Entry], given: Remarks) -> Remarks:
    """The remarks given at export, after those already in the progress log of the pulse."""
    return Remarks(
        summary=given.summary,
        findings=(*(e.text for e in entries if e.kind == "finding"), *given.findings),
        recommendations=(
            *((e.priority or 2, e.text) for e in entries if e.kind == "recommendation"),
            *given.recommendations,
        ),
        deferred=(*(e.text for e in entries if e.kind == "deferred"), *given.deferred),
        next_pulse=given.next_pulse,
        next_objective=given.next_objective,
    )


def write(pulse: Pulse, remarks: Remarks, entries: list[Entry]) -> str:
    """The handover of a finished pulse as Markdown with front matter."""
    head = {
        "title": f'"Session handover: {pulse.pulse_id}"',
        "date": f'"{clock.stamp()}"',
        "type": "handover",
        "category": "planning",
        "status": "completed",
        "version": '"1.0"',
        "pulse_id": pulse.pulse_id,
        "milestone": pulse.milestone_id,
    }
    if remarks.next_pulse:
        head["next_pulse"] = remarks.next_pulse
    front = "".join(f"{key}: {value}\n" for key, value in head.items())
    blocks = [
        f"---\n{front}---\n",
        f"# Session handover: {pulse.pulse_id}\n",
        f"**Pulse ID:** {pulse.pulse_id}\n**Date:** {clock.today()}\n**Milestone:** {pulse.milestone_id}\n"
        f"**Status:** Complete\n\n**Objective:** {pulse.objective}\n",
        f"## Status\n\nComplete. {remarks.summary or pulse.objective}\n",
        f"## Findings\n\n{_list(remarks.findings)}",
        f"## Artifacts\n\n{_artifacts(pulse)}",
        "## Metrics\n\n" + (metrics.table(pulse.metrics) if pulse.metrics else "None.\n"),
        f"## Recommendations\n\n{_recommendations(remarks)}",
        f"## Deferred Items\n\n{_list(remarks.deferred)}",
        f"## Next Steps\n\n{_next(remarks)}",
        f"## {LOG}\n\n{progress_log.render(entries) or 'None.' + chr(10)}",
        f"## Compass Status\n\n```\nPulse ID: {pulse.pulse_id}\nArtifacts: {len(pulse.artifacts)} registered\n"
        f"Token Burden: {pulse.token_burden}\nStatus: complete\n```\n",
    ]
    return "\n".join(blocks)


def read(path: Path) -> Handover:
    """What a handover document says; CompassError when it has nothing that a handover has."""
    document = Document.read(path)
    labels: dict[str, str] = {}
    for _, text in document.prose():
        label = _LABEL.match(text)
        if label:
            labels.setdefault(label[1].strip().lower(), text[label.end() :].strip())
    next_pulse = document.front_value("next_pulse") or _suggested(document)
    pulse_id = document.front_value("pulse_id") or labels.get("pulse id")
    if pulse_id is None and next_pulse is None:
        raise CompassError(f"{path}: no pulse id and no next pulse in it; this is no handover document")
    recommended: list[tuple[int, str]] = []
    deferred: list[str] = []
    for heading in document.headings():
        priority = _PRIORITY.search(heading.text)
        if priority:
            recommended += [(int(priority[1]), text) for text in _points(document, heading)]
        elif heading.text.lower() == "deferred items":
            deferred += [plain(text) for _, text in document.items(document.section(heading))]
    return Handover(
        pulse_id=pulse_id,
        milestone_id=document.front_value("milestone") or labels.get("milestone"),
        status=labels.get("status"),
        next_pulse=next_pulse,
        next_objective=labels.get("next objective"),
        recommendations=tuple(recommended),
        deferred=tuple(deferred),
    )


def start_from(handover: Handover, path: Path) -> tuple[str, str]:
    """Id and objective of the next pulse; CompassError when the handover suggests none."""
    if handover.next_pulse is None:
        raise CompassError(f"{path}: it suggests no next pulse; give one with --id and --obj")
    words = handover.next_pulse.replace("-", " ")
    previous = f", continuing {handover.pulse_id}" if handover.pulse_id else ""
    return ids.pulse_id(handover.next_pulse), handover.next_objective or f"{words[:1].upper()}{words[1:]}{previous}"


def _suggested(document: Document) -> str | None:
    """The pulse that the first line of its own names, outside of the log, which quotes what anybody said."""
    logs = [document.section(heading) for heading in document.headings() if heading.text.lower() == LOG.lower()]
    lines = (text for number, text in document.prose() if not any(number in log for log in logs))
    return next((found[1] for text in lines if (found := _NEXT.match(text))), None)


def _points(document: Document, heading: Heading) -> list[str]:
    """What a priority asks for: its bold lines, or its list items where it has no bold line."""
    lines = document.section(heading)
    bold = [plain(text) for number, text in document.prose() if number in lines and _LABEL.fullmatch(text.strip())]
    return [text.rstrip(":") for text in bold] or [plain(text) for _, text in document.items(lines)]


def _list(texts: tuple[str, ...] | list[str]) -> str:
    return "".join(f"- {text}\n" for text in texts) or "None.\n"


def _artifacts(pulse: Pulse) -> str:
    if not pulse.artifacts:
        return "None.\n"
    rows = [(a.path, a.artifact_type, a.created_at[:10]) for a in pulse.artifacts]
    return tables.render(("Artifact", "Type", "Registered"), rows)


def _recommendations(remarks: Remarks) -> str:
    blocks = []
    for priority, name in PRIORITIES.items():
        texts = [text for number, text in remarks.recommendations if number == priority]
        if texts:
            blocks.append(f"### {name} (Priority {priority})\n\n{_list(texts)}")
    return "\n".join(blocks) or "None.\n"


def _next(remarks: Remarks) -> str:
    if remarks.next_pulse is None:
        return "None suggested.\n"
    objective = f"\n**Next objective:** {remarks.next_objective}\n" if remarks.next_objective else ""
    return f"**Next pulse suggested:** {remarks.next_pulse}\n{objective}"
