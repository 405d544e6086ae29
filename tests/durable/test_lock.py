import subprocess
import sys
import threading
from pathlib import Path

import pytest

from durable.lock import LockTimeout, lock

COUNTER = """
import sys
from pathlib import Path
from durable.lock import lock
from durable.replace import write_text
path = Path(sys.argv[1])
for _ in range(20):
    with lock(path):
        write_text(path, str(int(path.read_text()) + 1))
"""


def test_a_waiter_gives_up_and_names_the_lock(tmp_path: Path) -> None:
    with lock(tmp_path / "a"), pytest.raises(LockTimeout, match=r"a\.lock"), lock(tmp_path / "a", timeout=0.05):
        pass
    with lock(tmp_path / "a.lock", timeout=0.05):
        pass


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with lock(tmp_path / "a"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_no_update_of_several_processes_is_lost(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    counter.write_text("0")
    children = [subprocess.Popen([sys.executable, "-c", COUNTER, str(counter)]) for _ in range(4)]
    assert [child.wait() for child in children] == [0, 0, 0, 0]
    assert counter.read_text() == "80"


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), lock(tmp_path / "a"):
        raise KeyError
    with lock(tmp_path / "a", timeout=0.05):
        pass
