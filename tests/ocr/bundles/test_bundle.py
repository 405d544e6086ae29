"""Bundles: whole, verified, and refused with the reason when they are not."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ocr.bundles import bundle as bundles
from ocr.bundles.bundle import Bundle, load_bundle, load_prior, shipped_names, write_bundle
from ocr.bundles.card import BundleCard
from ocr.errors import BundleError
from ocr.fields.receipt import Receipts
from ocr.formats.page import Document
from ocr.schema import from_json, schema_text
from ocr.specs.decode import DecodeSpec, PriorSpec
from ocr.text.prior import build_prior

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(plain_recognizer: Bundle, tmp_path: Path) -> Path:
    write_bundle(tmp_path / "rec", plain_recognizer.model_path, plain_recognizer.card)
    return tmp_path / "rec"


def edit_card(folder: Path, **changes: object) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_bundle_comes_back_as_it_was_written(folder: Path, plain_recognizer: Bundle) -> None:
    loaded = load_bundle(folder, task="recognition")
    assert loaded.card == plain_recognizer.card
    assert loaded.sha256 == loaded.card.weights_sha256 == plain_recognizer.sha256
    assert load_bundle(str(folder)).model_path == folder / "model.onnx"


def test_shipped_bundles_go_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "SHIPPED", folder.parent)
    assert shipped_names() == ["rec"]
    assert load_bundle("rec").card.task == "recognition"
    with pytest.raises(BundleError, match=r"nothing: no such bundle; .* \(rec\)"):
        load_bundle("nothing")


WRONG = {
    "changed model": (lambda f: (f / "model.onnx").write_bytes(b"other"), r"model\.onnx: its SHA-256 starts with"),
    "no model": (lambda f: (f / "model.onnx").unlink(), r"model\.onnx: cannot be read \(No such file"),
    "no card": (lambda f: (f / "card.json").unlink(), r"card\.json: cannot be read"),
    "no JSON": (lambda f: (f / "card.json").write_text("{"), r"card\.json: document: Invalid JSON"),
    "later schema": (lambda f: edit_card(f, schema_version=2), r"schema_version: Input should be 1"),
    "unknown key": (lambda f: edit_card(f, shape=3), r"card\.json: shape: unknown key"),
    "no charset": (lambda f: edit_card(f, charset=None), "a recognition card needs charset"),
    "both specs": (lambda f: edit_card(f, postprocess={}), "a recognition card has no postprocess"),
    "bad digest": (lambda f: edit_card(f, weights_sha256="abc"), "weights_sha256: String should match"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_bundle_that_is_not_whole_is_refused(kind: str, folder: Path) -> None:
    change, message = WRONG[kind]
    change(folder)
    with pytest.raises(BundleError, match=message) as caught:
        load_bundle(folder)
    assert "\n" not in str(caught.value)


def with_prior(folder: Path) -> Bundle:
    data = build_prior(["ab"]).to_bytes()
    bundle = load_bundle(folder)
    spec = PriorSpec(sha256=hashlib.sha256(data).hexdigest(), weight=0.3, bonus=0.4)
    decode = DecodeSpec(kind="ctc", prior=spec)
    return write_bundle(folder, bundle.model_path, replace(bundle.card, decode=decode), data)


def test_a_prior_travels_with_its_bundle(folder: Path) -> None:
    assert load_prior(load_bundle(folder)) is None
    prior = load_prior(with_prior(folder))
    assert prior is not None
    assert prior.alphabet.endswith("AB")
    bundle = load_bundle(folder)
    plain = replace(bundle.card, decode=DecodeSpec(kind="ctc"))
    write_bundle(folder, bundle.model_path, plain)
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "model.onnx"]


WRONG_PRIORS = {
    "missing": (lambda f: (f / "prior.bin").unlink(), r"prior\.bin: cannot be read \(No such file"),
    "another": (lambda f: (f / "prior.bin").write_bytes(b"other"), "is not the prior that the card was written for"),
}


@pytest.mark.parametrize("kind", WRONG_PRIORS)
def test_a_prior_that_is_not_the_cards_is_refused(kind: str, folder: Path) -> None:
    with_prior(folder)
    change, message = WRONG_PRIORS[kind]
    change(folder)
    with pytest.raises(BundleError, match=message):
        load_prior(load_bundle(folder))


def test_the_wrong_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a recognition bundle; a detection bundle is needed"):
        load_bundle(folder, task="detection")
    with pytest.raises(BundleError, match=r"is a file; a bundle is a folder with model\.onnx"):
        load_bundle(folder / "model.onnx")


@pytest.mark.parametrize(
    ("model", "file"), [(BundleCard, "bundle-card"), (Document, "document"), (Receipts, "receipts")]
)
def test_published_schemas_are_current(model: type, file: str) -> None:
    path = ROOT / "docs" / "schemas" / f"{file}.schema.json"
    assert path.read_text("utf-8") == schema_text(model), f"write {path.name} anew: see {model.__module__}"


@pytest.mark.parametrize("module", ["ocr.bundles.card", "ocr.bundles.bundle"])
def test_cards_need_no_numpy(module: str) -> None:
    code = f"import sys; sys.modules.update(numpy=None, cv2=None, torch=None); import {module}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_shipped_cards_are_what_checking_them_gives() -> None:
    for name in shipped_names():
        data = (bundles.SHIPPED / name / "card.json").read_bytes()
        assert load_bundle(name).card == from_json(BundleCard, data)


@pytest.mark.parametrize("kind", ["no JSON", "unknown key", "no charset", "both specs"])
def test_a_damaged_shipped_card_is_told_of_as_any_other(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "SHIPPED", folder.parent)
    change, message = WRONG[kind]
    change(folder)
    with pytest.raises(BundleError, match=message):
        load_bundle("rec")
