"""Every command of the pages that lead through the work runs, in the order of the page."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from ocr.cli.main import main
from ocr.training import hydra_app

DOCS = Path(__file__).resolve().parents[2] / "docs"
# Page: how many commands it has at least.
PAGES = {"reading.md": 6, "pipelines.md": 11, "ai_handbook/experiment-workflow.md": 15}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_the_page_run(tmp_path, monkeypatch, capfd, page):
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ocr"])
    assert len(commands) >= PAGES[page]
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "ocr"
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = leaving.code
        out, err = capfd.readouterr()
        assert code in (0, None), f"{command}\n{err}"
        hydra_app._claimed.clear()  # each command is typed into a process of its own
        if arguments[0] == "train":
            assert "Training complete! " in out.splitlines()[-1], command


def test_the_page_names_every_option_it_should():
    page = (DOCS / "pipelines.md").read_text()
    for name in ("det_resnet50_v1", "rec_baseline_v1", "det_receipt", "rec_receipt"):
        assert name in page
