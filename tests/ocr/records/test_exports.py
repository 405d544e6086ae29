"""Runs as MLflow and TensorBoard read them back."""

import json
from pathlib import Path

import pytest
import yaml

from ocr.cli.main import main
from ocr.errors import RecordError
from ocr.records.history import Point, read_history
from ocr.records.layout import card_path
from ocr.records.run import edit_record


@pytest.fixture
def home(tmp_path, monkeypatch, make_run, make_checkpoint):
    """A working directory with a completed and a failed run, one resumed in its folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs" / "a"
    make_run(folder, "r1", task="detection", tags=["paper"], overrides=["a=1"], config=".hydra/resolved.yaml")
    edit_record(folder, lambda record: record.notes.append("longer\nwas better"))
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "resolved.yaml").write_text(yaml.safe_dump({"a": {"lr": 0.5}, "long": "x" * 7000}))
    (folder / "metrics-1.csv").write_text("step,epoch,val/hmean,train/loss\n1,0,0.1,\n2,0,,0.9\n3,0,0.3,\n")
    (folder / "metrics.csv").write_text("step,epoch,val/hmean\n3,0,0.4\n4,1,0.6\n5,1,na")
    make_checkpoint(folder / "checkpoints", "epoch-00", run_id="r1")
    failed = tmp_path / "outputs" / "b"
    make_run(failed, "r2", status="failed", metrics={"val/hmean": 0.2}, step=9)
    return tmp_path


@pytest.fixture
def export(home, capsys):
    def run(*arguments: str, code: int = 0) -> str:
        try:
            got = main(["runs", "export", *arguments])
        except SystemExit as leaving:
            got = leaving.code
        out, run.err = capsys.readouterr()
        assert (got or 0) == code, (out, run.err)
        return out

    return run


def test_the_history_of_a_resumed_run_is_one(home):
    history = read_history(home / "outputs" / "a")
    assert history["val/hmean"] == [Point(1, 0.1), Point(3, 0.4), Point(4, 0.6)]
    assert history["train/loss"] == [Point(2, 0.9)]
    assert read_history(home) == {}
    (home / "metrics.csv").write_bytes(b"step,x\n1,\xff")
    with pytest.raises(RecordError, match=r"metrics\.csv: cannot be read"):
        read_history(home)


def test_mlflow_reads_everything_back(export, home):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{home}/mlflow.sqlite"
    assert export("--to", "mlflow", uri) == f"2 of 2 runs added to {uri}\n"
    assert export("--to", "mlflow", uri) == f"0 of 2 runs added to {uri}\n"
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("receipt-ocr").experiment_id
    runs = {run.data.tags["ocr.run_id"]: run for run in client.search_runs([experiment])}
    assert {name: run.info.status for name, run in runs.items()} == {"r1": "FINISHED", "r2": "FAILED"}
    first = runs["r1"]
    assert first.data.params["a.lr"] == "0.5"
    assert len(first.data.params["long"]) == 6000
    assert "packages.pydantic" in first.data.params
    assert (first.data.tags["tag.paper"], first.data.tags["ocr.notes"]) == ("true", "longer\nwas better")
    points = client.get_metric_history(first.info.run_id, "val/hmean")
    assert sorted((point.step, point.value) for point in points) == [(1, 0.1), (3, 0.4), (4, 0.6)]
    assert runs["r2"].data.metrics == {"val/hmean": 0.2}
    card = client.download_artifacts(first.info.run_id, "cards/epoch-00.metadata.json")
    assert Path(card).read_bytes() == card_path(home / "outputs" / "a" / "checkpoints" / "epoch-00.ckpt").read_bytes()
    assert {f.path for f in client.list_artifacts(first.info.run_id, "run")} == {"run/run.json", "run/resolved.yaml"}


def test_tensorboard_reads_everything_back(export, home):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert export("--to", "tensorboard", "events", "--where", "status=completed") == "1 of 1 run added to events\n"
    assert export("--to", "tensorboard", "events") == "1 of 2 runs added to events\n"
    events = EventAccumulator(str(home / "events" / "r1"), size_guidance={"tensors": 0})
    events.Reload()
    scalars = [(event.step, round(event.value, 4)) for event in events.Scalars("val/hmean")]
    assert scalars == [(1, 0.1), (3, 0.4), (4, 0.6)]
    texts = {tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in events.Tags()["tensors"]}
    assert (texts["config/a.lr"], texts["tag.paper"], texts["ocr.notes"]) == ("0.5", "true", "longer\nwas better")
    assert json.loads(texts["card/epoch-00.metadata.json"])["run_id"] == "r1"


def test_a_run_that_cannot_be_read_stops_no_other(export, home):
    (home / "outputs" / "b" / "run.json").write_text("{")
    table = home / "outputs" / "a" / "metrics.csv"
    text = table.read_text()
    table.write_bytes(b"step,x\n1,\xff")
    assert export("--to", "tensorboard", "events", code=1) == "0 of 2 runs added to events\n"
    assert "outputs/b: not a run record" in export.err
    assert "metrics.csv: cannot be read" in export.err
    table.write_text(text)
    (home / "outputs" / "a" / ".hydra" / "resolved.yaml").write_text("a: [")
    export("--to", "tensorboard", "events", code=1)
    assert "resolved.yaml: no YAML" in export.err


def test_a_target_that_cannot_be_used_is_one_line(export, home):
    (home / "file").write_text("")
    export("--to", "tensorboard", "file", code=2)
    assert "file/r1: cannot be written: Not a directory" in export.err
    pytest.importorskip("mlflow")
    export("--to", "mlflow", "nonsense://x", code=2)
    assert "--to mlflow nonsense://x: " in export.err
    assert export.err.count("\n") == 1
