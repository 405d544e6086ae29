"""A run over two nodes, each started by hand as docs/scale.md says; here both are this machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ocr.records.run import read_record

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_two_nodes_make_one_run(tiny_home):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = os.pathsep.join(map(str, (Path(__file__).parent / "tiny", ROOT / "src")))
    common = {"PYTHONPATH": found, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    command = [sys.executable, str(ROOT / "runners/train.py"), "model=tiny", "data=tiny", "logger=[csv]"]
    settings = ["trainer.accelerator=cpu", "trainer.devices=1", "trainer.num_nodes=2", "trainer.strategy=ddp"]
    nodes = [
        subprocess.Popen(
            [*command, *settings, "trainer.max_epochs=2", "hydra.run.dir=outputs/nodes"],
            env=os.environ | common | {"MASTER_PORT": str(port), "NODE_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        ended = [node.communicate(timeout=280) for node in nodes]
    finally:
        for node in nodes:
            node.kill()
    assert [node.returncode for node in nodes] == [0, 0], ended
    assert ["Training complete!" in out for out, _ in ended] == [True, False]
    record = read_record(tiny_home / "outputs/nodes")
    assert (record.status, record.step) == ("completed", 8)  # half the steps of one process
    assert len(list(tiny_home.rglob("run.json"))) == 1
