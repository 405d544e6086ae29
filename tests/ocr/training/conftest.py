import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "tiny"
TARGETS = "tiny_ocr.TinyModule tiny_ocr.TinyNetwork tiny_ocr.TinyData torch.nn.modules.loss.MSELoss"


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def metrics(self) -> dict[str, float]:
        line = self.out.strip().splitlines()[-1]
        assert line.startswith("Training complete! ")
        return {k: float(v) for k, v in re.findall(r"(\S+)=([-\d.e+]+)", line)}


@pytest.fixture
def tiny_home(tmp_path, monkeypatch):
    """A working directory whose configs/ folder holds a model and data set of its own."""
    shutil.copytree(HERE / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("OCR_ALLOW_TARGETS", TARGETS.replace(" ", ","))
    monkeypatch.setattr(sys, "argv", ["train"])
    return tmp_path


@pytest.fixture
def tiny(tiny_home, capfd):
    """Run the training application in this process with the tiny model; return exit code and output."""
    from ocr.cli.train import main
    from ocr.training import hydra_app

    def run(*overrides: str, code: int = 0) -> Outcome:
        hydra_app._claimed.clear()
        capfd.readouterr()
        got = main(["model=tiny", "data=tiny", "logger=[csv]", *overrides])
        out, err = capfd.readouterr()
        assert got == code, err
        return Outcome(got, out, err)

    return run
