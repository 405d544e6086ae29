"""Processes killed at random moments and at every single step, full disks, and many writers at once."""

import errno
import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock  # noqa: F401  (imported before the children are forked, so that they are at work at once)
import pytest

from compass import export, metrics, pulses, staging
from compass.errors import CompassError
from compass.handover import Remarks
from compass.home import Home
from compass.store import changing_pulse, reading

FORK = multiprocessing.get_context("fork")  # Forked children start in milliseconds, so that hundreds can be killed.
KILLED = 99
FILES = ("a.md", "deep/b.md", "한글 이름.md")
STEPS = ("rename", "replace", "unlink", "mkdir", "rmdir", "fsync")


def begin(home: Home, number: int = 1) -> None:
    pulses.begin(home, pulse_id=f"pulse-number-{number}", objective="x", milestone_id="m")


def begin_with_files(home: Home) -> None:
    begin(home)
    for name in FILES:
        (home.artifacts / name).parent.mkdir(exist_ok=True)
        (home.artifacts / name).write_text(name)
    pulses.register(home, FILES, "audit", None)


def everything(home: Home) -> Counter[str]:
    """How often each artifact is there, in staging or in a history folder."""
    found = [path.relative_to(home.artifacts) for path in home.artifacts.rglob("*") if path.is_file()]
    for folder in home.history.glob("*/*/"):
        found += [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    ours = [path.as_posix() for path in found if path.name not in ("pulse_manifest.json", "SESSION_HANDOVER.md")]
    return Counter(name for name in ours if not Path(name).name.startswith(".tmp"))


def work(home: Home, seed: int, ready: int) -> None:
    """Use every verb that writes, without an end."""
    number = 0
    os.write(ready, b"!")
    while True:
        number += 1
        if reading(home).active_pulse is None:
            begin(home, seed * 10_000 + number)
        name = f"file-{seed}-{number}.md"
        (home.artifacts / name).write_text("x")
        pulses.register(home, [name], "audit", None)
        pulses.checkpoint(home, "medium", "")
        with changing_pulse(home) as pulse:
            metrics.change(pulse, "n", now=float(number), initial=None, target=None, unit=None, source="test")
        if number % 2:
            pulses.finish(home, Remarks(), force=True)
        else:
            pulses.abort(home)


def test_200_kills_at_random_moments_never_damage_the_state_or_lose_a_file(repo: Home) -> None:
    chance = random.Random(5)
    seen: set[str] = set()
    for seed in range(200):
        read_end, write_end = os.pipe()
        child = FORK.Process(target=work, args=(repo, seed, write_end))
        child.start()
        assert os.read(read_end, 1) == b"!"
        os.close(read_end)
        os.close(write_end)
        time.sleep(chance.uniform(0.0, 0.05))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        pulse = reading(repo).active_pulse
        assert not repo.export.exists()
        counted = everything(repo)
        assert not [name for name, count in counted.items() if count != 1]
        assert seen <= set(counted)
        seen = set(counted)
        if pulse is not None:
            found = staging.audit(repo, pulse)
            assert not found.ghosts
    for _, manifest in export.manifests(repo):
        assert manifest is not None
    assert len(seen) > 20


def in_child(action: Callable[[], Any]) -> int | None:
    """Exit code of a forked child that does `action`."""
    child = FORK.Process(target=action)
    child.start()
    child.join()
    return child.exitcode


def at_step(wanted: int, happen: Callable[[], None]) -> None:
    """Make `happen` take place just before the `wanted`-th call that changes the file system."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == wanted:
                happen()
            return real(*words, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def finish_export(home: Home, wanted: int, happen: Callable[[], None]) -> None:
    at_step(wanted, happen)
    try:
        pulses.finish(home, Remarks(), force=False)
    except (CompassError, OSError):
        os._exit(2)
    os._exit(0)


@pytest.mark.parametrize("abort", [False, True])
def test_an_export_killed_before_any_of_its_steps_finishes_or_rolls_back(repo: Home, abort: bool, monkeypatch) -> None:
    outcomes = set()
    for wanted in range(1, 100):
        root = repo.root / f"try-{wanted}"
        (root / ".git").mkdir(parents=True)
        home = Home(root)
        begin_with_files(home)

        def act(home: Home = home, wanted: int = wanted) -> None:
            if abort:
                at_step(wanted, lambda: os._exit(KILLED))
                pulses.abort(home)
                os._exit(0)
            finish_export(home, wanted, lambda: os._exit(KILLED))

        code = in_child(act)
        active = reading(home).active_pulse
        assert everything(home) == Counter(FILES)
        assert not home.export.exists()
        if active is None:
            (folder,) = home.history.glob("m/*")
            assert all((folder / name).read_text() == name for name in FILES)
            assert json.loads((folder / "pulse_manifest.json").read_text())["missing"] == []
        else:
            assert all((home.artifacts / name).read_text() == name for name in FILES)
        outcomes.add(active is None)
        if code == 0:
            break
    assert code == 0
    assert wanted > 10
    assert outcomes == {True, False}


def test_a_full_disk_at_any_step_of_an_export_undoes_it_or_lets_it_finish(repo: Home) -> None:
    for wanted in range(1, 100):
        root = repo.root / f"try-{wanted}"
        (root / ".git").mkdir(parents=True)
        home = Home(root)
        begin_with_files(home)
        code = in_child(lambda home=home, wanted=wanted: finish_export(home, wanted, full_disk))
        active = reading(home).active_pulse
        assert everything(home) == Counter(FILES)
        if active is not None:
            assert all((home.artifacts / name).read_text() == name for name in FILES)
            assert isinstance(pulses.finish(home, Remarks(), force=False), pulses.Ended)
        (folder,) = [path for path in home.history.glob("m/*") if any(path.iterdir())]
        assert all((folder / name).read_text() == name for name in FILES)
        if code == 0 and wanted > 30:
            break


def test_an_export_that_can_neither_end_nor_be_undone_goes_on_later(repo: Home, monkeypatch) -> None:
    begin_with_files(repo)
    with monkeypatch.context() as patch:
        patch.setattr(export, "_move", lambda source, target: full_disk())
        with pytest.raises(CompassError, match=r"neither finished .* nor undone"):
            pulses.finish(repo, Remarks(), force=False)
    assert repo.export.exists()
    assert reading(repo).active_pulse is None
    assert everything(repo) == Counter(FILES)


def test_files_move_across_filesystems(repo: Home, monkeypatch) -> None:
    begin_with_files(repo)

    def elsewhere(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", elsewhere)
        ended = pulses.finish(repo, Remarks(), force=False)
    assert isinstance(ended, pulses.Ended)
    assert everything(repo) == Counter(FILES)


def test_a_new_file_of_the_same_name_is_not_overwritten_by_the_recovery(repo: Home) -> None:
    begin_with_files(repo)
    in_child(lambda: finish_export(repo, 14, lambda: os._exit(KILLED)))
    assert repo.export.exists()
    moved = [name for name in FILES if not (repo.artifacts / name).exists()]
    assert moved
    (repo.artifacts / "a.md").write_text("written since")
    reading(repo)
    (folder,) = repo.history.glob("m/*")
    assert (folder / "a.md").read_text() == "a.md"
    assert (repo.artifacts / "a.md").read_text() == "written since"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b'{"destination": "../../x", "files": [], "manifest": {}, "documents": {}}']
)
def test_a_damaged_export_plan_is_named_and_kept(repo: Home, compass, data: bytes) -> None:
    begin(repo)
    repo.export.write_bytes(data)
    ran = compass("pulse-status")
    assert ran.code == 2
    assert "export.json is damaged" in ran.err
    assert ran.err.count("\n") == 1
    assert repo.export.read_bytes() == data


def note(home: Home, who: int) -> None:
    for number in range(10):
        pulses.checkpoint(home, "low", f"{who}-{number}")


def test_every_change_of_concurrent_callers_is_kept(repo: Home) -> None:
    begin(repo)
    children = [FORK.Process(target=note, args=(repo, who)) for who in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    notes = [checkpoint.note for checkpoint in reading(repo).pulse().checkpoints]
    assert sorted(notes) == sorted(f"{who}-{number}" for who in range(4) for number in range(10))


def start(home: Home, number: int) -> None:
    try:
        begin(home, number)
    except CompassError:
        os._exit(2)


def test_of_several_beginners_one_wins(repo: Home) -> None:
    children = [FORK.Process(target=start, args=(repo, number)) for number in range(5)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert sorted(child.exitcode or 0 for child in children) == [0, 2, 2, 2, 2]
