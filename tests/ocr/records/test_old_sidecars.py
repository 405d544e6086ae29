"""Sidecars of the old code: listed, checked, and made cards of today by the doctor, without a migration."""

import json

import pytest
import torch
import yaml

from ocr.cli.main import main
from ocr.records.catalog import Catalog
from ocr.records.checkpoint import file_sha256, read_card
from ocr.records.layout import OLD_LAYOUTS, WHOLE

pytestmark = [pytest.mark.old_layouts, pytest.mark.filterwarnings("ignore::ocr.errors.OldLayoutWarning")]


@pytest.fixture
def old(tmp_path, old_card, monkeypatch):
    """Write an old run with one checkpoint and the sidecars that are asked for; return the checkpoint."""
    monkeypatch.chdir(tmp_path)

    def write(*forms: str, state: object = None, **changes: object):
        folder = tmp_path / "outputs" / "2025-10-18" / "10-11-12" / "checkpoints"
        (folder.parent / ".hydra").mkdir(parents=True, exist_ok=True)
        config = {"seed": 4, "model": {"encoder": {"model_name": "resnet18"}}}
        (folder.parent / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
        folder.mkdir(exist_ok=True)
        path = folder / "epoch-00_step-000077.ckpt"
        torch.save({"state_dict": {"model.w": torch.ones(9)}, "epoch": 0, "global_step": 77, "extra": state}, path)
        card = old_card | {"checkpoint_path": f"checkpoints/{path.name}"}
        for form in forms:
            text = yaml.safe_dump(card) if form == "yaml" else json.dumps(card)
            path.with_name(f"{path.stem}.metadata.{form}").write_text(text)
            card = card | changes
        return path

    return write


@pytest.fixture
def ocr(capsys):
    def run(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as leaving:
            main(["checkpoints", *arguments])
        out, err = capsys.readouterr()
        assert (leaving.value.code, "Traceback" in err) == (code, False), (out, err)
        run.err = err
        return out

    return run


def test_scores_that_are_no_numbers_have_no_place_in_any_order(tmp_path, old_card, ocr, make_checkpoint):
    for day, hmean in (("20", 0.5), ("19", float("nan")), ("18", 0.88), ("17", float("-inf"))):
        path = make_checkpoint(tmp_path / "old" / f"a_202510{day}_100000" / "checkpoints", f"x{day}", card=False)
        card = old_card | {"created_at": f"2025-10-{day}T10:00:00", "metrics": {"hmean": hmean}}
        path.with_name(f"{path.stem}.metadata.yaml").write_text(yaml.safe_dump(card))
    roots = ("--root", str(tmp_path / "old"))
    assert [line.split()[0] for line in ocr("best", *roots).splitlines()[1:2]] == ["0.88"]
    rows = json.loads(ocr("list", "--sort", "-score", "--json", *roots), parse_constant=pytest.fail)
    assert [row["score"] for row in rows] == [0.88, 0.5, None, None]
    assert ocr("list", *roots).splitlines()[2].split()[0] == "-"


@pytest.mark.parametrize("forms", [["yaml"], ["json"], ["yaml", "json"]])
def test_the_doctor_makes_a_card_of_an_old_sidecar_and_keeps_it(old, ocr, forms):
    path = old(*forms)
    before = {form: path.with_name(f"{path.stem}.metadata.{form}").read_bytes() for form in forms}
    assert "its old sidecar would become a card" in ocr("doctor", "--dry-run")
    assert sorted(p.name for p in path.parent.iterdir()) == sorted(
        [path.name, *(f"{path.stem}.metadata.{form}" for form in forms)]
    )
    assert "its old sidecar became a card, and is kept as epoch-00_step-000077.metadata." in ocr("doctor")
    card = read_card(path)
    assert (card.encoder, card.epoch, card.step, card.seed) == ("resnet18", 0, 77, 4)
    assert (card.weights_sha256, card.size) == (file_sha256(path), path.stat().st_size)
    for form, content in before.items():
        assert path.with_name(f"{path.stem}.metadata.{form}.old").read_bytes() == content
    catalog = Catalog([path.parents[3]])
    (row,) = catalog.find()
    assert (row["state"], row["score"], catalog.problems) == (WHOLE, 0.8839, [])
    assert "old" not in row
    ocr("doctor")
    assert "every checkpoint has its card" in ocr.err
    ocr("validate")


def test_what_stopped_between_card_and_sidecar_is_ended(old, ocr):
    path = old("yaml")
    sidecar = path.with_name(f"{path.stem}.metadata.yaml")
    text = sidecar.read_text()
    ocr("doctor")
    card = read_card(path)
    sidecar.write_text(text)
    assert "two cards" in ocr("list", "--json", code=1)
    ocr("doctor")
    assert (read_card(path), sidecar.exists()) == (card, False)


def test_two_sidecars_that_differ_are_left(old, ocr):
    path = old("yaml", "json", exp_name="another")
    ocr("doctor", code=1)
    assert "two cards that differ: epoch-00_step-000077.metadata.yaml, epoch-00_step-000077.metadata.json" in ocr.err
    assert len(list(path.parent.iterdir())) == 3


class Kept:
    """What the old code kept beside the weights, an object of its own."""


def test_a_checkpoint_that_is_more_than_weights_gets_its_card_all_the_same(old, ocr):
    path = old("yaml", state=Kept())
    assert "told by its old sidecar alone; its old sidecar became a card" in ocr("doctor", code=1)
    assert "holds more than tensors and plain values" in ocr.err
    assert read_card(path).weights_sha256 == file_sha256(path)


def damage(path):
    content = bytearray(path.read_bytes())
    spot = content.index(torch.ones(9).numpy().tobytes())
    content[spot] ^= 1
    path.write_bytes(content)
    return "has another sum than it was written with"


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-30])
    return "damaged or no checkpoint"


