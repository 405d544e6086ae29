"""What the pulse verbs do: begin, checkpoint, register, rename, end, list."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compass import clock, export, handover, ids, milestones, progress_log, staging
from compass.errors import CompassError
from compass.home import Home
from compass.staging import Staging
from compass.state import BURDENS, Artifact, Burden, Checkpoint, Pulse
from compass.store import changing, changing_pulse, pulse_locked, reading

MANY_ARTIFACTS = 5


@dataclass(frozen=True)
class Begun:
    """A pulse just begun, and what the user should know about it."""

    pulse: Pulse
    notices: tuple[str, ...]


def begin(
    home: Home,
    *,
    pulse_id: str,
    objective: str,
    milestone_id: str,
    phase: str | None = None,
    instructions: Sequence[str] = (),
    continues: str | None = None,
) -> Begun:
    """Start a pulse; CompassError while another is active and for an id that history has already."""
    ids.pulse_id(pulse_id)
    ids.milestone_id(milestone_id)
    objective = " ".join(objective.split())
    if not 1 <= len(objective) <= 1000:
        raise CompassError(
            f"objective: say in 1 to 1000 characters what will be true at the end (got {len(objective)})"
        )
    _refuse_taken(home, pulse_id)
    notices = []
    active = reading(home).active_pulse
    if active is not None:
        raise _already(active)
    if milestones.ensure(home, milestone_id):
        path = home.shown(home.milestones / f"{milestone_id}.md")
        notices.append(f"milestone {milestone_id} was unknown and is now registered: {path}")
    known = [known.name for known in milestones.find(home, milestone_id).phases]
    if phase is not None and known and not any(phase.lower() in name.lower() for name in known):
        notices.append(f"phase {phase!r} is none of the milestone's ({', '.join(known)}); recorded as given")
    pulse = Pulse(
        pulse_id=pulse_id,
        objective=objective,
        milestone_id=milestone_id,
        phase=phase,
        instructions=list(instructions),
        started_at=clock.stamp(),
        continues=continues,
    )
    with changing(home) as state:
        if state.active_pulse is not None:
            raise _already(state.active_pulse)
        home.artifacts.mkdir(parents=True, exist_ok=True)
        state.active_pulse = pulse
    return Begun(pulse, tuple(notices))


def checkpoint(home: Home, burden: str, note: str) -> Pulse:
    """Record how heavy the work has become."""
    with changing_pulse(home) as pulse:
        pulse.token_burden = _burden(burden)
        pulse.checkpoints.append(
            Checkpoint(at=clock.stamp(), token_burden=pulse.token_burden, note=" ".join(note.split()))
        )
    return pulse


def register(
    home: Home, paths: Sequence[str], artifact_type: str, milestone_id: str | None
) -> tuple[list[Artifact], list[str]]:
    """Register files of the staging folder; returns what was registered and notices. Registered files are refused."""
    kind = artifact_type.strip().lower().replace("-", "_")
    if not kind.isidentifier():
        raise CompassError(
            f"artifact type {artifact_type!r}: use one word, such as {', '.join(staging.KNOWN_TYPES[:6])}"
        )
    added = []
    with changing_pulse(home) as pulse:
        milestone = pulse.milestone_id if milestone_id is None else milestones.find(home, milestone_id).milestone_id
        for given in paths:
            path = staging.locate(home, given)
            if any(artifact.path == path for artifact in pulse.artifacts):
                raise CompassError(
                    f"artifact {path} is registered already; compass pulse-unsync --path {path} removes it"
                )
            artifact = Artifact(path=path, artifact_type=kind, milestone_id=milestone, created_at=clock.stamp())
            pulse.artifacts.append(artifact)
            added.append(artifact)
    return added, _type_notices(kind)


def unregister(home: Home, path: str) -> Artifact:
    """Take back a registration; the file stays where it is."""
    with changing_pulse(home) as pulse:
        prefix = home.artifacts.relative_to(home.root).as_posix() + "/"
        names = (path, path.removeprefix(prefix))
        found = next((artifact for artifact in pulse.artifacts if artifact.path in names), None)
        if found is None:
            known = ", ".join(artifact.path for artifact in pulse.artifacts) or "none"
            raise CompassError(f"artifact {path} is not registered (registered: {known})")
        pulse.artifacts.remove(found)
    return found


def rename(home: Home, new_id: str) -> tuple[str, Pulse]:
    """Give the active pulse another id; returns the old one. The log entries of the pulse follow by their old id."""
    ids.pulse_id(new_id)
    _refuse_taken(home, new_id)
    with changing_pulse(home) as pulse:
        old, pulse.pulse_id = pulse.pulse_id, new_id
        pulse.former_ids.append(old)
    return old, pulse


@dataclass(frozen=True)
class Ended:
    """A pulse that went to history: its folder, and what `--force` repaired."""

    pulse: Pulse
    folder: Path
    repaired: tuple[str, ...]


def finish(home: Home, remarks: handover.Remarks, *, force: bool) -> Ended | Staging:
    """Export the active pulse, or return the staging audit when disk and registration disagree.

    With `force` the disagreement is repaired: strays are registered, ghosts dropped. Links that lead out of staging
    are never exported.
    """
    reading(home).pulse()
    with home.locked():
        pulse = pulse_locked(home)
        found = staging.audit(home, pulse)
        repaired: list[str] = []
        if not found.agrees:
            if not force or found.links:
                return found
            repaired = _repair(home, pulse, found)
            found = staging.audit(home, pulse)
        entries = log_of(home, pulse)
        text = handover.write(pulse, handover.collect(entries, remarks), entries)
        plan = export.decide(home, pulse, outcome="complete", files=list(found.registered), handover=text)
        return Ended(pulse, export.carry_out(home, plan), tuple(repaired))


def abort(home: Home) -> Ended:
    """End the active pulse without a handover; its files, registered or not, go to history as well."""
    reading(home).pulse()
    with home.locked():
        pulse = pulse_locked(home)
        found = staging.audit(home, pulse)
        files = sorted({ids.artifact_path(path) for path in (*found.registered, *found.strays)})
        plan = export.decide(home, pulse, outcome="aborted", files=files, handover=None)
        return Ended(pulse, export.carry_out(home, plan), ())


def log_of(home: Home, pulse: Pulse) -> list[progress_log.Entry]:
    """The log entries of a pulse, those written under an earlier id of it included."""
    names = {pulse.pulse_id, *pulse.former_ids}
    return [entry for entry in progress_log.entries(home) if entry.pulse_id in names]


def advice(pulse: Pulse) -> str | None:
    """When a pulse has grown so heavy that it should end; None while it has not."""
    if pulse.token_burden == "high":
        return "token burden is high: export and start a fresh pulse"
    if len(pulse.artifacts) >= MANY_ARTIFACTS:
        return f"{len(pulse.artifacts)} artifacts: export and start a fresh pulse"
    return None


def unfinished(home: Home, pulse: Pulse, found: Staging) -> list[str]:
    """What `pulse-status --strict` names: no log entry or no metric of today, strays, ghosts, links."""
    today = clock.today()
    lines = []
    if not any(entry.day == today for entry in log_of(home, pulse)):
        lines.append('no log entry today: compass log add "what was done"')
    if not any(r.at[:10] == today for metric in pulse.metrics.values() for r in metric.history):
        lines.append("no metric today: compass metric set NAME --now VALUE")
    return lines + found.repairs()


def history(home: Home) -> list[dict[str, Any]]:
    """Every pulse in history, oldest first, as plain data."""
    return [
        {
            "pulse_id": manifest.pulse_id if manifest else folder.name[16:] or folder.name,
            "milestone_id": folder.parent.name,
            "status": manifest.status if manifest else "no manifest",
            "objective": manifest.objective if manifest else None,
            "started_at": manifest.started_at if manifest else None,
            "exported_at": manifest.exported_at if manifest else None,
            "handover": manifest.handover if manifest else None,
            "folder": home.shown(folder),
        }
        for folder, manifest in export.manifests(home)
    ]


def _repair(home: Home, pulse: Pulse, found: Staging) -> list[str]:
    lines = [f"dropped the ghost {path}" for path in found.ghosts]
    pulse.artifacts = [artifact for artifact in pulse.artifacts if artifact.path not in found.ghosts]
    for path in found.strays:
        kind = (staging.front_matter_type(home.artifacts / path) or "other").replace("-", "_")
        pulse.artifacts.append(
            Artifact(
                path=ids.artifact_path(path),
                artifact_type=kind,
                milestone_id=pulse.milestone_id,
                created_at=clock.stamp(),
            )
        )
        lines.append(f"registered the stray {path} as {kind}")
    return lines


def _refuse_taken(home: Home, pulse_id: str) -> None:
    for folder, manifest in export.manifests(home):
        # An earlier id is taken as well: the log tells the entries of a pulse by its ids.
        if manifest is not None and pulse_id in (manifest.pulse_id, *manifest.former_ids):
            raise CompassError(f"pulse id {pulse_id!r} is taken by {home.shown(folder)}; add a date or a number to it")


def _already(active: Pulse) -> CompassError:
    return CompassError(
        f"pulse {active.pulse_id} is active; end it first: compass pulse-export, or compass pulse-abort"
    )


def _burden(text: str) -> Burden:
    for burden in BURDENS:
        if text.strip().lower() == burden:
            return burden
    raise CompassError(f"token burden {text!r}: use {', '.join(BURDENS)}")


def _type_notices(kind: str) -> list[str]:
    if kind in staging.KNOWN_TYPES:
        return []
    import difflib

    near = difflib.get_close_matches(kind, staging.KNOWN_TYPES, n=1)
    hint = f"; nearest: {near[0]}" if near else ""
    return [
        f"artifact type {kind!r} is none of the usual ones ({', '.join(staging.KNOWN_TYPES)}{hint}); recorded as given"
    ]
