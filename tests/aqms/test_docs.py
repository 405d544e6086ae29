"""The worked example of docs/aqms.md does what the page shows."""

import re
import shlex
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from aqms import registry, registry_schema
from aqms.rules.table import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "aqms.md"


class StandingClock(datetime):
    """A clock that shows the moment of the page."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromisoformat("2026-01-29T03:30+09:00")

    def astimezone(self, tz=None):
        return self


def test_the_example_prints_what_the_page_shows(root, aqms, monkeypatch):
    monkeypatch.setattr("aqms.commands.write.datetime", StandingClock)
    (block,) = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    assert len(commands) == 14
    for words, shown in commands:
        if words.startswith("aqms "):
            command, _, head = words.partition(" | head -")
            out = aqms(*shlex.split(command)[1:]).out
            printed = "".join(out.splitlines(keepends=True)[: int(head)]) if head else out
        else:
            printed = subprocess.run(["bash", "-c", words], check=True, capture_output=True, text=True).stdout
        assert printed == shown, words


def test_every_code_and_verb_is_on_the_page(aqms):
    page = PAGE.read_text(encoding="utf-8")
    assert all(rule.code in page for rule in RULES)
    for group in ((), ("registry",), ("baseline",)):
        listed = aqms(*group, "--help").out.partition("Commands:")[2]
        for verb in re.findall(r"^  (\S+)", listed, re.MULTILINE):
            assert re.search(rf"\b{re.escape(verb)}\b", page), f"{' '.join(group)} {verb}"


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(schema_version.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
def test_the_registry_of_the_page_is_right(text):
    content = yaml.safe_load(text)
    assert registry_schema.problems(content) == []
    assert registry.semantic_problems(registry.build(content, PAGE, "")) == []
