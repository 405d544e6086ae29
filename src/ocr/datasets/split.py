"""Split data sets into parts that share no group (a merchant, say), the same way every time."""

import csv
import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

from durable.replace import write_json
from ocr.datasets.annotations import Sample, detect_layout, read_samples
from ocr.datasets.layouts.split import SUFFIX, Source, SplitList
from ocr.datasets.manifest import combine, manifest_line
from ocr.errors import AnnotationError, ConfigError

By = Literal["image", "merchant"]
COMPANY_FORMS = re.compile(r"\(.*?\)|\b(sdn|bhd|berhad|enterprise|trading|ltd|llc|inc)\b|[\W\d_]+")

Member = tuple[Path, str, str, str]
"""(data set, layout, name of the sample, its line in the manifest)"""


def parse_parts(text: str) -> dict[str, Fraction]:
    """Read ``train=0.9,val=0.1``; raises ConfigError when the shares are not positive or do not add up to 1."""
    parts: dict[str, Fraction] = {}
    for piece in text.split(","):
        name, equals, share = (field.strip() for field in piece.partition("="))
        try:
            value = Fraction(share)
        except (ValueError, ZeroDivisionError) as error:
            raise ConfigError(f"parts: {piece!r} is not NAME=SHARE; write for example train=0.9,val=0.1") from error
        if not re.fullmatch(r"[\w-]+", name) or not equals or value <= 0 or name in parts:
            raise ConfigError(f"parts: {piece!r} needs a name of its own and a share above 0, as in train=0.9,val=0.1")
        parts[name] = value
    if sum(parts.values()) != 1:
        raise ConfigError(f"parts: the shares of {text!r} add up to {float(sum(parts.values())):g}; make it 1")
    return parts


def split(
    paths: Iterable[Path], parts: Mapping[str, Fraction], *, seed: int = 0, by: By = "image", layout: str = "auto"
) -> dict[str, list[Member]]:
    """Return the members of each part.

    Groups are taken in an order that depends on the seed and their names alone, and each goes to the part that lacks
    most of its share. Raises AnnotationError when `by` is "merchant" and an image has none.
    """
    groups: dict[str, list[Member]] = defaultdict(list)
    for path in paths:
        kind = detect_layout(path) if layout == "auto" else layout
        merchants = merchant_groups(path) if by == "merchant" else {}
        for sample in read_samples(path, layout=kind):
            group = _merchant(sample, merchants) if by == "merchant" else f"{kind}/{sample.name}"
            groups[group].append((path, kind, sample.name, manifest_line(sample)))
    total = sum(map(len, groups.values()))
    members: dict[str, list[Member]] = {name: [] for name in parts}
    for group in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}\n{name}".encode()).digest()):
        # Largest share still lacking; the order of the parts decides a tie.
        part = max(parts, key=lambda name: 1 - len(members[name]) / (parts[name] * total))
        members[part] += groups[group]
    return members


def write_split(members: Mapping[str, Sequence[Member]], folder: Path, *, seed: int, by: By) -> list[Path]:
    """Write one list per part, `NAME.split.json`, which every command takes as a data set."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, part in members.items():
        sources: dict[tuple[Path, str], list[str]] = defaultdict(list)
        for path, layout, sample, _ in part:
            sources[path, layout].append(sample)
        content = SplitList(
            name=name,
            seed=seed,
            by=by,
            manifest_hash=combine(line for *_, line in part),
            sources=[
                Source(path=os.path.relpath(path.resolve(), folder.resolve()), layout=layout, names=sorted(names))
                for (path, layout), names in sorted(sources.items())
            ],
        )
        written.append(folder / f"{name}{SUFFIX}")
        write_json(written[-1], content.model_dump())
    return written


def merchant_groups(path: Path) -> dict[str, str]:
    """Return the merchant group of each receipt from a `splits.tsv` in or beside the data set, if there is one."""
    table = next((folder / "splits.tsv" for folder in (path, path.parent) if (folder / "splits.tsv").is_file()), None)
    if table is None:
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["key"]: row["merchant_group"] for row in rows if row.get("key") and row.get("merchant_group")}


def _merchant(sample: Sample, groups: Mapping[str, str]) -> str:
    """Return the merchant of a receipt: its group in the table, else the company in `key/ID.json`, simplified."""
    if sample.image.stem in groups:
        return f"group {groups[sample.image.stem]}"
    key = sample.image.parent.parent / "key" / f"{sample.image.stem}.json"
    try:
        company = json.loads(key.read_text(encoding="utf-8"))["company"]
        plain = COMPANY_FORMS.sub(" ", company.casefold()).split()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnnotationError(
            sample.image, "its merchant is not known", f"give {key.name} a company, or list it in splits.tsv"
        ) from error
    return "company " + "".join(plain)
