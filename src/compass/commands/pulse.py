"""The pulse verbs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from compass import handover, metrics, pulses, staging
from compass.errors import CompassError
from compass.home import Home, find_home
from compass.output import Json, emit, notice
from compass.state import Pulse
from compass.store import reading

STAGED = "Path in project_compass/pulse_staging/artifacts/."


def pulse_init(
    pulse_id: Annotated[str | None, typer.Option("--id", "-i", help="Such as import-audit-2026-01-29.")] = None,
    objective: Annotated[str | None, typer.Option("--obj", "-o", help="What will be true at the end.")] = None,
    milestone: Annotated[str | None, typer.Option("--milestone", "-m", help="Made when it is unknown.")] = None,
    phase: Annotated[str | None, typer.Option("--phase", "-p", help="Phase of the milestone.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Handover whose next pulse this is.")] = None,
    as_json: Json = False,
) -> None:
    """Begin a pulse.

    Examples:

      compass pulse-init --id import-audit-2026-01-29 --obj "No broken imports" --milestone ocr-refactor

      compass pulse-init --from project_compass/history/ocr-refactor/20260129_120000_x-y/SESSION_HANDOVER.md
    """
    home = find_home()
    instructions: list[str] = []
    continues = None
    if source is not None:
        document = handover.read(source)
        if pulse_id is None or objective is None:
            suggested_id, suggested_objective = handover.start_from(document, source)
            pulse_id, objective = pulse_id or suggested_id, objective or suggested_objective
        milestone = milestone or document.milestone_id
        instructions, continues = document.instructions(), document.pulse_id
    given = {"--id": pulse_id, "--obj": objective, "--milestone": milestone}
    if pulse_id is None or objective is None or milestone is None:
        missing = ", ".join(name for name, value in given.items() if value is None)
        raise CompassError(
            f"pulse-init: missing {missing}; such as: compass pulse-init --id import-audit-2026-01-29 "
            '--obj "No broken imports" --milestone ocr-refactor'
        )
    begun = pulses.begin(
        home,
        pulse_id=pulse_id,
        objective=objective,
        milestone_id=milestone,
        phase=phase,
        instructions=instructions,
        continues=continues,
    )
    for text in begun.notices:
        notice(text)
    lines = [
        f"pulse {pulse_id} has begun: {begun.pulse.objective}",
        f"put its files into {home.shown(home.artifacts)}/",
    ]
    lines += [f"taken over: {text}" for text in instructions]
    emit(
        "pulse-init",
        {"pulse": asdict(begun.pulse), "notices": list(begun.notices)},
        "\n".join(lines),
        as_json=as_json,
    )


def pulse_status(
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 and name what is open today.")] = False,
    as_json: Json = False,
) -> None:
    """Show the active pulse. Exit 0, also when none is active; with --strict 1 when something is open."""
    home = find_home()
    pulse = reading(home).active_pulse
    if pulse is None:
        text = "no pulse is active\nstart one: compass pulse-init --id ID --obj TEXT --milestone ID"
        emit("pulse-status", {"active": False, "pulse": None, "open": []}, text, as_json=as_json)
        return
    found = staging.audit(home, pulse)
    unfinished = pulses.unfinished(home, pulse, found) if strict else []
    text = _status_text(pulse, found) + "".join(f"open: {line}\n" for line in unfinished)
    data: dict[str, Any] = {
        "active": True,
        "pulse": asdict(pulse),
        "artifacts": _staging_data(found),
        "metrics": metrics.summary(pulse.metrics),
        "advice": pulses.advice(pulse),
        "open": unfinished,
    }
    emit("pulse-status", data, text, as_json=as_json)
    if unfinished:
        raise typer.Exit(1)


def pulse_checkpoint(
    burden: Annotated[str, typer.Option("--token-burden", "--burden", "-b", help="low, medium or high.")],
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    as_json: Json = False,
) -> None:
    """Record how heavy the work has become.

    Example: compass pulse-checkpoint --token-burden medium
    """
    pulse = pulses.checkpoint(find_home(), burden, note)
    advice = pulses.advice(pulse)
    text = f"pulse {pulse.pulse_id}: token burden {pulse.token_burden}" + (f"\nadvice: {advice}" if advice else "")
    data = {"pulse_id": pulse.pulse_id, "token_burden": pulse.token_burden, "advice": advice}
    emit("pulse-checkpoint", data, text, as_json=as_json)


def pulse_sync(
    path: Annotated[list[str], typer.Option("--path", "-p", help=STAGED + " Repeat for more.")],
    artifact_type: Annotated[str, typer.Option("--type", "-t", help=", ".join(staging.KNOWN_TYPES) + ".")],
    milestone: Annotated[str | None, typer.Option("--milestone", "-m", help="Default: that of the pulse.")] = None,
    as_json: Json = False,
) -> None:
    """Register files.

    Example: compass pulse-sync --path notes.md --type research
    """
    added, notices = pulses.register(find_home(), path, artifact_type, milestone)
    for text in notices:
        notice(text)
    lines = "\n".join(f"registered {artifact.path} as {artifact.artifact_type}" for artifact in added)
    data = {"artifacts": [asdict(artifact) for artifact in added], "notices": notices}
    emit("pulse-sync", data, lines, as_json=as_json)


def pulse_unsync(path: Annotated[str, typer.Option("--path", "-p", help=STAGED)], as_json: Json = False) -> None:
    """Take back a registration; the file stays."""
    artifact = pulses.unregister(find_home(), path)
    emit("pulse-unsync", {"artifact": asdict(artifact)}, f"no longer registered: {path}", as_json=as_json)


def pulse_rename(
    new_id: Annotated[str, typer.Option("--id", "-i", help="The new id.")],
    as_json: Json = False,
) -> None:
    """Give the active pulse another id."""
    old, pulse = pulses.rename(find_home(), new_id)
    data = {"old_id": old, "pulse_id": pulse.pulse_id}
    emit("pulse-rename", data, f"pulse {old} is now {pulse.pulse_id}", as_json=as_json)


def pulse_abort(as_json: Json = False) -> None:
    """End the active pulse without a handover; its files go to history, marked aborted."""
    home = find_home()
    ended = pulses.abort(home)
    folder = home.shown(ended.folder)
    data = {"pulse_id": ended.pulse.pulse_id, "folder": folder}
    emit("pulse-abort", data, f"pulse {ended.pulse.pulse_id} was aborted; its files are in {folder}/", as_json=as_json)


def pulse_export(
    force: Annotated[bool, typer.Option("--force", "-f", help="Register strays, drop ghosts, then export.")] = False,
    summary: Annotated[str, typer.Option("--summary", help="One paragraph for the handover.")] = "",
    finding: Annotated[list[str] | None, typer.Option("--finding", help="A finding; repeat for more.")] = None,
    recommend: Annotated[
        list[str] | None, typer.Option("--recommend", help="'1: text' (immediate) to '4: text' (long term).")
    ] = None,
    defer: Annotated[list[str] | None, typer.Option("--defer", help="What a later pulse is to do.")] = None,
    next_pulse: Annotated[str | None, typer.Option("--next", help="Id suggested for the next pulse.")] = None,
    next_objective: Annotated[str | None, typer.Option("--next-obj", help="Its objective.")] = None,
    as_json: Json = False,
) -> None:
    """End the pulse: its files and a handover go to history. Exit 1 and nothing moved when staging disagrees."""
    from compass import ids

    home = find_home()
    remarks = handover.Remarks(
        summary=_one_line(summary),
        findings=tuple(_one_line(text) for text in finding or ()),
        recommendations=tuple(handover.parse_recommendation(_one_line(text)) for text in recommend or ()),
        deferred=tuple(_one_line(text) for text in defer or ()),
        next_pulse=None if next_pulse is None else ids.pulse_id(next_pulse),
        next_objective=None if next_objective is None else _one_line(next_objective),
    )
    ended = pulses.finish(home, remarks, force=force)
    if isinstance(ended, staging.Staging):
        lines = [
            *ended.repairs(),
            "nothing was exported; repair these, or compass pulse-export --force does (not links)",
        ]
        data = {"exported": False, "artifacts": _staging_data(ended), "repairs": ended.repairs()}
        emit("pulse-export", data, "\n".join(lines), as_json=as_json)
        raise typer.Exit(1)
    folder = home.shown(ended.folder)
    lines = [*ended.repaired, f"pulse {ended.pulse.pulse_id} is exported to {folder}/"]
    data = {"exported": True, "pulse_id": ended.pulse.pulse_id, "folder": folder, "repaired": list(ended.repaired)}
    emit("pulse-export", data, "\n".join(lines), as_json=as_json)


def pulse_list(
    milestone: Annotated[str | None, typer.Option("--milestone", "-m", help="Only those of this milestone.")] = None,
    as_json: Json = False,
) -> None:
    """List the pulses in history, oldest first, and the active one."""
    listed = _all_pulses(find_home())
    listed = [pulse for pulse in listed if milestone in (None, pulse["milestone_id"])]
    lines = [
        f"{p['status']:<11} {(p['started_at'] or '')[:10]:<10}  {p['milestone_id']}  {p['pulse_id']}" for p in listed
    ]
    emit("pulse-list", {"pulses": listed}, "\n".join(lines) or "no pulses yet", as_json=as_json)


def pulse_show(
    pulse_id: Annotated[str | None, typer.Argument(help="Default: the active pulse.")] = None,
    as_json: Json = False,
) -> None:
    """Show one pulse, active or in history."""
    home = find_home()
    listed = _all_pulses(home)
    wanted = pulse_id or reading(home).pulse().pulse_id
    found = [pulse for pulse in listed if pulse["pulse_id"] == wanted]
    if not found:
        known = ", ".join(pulse["pulse_id"] for pulse in listed[-5:]) or "none"
        raise CompassError(f"pulse {wanted!r} is unknown (newest: {known}); see compass pulse-list")
    text = "\n".join(f"{name.replace('_', ' ')}: {value or '-'}" for name, value in found[-1].items())
    emit("pulse-show", {"pulse": found[-1]}, text, as_json=as_json)


def check_env(
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when something is missing.")] = False,
    as_json: Json = False,
) -> None:
    """Check Python, git, uv and the repository."""
    from compass import environment

    rows = environment.checks()
    lines = [f"{'ok' if c.ok else 'missing':<8}{c.name:<12}{c.seen}" + ("" if c.ok else f"; {c.remedy}") for c in rows]
    emit("check-env", {"checks": [asdict(check) for check in rows]}, "\n".join(lines), as_json=as_json)
    if strict and not all(check.ok for check in rows):
        raise typer.Exit(1)


def _status_text(pulse: Pulse, found: staging.Staging) -> str:
    count = f"{len(found.registered)} registered, {len(found.strays)} stray, {len(found.ghosts)} ghost"
    rows = {
        "pulse": pulse.pulse_id,
        "objective": pulse.objective,
        "milestone": pulse.milestone_id,
        "phase": pulse.phase or "-",
        "status": f"active since {pulse.started_at}",
        "artifacts": count + (f", {len(found.links)} link" if found.links else ""),
        "token burden": pulse.token_burden,
    }
    lines = [f"{name + ':':<14}{value}" for name, value in rows.items()]
    kinds = {artifact.path: artifact.artifact_type for artifact in pulse.artifacts}
    lines += [f"  {path} ({kinds[path]})" for path in found.registered]
    lines += [f"  {line}" for line in found.repairs()]
    lines += [f"taken over:   {text}" for text in pulse.instructions]
    if pulse.metrics:
        lines += ["metrics:", metrics.table(pulse.metrics).rstrip()]
    if (advice := pulses.advice(pulse)) is not None:
        lines.append(f"advice:       {advice}")
    return "\n".join(lines) + "\n"


def _staging_data(found: staging.Staging) -> dict[str, list[str]]:
    return {
        "registered": list(found.registered),
        "stray": list(found.strays),
        "ghost": list(found.ghosts),
        "link": list(found.links),
    }


def _all_pulses(home: Home) -> list[dict[str, Any]]:
    active = reading(home).active_pulse
    listed = pulses.history(home)
    if active is not None:
        data = asdict(active)
        names = ("pulse_id", "milestone_id", "objective", "started_at")
        shown = {name: data[name] for name in names}
        listed.append({**shown, "status": "active", "exported_at": None, "handover": None, "folder": None})
    return listed


def _one_line(text: str) -> str:
    return " ".join(text.split())
