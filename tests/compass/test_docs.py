"""The worked examples of docs/compass.md do what the page shows."""

import re
import shlex
import subprocess
from pathlib import Path

from compass.blueprint import check as blueprint_check
from compass.plan import check as plan_check

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compass.md"


def test_the_examples_print_what_the_page_shows(repo, compass, at):
    at("2026-01-29T14:02:00+09:00")
    commands = 0
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for words, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            commands += 1
            if words.startswith("compass "):
                ran = compass(*shlex.split(words)[1:])
                assert ran.err + ran.out == shown, words
            else:
                subprocess.run(["bash", "-c", words], check=True)
    assert commands == 17


def test_every_code_and_verb_is_on_the_page(compass):
    page = PAGE.read_text()
    for codes in (blueprint_check.CODES, plan_check.CODES):
        for code, meaning in codes.items():
            assert f"| {code} | {meaning} |" in page
    for group in ((), ("milestone",), ("log",), ("metric",), ("blueprint",), ("plan",)):
        listed = compass(*group, "--help").out.partition("Commands:")[2]
        for verb in re.findall(r"^  (\S+)", listed, re.MULTILINE):
            assert re.search(rf"\b{re.escape(verb)}\b", page), f"{' '.join(group)} {verb}"
