import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from durable.replace import LEFTOVER, replacing, sweep, write_bytes, write_json, write_text

WRITER = "import sys; from durable.replace import write_bytes; write_bytes(sys.argv[1], b'n' * 1_000_000)"


def test_content_is_written_as_given(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.bin", b"\x00\xff\r\n")
    write_text(tmp_path / "b.txt", "영수증\r\n")
    write_json(tmp_path / "c.json", {"total": "12,000 ₩", "n": [1, 2.5, None]})
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff\r\n"
    assert (tmp_path / "b.txt").read_bytes() == "영수증\r\n".encode()
    assert json.loads((tmp_path / "c.json").read_text()) == {"total": "12,000 ₩", "n": [1, 2.5, None]}
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "b.txt", "c.json"]


def test_permissions_of_the_old_file_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "run.sh"
    target.write_text("old")
    target.chmod(0o750)
    write_text(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o750


def test_a_link_is_replaced_and_what_it_points_to_is_kept(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "link").symlink_to("elsewhere")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_without_a_spelling_leaves_the_old_file(value: float, tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"loss": value})
    assert (tmp_path / "a.json").read_text() == "1\n"


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a.ckpt", "old")

    def write_half() -> None:
        with replacing(tmp_path / "a.ckpt") as temporary:
            temporary.write_text("half")
            assert temporary.suffix == ".ckpt"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert os.listdir(tmp_path) == ["a.ckpt"]
    assert (tmp_path / "a.ckpt").read_text() == "old"


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        pass
    assert os.listdir(tmp_path) == []


def test_the_longest_file_name_can_be_replaced(tmp_path: Path) -> None:
    for name in ("a" * 255, "b." + "c" * 253):
        write_text(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"


def test_a_file_size_limit_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "state"
    target.write_bytes(b"old")
    child = subprocess.run(
        [sys.executable, "-c", WRITER, str(target)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
    )
    assert child.returncode == 1
    assert "OSError" in child.stderr
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["state"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """On a real filesystem of 64 KiB, where the system lets us mount one."""
    script = f"mount -t tmpfs -o size=64k none '{tmp_path}' || exit 77; cd '{tmp_path}'; echo old > state; "
    script += f'\'{sys.executable}\' -c "{WRITER}" state; echo "code $?"; ls -A; cat state'
    try:
        child = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if child.returncode == 77 or "unshare" in child.stderr:
        pytest.skip(f"no mount in a user namespace here: {child.stderr.strip()}")
    assert "No space left on device" in child.stderr
    assert child.stdout.split("\n") == ["code 1", "state", "old", ""]


def test_sweep_removes_old_leftovers_only(tmp_path: Path) -> None:
    for name, age in ((LEFTOVER + "old", 7200), (LEFTOVER + "fresh", 10), ("mine", 7200)):
        (tmp_path / name).write_text("x")
        moment = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (moment, moment))
    assert sweep(tmp_path) == [tmp_path / f"{LEFTOVER}old"]
    assert sorted(os.listdir(tmp_path)) == sorted(["mine", f"{LEFTOVER}fresh"])
