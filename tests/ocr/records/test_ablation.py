"""Ablations: what is declared, how jobs end and go on, what the tables say."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocr.cli.main import main
from ocr.errors import ConfigError, RecordError
from ocr.records.ablation.effects import effects, rows, unlogged
from ocr.records.ablation.grid import Grid, read_grid
from ocr.records.ablation.run import JobState, claim, job_state, run_all
from ocr.records.ablation.tables import as_csv, as_latex, as_markdown, save_plot
from ocr.records.run import Run, edit_record, read_record

TINY = Path(__file__).parents[1] / "training" / "tiny"
TARGETS = "tiny_ocr.TinyModule,tiny_ocr.TinyNetwork,tiny_ocr.TinyData,torch.nn.modules.loss.MSELoss"

RATES = {
    "name": "rates",
    "base": ["model=tiny"],
    "factors": {"train.optimizer.lr": [0.01, 0.001], "model.network.width": [8, 16]},
    "seeds": [1, 2],
    "metric": "val/hmean",
}


def grid(**changes) -> Grid:
    return Grid.model_validate(RATES | changes)


def call(arguments: list[str]) -> int:
    """Exit code of the ``ocr`` command."""
    try:
        return main(arguments)
    except SystemExit as leaving:
        return int(leaving.code or 0)


# --- what is declared ------------------------------------------------------------------------------------------------


def test_a_grid_makes_every_combination_with_every_seed_the_baseline_first():
    jobs = grid().jobs()
    assert len(jobs) == len({job.name for job in jobs}) == 8
    assert (jobs[0].values, jobs[0].seed) == ({"train.optimizer.lr": 0.01, "model.network.width": 8}, 1)
    assert jobs[0].name.startswith("lr-0.01_width-8_seed-1-")
    assert grid().overrides(jobs[-1]) == [
        "model=tiny",
        "train.optimizer.lr=0.001",
        "model.network.width=16",
        "seed=2",
        "name=rates",
        "run.tags=[ablation,rates]",
    ]


def test_one_factor_at_a_time_makes_the_baseline_and_a_job_for_each_other_value():
    jobs = grid(design="single", seeds=[5], baseline={"model.network.width": 16}).jobs()
    assert [list(job.values.values()) for job in jobs] == [[0.01, 16], [0.001, 16], [0.01, 8]]


def test_names_hold_nothing_a_file_system_or_hydra_minds():
    (_, job) = grid(factors={"data.root": ["a", "/b c/d,e=1"]}, seeds=[1]).jobs()
    assert "/" not in job.name
    assert grid(factors={"data.root": ["a", "/b c/d,e=1"]}).overrides(job)[1] == "data.root='/b c/d,e=1'"
    assert grid(factors={"x": [True, False]}).overrides(grid(factors={"x": [True, False]}).jobs()[0])[1] == "x=true"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"factors": {"a": [1]}}, r"factors\.a: give two values or more, each once"),
        ({"factors": {"a": [1, 1]}}, r"factors\.a: give two values or more"),
        ({"baseline": {"model.network.width": 9}}, r"baseline\.model\.network\.width: 9 is not among its values"),
        ({"baseline": {"depth": 9}}, r"baseline\.depth: is no factor"),
        ({"seeds": [1, 1]}, "seeds: each only once"),
        ({"colour": 1}, "colour: unknown key"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, changes, named):
    (tmp_path / "grid.yaml").write_text(json.dumps(RATES | changes))
    with pytest.raises(ConfigError, match=named):
        read_grid(tmp_path / "grid.yaml")


def test_a_file_that_is_no_grid_is_named(tmp_path, capsys):
    (tmp_path / "grid.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"grid\.yaml: not YAML"):
        read_grid(tmp_path)
    assert call(["ablation", "run", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml: cannot be read" in capsys.readouterr().err


# --- jobs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working directory whose trainings take a second, beside the start of their process."""
    shutil.copytree(TINY / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TINY), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OCR_ALLOW_TARGETS", TARGETS)
    return tmp_path


