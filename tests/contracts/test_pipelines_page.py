"""Every command of docs/pipelines.md runs, in the order of the page."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from ocr.cli.main import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pipelines.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.slow
def test_the_commands_of_the_page_run(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ocr"])
    assert len(COMMANDS) >= 11
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "ocr"
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = leaving.code
        out, err = capfd.readouterr()
        assert code in (0, None), f"{command}\n{err}"
        if arguments[0] == "train":
            assert "Training complete! " in out.splitlines()[-1], command


def test_the_page_names_every_option_it_should():
    for name in ("det_resnet50_v1", "rec_baseline_v1", "det_receipt", "rec_receipt"):
        assert name in PAGE
