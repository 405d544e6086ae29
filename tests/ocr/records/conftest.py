import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from ocr.records.layout import OLD_LAYOUTS


@pytest.fixture(autouse=True)
def _old_layouts(request, monkeypatch):
    """Nothing but tests marked `old_layouts` may depend on old layouts being read."""
    if request.node.get_closest_marker("old_layouts") is None:
        monkeypatch.setenv(OLD_LAYOUTS, "off")


@pytest.fixture
def old_card() -> dict[str, Any]:
    """What the old code wrote beside a checkpoint."""
    return {
        "schema_version": "1.0",
        "checkpoint_path": "checkpoints/a.ckpt",
        "exp_name": "dbnet-resnet18",
        "created_at": "2025-10-18T10:00:00",
        "training": {"epoch": 0, "global_step": 77, "training_phase": "training"},
        "model": {
            "architecture": "dbnet",
            "encoder": {"model_name": "resnet18", "pretrained": True},
            "decoder": {"name": "fpn", "in_channels": [1]},
            "head": {"name": "db_head"},
            "loss": {"name": "db_loss"},
        },
        "metrics": {"hmean": 0.8839, "additional_metrics": {"val/cleval": 0.9}},
        "checkpointing": {"monitor": "val/hmean", "mode": "max"},
    }


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of so many KiB and return its folder; called again it gives that one another size."""
    folder = tmp_path / "disk"
    mounted = []

    def mount(kib: int) -> Path:
        folder.mkdir(exist_ok=True)
        options = f"size={kib}k" + (",remount" if mounted else "")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    if shutil.which("mount") is None:
        pytest.skip("no mount here")
    yield mount
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def obedient():
    """The beginning of a command whose process may read only what file modes allow, also when it is root's."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv here, and root may read everything")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def _postgres_programs() -> Path | None:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return None if found is None else Path(found).parent


@pytest.fixture(scope="session")
def postgres_url():
    """URL of a PostgreSQL server of our own, started for these tests as an ordinary user."""
    required = os.environ.get("CI") == "true"

    def give_up(reason: str) -> None:
        pytest.fail(reason) if required else pytest.skip(reason)

    try:
        import psycopg
    except ImportError:
        give_up("psycopg is not installed: pip install '.[postgres]'")
    programs = _postgres_programs()
    if programs is None and required and os.geteuid() == 0:
        for command in ("update", "install -y --no-install-recommends postgresql"):
            subprocess.run(["apt-get", *command.split()], check=False, capture_output=True, timeout=280)
        programs = _postgres_programs()
    if programs is None:
        give_up("no PostgreSQL server here: apt-get install postgresql")
    # Not pytest's own folder, which only its user may enter.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The server refuses to run as root.
    user = [] if os.geteuid() else ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    if user:
        shutil.chown(folder, "nobody", "nogroup")
    data = folder / "data"
    initdb = [*user, str(programs / "initdb"), "-D", str(data), "-U", "ocr", "-A", "trust", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, timeout=120)
    settings = ["-p", str(port), "-k", str(folder), "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*user, str(programs / "postgres"), "-D", str(data), *settings], cwd=folder, stderr=log
        )
    url = f"postgresql://ocr@127.0.0.1:{port}/postgres"
    for _ in range(300):
        try:
            psycopg.connect(url, connect_timeout=1).close()
            break
        except psycopg.OperationalError:
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
    yield url
    server.send_signal(signal.SIGQUIT)
    server.wait(30)
    shutil.rmtree(folder)
