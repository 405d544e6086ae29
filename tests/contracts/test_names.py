"""docs/names.md has a row for every name of the founding documents, and what a row points to is there."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from ocr.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
FOUNDING = (Path(__file__).parent / "founding_names.txt").read_text().splitlines()
ROWS = re.findall(r"^\| `([^`]+)` \| (.+) \|$", (ROOT / "docs" / "names.md").read_text(), re.MULTILINE)


def test_each_founding_name_has_exactly_one_row():
    names = [name for name, _ in ROWS]
    assert sorted(names) == sorted(set(names))
    assert set(FOUNDING) <= set(names)


@pytest.mark.parametrize(("name", "now"), ROWS, ids=[name for name, _ in ROWS])
def test_what_a_row_points_to_is_there(name, now):
    assert now.startswith(("gone: ", "the same")) or "`" in now
    for span in re.findall(r"`([^`]+)`", now):
        if span in dict(ROWS) and dict(ROWS)[span].startswith("gone: "):
            continue  # "as the row of that name"
        assert exists(span), f"{name}: {span} is not there"


def exists(span: str) -> bool:
    program, _, rest = span.partition(" ")
    if program == "ocr":
        return rest.split(" ")[0] in COMMANDS
    if program == "make":
        return re.search(rf"^{rest}\b.*:", (ROOT / "Makefile").read_text(), re.MULTILINE) is not None
    if program in ("compass", "aqms", "preflight"):
        return has_command(program, rest.split(" ")[0])
    if span.startswith("python -m "):
        return importlib.util.find_spec(span.removeprefix("python -m ")) is not None
    if re.fullmatch(r"(ocr|torch)(\.\w+)+", span):
        return importable(span)
    if "/" in span or span.endswith((".py", ".toml", ".yml", ".yaml")):
        return span.startswith("val/") or any(ROOT.glob(span))
    return span in ("tests", "benchmarks", "docs", "gpu", "core", "model.optimizer", "__init__.py", "_target_")


def importable(dotted: str) -> bool:
    """Whether a module, class, function or method of that name can be reached."""
    parts = dotted.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            found = getattr(found, part)
        return True
    return False


def has_command(program: str, command: str) -> bool:
    """Whether the program's source registers the command: starting each program would cost a second a row."""
    sources = (ROOT / "src" / program).rglob("*.py")
    return any(re.search(rf'["\']{command}["\']|def {command.replace("-", "_")}\(', p.read_text()) for p in sources)
