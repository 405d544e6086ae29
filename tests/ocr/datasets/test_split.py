"""Splits: the same words, the same split; no merchant in two parts; lists that read back as data sets."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from ocr.datasets.annotations import detect_layout, read_samples
from ocr.datasets.manifest import manifest_hash
from ocr.datasets.split import parse_parts, split, write_split
from ocr.errors import AnnotationError, ConfigError

PARTS = {"train": Fraction(8, 10), "val": Fraction(1, 10), "test": Fraction(1, 10)}


def names(members) -> dict[str, list[str]]:
    return {part: sorted(name for _, _, name, _ in found) for part, found in members.items()}


def test_shares_are_kept_and_nothing_is_lost_or_doubled(ocr_data: Path) -> None:
    paths = [ocr_data / "sroie" / "train", ocr_data / "sroie" / "val"]
    found = names(split(paths, PARTS))
    assert {part: len(chosen) for part, chosen in found.items()} == {"train": 144, "val": 18, "test": 18}
    everything = sorted(name for chosen in found.values() for name in chosen)
    assert everything == sorted(s.name for path in paths for s in read_samples(path))


def test_the_seed_decides_and_the_order_of_the_paths_does_not(ocr_data: Path) -> None:
    paths = [ocr_data / "icdar2015" / "train", ocr_data / "icdar2015" / "test", ocr_data / "korean" / "report"]
    first = names(split(paths, PARTS, seed=1))
    assert names(split(paths[::-1], PARTS, seed=1)) == first
    assert names(split(paths, PARTS, seed=2)) != first


@pytest.mark.parametrize("table", [True, False], ids=["splits.tsv", "key files"])
def test_no_merchant_is_in_two_parts(ocr_data: Path, tmp_path: Path, table: bool) -> None:
    source = ocr_data / "sroie" / "train"
    if not table:
        for folder in ("box", "key"):
            shutil.copytree(source / folder, tmp_path / folder)
        (tmp_path / "img").mkdir()
        source = tmp_path
    found = names(split([source], PARTS, by="merchant"))
    companies = {
        part: {json.loads((source / "key" / f"{name[:-4]}.json").read_text())["company"] for name in chosen}
        for part, chosen in found.items()
    }
    assert not companies["train"] & companies["val"]
    assert not companies["train"] & companies["test"]
    assert not companies["val"] & companies["test"]
    assert min(len(chosen) for chosen in found.values()) >= 5


def test_one_company_written_two_ways_stays_together(tmp_path: Path) -> None:
    spellings = ["MR D.I.Y. (M) SDN BHD", "MR. D.I.Y. SDN. BHD.", "Mr D I Y (JOHOR) Sdn Bhd", "OTHER TRADING"] * 3
    for folder in ("box", "key", "img"):
        (tmp_path / folder).mkdir()
    for number, company in enumerate(spellings):
        (tmp_path / "box" / f"{number:02d}.txt").write_text("")
        (tmp_path / "key" / f"{number:02d}.json").write_text(json.dumps({"company": company}))
    found = names(split([tmp_path], {"a": Fraction(3, 4), "b": Fraction(1, 4)}, by="merchant"))
    assert sorted(map(len, found.values())) == [3, 9]


@pytest.mark.parametrize("key", [None, "{", '{"date": "1.1.2020"}', '{"company": null}', "[]"])
def test_a_receipt_of_no_known_merchant_is_named(tmp_path: Path, key: str | None) -> None:
    for folder in ("box", "key", "img"):
        (tmp_path / folder).mkdir()
    (tmp_path / "box" / "a.txt").write_text("")
    if key is not None:
        (tmp_path / "key" / "a.json").write_text(key)
    with pytest.raises(AnnotationError, match=r"a\.jpg: its merchant is not known; give a\.json a company"):
        split([tmp_path], PARTS, by="merchant")


def test_lists_read_back_as_data_sets_with_their_hash(ocr_data: Path, tmp_path: Path) -> None:
    paths = [ocr_data / "receipts_other", ocr_data / "icdar2015" / "train"]
    members = split(paths, {"a": Fraction(1, 2), "b": Fraction(1, 2)})
    first, second = write_split(members, tmp_path / "lists", seed=0, by="image")
    assert first.name == "a.split.json"
    assert detect_layout(first) == "split"
    read = [sample.name for path in (first, second) for sample in read_samples(path)]
    assert sorted(read) == sorted(s.name for path in paths for s in read_samples(path))
    samples = list(read_samples(first))
    assert all(sample.image.is_file() and sample.polygons for sample in samples)
    content = json.loads(first.read_text())
    assert content["manifest_hash"] == manifest_hash(samples)
    assert not any(source["path"].startswith("/") for source in content["sources"])


def test_a_list_whose_data_is_gone_or_that_is_none_says_so(ocr_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.split.json"
    path.write_text("{}")
    with pytest.raises(AnnotationError, match="is not a split list"):
        list(read_samples(path))
    path.write_text("nonsense")
    with pytest.raises(AnnotationError, match="is not a split list"):
        list(read_samples(path))
    write_split({"a": [(ocr_data / "receipts_other", "side_by_side", "gone.jpg", "")]}, tmp_path, seed=0, by="image")
    with pytest.raises(AnnotationError, match=r"gone\.jpg is no longer in"):
        list(read_samples(path))
    errors: list[AnnotationError] = []
    assert list(read_samples(path, report=errors.append)) == []
    assert len(errors) == 1


def test_parts_are_read_as_fractions() -> None:
    assert parse_parts("train=0.8, val=0.1,test = 1/10") == PARTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train", "is not NAME=SHARE"),
        ("train=most", "is not NAME=SHARE"),
        ("train=1/0", "is not NAME=SHARE"),
        ("", "is not NAME=SHARE"),
        ("train=0.9,val=0.2", "add up to 1.1; make it 1"),
        ("train=1,val=0", "a share above 0"),
        ("train=0.5,train=0.5", "a name of its own"),
        ("../x=1", "a name of its own"),
    ],
)
def test_parts_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_parts(text)
