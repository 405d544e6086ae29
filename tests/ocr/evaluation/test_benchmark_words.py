import importlib.util
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "words.py"


def load():
    spec = importlib.util.spec_from_file_location("words", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_crops_come_with_their_texts_and_words_count_in_their_case(pages, tmp_path):
    words = load()
    files, texts = words.make_crops(pages, tmp_path)
    assert len(files) == len(texts) == 4
    assert all(Path(file).stat().st_size for file in files)
    assert words.row("upper", texts, [text.upper() for text in texts]) == "| upper | 4 | 0.250 | 1.000 |"


def test_a_peer_reads_in_its_own_interpreter(tmp_path):
    words = load()
    peer = tmp_path / "rapidocr.py"
    peer.write_text(
        "from types import SimpleNamespace\n"
        "class RapidOCR:\n"
        "    def __init__(self, params): pass\n"
        "    def __call__(self, file, **options): return SimpleNamespace(txts=[file.upper()] if file else None)\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    os.chmod(python, 0o755)
    assert words.theirs("rapidocr", str(python), ["a.png", ""], tmp_path) == ["A.PNG", ""]


def test_help_needs_no_data():
    assert (
        "--peer NAME=PYTHON"
        in subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True).stdout
    )