@pytest.mark.parametrize("spoil", [damage, cut_off])
def test_without_a_checksum_the_sums_of_the_file_itself_are_checked(old, ocr, spoil):
    path = old("yaml")
    assert ocr("validate").splitlines()[1].startswith("whole")
    reason = spoil(path)
    assert reason in ocr("validate", code=1)
    assert reason in ocr.err


def test_no_card_is_written_for_a_damaged_file(old, ocr):
    path = old("yaml")
    cut_off(path)
    assert "no checkpoint; nothing" in ocr("doctor", code=1)
    assert not path.with_name(f"{path.stem}.metadata.json").exists()


@pytest.mark.parametrize("version", ["2.0", "10.0", ""])
def test_a_sidecar_of_an_unknown_version_is_a_problem(old, ocr, old_card, version):
    old_card["schema_version"] = version
    old("yaml")
    assert "resnet18 (inferred)" in ocr("list", code=1)
    assert "schema_version: String should match pattern" in ocr.err
    assert "schema_version" in ocr("doctor", "--json", code=1)


def test_a_tree_that_the_doctor_saw_migrates(old, ocr, tmp_path, capsys):
    path = old("yaml", "json")
    ocr("doctor")
    card = read_card(path)
    path.parents[3].rename(tmp_path / "outputs.old")
    with pytest.raises(SystemExit, match="0"):
        main(["migrate", "outputs", "outputs.old"])
    with pytest.raises(SystemExit, match="0"):
        main(["migrate", "verify"])
    capsys.readouterr()
    new = tmp_path / "outputs" / "2025-10-18" / "10-11-12" / "checkpoints" / path.name
    assert read_card(new) == card
    assert (new.with_name(f"{path.stem}.metadata.yaml.old")).is_file()


def test_with_old_layouts_off_the_sidecar_counts_for_nothing(old, ocr, monkeypatch):
    monkeypatch.setenv(OLD_LAYOUTS, "off")
    path = old("yaml")
    assert "resnet18 (inferred)" in ocr("list", code=1)
    ocr("validate", code=1)
    ocr("doctor", code=1)
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".ckpt", ".yaml"]
