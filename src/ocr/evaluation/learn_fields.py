"""Learn the models of fields from receipts, judged on merchants that were not learnt from.

    python -m ocr.evaluation.learn_fields sroie/train sroie/train_more --readings outputs/readings --out outputs/fields

Each data set has `img/ID.jpg`, `key/ID.json` and, in it or above it, a `splits.tsv` with merchant groups. Results of
the reader are kept in the folder of readings, so that a second call with the same reader is quick.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from durable.replace import replacing, write_json, write_text
from ocr.datasets.layouts.box_text import image_of
from ocr.datasets.split import merchant_groups
from ocr.errors import AnnotationError, OcrError
from ocr.evaluation.fields import FieldReport, Key, judge, read_keys
from ocr.fields import learn
from ocr.fields.classifier import Classifier
from ocr.fields.extract import extract
from ocr.fields.learn import Example
from ocr.formats.page import Page
from ocr.images.load import load_image
from ocr.inference.engine import open_reader
from ocr.schema import Mismatch, from_json, to_json

FOLDS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, judge by folds of merchants, learn from all, write."""
    parser = argparse.ArgumentParser(prog="python -m ocr.evaluation.learn_fields")
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--readings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        read = [one for folder in options.data for one in read_receipts(folder, options.readings)]
    except OcrError as error:
        print(f"learn_fields: {error}", file=sys.stderr)
        return 2
    examples = [learn.example(*one) for one in read]
    report = cross_validate(examples)
    for metric in report.metrics:
        print(f"{metric.name:28} {metric.value:.4f}  {metric.low:.4f} to {metric.high:.4f}  n = {metric.n}")
    write_models(options.out, examples, report)
    return 0


def read_receipts(folder: Path, readings: Path) -> list[tuple[Page, Key, str]]:
    """Page, key and merchant group of the receipts of a data set, read by the shipped reader or, if it has, as kept.

    Raises AnnotationError when a merchant is not known or an image is not there, ImageError when it is damaged.
    """
    groups = merchant_groups(folder)
    if not groups:
        raise AnnotationError(folder, "its merchants are not known", "put a splits.tsv with merchant_group beside it")
    readings.mkdir(parents=True, exist_ok=True)
    reader = open_reader()
    receipts = []
    for name, key in read_keys(folder / "key").items():
        if name not in groups:
            raise AnnotationError(folder / "key" / f"{name}.json", "has no merchant", "list it in splits.tsv")
        kept = readings / f"{name}.json"
        page = _kept(kept)
        if page is None or page.models != reader.models:
            image = image_of(folder / "img", name)
            page = reader.read(load_image(image), source=image.name)
            write_text(kept, to_json(page))
        receipts.append((page, key, groups[name]))
    return receipts


def _kept(path: Path) -> Page | None:
    """The reading in a file; None when there is none, or it is damaged or of another version."""
    try:
        return from_json(Page, path.read_bytes())
    except (FileNotFoundError, Mismatch):
        return None


def cross_validate(examples: Sequence[Example], folds: int = FOLDS) -> FieldReport:
    """Judge each receipt by models that never saw its merchant."""
    groups = sorted({example.group for example in examples})
    random.Random(0).shuffle(groups)
    fold_of = {group: index % folds for index, group in enumerate(groups)}
    receipts = {}
    for fold in range(folds):
        known = [example for example in examples if fold_of[example.group] != fold]
        lines, totals, words = learn.fit_lines(known), learn.fit_totals(known), learn.words(known)
        for example in examples:
            if fold_of[example.group] == fold:
                receipts[_name(example)] = extract(example.page, models=(lines, totals), words=words)
    return judge(receipts, {_name(example): example.key for example in examples}, data="merchants held out")


def write_models(folder: Path, examples: Sequence[Example], report: FieldReport) -> None:
    """Write the models learnt from all examples, each with its card, and the words of names and addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = [asdict(metric) for metric in report.metrics]
    for name, model in (("lines", learn.fit_lines(examples)), ("totals", learn.fit_totals(examples))):
        _write_weights(folder / f"{name}.npz", model)
        card = {
            "name": name,
            "architecture": "logistic regression over hashed features, numpy",
            "classes": list(model.classes),
            "receipts": len(examples),
            "merchants": len({example.group for example in examples}),
            "metrics": figures,
            "data": "SROIE (Huang et al., ICDAR 2019), training split, as read by the shipped reader; CC BY 4.0",
            "licence": "Apache-2.0",
        }
        write_json(folder / f"{name}.json", card)
    write_text(folder / "words.json", json.dumps(learn.words(examples), indent=0) + "\n")


def _write_weights(path: Path, model: Classifier) -> None:
    used = np.flatnonzero(model.weights.any(axis=1)).astype(np.uint16)
    with replacing(path) as temporary:
        np.savez_compressed(temporary, buckets=used, weights=model.weights[used].astype(np.float16))


def _name(example: Example) -> str:
    return Path(example.page.image.source).stem


if __name__ == "__main__":
    raise SystemExit(main())
