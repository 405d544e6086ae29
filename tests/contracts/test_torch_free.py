"""Every torch-free command runs where torch, Lightning and timm cannot be imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = """
import sys
for name in ("torch", "torchvision", "lightning", "timm", "hydra", "onnx", "onnx2torch"):
    sys.modules[name] = None  # importing it raises ImportError
from {module} import main
sys.argv = {argv!r}
raise SystemExit(main())
"""

PROGRAMS = {
    "ocr": "ocr.cli.main",
    "preflight": "preflight.cli.main",
    "compass": "compass.cli",
    "aqms": "aqms.cli",
}


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    code = BLOCK.format(module=PROGRAMS[argv[0]], argv=list(argv))
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two synthetic receipts, made without torch."""
    folder = tmp_path_factory.mktemp("torch_free")
    done = run(folder, "ocr", "data", "synth", "--kind", "pages", "--n", "2", "--seed", "3", "--out", "receipts")
    assert done.returncode == 0, done.stderr
    (folder / "outputs").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        ("ocr read receipts/images --json", {0}),
        ("ocr read receipts/images --save-image boxes", {0}),
        ("ocr read receipts/images --format pdf --out searchable", {0}),
        ("ocr extract receipts/images --json", {0}),
        ("ocr data convert receipts --to label_studio --out label_studio", {0}),
        ("ocr eval --data receipts --json", {0}),
        ("ocr tune recognizer --data receipts --json", {0}),
        ("ocr bench --data receipts --own --json", {0}),
        ("ocr data check receipts", {0, 1}),
        ("ocr data crops receipts --out crops.lmdb", {0}),
        ("ocr data split receipts --parts train=0.5,val=0.5 --out lists", {0}),
        ("ocr batch receipts/images --out batch --workers 1", {0}),
        ("ocr serve keys add shop", {0}),
        ("ocr runs list", {0}),
        ("ocr checkpoints list", {0}),
        ("ocr export --help", {0}),
        ("preflight check .", {0, 1}),
        ("compass pulse-status", {0, 1}),
        ("aqms types", {0}),
    ],
)
def test_a_torch_free_command_runs_with_torch_blocked(receipts: Path, command: str, codes: set[int]) -> None:
    done = run(receipts, *command.split())
    assert done.returncode in codes, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_the_shipped_bundles_read_what_is_printed(receipts: Path) -> None:
    """Most words of a clean synthetic receipt come out: the demo shows something real."""
    pages = json.loads(run(receipts, "ocr", "read", "receipts/images", "--json").stdout)["pages"]
    truth = json.loads((receipts / "receipts/annotations.json").read_text())["images"]
    for page in pages:
        words = next(v["words"] for k, v in truth.items() if Path(k).name == Path(page["image"]["source"]).name)
        printed = {word.lower() for entry in words.values() for word in entry["transcription"].split()}
        read = {word.lower() for line in page["lines"] for word in line["text"].split()}
        assert len(printed & read) > 0.6 * len(printed)