BASE = ["model=tiny", "data=tiny", "logger=[csv]", "trainer.max_epochs=1"]


def test_jobs_train_in_folders_of_their_own_a_failed_one_stops_no_other_and_a_second_call_tries_it_anew(home, capsys):
    declared = RATES | {"base": BASE, "factors": {"model.network.width": [8, "nonsense"]}, "seeds": [1]}
    (home / "rates.yaml").write_text(json.dumps(declared))
    assert call(["ablation", "run", "rates.yaml", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("ocr train model=tiny") == 2
    assert call(["ablation", "run", "rates.yaml", "--jobs", "2", "--json"]) == 1
    said = capsys.readouterr()
    assert "outputs/ablation/rates: 1 of 2 jobs completed" in said.err
    good, bad = json.loads(said.out)
    assert (good["state"], bad["state"]) == ("completed", "failed")
    assert good["metric"] == good["val/hmean"] > 0
    assert read_record(Path(good["folder"])).overrides[-1] == "run.tags=[ablation,rates]"
    assert bad["reason"].startswith("TypeError: ")

    before = read_record(Path(good["folder"]))
    assert call(["ablation", "run", "rates.yaml"]) == 1
    capsys.readouterr()
    assert call(["ablation", "collect", "outputs/ablation/rates", "--json"]) == 0
    good, bad = json.loads(capsys.readouterr().out)
    assert read_record(Path(good["folder"])) == before
    assert Path(bad["folder"]).name == "2"

    assert call(["ablation", "collect", "outputs/ablation/rates", "--out", "rates.csv"]) == 0
    assert [row["state"] for row in csv.DictReader((home / "rates.csv").open())] == ["completed", "failed"]
    assert call(["ablation", "table", "outputs/ablation/rates"]) == 0
    assert "| model.network.width | 8 (baseline) | 1 |" in capsys.readouterr().out
    (home / "other.yaml").write_text(json.dumps(declared | {"seeds": [7]}))
    assert call(["ablation", "run", "other.yaml"]) == 2
    assert "holds another ablation of that name" in capsys.readouterr().err


def with_interrupts():
    """Let Ctrl-C through, which a shell takes from what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_the_middle_its_jobs_are_interrupted_and_go_on(home, number, code):
    long = ["model=tiny", "data=tiny", "logger=[csv]", "trainer.max_epochs=100000"]
    declared = RATES | {"base": long, "factors": {"model.network.width": [8, 16]}, "seeds": [1]}
    (home / "rates.yaml").write_text(json.dumps(declared))
    process = subprocess.Popen(
        [sys.executable, "-m", "ocr.cli.main", "ablation", "run", "rates.yaml"],
        stderr=subprocess.DEVNULL,
        preexec_fn=with_interrupts,
    )
    grid_ = grid(**declared)
    folder = Path("outputs/ablation/rates")
    first = grid_.jobs()[0]
    run_folder = folder / first.name / "1"
    for _ in range(1200):
        if (run_folder / "checkpoints" / "last.ckpt").exists():
            break
        time.sleep(0.1)
    with pytest.raises(RecordError, match="another process is running this ablation"):
        run_all(grid_, folder, jobs=1, tell=print)
    process.send_signal(number)
    assert process.wait(60) == code
    assert [job_state(folder, job).state for job in grid_.jobs()] == ["interrupted", "waiting"]
    # What the next call asks of the training command.
    ended = run_all(
        grid_, folder, jobs=2, tell=print, command=[sys.executable, "-c", "import sys; print(*sys.argv[1:])"]
    )
    asked = [(state.folder / "output.log").read_text().splitlines()[-1] for state in ended]
    assert f"resume={run_folder} hydra.run.dir={run_folder}" in asked[0]
    assert "resume=" not in asked[1]


# --- tables ----------------------------------------------------------------------------------------------------------


def recorded(folder: Path, declared: Grid, scores) -> list[JobState]:
    """Jobs as they would have ended with these scores; None for one that failed."""
    for job, score in zip(declared.jobs(), scores, strict=True):
        run = Run.start(folder / job.name / "1", run_id=job.name, name="x")
        if score is None:
            run.end("failed", "out of memory")
        else:
            run.update(metrics={declared.metric: score})
            run.end("completed")
    return [job_state(folder, job) for job in declared.jobs()]


def test_effects_are_means_spreads_and_paired_differences(tmp_path):
    declared = grid()
    # lr .01: width 8 (.80 .82), width 16 (.90 .94); lr .001: width 8 (.70 .74), width 16 (failed, .80)
    states = recorded(tmp_path, declared, [0.80, 0.82, 0.90, 0.94, 0.70, 0.74, None, 0.80])
    first, second, narrow, wide = effects(declared, states)
    assert (first.is_baseline, first.n, first.difference, first.pairs) == (True, 4, None, 0)
    assert first.mean == pytest.approx(0.865)
    assert first.spread == pytest.approx(((0.0002 + 0.0008) / 2) ** 0.5)
    assert (second.n, second.pairs) == (3, 3)
    assert second.difference == pytest.approx((-0.10 - 0.08 - 0.14) / 3)
    assert wide.difference == pytest.approx((0.10 + 0.12 + 0.06) / 3)
    assert wide.deviation == pytest.approx(0.0306, abs=1e-4)
    assert narrow.mean == pytest.approx(0.765)
    assert [row["state"] for row in rows(declared, states)].count("failed") == 1

    one = grid(seeds=[1], design="single")
    alone = effects(one, recorded(tmp_path / "single", one, [0.5, 0.6, 0.7]))
    assert [(e.value, e.n, e.spread) for e in alone] == [(0.01, 1, None), (0.001, 1, None), (8, 1, None), (16, 1, None)]
    assert [e.difference for e in alone] == [None, pytest.approx(0.1), None, pytest.approx(0.2)]


def test_tables_and_plots_say_it(tmp_path):
    declared = grid(factors={"model_width": [8, 16]}, seeds=[1, 2])
    found = effects(declared, recorded(tmp_path, declared, [0.80, 0.82, 0.90, None]))
    assert as_markdown(found) == (
        "| factor | value | n | mean | spread | difference | deviation | pairs |\n"
        "|---|---|---|---|---|---|---|---|\n"
        "| model_width | 8 (baseline) | 2 | 0.8100 | 0.0141 | - | - | 0 |\n"
        "| model_width | 16 | 1 | 0.9000 | - | +0.1000 | - | 1 |\n"
    )
    assert as_csv(found).splitlines()[2] == "model_width,16,1,0.9,,0.09999999999999998,,1,False"
    latex = as_latex(found)
    assert latex.startswith("\\begin{tabular}{llrrrrrr}")
    assert "model\\_width & 16 & 1 & 0.9000 & - & +0.1000 & - & 1 \\\\" in latex
    for suffix, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        save_plot(found, "val/hmean", tmp_path / f"plot{suffix}")
        assert (tmp_path / f"plot{suffix}").read_bytes().startswith(begins)


def test_completed_jobs_without_the_metric_are_said(tmp_path, capsys):
    declared = grid(factors={"model_width": [8, 16]}, seeds=[1])
    claim(declared, tmp_path)
    states = recorded(tmp_path, declared, [0.8, 0.9])
    assert unlogged(declared, states) is None
    edit_record(states[1].folder, lambda record: setattr(record, "metrics", {"train/loss": 1.0}))
    assert call(["ablation", "table", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "| model_width | 16 | 0 |" in said.out
    assert said.err.startswith("1 of 2 completed jobs logged no val/hmean, but train/loss: name one of these")


def test_plots_have_their_own_kinds_of_file(tmp_path, capsys):
    assert call(["ablation", "plot", str(tmp_path), "--out", "a.txt"]) == 2
    assert "pictures are .png, .svg or .pdf" in capsys.readouterr().err
