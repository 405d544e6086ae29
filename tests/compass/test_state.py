"""The state file: damaged, hostile, newer, older."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compass.errors import CompassError
from compass.state import State, load

ARTIFACT = {"path": "a.md", "artifact_type": "audit", "milestone_id": "m", "created_at": "2026-01-22T10:00:00"}
PULSE = {
    "pulse_id": "a-b",
    "objective": "x",
    "milestone_id": "m",
    "started_at": "2026-01-22T10:00:00",
    "artifacts": [ARTIFACT],
}


def state_with(**changes: object) -> bytes:
    return json.dumps({"schema_version": 1, "active_pulse": {**PULSE, **changes}}).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not JSON at line 1"),
        (b'{"schema_version": 1, "acti', "not JSON"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "damaged"),
        (b'{"schema_version": 99, "whatever": 1}', "written by a newer compass (schema version 99"),
        (b'{"schema_version": "x"}', "schema_version"),
        (b'{"schema_version": 1, "unknown": 1}', "unknown: unknown key"),
        (b'{"schema_version": 1, "active_pulse": []}', "active_pulse: not an object"),
        (b'{"schema_version": 1, "active_pulse": {}}', "active_pulse.pulse_id: missing"),
        (
            state_with(metrics={"a": {"history": [{"at": "x", "value": "7"}]}}),
            "metrics.a.history.0.value: a str, not a float",
        ),
        (state_with(artifacts={}), "active_pulse.artifacts: a dict, not a list"),
        (state_with(token_burden="huge"), "active_pulse.token_burden"),
        (state_with(pulse_id="../x"), "active_pulse: pulse id '../x'"),
        (state_with(milestone_id="../../x"), "active_pulse: milestone id '../../x'"),
        (
            state_with(artifacts=[{**ARTIFACT, "path": "../../../../etc/passwd"}]),
            "active_pulse.artifacts.0: artifact path",
        ),
    ],
)
def test_a_state_that_cannot_be_trusted_is_named_and_never_overwritten(repo, compass, data, says):
    repo.vessel.mkdir(parents=True)
    repo.state.write_bytes(data)
    for words in (
        ("pulse-status",),
        ("pulse-init", "--id", "a-b", "--obj", "g", "--milestone", "m"),
        ("pulse-checkpoint", "--token-burden", "low"),
        ("pulse-export", "--force"),
    ):
        ran = compass(*words)
        assert ran.code == 2
        assert says in ran.err
        assert "vessel_state.json" in ran.err
        assert ran.err.count("\n") == 1
    assert repo.state.read_bytes() == data


def test_the_state_of_the_earlier_tool_is_read(repo, compass):
    old = {
        "version": "2.0.0",
        "last_updated": "2026-01-28T02:53:00",
        "health": "healthy",
        "current_phase": "detection",
        "active_pulse": {**PULSE, "instructions": ["rule"], "token_burden": "medium"},
        "star_chart": [],
        "active_blockers": [],
    }
    repo.vessel.mkdir(parents=True)
    repo.state.write_text(json.dumps(old))
    assert "phase:        detection" in compass("pulse-status").out
    assert compass("pulse-checkpoint", "--burden", "high").code == 0
    assert json.loads(repo.state.read_text())["schema_version"] == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), junk=st.binary(max_size=4))
def test_any_cut_or_smear_of_the_file_loads_or_is_refused(repo, cut, junk):
    repo.vessel.mkdir(parents=True, exist_ok=True)
    repo.state.write_bytes(state_with()[:cut] + junk)
    try:
        loaded: State | None = load(repo)
    except CompassError:
        loaded = None
    assert loaded is None or loaded.schema_version == 1
